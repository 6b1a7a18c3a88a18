// EndedSessions remembers which sessions shard 0 has ended: a shard that does not decide this
// itself begins a session with its first operation, and one that was under way while the session
// ended must not begin it anew. What it took would be held for ever.
//
// Threads: lane.
// Bounds:  kKept; older ones are forgotten. An operation is on its way for less than that.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <deque>

#include "tuplespace/space/operation.h"

namespace tuplespace {

class EndedSessions {
 public:
  static constexpr size_t kKept = 65'536;

  void add(SessionId session) {
    if (!known_.insert(session).second) return;
    order_.push_back(session);
    if (order_.size() <= kKept) return;
    known_.erase(order_.front());
    order_.pop_front();
  }
  bool contains(SessionId session) const { return known_.contains(session); }

 private:
  absl::flat_hash_set<SessionId> known_;
  std::deque<SessionId> order_;
};

}  // namespace tuplespace
