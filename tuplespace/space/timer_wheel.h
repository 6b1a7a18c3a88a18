// TimerWheel holds what is due at a time: ten million timers cost no more to add than ten.
//
// There is no removal: whoever is told that a timer is due looks whether it still means anything.
//
// Order:   take_due() gives timers in order of their due times, to the millisecond.
// Threads: lane.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tuplespace/clock.h"

namespace tuplespace {

struct Timer {
  // What is due in one millisecond happens in this order.
  enum class Kind : uint8_t {
    kTuple,
    kHold,
    kTransaction,
    kWait,
    kSession,
    kSpace,
    kCollection,
  };
  Time due = 0;
  Kind kind = Kind::kTuple;
  uint64_t id = 0;     // of a tuple, transaction, wait, session or space; a hold's token
  uint32_t space = 0;  // kTuple: where it is
  uint32_t slot = 0;
};

class TimerWheel {
 public:
  explicit TimerWheel(Time now) : now_(now) {}

  void add(const Timer& timer);

  // Moves on to `now` and appends at most `max` timers that are due; true if there may be more.
  bool take_due(Time now, size_t max, std::vector<Timer>& due);

  // When take_due() should be called next: never later than the first due time; kNever if there
  // is nothing.
  Time next_due() const { return next_; }

  size_t size() const { return size_; }

 private:
  // Level l holds what differs from now_ first in bits 6l..6l+5, by those bits.
  static constexpr int kBits = 6;
  static constexpr int kLevels = 11;

  Time earliest() const;

  std::array<std::array<std::vector<Timer>, 1 << kBits>, kLevels> slots_;
  std::array<uint64_t, kLevels> filled_{};  // a bit per slot
  std::vector<Timer> ready_;                // due already
  size_t ready_taken_ = 0;
  Time now_;
  Time next_ = kNever;
  size_t size_ = 0;
};

}  // namespace tuplespace
