#include "tuplespace/space/history.h"

#include <algorithm>

#include "tuplespace/space/space.h"

namespace tuplespace {

History::~History() { used_.bytes -= bytes_; }

uint64_t History::bytes_of(const SpaceEvent& event) {
  return sizeof event + event.found.tuple.footprint();
}

Sequence History::add(const SpaceEvent& event) {
  bytes_ += bytes_of(event);
  used_.bytes += bytes_of(event);
  events_.push_back(event);
  if (events_.size() <= max_) return 0;
  const Sequence gone = events_.front().sequence;
  bytes_ -= bytes_of(events_.front());
  used_.bytes -= bytes_of(events_.front());
  events_.pop_front();
  forgotten_to_ = gone;
  return gone;
}

void History::forget_to(Sequence sequence) { forgotten_to_ = std::max(forgotten_to_, sequence); }

void History::assume_forgotten() {
  if (events_.size() >= max_) forget_to(events_.front().sequence - 1);
}

size_t History::first_after(Sequence sequence) const {
  const auto at = std::upper_bound(
      events_.begin(), events_.end(), sequence,
      [](Sequence after, const SpaceEvent& event) { return after < event.sequence; });
  return static_cast<size_t>(at - events_.begin());
}

}  // namespace tuplespace
