// Backend is what a script runs on: a bare shard under a clock that is told (shard_backend.h), or
// a client library in front of a server (client_backend.h).
//
// Threads: one; a backend may have its own inside.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/space/answer.h"

namespace tuplespace::conformance {

// A command of a client, understood.
struct Call {
  enum class Verb {
    kOut,
    kIn,
    kRd,
    kCount,
    kScan,
    kCollect,
    kAtomic,
    kCreate,
    kDrop,
    kSpaces,
    kDescribe,
    kWatch,
    kBlocked,
    kExplain,
    kHolds,
    kBegin,
    kEndTransaction,
    kSettle,
    kRenew,
    kEndLease
  };

  Verb verb = Verb::kOut;
  std::string space;
  Tuple tuple;                   // kOut
  std::vector<Tuple> more;       // kOut: at the same instant
  Template wanted;               // kIn, kRd, kCount, kScan, kCollect, kWatch, kExplain
  std::vector<Template> any_of;  // kIn, kRd: further ones
  std::string into;              // kCollect
  bool copies = false;           // kCollect: leaves them there
  std::shared_ptr<const std::vector<Steps>> steps;  // kAtomic
  std::optional<Duration> ttl, delay;
  bool pulse = false;
  std::optional<Duration> wait;  // absent: without end
  uint32_t max = 1;
  Selection choice;
  Policy policy;
  bool unconfirmed = false;  // what is taken is not confirmed until `confirm`
  bool lost = false;         // its answer never reaches the client
  bool snapshot = false;     // kWatch
  bool bound = false;        // kOut: vanishes with its session
  bool until_taken = false;  // kOut
  std::optional<Duration> hold, after;
  std::optional<FieldChoice> group;
  uint64_t transaction = 0;  // 0: none
  uint64_t token = 0;        // kSettle, kRenew, kEndLease: of a hold, tuple or transaction
  Settlement settlement = Settlement::kDone;
  std::string reason;
  bool commit = false;  // kEndTransaction
  std::string name;     // "as NAME": what its hold, tuple or transaction is called; "": nothing
};

// What came of it.
struct Outcome {
  struct Match {
    Tuple tuple;
    uint64_t id = 0;
    uint32_t attempt = 0;
    uint32_t matched = 0;  // by which template of any of several
  };

  Status status;
  std::vector<Match> tuples;  // of an atomic: in order of its steps
  uint32_t alternative = 0;   // of an atomic
  uint64_t moved = 0;         // by a collect
  uint64_t token = 0;         // of the first hold, of the tuple that was put, or a transaction
  std::string fate;           // of a tuple that was put until taken: taken, expired, withdrawn
  Ended ended = Ended::kNot;
  std::optional<Duration> ttl;
  uint64_t ready = 0, held = 0, delayed = 0, waiters = 0;
  std::vector<std::string> names;  // of spaces; or the words of what is told, blocked, explained
};

class Backend {
 public:
  virtual ~Backend() = default;

  // True if scripts of this tag can run here.
  virtual bool serves(std::string_view tag) const = 0;

  // Begins a call of `client`, which has none under way. Clients "ann" and "ann.2" are calls of
  // one session.
  virtual void start(const std::string& client, const Call& call) = 0;

  // Waits for the answer of the client's call, as long as is sensible, and removes it. Nothing:
  // it did not come.
  virtual std::optional<Outcome> answer(const std::string& client) = 0;

  // True if the client's call is parked in the server.
  virtual bool is_blocked(const std::string& client) = 0;

  virtual void cancel(const std::string& client) = 0;

  // Each is about the session of `client`.
  virtual Status open(const std::string& client, Duration ttl) = 0;
  virtual Status confirm(const std::string& client) = 0;
  virtual Status close(const std::string& client) = 0;
  virtual Status die(const std::string& client) = 0;
  virtual Status break_stream(const std::string& client) = 0;
  virtual Status resume(const std::string& client) = 0;

  // What the client's watch has been told since this was asked last.
  virtual Outcome told(const std::string& client);
  // Opens the client's session as one that takes part in deadlocks.
  virtual Status participate(const std::string& client);

  virtual Status advance(Duration by) = 0;
  virtual Status restart(bool kill) = 0;
};

inline Outcome Backend::told(const std::string&) {
  Outcome outcome;
  outcome.status = {Code::kUnimplemented, "no watches here"};
  return outcome;
}

inline Status Backend::participate(const std::string&) {
  return {Code::kUnimplemented, "no participants here"};
}

}  // namespace tuplespace::conformance
