// Hold keeps a taken tuple from everybody else, for work that may fail: it ends when it is
// settled, or when its lease or its session ends, and then the tuple is given back.
//
// Its token is the sequence number of its instant, so it is larger than that of every hold before
// on the same tuple: a fencing token.
//
// Threads: lane.
// Bounds:  ShardConfig::holds_max.
#pragma once

#include "tuplespace/clock.h"
#include "tuplespace/space/operation.h"
#include "tuplespace/space/slab.h"

namespace tuplespace {

struct Hold {
  Token token = 0;
  uint32_t space = 0;
  Slot slot = kNoSlot;
  Sequence tuple = 0;     // its id
  SessionId session = 0;  // it ends with; 0: with its lease only
  Duration lease = 0;     // last granted: after a restart it has at least that long again
  Time since = 0;
  Time until = 0;
};

}  // namespace tuplespace
