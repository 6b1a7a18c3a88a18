// Backend carries out the calls of one connection: over the network (remote.h) or in this process
// (embedded.cc). Space and Connection are thin handles on one.
//
// Order:   as client.h.
// Threads: any. A Waiter is told its reply on the thread that drives the backend, with no lock
//          held.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/client.h"

namespace tuplespace::client {

using Number = uint64_t;  // of a call in its session, from 1
using Instant = int64_t;  // microseconds of the steady clock
inline constexpr Instant kNoInstant = std::numeric_limits<Instant>::max();

inline Instant steady_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// In the order of the fields of message Operation.
enum class Verb : uint8_t {
  kOut,
  kIn,
  kRd,
  kCount,
  kScan,
  kSettle,
  kCollect,
  kCopyCollect,
  kAtomic,
  kRenew,
  kCancel,
  kBegin,
  kCommit,
  kAbort,
};

// Returns "out", "in" and so on.
const char* verb_name(Verb verb);

// True if a second execution would do something: its outcome may be unknown.
inline bool is_effect(Verb verb) {
  return verb != Verb::kRd && verb != Verb::kCount && verb != Verb::kScan;
}
// True if it may wait for a tuple, as Ask::wait says.
inline bool may_last(Verb verb) {
  return verb == Verb::kIn || verb == Verb::kRd || verb == Verb::kAtomic;
}

// What few calls ask for.
struct Extras {
  std::span<const Tuple> more{};           // kOut: further ones
  const TakeOptions* take = nullptr;       // kIn, kRd: its hold, group, any_of and transaction
  uint64_t number = 0;                     // kSettle: the token; kCommit, kAbort: the transaction
  const Settlement* settlement = nullptr;  // kSettle
  const std::string* into = nullptr;       // kCollect, kCopyCollect
  const Atomic* atomic = nullptr;          // kAtomic
  const Lease* lease = nullptr;            // kRenew, kCancel
  milliseconds ttl{0};                     // kRenew, kBegin
  bool detached = false;                   // kBegin
};

// What is asked. Refers to the caller's objects, for the time of submit().
struct Ask {
  Verb verb;
  const std::string& space;            // "": a call that is about none
  const Tuple* tuple = nullptr;        // kOut
  const Template* wanted = nullptr;    // the others
  OutOptions out{};                    // kOut
  std::optional<milliseconds> wait{};  // kIn, kRd
  Choice choice{};                     // kIn, kRd
  uint32_t max = 0;                    // kIn, kRd, kScan; 0: one, or the server's choice
  uint64_t after = 0;                  // kScan
  uint64_t until = 0;                  // kScan
  const Extras* extras = nullptr;      // null: none of them
};

struct FoundTuple {
  uint64_t id = 0;
  Tuple tuple;
  uint32_t attempt = 0;
  uint32_t matched = 0;
  uint64_t token = 0;
};

// The answer of an atomic.
struct FoundSteps {
  struct Step {
    std::optional<FoundTuple> found;
    uint64_t id = 0;
    uint64_t count = 0;
  };
  size_t alternative = 0;
  std::vector<Step> steps;
};

enum class Ended : uint8_t { kNot = 0, kNone = 1, kTimeout = 2, kDeadlock = 3 };

// Which answer a tuple came with: what is confirmed or given back.
struct Ticket {
  uint64_t generation = 0;  // of the session: a lost session's tickets are void
  Number number = 0;        // 0: nothing to confirm
};

struct Reply {
  Status status;
  Ticket ticket;
  uint64_t sequence = 0;
  std::optional<milliseconds> ttl;  // kOut, kRenew, kBegin; kIn: of its hold
  std::vector<FoundTuple> tuples;   // kIn, kRd, kScan
  Ended ended = Ended::kNot;
  Fate fate = Fate::kNone;                    // kOut
  uint64_t ready = 0, held = 0, delayed = 0;  // kCount; `held` also of a probe that found nothing
  uint64_t next = 0, until = 0;               // kScan
  uint64_t number = 0;                        // kSettle: an id; kCollect: how many; kBegin
  std::unique_ptr<FoundSteps> did;            // kAtomic, unless it ended

