// Operations are what a shard is asked to do: plain values. How they travel is the server's
// business.
//
// Threads: any (values).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/status.h"
#include "tuplespace/store/batch.h"
#include "tuplespace/tuple/reference.h"
#include "tuplespace/tuple/template.h"
#include "tuplespace/tuple/tuple.h"

namespace tuplespace {

using Sequence = uint64_t;   // of one shard; below 2^53
using SessionId = uint64_t;  // 0: none
using Number = uint64_t;     // of an operation in its session
using Token = Sequence;      // of a hold: also its fencing token
// Of a transaction: the shard in bits 53 and above, a sequence number below. 0: none.
using TransactionId = uint64_t;
inline constexpr int kTransactionShardShift = 53;

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

// A field of a template, by number or by a name that the template binds.
struct FieldChoice {
  uint32_t field = 0;
  std::string name;  // instead of `field`, if not empty
};

// What few outs ask for.
struct OutExtras {
  std::vector<Tuple> more;        // at the same instant, behind the first
  bool bound = false;             // vanishes with the session
  bool until_taken = false;       // answered when the taker has confirmed or settled; bound, too
  TransactionId transaction = 0;  // 0: none
};

struct Out {
  std::string space;
  Tuple tuple;
  std::optional<Duration> ttl;    // > 0
  std::optional<Duration> delay;  // >= 0
  bool pulse = false;
  std::shared_ptr<const OutExtras> extras = {};  // nullptr: none of them

  TransactionId transaction() const { return extras != nullptr ? extras->transaction : 0; }
};

// What few reads and takes ask for.
struct TakeExtras {
  std::optional<Duration> hold;      // `in`: under a hold with this lease, > 0
  std::optional<FieldChoice> group;  // `in`: only of a group that is not busy
  std::vector<Template> any_of;      // further templates
  TransactionId transaction = 0;     // 0: none
};

// `in` and `rd`.
struct Take {
  std::string space;
  Template wanted;
  bool remove = true;            // false: rd
  std::optional<Duration> wait;  // absent: without end; 0: a probe
  Selection choice;
  uint32_t max = 1;
  std::shared_ptr<const TakeExtras> extras = {};  // nullptr: none of them

  TransactionId transaction() const { return extras != nullptr ? extras->transaction : 0; }
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

enum class Settlement : uint8_t { kDone = 1, kBack = 2, kTail = 3, kDead = 4 };

// Ends a hold. Whoever presents space and token may.
struct Settle {
  std::string space;
  Token token = 0;
  Settlement settlement = Settlement::kDone;
  Duration after = 0;  // kBack: unseen until then
  std::string reason;  // kDead
};

// Moves or copies all matches to another space of the shard.
struct Collect {
  std::string space;
  Template wanted;
  std::string into;
  bool remove = true;  // false: copy_collect
};

// ---- atomic ----

// `in` and `rd` of an atomic. The template may refer to names of earlier steps.
struct TakeStep {
  std::string space;
  Template wanted;
  bool remove = true;
  std::optional<Duration> hold;
};

struct OutStep {
  std::string space;
  std::vector<Expression> fields;
  std::optional<Duration> ttl;
  std::optional<Duration> delay;
  bool bound = false;
};

enum class Comparison : uint8_t { kLess = 1, kEqual = 2, kGreater = 3 };

struct CountStep {
  std::string space;
  Template wanted;
  Comparison comparison = Comparison::kEqual;
  uint64_t value = 0;
};

using Step = std::variant<TakeStep, Settle, OutStep, CountStep>;
using Steps = std::vector<Step>;

struct Atomic {
  // In order: the first that can happen does. Shared: an atomic that waits keeps it.
  std::shared_ptr<const std::vector<Steps>> alternatives;
  std::optional<Duration> wait;
};

// ---- leases and transactions ----

// Which lease: exactly one of `token`, `tuple` and `transaction` is set.
struct Lease {
  std::string space;  // of a hold or tuple
  Token token = 0;
  Sequence tuple = 0;
  TransactionId transaction = 0;
};

struct Renew {
  Lease lease;
  Duration ttl = 0;  // from now, > 0
};

struct EndLease {
  Lease lease;
};

struct Begin {
  std::string space;      // in whose shard
  Duration ttl = 0;       // 0: the default
  bool detached = false;  // does not end with the caller's session
};

struct EndTransaction {
  TransactionId transaction = 0;
  bool commit = true;
};

// ---- watching ----

enum class EventKind : uint8_t { kOut = 1, kIn = 2, kReturn = 3, kExpire = 4, kPulse = 5 };

// Answered again and again, until a Cancel by `reply`.
struct Watch {
  std::string space;
  Template wanted;
  uint32_t kinds = ~0u;  // bit per EventKind
  bool snapshot = false;
  Sequence after = 0;  // 0: from now on
};

// ---- administration ----

enum class Deadlock : uint8_t { kIgnore = 0, kReport = 1, kFail = 2 };

struct Policy {
  std::optional<Durability> durability;  // absent: the server's default
  uint16_t shard = 0;
  Order order = Order::kOldest;  // kOldest, kNewest or kRandom
  uint64_t tuples_max = 0;       // 0: no bound of its own
  uint64_t tuple_bytes_max = 0;  // 0: the server's
  uint32_t deliveries_max = 0;   // 0: none. Give-backs beyond it make a dead letter
  uint32_t history = 0;          // events kept for watchers that resume
  Deadlock deadlock = Deadlock::kIgnore;
  Duration ttl = 0;        // of the space; 0: none
  bool bound = false;      // ends with the session that created it
  bool collected = false;  // ends when nobody can reach it any more

  bool operator==(const Policy&) const = default;
};

struct CreateSpace {
  std::string name;
  Policy policy;
  SessionId owner = 0;  // bound, collected: whose
};

// Who waits (blocked), who holds, why a template finds nothing, which sessions there are.
struct Blocked {
  std::string space;  // "": all
};
struct ListHolds {
  std::string space;      // "": all
  SessionId session = 0;  // 0: all
};
struct Explain {
  std::string space;
  Template wanted;
};
struct ListSessions {
  SessionId after = 0;
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
  bool stream = false;       // a stream holds it from the start
  std::string name = {};     // one of this name is ended first; "": none
  bool participant = false;  // in the detection of deadlock
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
               ResumeSession, SuspendSession, Confirm, CloseSession, Cancel, Settle, Collect,
               Atomic, Renew, EndLease, Begin, EndTransaction, Watch, Blocked, ListHolds, Explain,
               ListSessions>
      what;
  Caller caller;
  ReplyTo reply;
};

}  // namespace tuplespace
