// Server is the process under test: a FaultyDisk, an Engine whose lanes have no threads, and the
// services of the real server, which talk to a simulated network. It dies and starts again.
//
// Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/draw.h"
#include "tests/simulation/faulty_disk.h"
#include "tests/simulation/network.h"
#include "tuplespace/engine/engine.h"
#include "tuplespace/server/service.h"
#include "tuplespace/store/memory_store.h"

namespace tuplespace::simulation {

// A clock that only the simulation moves.
class MovedClock : public SystemClock {
 public:
  Time now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  Time now_ = 2'000'000'000'000;
};

struct ServerSetup {
  uint16_t shards = 1;
  size_t lanes = 1;
  uint64_t seed = 1;
  bool lying_disk = false;
};

class Server {
 public:
  Server(const ServerSetup& setup, MovedClock& clock);
  ~Server();

  // False: it died while it started, as it was told to.
  bool start();
  void crash(Draw& draw, bool power);
  // The start after the next crash fails after so many batches.
  void fail_next_start(uint64_t batches) { start_fails_ = batches; }

  bool up() const { return live_ != nullptr; }
  FaultyDisk& disk() { return live_->disk; }
  Engine& engine() { return *live_->engine; }
  uint16_t shards() const { return config_.engine.shards; }
  size_t lanes() const { return config_.engine.lanes; }

  // A round of the lane, with `events` coming from its network.
  Time round(size_t lane, const std::function<void(CallHandler&, Queue&)>& events);

  // Asks the engine itself, and lets the lanes run until it has answered. Requires: the disk
  // catches up at once, or nothing waits for it.
  Answer ask(uint16_t shard, Operation operation);
  // The last sequence number of a shard.
  Sequence last(uint16_t shard);

 private:
  struct Live {
    explicit Live(Store& inside) : disk(inside) {}
    FaultyDisk disk;
    std::unique_ptr<Engine> engine;
    std::unique_ptr<CallServer> calls;
    std::optional<Service::Common> common;
  };

  const ServerSetup setup_;
  Config config_;
  MovedClock& clock_;
  std::shared_ptr<MemoryRecords> records_;
  std::unique_ptr<Store> records_store_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Live> live_;
  std::optional<uint64_t> start_fails_;
};

}  // namespace tuplespace::simulation