  // As new, keeping memory.
  void clear() {
    if (!status.ok()) status = {};
    ticket = {};
    sequence = 0;
    ttl.reset();
    tuples.clear();
    ended = Ended::kNot;
    fate = Fate::kNone;
    ready = held = delayed = next = until = number = 0;
    did.reset();
  }
};

// What becomes of a taken tuple after its reply was told.
enum class Receive : uint8_t {
  kConfirm,   // handed over
  kKeep,      // settle() will say
  kGiveBack,  // nobody wants it
};

struct Entry;  // the backend's record of a call

class Waiter {
 public:
  // Called exactly once. May move from `reply`. The waiter may be gone when it returns.
  virtual Receive on_reply(Reply& reply) = 0;

  // True from the end of on_reply() on, for those that are waited for.
  virtual bool done() const { return false; }

  // True if on_reply() leads to nothing by itself: somebody will await() it, and drives then.
  virtual bool is_quiet() const { return false; }

  // True if on_reply() may say kKeep. Then settle() is welcome as soon as it begins.
  virtual bool keeps() const { return false; }

 protected:
  ~Waiter() = default;

 private:
  friend class Session;
  friend class Embedded;
  // While under way; guarded by the backend's lock.
  Entry* entry_ = nullptr;  // remote
  bool listens_ = false;    // remote: not quiet
  uint64_t token_ = 0;      // embedded
};

// Where the events of one watch come from.
class EventSource {
 public:
  virtual ~EventSource() = default;

  // Waits for the next event until `deadline`; see watch.h.
  virtual Result<Event> next(Instant deadline) = 0;
  virtual void cancel() = 0;  // from any thread
  virtual uint64_t sequence() const = 0;
};

// A watch as it is asked for.
struct WatchAsk {
  std::string space;
  Template wanted;
  WatchOptions options;
};

class Backend : public std::enable_shared_from_this<Backend> {
 public:
  virtual ~Backend() = default;

  // Starts a call. `waiter` must live until its reply.
  virtual void submit(const Ask& ask, Waiter& waiter) = 0;

  // Asks for the end of a call, if it is still under way. Its reply comes all the same.
  // Requires: `waiter` is alive.
  virtual void cancel(Waiter& waiter) = 0;

  // `waiter`, which was quiet, is to be told its reply as soon as it comes.
  virtual void listen(Waiter& waiter) = 0;

  // Waits until waiter.done() or `deadline`. Requires: may_wait().ok().
  virtual void await(const Waiter& waiter, Instant deadline) = 0;

  // Confirms what Receive::kKeep left open, or gives it back. ABORTED: its session is over.
  virtual Status settle(Ticket ticket, bool give_back) = 0;

  virtual Result<bool> create(const std::string& name, const Policy& policy) = 0;
  virtual Result<uint64_t> drop(const std::string& name) = 0;
  virtual Result<std::vector<SpaceInfo>> list(const std::string& prefix) = 0;
  virtual Result<SpaceInfo> describe(const std::string& name) = 0;
  virtual Result<ServerStats> stats() = 0;
  virtual Result<Blocked> blocked(const std::string& space) = 0;
  virtual Result<std::vector<HoldInfo>> holds(const std::string& space, uint64_t session) = 0;
  virtual Status release(const std::string& space, uint64_t token) = 0;
  virtual Result<Explanation> explain(const std::string& space, const Template& wanted) = 0;
  virtual Result<std::vector<SessionInfo>> sessions(uint64_t after) = 0;
  virtual Status end_session(uint64_t session) = 0;

  // Returns when it watches.
  virtual Result<std::unique_ptr<EventSource>> watch(WatchAsk ask) = 0;

  virtual uint64_t session() const = 0;
  virtual uint64_t fence() const = 0;
  virtual Status close() = 0;
};

// While one lives, its thread tells replies, and must not wait for others.
class Telling {
 public:
  Telling() { ++depth_; }
  ~Telling() { --depth_; }
  Telling(const Telling&) = delete;
  Telling& operator=(const Telling&) = delete;

  static bool here() { return depth_ > 0; }

 private:
  static thread_local int depth_;
};

// FAILED_PRECONDITION inside a callback.
Status may_wait();

// A waiter on the stack of the thread that waits.
class SyncWaiter final : public Waiter {
 public:
  explicit SyncWaiter(Receive taken) : taken_(taken) {}
  Receive on_reply(Reply& told) override {
    reply = std::move(told);
    const Receive taken = taken_;
    done_.store(true, std::memory_order_release);
    return taken;
  }
  bool done() const override { return done_.load(std::memory_order_acquire); }
  bool is_quiet() const override { return true; }
  bool keeps() const override { return taken_ == Receive::kKeep; }

  Reply reply;

 private:
  const Receive taken_;
  std::atomic<bool> done_ = false;
};

}  // namespace tuplespace::client
