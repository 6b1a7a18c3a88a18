// Progress is how far the store has come, as the lanes see it. The store's callbacks share it
// with the engine, so it outlives both.
//
// Order:   marks() never go back; what it returns has been reached.
// Threads: reached() and failed() the store's; all others any. The listener runs on the store's
//          thread.
// Errors:  a store that fails while the engine serves ends the process with kExitStoreFailed:
//          nobody may be answered after it, and recovery is the only repair.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "tuplespace/clock.h"
#include "tuplespace/status.h"
#include "tuplespace/store/store.h"

namespace tuplespace {

class Progress {
 public:
  using Listener = std::function<void(Watermarks marks)>;

  explicit Progress(Watermarks marks) : written_(marks.written), synced_(marks.synced) {}

  // From now on, until close() returns, `listener` is called whenever a mark has moved, and a
  // failure ends the process. Called once.
  void serve(Listener listener);
  void close();

  void reached(Watermarks marks);
  void failed(const Status& status);

  Watermarks marks() const {
    // In this order: the store moves `written` first, so synced is never above it.
    const uint64_t synced = synced_.load();
    return {written_.load(), synced};
  }

  // Waits until batch `number` is synced. DEADLINE_EXCEEDED after `at_most`, or what the store
  // failed with.
  Status wait_synced(uint64_t number, Duration at_most);

 private:
  std::atomic<uint64_t> written_;
  std::atomic<uint64_t> synced_;

  Listener listener_;
  std::atomic<bool> serving_ = false;
  std::atomic<int> inside_ = 0;  // calls that may be in listener_

  std::atomic<int> waiters_ = 0;
  std::mutex mutex_;
  std::condition_variable moved_;
  Status failure_;  // guarded by mutex_
};

}  // namespace tuplespace
