// Engine runs shards on lanes: it finds the shard of a space, hands operations to the lane that
// owns it, commits what came of them and delivers answers when they are durable.
//
// Order:   operations submitted for one shard by one thread apply in the order of submission.
// Threads: submit() any; a Receiver is called on the thread of the lane it was registered for.
// Bounds:  EngineConfig.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/engine/poller.h"
#include "tuplespace/space/operation.h"
#include "tuplespace/space/shard.h"
#include "tuplespace/store/store.h"

namespace tuplespace {

struct EngineConfig {
  ShardConfig shard;           // of every shard; its number and seed are set by the engine
  uint16_t shards = 1;
  size_t lanes = 1;            // shard s runs on lane s mod lanes
  uint64_t disk_free_min = 256ull << 20;  // bytes; below it `out` is refused
  // Makes the poller of a lane. Default: QuietPoller.
  std::function<std::unique_ptr<Poller>(size_t lane)> poller;
  // Runs when a lane's thread has begun, and each time round before it polls.
  std::function<void(size_t lane)> before_poll;
};

// Gets the answers of operations submitted with its ReplyTo.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void on_answer(Answer answer) = 0;
};

class Lane;

class Engine {
 public:
  // Recovers everything from `store`, which must outlive the engine. `clock` is moved forward to
  // the last time that the store knows of.
  static Result<std::unique_ptr<Engine>> open(EngineConfig config, Store& store,
                                              SystemClock& clock);
  ~Engine();

  // Starts the lanes' threads.
  void start();

  // Ends the lanes when everything committed is answered or `deadline` has passed; then waits
  // end with UNAVAILABLE. The store may be closed afterwards.
  void stop(Time deadline);

  // Registers a receiver that answers on `lane`; the returned id goes into ReplyTo::receiver.
  // After forget() it is not called any more; both only on that lane's thread, or before start().
  uint64_t add_receiver(size_t lane, Receiver* receiver);
  void forget_receiver(uint64_t id);

  // Submits to the shard that the operation belongs to: that of its space, or for spaces still
  // unknown and for sessions shard 0.
  void submit(Operation operation);

  // Submits to a shard by number (sessions: every shard is asked).
  void submit_to(uint16_t shard, Operation operation);

  // Runs `task` on a lane's thread, soon.
  void run_on(size_t lane, std::function<void()> task);

  uint16_t shards() const;
  size_t lanes() const;
  uint64_t incarnation() const;
  Time now() const;

  // The engine's own figures, by name; the shards' come through the Stats operation.
  std::vector<std::pair<std::string, uint64_t>> figures() const;

 private:
  friend class Lane;
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tuplespace
