#include "tests/bench/callers.h"

#include <memory>
#include <utility>

namespace tuplespace::bench {

Callers::Callers(Engine& engine, size_t callers, Next next)
    : engine_(engine), next_(std::move(next)), callers_(callers) {
  std::mutex mutex;
  std::condition_variable added;
  bool done = false;
  engine_.run_on(0, [&] {
    receiver_ = engine_.add_receiver(0, this);
    std::lock_guard lock(mutex);
    done = true;
    added.notify_one();
  });
  std::unique_lock lock(mutex);
  added.wait(lock, [&] { return done; });
}

Tally Callers::run(const Load& load) {
  Tally tally(load);
  tally_ = &tally;
  left_ = UINT64_MAX;
  start_and_wait();
  tally_ = nullptr;
  return tally;
}

void Callers::run(uint64_t operations) {
  left_ = operations;
  start_and_wait();
}

void Callers::leave(uint64_t operations) {
  for (uint64_t i = 0; i < operations; ++i) {
    Operation operation = next_(0, i);
    operation.reply = {receiver_, i};
    engine_.submit(std::move(operation));
  }
}

void Callers::start_and_wait() {
  done_ = false;
  engine_.run_on(0, [this] {
    waited_ = true;
    for (size_t i = 0; i < callers_.size() && left_ > 0; ++i) ask(i);
  });
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return done_; });
}

void Callers::ask(size_t caller) {
  --left_;
  ++busy_;
  Caller& c = callers_[caller];
  Operation operation = next_(caller, c.turn++);
  operation.reply = {receiver_, caller};
  c.begun_ns = steady_ns();
  engine_.submit(std::move(operation));
}

void Callers::on_answer(Answer&& answer) {
  if (!waited_) return;
  if (!answer.status.ok()) give_up(answer.status.to_string());
  const size_t caller = answer.reply.token;
  if (tally_ != nullptr) {
    const int64_t now = steady_ns();
    tally_->add(callers_[caller].begun_ns, now);
    if (tally_->over(now)) left_ = 0;
  }
  --busy_;
  if (left_ > 0) {
    ask(caller);
  } else if (busy_ == 0) {
    waited_ = false;
    std::lock_guard lock(mutex_);
    done_ = true;
    ended_.notify_one();
  }
}

Answer ask_once(Engine& engine, Operation operation) {
  struct Once : Receiver {
    void on_answer(Answer&& a) override {
      std::lock_guard lock(mutex);
      answer = std::make_unique<Answer>(std::move(a));
      came.notify_one();
    }
    std::mutex mutex;
    std::condition_variable came;
    std::unique_ptr<Answer> answer;
  } once;
  engine.run_on(0, [&] {
    operation.reply = {engine.add_receiver(0, &once), 0};
    engine.submit(std::move(operation));
  });
  std::unique_lock lock(once.mutex);
  once.came.wait(lock, [&] { return once.answer != nullptr; });
  if (!once.answer->status.ok()) give_up(once.answer->status.to_string());
  return std::move(*once.answer);
}

}  // namespace tuplespace::bench
