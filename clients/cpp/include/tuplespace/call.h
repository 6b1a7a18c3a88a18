// Call is an operation under way. Dropping it cancels it, and a tuple that was taken for it goes
// back.
//
// T is Placed, Match, std::vector<Match>, Counted, Settled, Collected or Did. An atomic that
// happened before its call was dropped has happened.
//
// Threads: one at a time.
#pragma once

#include <chrono>
#include <coroutine>
#include <memory>

#include "tuplespace/arguments.h"

namespace tuplespace::client {

template <typename T>
class [[nodiscard]] Call {
 public:
  struct State;

  explicit Call(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Call(Call&&) = default;
  Call& operator=(Call&& other);
  ~Call();

  // Returns true when get() would not wait; wait_for() waits until it is so or `time` has passed.
  bool ready() const;
  bool wait_for(milliseconds time);

  // Waits for the answer and hands it over. Once only.
  Result<T> get();

  // Asks the server to end the call. The answer is definite: CANCELLED, or what came first.
  void cancel();

  // co_await hands the answer over.
  bool await_ready() const { return ready(); }
  bool await_suspend(std::coroutine_handle<> waiting);
  Result<T> await_resume() { return get(); }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace tuplespace::client
