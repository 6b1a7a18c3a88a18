// Engine runs shards on lanes: it finds the shard of a space, hands operations to the lane that
// owns it, commits what came of them and delivers answers when they are durable.
//
// Order:   operations submitted for one shard by one thread apply in the order of submission.
// Threads: submit() any; a Receiver is called on the thread of the lane it was registered for.
// Bounds:  EngineConfig.
// Errors:  a store that fails ends the process with kExitStoreFailed; nobody is answered after it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/engine/poller.h"
#include "tuplespace/space/answer.h"
#include "tuplespace/space/shard.h"
#include "tuplespace/store/store.h"

namespace tuplespace {

// The exit code of a process whose store failed.
inline constexpr int kExitStoreFailed = 74;

struct EngineConfig {
  ShardConfig shard;    // of every shard; its number is set by the engine, its seed if it is 0
  uint16_t shards = 1;  // 1 to kShardsMax; may grow between starts, never shrink
  size_t lanes = 1;     // 1 to kLanesMax; shard s runs on lane s mod lanes
  uint64_t disk_free_min = 256ull << 20;  // bytes; below it `out` is refused

  size_t round_max = 1'024;      // operations of one source between two looks at network and timers
  size_t inbox_max = 1'000'000;  // operations that wait for a lane; beyond it they are refused
  uint64_t in_flight_bytes_max = 64ull << 20;  // not yet written, per lane; beyond it the lane
                                               // applies nothing until the store has caught up
  // Makes the poller of a lane. Default: QuietPoller.
  std::function<std::unique_ptr<Poller>(size_t lane)> poller;
  // Runs when a lane's thread has begun, and each time round before it polls.
  std::function<void(size_t lane)> before_poll;

  static constexpr uint16_t kShardsMax = 1'024;
  static constexpr size_t kLanesMax = 256;
};

// Gets the answers of operations submitted with its ReplyTo.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void on_answer(Answer&& answer) = 0;
};

class Engine {
 public:
  // Recovers everything from `store`, which must outlive the engine. `clock` is moved forward to
  // the last time that the store knows of.
  static Result<std::unique_ptr<Engine>> open(EngineConfig config, Store& store,
                                              SystemClock& clock);
  ~Engine();

  // Starts the lanes' threads.
  void start();

  // Answers what waits with UNAVAILABLE and everything else as always; ends the lanes when all
  // is answered and synced, or `deadline` (of now()) has passed. The store may be closed
  // afterwards; an operation submitted afterwards gets no answer.
  void stop(Time deadline);

  // Registers a receiver that answers on `lane`; the returned id goes into ReplyTo::receiver.
  // After forget() it is not called any more; both only on that lane's thread, or before start().
  uint64_t add_receiver(size_t lane, Receiver* receiver);
  void forget_receiver(uint64_t id);

  // Submits to the shard that the operation belongs to: that of its space, or for spaces still
  // unknown and for sessions shard 0. A list and statistics ask every shard, whose answers become
  // one; a cancel goes to every shard.
  void submit(Operation&& operation);

  // Submits to a shard by number (sessions: every shard is asked).
  void submit_to(uint16_t shard, Operation&& operation);

  // Runs `task` on a lane's thread, soon.
  void run_on(size_t lane, std::function<void()> task);

  // Runs one round of a lane here and now, and returns when it is due again: for simulations and
  // tests, which have no threads. Requires: start() was not called, time does not go back.
  Time run_once(size_t lane, Time now);

  uint16_t shards() const;
  size_t lanes() const;
  uint64_t incarnation() const;
  Time now() const;

  // The engine's own figures, by name; the shards' come through the Stats operation.
  std::vector<std::pair<std::string, uint64_t>> figures() const;

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tuplespace
