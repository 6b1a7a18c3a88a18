#include "tuplespace/space/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace tuplespace {

void TimerWheel::add(const Timer& timer) {
  ++size_;
  next_ = std::min(next_, std::max(timer.due, now_));
  if (timer.due <= now_) {
    ready_.push_back(timer);
    return;
  }
  const uint64_t differs = static_cast<uint64_t>(timer.due) ^ static_cast<uint64_t>(now_);
  const int level = (std::bit_width(differs) - 1) / kBits;
  const uint64_t slot = static_cast<uint64_t>(timer.due) >> (level * kBits) & ((1 << kBits) - 1);
  slots_[level][slot].push_back(timer);
  filled_[level] |= uint64_t{1} << slot;
}

// Everything on a level is due before anything on the next, and every filled slot of a level lies
// behind now_, so the first filled slot of the lowest filled level is next.
Time TimerWheel::earliest() const {
  if (ready_taken_ < ready_.size()) return now_;
  for (int level = 0; level < kLevels; ++level) {
    if (filled_[level] == 0) continue;
    const uint64_t slot = std::countr_zero(filled_[level]);
    const int shift = level * kBits;
    const uint64_t above =
        shift + kBits >= 64 ? 0 : static_cast<uint64_t>(now_) >> (shift + kBits) << (shift + kBits);
    return static_cast<Time>(above | slot << shift);
  }
  return kNever;
}

bool TimerWheel::take_due(Time now, size_t max, std::vector<Timer>& due) {
  while (true) {
    while (ready_taken_ < ready_.size()) {
      if (max == 0) {
        next_ = now_;
        return true;
      }
      due.push_back(ready_[ready_taken_++]);
      --max;
      --size_;
    }
    ready_.clear();
    ready_taken_ = 0;
    const Time next = earliest();
    if (next > now) {
      if (now > now_) now_ = now;
      next_ = next;
      return false;
    }
    // Empty the slot that begins at `next`: its timers are due, or belong on lower levels.
    int level = 0;
    while (filled_[level] == 0) ++level;
    const int slot = std::countr_zero(filled_[level]);
    std::vector<Timer> timers = std::exchange(slots_[level][slot], {});
    filled_[level] &= ~(uint64_t{1} << slot);
    now_ = next;
    size_ -= timers.size();
    for (const Timer& timer : timers) add(timer);
  }
}

}  // namespace tuplespace
