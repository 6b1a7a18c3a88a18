#include "tuplespace/engine/poller.h"

#include <chrono>

namespace tuplespace {

void QuietPoller::poll(Duration milliseconds) {
  std::unique_lock lock(mutex_);
  const auto woken = [this] { return wake_; };
  if (milliseconds == kNever) {
    woken_.wait(lock, woken);
  } else if (milliseconds > 0) {
    woken_.wait_for(lock, std::chrono::milliseconds(milliseconds), woken);
  }
  wake_ = false;
}

void QuietPoller::wake() {
  {
    const std::lock_guard lock(mutex_);
    wake_ = true;
  }
  woken_.notify_one();
}

}  // namespace tuplespace
