// What administration says and asks: spaces and their policies, figures, who waits, who holds.
//
// Threads: any (values).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tuplespace/arguments.h"
#include "tuplespace/match.h"

namespace tuplespace::client {

using std::chrono::system_clock;

enum class Durability : uint8_t { kDefault, kSync, kAsync, kMemory };

// What happens when every participant that has joined a space waits without bound and nothing is
// due that could make a tuple available. See ConnectOptions::participant.
enum class Deadlock : uint8_t {
  kIgnore,
  kReport,  // logged, and shown by blocked()
  kFail,    // the youngest wait ends: ABORTED, and problem().bound is "deadlock"
};

// Fixed when a space is created.
struct Policy {
  Durability durability = Durability::kDefault;
  uint32_t shard = 0;
  Order order = Order::kDefault;  // kOldest, kNewest or kRandom
  uint64_t tuples_max = 0;        // 0: the server's bound alone
  uint64_t tuple_bytes_max = 0;   // 0: the server's
  uint32_t deliveries_max = 0;    // a tuple given back more often goes to NAME.dead; 0: never
  uint32_t history = 0;           // so many events are kept for watches that resume
  Deadlock deadlock = Deadlock::kIgnore;
  milliseconds ttl{0};     // the space is dropped this long after it was created; 0: never
  bool bound = false;      // dropped when our session ends
  bool collected = false;  // dropped when no session that opened it is left, and no tuple that
                           // refers to it

  bool operator==(const Policy&) const = default;
};

struct SpaceInfo {
  struct Index {
    std::string question;  // for instance "(value, int, ?)"
    uint64_t keys = 0;
    bool building = false;
  };

  std::string name;
  Policy policy;
  uint64_t ready = 0, held = 0, delayed = 0;
  uint64_t waiters = 0;
  uint64_t bytes = 0;          // of tuples, in memory
  std::vector<Index> indexes;  // describe() only
};

struct ServerStats {
  std::string version;
  uint64_t incarnation = 0;  // one higher with every start
  milliseconds uptime{0};
  std::vector<std::pair<std::string, uint64_t>> counters;  // by name
};

// Who waits for what, longest first.
struct Blocked {
  struct Wait {
    std::string space;
    std::string what;  // in text form, for instance: in ("job", ?int)
    system_clock::time_point since;
    std::optional<system_clock::time_point> deadline;
    uint64_t session = 0;  // 0: none
    std::string session_name;
    bool suspended = false;  // its stream is broken: served when it is back
    bool searching = false;  // is still looking through the space
  };
  std::vector<Wait> waits;
  bool deadlock = false;  // one of these spaces is in deadlock
};

// One of those who hold something.
struct HoldInfo {
  std::string space;
  Tuple tuple;
  uint64_t id = 0;
  uint32_t attempt = 0;
  uint64_t token = 0;    // 0: by a session that did not confirm it yet, or by a transaction
  uint64_t session = 0;  // 0: none
  std::string session_name;
  system_clock::time_point since;
  std::optional<system_clock::time_point> until;  // absent: with its session or transaction
  uint64_t transaction = 0;
};

// Why a template finds nothing: what would be looked at, and what comes near.
struct Explanation {
  struct Near {
    std::string text;    // for instance: asked int 3; 17 tuples have float 3.0
    uint32_t field = 0;  // the first that differs, 0-based
    uint64_t tuples = 0;
  };
  std::string index;                          // the question asked; "": all are looked at
  bool building = false;                      // that index is not complete yet
  uint64_t candidates = 0;                    // tuples to look at
  uint64_t ready = 0, held = 0, delayed = 0;  // that match
  std::vector<Near> near;                     // most frequent first, at most 10
  uint64_t examined = 0;                      // tuples that were looked at for `near`
};

struct SessionInfo {
  uint64_t session = 0;
  std::string name;
  uint64_t epoch = 0;
  bool connected = false;                             // a stream holds it
  std::optional<system_clock::time_point> lease_end;  // while it is not connected
  uint64_t waits = 0, unconfirmed = 0, holds = 0;
};

}  // namespace tuplespace::client
