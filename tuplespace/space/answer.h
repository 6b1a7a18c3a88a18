// Answers are what a shard says to operations: plain values.
//
// Threads: any (values).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tuplespace/space/operation.h"

namespace tuplespace {

struct Found {
  Sequence id = 0;
  Tuple tuple;
  uint32_t attempt = 0;  // how often it was given back before
  uint32_t matched = 0;  // 0: `wanted`, else the place in any_of, from 1
  Token token = 0;       // of its hold, if it was taken under one
};

enum class Ended : uint8_t { kNot = 0, kNone = 1, kTimeout = 2, kDeadlock = 3 };

// What became of a tuple that was put until taken.
enum class Fate : uint8_t { kNone = 0, kTaken = 1, kExpired = 2, kWithdrawn = 3 };

struct OutAnswer {
  std::optional<Duration> ttl;  // granted
  Fate fate = Fate::kNone;
};

struct TakeAnswer {
  std::vector<Found> tuples;
  Ended ended = Ended::kNot;
  uint64_t held = 0;
  bool remove = true;  // answers an `in`
  Duration hold = 0;   // granted
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

struct SettleAnswer {
  Sequence id = 0;  // kTail, kDead: of the tuple that took its place
};

struct CollectAnswer {
  uint64_t count = 0;
};

struct StepAnswer {
  std::optional<Found> found;  // in, rd
  Sequence id = 0;             // out; settle kTail or kDead
  uint64_t count = 0;
};

struct AtomicAnswer {
  uint32_t alternative = 0;
  std::vector<StepAnswer> steps;
  Ended ended = Ended::kNot;
};

struct RenewAnswer {
  Duration ttl = 0;  // granted
};
struct EndLeaseAnswer {};

struct BeginAnswer {
  TransactionId transaction = 0;
  Duration ttl = 0;  // granted
};
struct EndTransactionAnswer {
  bool commit = true;
};

struct SpaceEvent {
  Sequence sequence = 0;
  EventKind kind = EventKind::kOut;
  Found found;
};

struct WatchAnswer {
  std::vector<SpaceEvent> events;
  // Events after the first and up to the second are not known any more; told before `events`.
  std::optional<std::pair<Sequence, Sequence>> gap;
  bool snapshot_end = false;
  // Answer::sequence: all up to there has been told.
};

struct BlockedAnswer {
  struct Wait {
    std::string space;
    std::string what;  // in text form
    Time since = 0;
    Time deadline = kNever;
    SessionId session = 0;
    std::string session_name;
    bool suspended = false;
    bool searching = false;
  };
  std::vector<Wait> waits;
  bool deadlock = false;
};

struct HoldsAnswer {
  struct Hold {
    std::string space;
    Found found;
    SessionId session = 0;
    std::string session_name;
    Time since = 0;
    Time until = kNever;  // of the hold's or transaction's lease; kNever: with its session
    TransactionId transaction = 0;
  };
  std::vector<Hold> holds;
};

struct ExplainAnswer {
  struct Near {
    std::string text;
    uint32_t field = 0;
    uint64_t tuples = 0;
  };
  std::string index;
  bool building = false;
  uint64_t candidates = 0;
  uint64_t ready = 0, held = 0, delayed = 0;
  std::vector<Near> near;
  uint64_t examined = 0;
};

struct SessionsAnswer {
  struct Info {
    SessionId session = 0;
    std::string name;
    uint64_t epoch = 0;
    bool connected = false;
    Time lease_end = kNever;
    uint64_t waits = 0, unconfirmed = 0, holds = 0;
  };
  std::vector<Info> sessions;
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
  Sequence fence = {};  // of a named session: larger than that of every holder before
};

struct Answer {
  ReplyTo reply;
  Status status;
  Sequence sequence = 0;
  Mark mark = Mark::kNone;  // what `batch` must reach before this leaves
  uint64_t batch = 0;       // in the shard's own count (Effects::batch_number); 0: none
  std::variant<std::monostate, OutAnswer, TakeAnswer, CountAnswer, ScanAnswer, CreateAnswer,
               DropAnswer, ListAnswer, StatsAnswer, SessionAnswer, SettleAnswer, CollectAnswer,
               AtomicAnswer, RenewAnswer, EndLeaseAnswer, BeginAnswer, EndTransactionAnswer,
               WatchAnswer, BlockedAnswer, HoldsAnswer, ExplainAnswer, SessionsAnswer>
      what;
};

}  // namespace tuplespace
