#include "tuplespace/engine/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tuplespace/engine/engine.h"
#include "tuplespace/log.h"

namespace tuplespace {
namespace {

[[noreturn]] void end_process(const Status& status) {
  log(Level::kError, "store_failed", {{"status", status.to_string()}});
  ::_exit(kExitStoreFailed);
}

}  // namespace

void Progress::serve(Listener listener) {
  listener_ = std::move(listener);
  serving_ = true;
  const std::lock_guard lock(mutex_);
  if (!failure_.ok()) end_process(failure_);
}

void Progress::close() {
  serving_ = false;
  while (inside_ != 0) std::this_thread::yield();
}

void Progress::reached(Watermarks marks) {
  written_ = marks.written;
  synced_ = marks.synced;
  ++inside_;
  if (serving_) listener_(marks);
  --inside_;
  if (waiters_ == 0) return;
  { const std::lock_guard lock(mutex_); }  // a waiter is either before its look or asleep
  moved_.notify_all();
}

void Progress::failed(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = status;
    if (serving_) end_process(status);
  }
  moved_.notify_all();
}

Status Progress::wait_synced(uint64_t number, Duration at_most) {
  ++waiters_;
  std::unique_lock lock(mutex_);
  const auto ended = [&] { return synced_ >= number || !failure_.ok(); };
  const bool in_time = moved_.wait_for(lock, std::chrono::milliseconds(at_most), ended);
  --waiters_;
  if (!failure_.ok()) return failure_;
  if (in_time) return {};
  return {Code::kDeadlineExceeded, fmt::format("the store has synced {} of {} batches after {} ms",
                                               synced_.load(), number, at_most)};
}

}  // namespace tuplespace
