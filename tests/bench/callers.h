// Callers drive an Engine without a network: each asks, waits for its answer, asks again. They
// live on the engine's first lane, so that nothing but the engine is measured.
//
// Threads: run() blocks the one that calls it; everything else happens on the lane.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "tests/bench/load.h"
#include "tuplespace/engine/engine.h"

namespace tuplespace::bench {

class Callers : public Receiver {
 public:
  // Returns what `caller` asks in its turn number `turn` (0, 1, ...).
  using Next = std::function<Operation(size_t caller, uint64_t turn)>;

  Callers(Engine& engine, size_t callers, Next next);

  // Asks for as long as the load says; callers beyond those of the load stay silent.
  Tally run(const Load& load);

  // Asks until there were `operations` answers.
  void run(uint64_t operations);

  // Submits `operations` and does not wait for their answers.
  void leave(uint64_t operations);

  void on_answer(Answer&& answer) override;

 private:
  struct Caller {
    uint64_t turn = 0;
    int64_t begun_ns = 0;
  };

  void ask(size_t caller);
  void start_and_wait();

  Engine& engine_;
  Next next_;
  uint64_t receiver_;
  std::vector<Caller> callers_;
  Tally* tally_ = nullptr;
  uint64_t left_ = 0;    // operations that may still be asked
  size_t busy_ = 0;      // callers with an operation under way
  bool waited_ = false;  // answers count

  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
};

// Asks `operation` once and returns its answer.
Answer ask_once(Engine& engine, Operation operation);

}  // namespace tuplespace::bench
