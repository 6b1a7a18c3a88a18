// History is the last events of one space, kept for watchers that come back.
//
// Order:   ascending sequence number.
// Threads: lane.
// Bounds:  Policy::history events; their bytes count as the shard's memory.
#pragma once

#include <cstdint>
#include <deque>

#include "tuplespace/space/answer.h"

namespace tuplespace {

struct Used;

class History {
 public:
  // Keeps at most `max` events, at least one. `used` is the shard's sum, kept up to date.
  History(size_t max, Used& used) : max_(max), used_(used) {}
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Requires: its sequence number is above all others. Returns that of the event that fell out
  // for it, or 0.
  Sequence add(const SpaceEvent& event);

  // Events up to here may be missing.
  Sequence forgotten_to() const { return forgotten_to_; }
  void forget_to(Sequence sequence);
  // After recovery: if it is full, something may have fallen out before its first event.
  void assume_forgotten();

  size_t size() const { return events_.size(); }
  const SpaceEvent& operator[](size_t at) const { return events_[at]; }
  // The first event after `sequence`, or size().
  size_t first_after(Sequence sequence) const;

 private:
  static uint64_t bytes_of(const SpaceEvent& event);

  const size_t max_;
  Used& used_;
  uint64_t bytes_ = 0;
  std::deque<SpaceEvent> events_;
  Sequence forgotten_to_ = 0;
};

}  // namespace tuplespace
