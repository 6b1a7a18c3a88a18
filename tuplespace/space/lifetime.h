// Lifetime is what may end a space without a drop: its time, its session, or that nobody can
// reach it any more. Collection finds the last kind by mark and sweep over the handles in tuples,
// a slice at a time.
//
//   a collection   begins with   all spaces that are not collected, and the collected ones that
//                                a session uses or that somebody waits on: the roots
//                  looks at      every tuple of these, of what their handles name, and so on;
//                                and at every tuple that is put meanwhile
//                  drops         the collected spaces that it did not come across
//
// Only handles in tuples of the space's own shard count.
//
// Threads: lane.
// Bounds:  ShardConfig::slice_candidates tuples at a stretch; the next one begins when a session
//          has ended, or ShardConfig::collect_every later while it can find something.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <vector>

#include "tuplespace/space/operation.h"
#include "tuplespace/space/slab.h"

namespace tuplespace {

// Of a space with a ttl, or bound, or collected.
struct Lifetime {
  Time expires_at = kNever;
  SessionId owner = 0;                   // bound, collected
  absl::flat_hash_set<SessionId> users;  // collected: who created it, used it or was given a handle
  bool before_restart = false;           // so may have been used by all sessions of then
};

struct Collection {
  bool wanted = false;   // begin one
  bool running = false;  // what follows is used
  bool timer_set = false;
  uint32_t first_new_space = 0;        // this one and those above came later: they stay
  absl::flat_hash_set<uint32_t> seen;  // roots, and collected spaces that were come across
  std::vector<uint32_t> unread;        // of these, whose tuples were not looked at
  uint32_t reading = 0;                // 0: none
  Slot next_slot = 0;                  // of it
  std::vector<Tuple> added;            // put meanwhile
};

}  // namespace tuplespace
