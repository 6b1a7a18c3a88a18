// Poller is what a lane sleeps on: a completion queue in the server, a condition variable where
// the space is embedded. The engine knows no gRPC.
//
// Threads: poll() on the lane's thread; wake() any.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "tuplespace/clock.h"

namespace tuplespace {

class Poller {
 public:
  virtual ~Poller() = default;

  // Handles what is ready; if nothing is, waits for it, for wake(), or for `milliseconds`
  // (0: does not wait, kNever: without end).
  virtual void poll(Duration milliseconds) = 0;

  // Ends a poll() that waits, or the next one.
  virtual void wake() = 0;
};

// For lanes without a network.
class QuietPoller : public Poller {
 public:
  void poll(Duration milliseconds) override;
  void wake() override;

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
  bool wake_ = false;
};

}  // namespace tuplespace
