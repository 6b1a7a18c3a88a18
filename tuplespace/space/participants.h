// Participants are the sessions in whose deadlocks a space takes an interest (Policy::deadlock):
// opened as participants, and joined by their first operation on it.
//
// Threads: lane.
// Bounds:  ShardConfig::sessions_max.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>

#include "tuplespace/space/operation.h"

namespace tuplespace {

struct Participants {
  absl::flat_hash_set<SessionId> joined;
  uint64_t reported = 0;  // the youngest wait of the deadlock that was reported last
};

}  // namespace tuplespace
