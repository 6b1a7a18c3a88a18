#include "tuplespace/clock.h"

#include <time.h>

#include <algorithm>

namespace tuplespace {
namespace {

Time milliseconds_of(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<Time>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

}  // namespace

SystemClock::SystemClock(Time not_before)
    : offset_(std::max(milliseconds_of(CLOCK_REALTIME), not_before) -
              milliseconds_of(CLOCK_BOOTTIME)) {}

Time SystemClock::now() const { return milliseconds_of(CLOCK_BOOTTIME) + offset_; }

void SystemClock::not_before(Time not_before) {
  const Time behind = not_before - now();
  if (behind > 0) offset_ += behind;
}

}  // namespace tuplespace
