// Load is many clients at work: connections with a session, whose calls survive the server, and
// callers without one. They tell the History what they ask for and what they are told.
//
// Spaces: jobs.sync and jobs.async for sessions, where anybody takes from everybody;
// calls.sync and calls.async for the others, where each takes its own by name.
//
// Threads: the one that made it; it has its own inside.
// Bounds:  about kTuplesMax tuples exist at a time.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/crash/chronicle.h"
#include "tests/crash/history.h"
#include "tuplespace/client.h"
#include "tuplespace/status.h"

namespace tuplespace::crash {

inline constexpr size_t kTuplesMax = 2'000;

// Which spaces are worked on.
struct Mix {
  bool sync;
  bool async;
};

struct LoadSetup {
  std::string address;
  uint64_t seed = 0;
  uint16_t async_shard = 0;        // where async spaces are made
  Chronicle* chronicle = nullptr;  // not null: historians work, too; it outlives the load
  bool only_historians = false;
};

class Load {
 public:
  // Connects and makes the spaces. `history` must outlive it.
  static Result<std::unique_ptr<Load>> open(const LoadSetup& setup, History& history);
  ~Load();

  void resume(Mix mix);
  // Returns when no operation is under way any more. Requires: the server is up.
  // Errors: DEADLINE_EXCEEDED if clients wait for answers in vain: for kStuckSlices slices of time
  // none of them got on, though the server answered others and this process ran. A slice that a
  // busy machine does not give to both is not counted.
  Status pause();

  struct Present {
    std::set<TupleId> tuples;
    Instants now;  // a sync answer says that all of it is synced
  };
  // All tuples that are there. Requires: paused.
  Result<Present> present();

 private:
  explicit Load(History& history) : history_(history) {}
  void add(Promise promise, uint64_t seed, std::function<void(std::mt19937_64&)> turn);
  Status add_workers(const LoadSetup& setup);
  Status add_historians(const LoadSetup& setup);
  bool await_work(Promise promise);
  bool paused();
  bool answers(std::optional<client::Call<client::Counted>>& probe);
  void produce(client::Space space, Promise promise, std::mt19937_64& random);
  void consume(client::Space space, std::mt19937_64& random);

  History& history_;
  std::vector<client::Connection> connections_;
  std::optional<client::Connection> observer_;  // has no part in the load

  std::mutex mutex_;
  std::condition_variable changed_;
  Mix mix_{false, false};
  bool ending_ = false;
  size_t working_ = 0;  // threads
  std::vector<std::thread> threads_;
};

}  // namespace tuplespace::crash
