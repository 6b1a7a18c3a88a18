// Search looks for matching tuples of a space in the order that a choice asks for, a bounded
// number of candidates at a stretch. Between stretches a Cursor says how far it came.
//
// Threads: lane.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tuplespace/space/index.h"
#include "tuplespace/space/operation.h"
#include "tuplespace/space/question.h"

namespace tuplespace {

class ReadLocks;
class Space;

// How far a search has come: everything up to here does not match or is not available.
struct Cursor {
  bool started = false;
  Sequence place = 0;
  std::string field;  // least, greatest: of the tuple at `place`
};

// True if a search from `cursor` in this order will come across a tuple of this place.
bool is_ahead(const Cursor& cursor, Order order, uint32_t field, Sequence place,
              std::string_view tuple_bytes);

// Most searches find one tuple: no memory is asked for it.
using Slots = absl::InlinedVector<Slot, 4>;

struct SearchResult {
  Slots found;
  size_t examined = 0;
  bool finished = false;  // nothing is left to examine
  bool building = false;  // nothing was examined: an index is being built for it
  bool no_room = false;   // it needs an index, and there are too many
  KnownHash hash;         // that all found tuples have, if it is known
};

// A further template of a search for any of several.
struct Sought {
  const Template* wanted;
  const Plan* plan;
};

struct SearchRequest {
  const Template* wanted;
  const Plan* plan;
  Order order;       // never kDefault
  uint32_t field;    // kLeast, kGreatest: a number
  int group = -1;    // only of groups by this field that are not busy (kOldest, max 1)
  size_t max;        // tuples
  size_t bytes_max;  // of tuples after the first
  size_t candidates_max;
  Time now;
  Sequence until = UINT64_MAX;       // only places up to this (kOldest)
  bool may_build = true;             // begin an index that is missing
  std::vector<Sought> further = {};  // what matches one of these is found, too, and once
  // Not found is what another transaction than `taker` has read; nullptr: that does not matter.
  const ReadLocks* locks = nullptr;
  TransactionId taker = 0;
};

// Continues from `cursor`. `draw(n)` gives a random number below n.
SearchResult search(Space& space, const SearchRequest& request, Cursor& cursor,
                    const std::function<uint64_t(uint64_t)>& draw);

}  // namespace tuplespace
