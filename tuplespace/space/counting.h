// Counting: how many available tuples of a space match a template, by its indexes where they
// answer exactly, else by looking at the candidates.
//
// Threads: lane.
// Bounds:  what the caller allows to be examined.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tuplespace/space/question.h"
#include "tuplespace/space/space.h"

namespace tuplespace {

struct Counted {
  uint64_t matching = 0;
  size_t examined = 0;
  bool too_many = false;  // more than may be examined: `matching` means nothing
  bool building = false;  // an index that would help is not built yet
};

Counted count_available(Space& space, const Template& wanted, const Plan& plan, Time now,
                        size_t examine_max);

// How many tuples of `list` match, as far as the first `examine_max` tell.
uint64_t count_listed(const Space& space, const PlaceList& list, const Template& wanted,
                      size_t examine_max);

}  // namespace tuplespace
