// AtomicGroup is a line of atomics that wait for the same: their conditions (everything but what
// they put) are equal, so while the first cannot happen none can. It is filed once, under every
// template that can matter; a change that matters costs one look, however many stand in line.
//
//   condition               looked at when a matching tuple
//   in, rd                  becomes available
//   count >                 becomes available
//   count <                 ceases to be available
//   count =                 does either
//
// A reference counts as a wildcard of its type.
//
// Order:   the longest waiting first; one whose session is suspended keeps its place.
// Threads: lane.
// Bounds:  ShardConfig::residual_waiters_max, as for other waits.
#pragma once

#include <absl/container/btree_set.h>

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tuplespace/space/operation.h"
#include "tuplespace/space/wait.h"

namespace tuplespace {

class Space;

// A tuple that is available and has not been offered yet to takers and atomics.
struct Arrival {
  uint32_t space = 0;
  Slot slot = kNoSlot;
  Sequence id = 0;
};

// A tuple that was available and is not any more.
struct Departure {
  uint32_t space = 0;
  Tuple tuple;
};

// What has changed since atomics were last looked at.
struct Changes {
  std::deque<Arrival> arrivals;
  std::vector<Departure> departures;  // where an atomic waits for such
  std::set<uint64_t> concerned;       // groups that a departure may have helped
  uint64_t count = 1;                 // of all that could matter, ever

  bool empty() const { return arrivals.empty() && departures.empty() && concerned.empty(); }
};

// The atomics that are interested in the tuples of one space.
struct AtomicInterests {
  AtomicInterests(uint64_t seed, size_t residual_max, Changes& changes)
      : arriving(seed, residual_max), leaving(seed, residual_max), changes(changes) {}

  Waiters arriving;  // a Wait in it stands for a group
  Waiters leaving;
  size_t waits = 0;  // atomics, all groups together
  Changes& changes;
};

struct AtomicGroup {
  // A template that matters, as one wait in a space's AtomicInterests.
  struct Interest {
    std::unique_ptr<Wait> filed;
    bool leaving = false;
  };

  uint64_t id = 0;
  std::string conditions;           // spelled; the same for all in line
  std::vector<uint32_t> spaces;     // that its conditions name, each once
  absl::btree_set<uint64_t> awake;  // waits that may be served
  size_t waits = 0;                 // suspended ones, too
  size_t probes = 0;                // of them; they wait for an index
  std::vector<Interest> interests;
  uint64_t failed_at = 0;  // Changes::count when it could not happen
  bool building = false;   // it waits for an index
};

// Everything of an atomic but what it puts, so that equal conditions are equal strings.
std::string conditions_of(const std::vector<Steps>& alternatives);

// The spaces that its conditions name, each once.
std::vector<std::string> spaces_of_conditions(const std::vector<Steps>& alternatives);

// What a change must match to matter, each once; ready to be filed but for ids.
struct Concern {
  std::string space;
  Template wanted;  // without references
  bool leaving = false;
};
std::vector<Concern> concerns_of(const std::vector<Steps>& alternatives);

}  // namespace tuplespace
