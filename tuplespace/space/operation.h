// Operations are what a shard is asked to do, answers what it says. Both are plain values; how
// they travel is the server's business.
//
// Threads: any (values).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/status.h"
#include "tuplespace/store/batch.h"
#include "tuplespace/tuple/template.h"
#include "tuplespace/tuple/tuple.h"

namespace tuplespace {

using Sequence = uint64_t;   // of one shard; below 2^53
using SessionId = uint64_t;  // 0: none
using Number = uint64_t;     // of an operation in its session

// Where an answer goes: an opaque address that the engine understands.
struct ReplyTo {
  uint64_t receiver = 0;  // 0: nobody
  uint64_t token = 0;     // the receiver's own mark for this operation
};

struct NumberRange {
  Number first;
  Number last;  // included
};

enum class Durability : uint8_t { kSync = 1, kAsync = 2, kMemory = 3 };

enum class Order : uint8_t { kDefault, kOldest, kNewest, kLeast, kGreatest, kRandom };

struct Selection {
  Order order = Order::kDefault;
  uint32_t field = 0;      // kLeast, kGreatest
  std::string field_name;  // instead of `field`, if not empty
};

struct Out {
  std::string space;
  Tuple tuple;
  std::optional<Duration> ttl;    // > 0
  std::optional<Duration> delay;  // >= 0
  bool pulse = false;
};

// `in` and `rd`.
struct Take {
  std::string space;
  Template wanted;
  bool remove = true;            // false: rd
  std::optional<Duration> wait;  // absent: without end; 0: a probe
  Selection choice;
  uint32_t max = 1;
};

struct Count {
  std::string space;
  Template wanted;
};

struct Scan {
  std::string space;
  Template wanted;
  Sequence after = 0;
  Sequence until = 0;
  uint32_t max = 0;
};

struct Policy {
  std::optional<Durability> durability;  // absent: the server's default
  uint16_t shard = 0;
  Order order = Order::kOldest;  // kOldest, kNewest or kRandom
  uint64_t tuples_max = 0;       // 0: no bound of its own
  uint64_t tuple_bytes_max = 0;  // 0: the server's

  bool operator==(const Policy&) const = default;
};

struct CreateSpace {
  std::string name;
  Policy policy;
};

struct DropSpace {
  std::string name;
};

struct ListSpaces {
  std::string prefix;
  std::string name;  // if not empty: this one only, with its indexes, or NOT_FOUND
};

struct Stats {};

// Sessions. The server makes ids and secrets; shard 0 decides when a session ends.
struct OpenSession {
  Duration ttl = 0;  // 0: the default
  std::string secret;
  bool stream = false;  // a stream holds it from the start
};

// Opens a known session for a new stream: raises its epoch, answers pending numbers, offers its
// waits again. In a shard other than 0 the session may be unknown yet: then it has nothing.
struct ResumeSession {
  SessionId session = 0;
  std::string secret;  // checked by shard 0
  uint64_t epoch = 0;  // for other shards: what shard 0 answered
  std::vector<NumberRange> pending;
};

// The stream of a session broke: its waits are suspended, its lease begins to run.
struct SuspendSession {
  SessionId session = 0;
  uint64_t epoch = 0;  // of that stream; ignored if a newer one is there
};

// Confirms; as a unary call also keeps the session alive.
struct Confirm {
  SessionId session = 0;
  std::string secret;  // checked unless `trusted`
  bool trusted = false;
  std::vector<NumberRange> ranges;
  // What these took becomes available again, as at the end of the session: nobody wants it.
  std::vector<NumberRange> returned = {};
};

// Confirms, gives back the rest, forgets the session.
struct CloseSession {
  SessionId session = 0;
  std::string secret;
  bool trusted = false;
  std::vector<NumberRange> ranges;
};

// Ends the wait of an operation. Its answer is CANCELLED, or what came first.
struct Cancel {
  SessionId session = 0;  // 0: the wait is known by `reply`
  Number number = 0;
  ReplyTo reply;
};

// Who asks, for numbered operations.
struct Caller {
  SessionId session = 0;
  Number number = 0;   // 0: not numbered
  uint64_t hash = 0;   // of the operation's bytes: a number used for something else is refused
  std::string secret;  // unary calls: checked against the session. Streams: empty, checked before
};

struct Operation {
  std::variant<Out, Take, Count, Scan, CreateSpace, DropSpace, ListSpaces, Stats, OpenSession,
               ResumeSession, SuspendSession, Confirm, CloseSession, Cancel>
      what;
  Caller caller;
  ReplyTo reply;
};

// ---- answers ----

struct Found {
  Sequence id = 0;
  Tuple tuple;
  uint32_t attempt = 0;  // how often it was given back before
};

enum class Ended : uint8_t { kNot = 0, kNone = 1, kTimeout = 2, kDeadlock = 3 };

struct OutAnswer {
  std::optional<Duration> ttl;  // granted
};

struct TakeAnswer {
  std::vector<Found> tuples;
  Ended ended = Ended::kNot;
  uint64_t held = 0;
  bool remove = true;  // answers an `in`
};

struct CountAnswer {
  uint64_t ready = 0;
  uint64_t held = 0;
  uint64_t delayed = 0;
};

struct ScanAnswer {
  std::vector<Found> tuples;
  Sequence next = 0;
  Sequence until = 0;
};

struct IndexInfo {
  std::string question;
  uint64_t keys = 0;
  bool building = false;
};

struct SpaceInfo {
  std::string name;
  Policy policy;
  uint64_t ready = 0;
  uint64_t held = 0;
  uint64_t delayed = 0;
  uint64_t waiters = 0;
  uint64_t bytes = 0;
  std::vector<IndexInfo> indexes;
};

struct CreateAnswer {
  bool created = false;
  SpaceInfo space;
};

struct DropAnswer {
  uint64_t tuples = 0;
};

struct ListAnswer {
  std::vector<SpaceInfo> spaces;  // by name
};

struct StatsAnswer {
  std::vector<std::pair<std::string, uint64_t>> counters;
};

struct Answer;

struct SessionAnswer {
  SessionId session = 0;
  uint64_t epoch = 0;
  Duration ttl = 0;
  // ResumeSession only; every pending number is in one of them.
  std::vector<std::pair<Number, Answer>> answers;
  std::vector<Number> waiting;
  std::vector<Number> not_executed;
};

struct Answer {
  ReplyTo reply;
  Status status;
  Sequence sequence = 0;
  Mark mark = Mark::kNone;  // what `batch` must reach before this leaves
  uint64_t batch = 0;       // in the shard's own count (Effects::batch_number); 0: none
  std::variant<std::monostate, OutAnswer, TakeAnswer, CountAnswer, ScanAnswer, CreateAnswer,
               DropAnswer, ListAnswer, StatsAnswer, SessionAnswer>
      what;
};

}  // namespace tuplespace
