// Clock tells the time: milliseconds since 1970 that never go back while the process lives.
//
// Order:   now() never decreases; steps of the wall clock do not show.
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace tuplespace {

using Time = int64_t;      // milliseconds since 1970
using Duration = int64_t;  // milliseconds

inline constexpr Time kNever = std::numeric_limits<Time>::max();

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

// The wall clock at its construction, but never below `not_before`, advanced by CLOCK_BOOTTIME
// only: it goes on while the machine sleeps, and setting the wall clock changes nothing.
class SystemClock : public Clock {
 public:
  explicit SystemClock(Time not_before = 0);
  Time now() const override;

  // Moves the clock forward to `not_before` if it is behind: a data directory that was written
  // under a later clock.
  void not_before(Time not_before);

 private:
  std::atomic<Time> offset_;
};

// A clock that a test moves.
class ManualClock : public Clock {
 public:
  explicit ManualClock(Time start = 1'000'000) : now_(start) {}
  Time now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  std::atomic<Time> now_;
};

}  // namespace tuplespace
