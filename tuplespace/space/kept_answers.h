// KeptAnswers holds the first answers of a session's numbered operations, as long as they may be
// asked for again.
//
// Numbers come one after the other and are confirmed much the same way, so an answer lives in a
// ring at its number modulo the ring's size, and is reached without a search. An answer whose
// place another one has (a gap of numbers, a confirmation that stays out) goes into a hash map.
//
// Threads: lane.
// Bounds:  the caller's, on size(). A ring has at most four places for each of the answers it had
//          at once; one that is large for what it has had lately is given back when it is empty.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuplespace/space/answer.h"
#include "tuplespace/space/record.h"
#include "tuplespace/space/slab.h"

namespace tuplespace {

// A tuple that a session took and has not confirmed.
struct HeldTuple {
  uint32_t space = 0;
  Slot slot = kNoSlot;
  Sequence id = 0;
};

// One answers record on disk; erased when the last of its answers is confirmed.
struct AnswerBatch {
  Sequence sequence = 0;  // of its key
  Number highest = 0;     // of the session when it was written: never forgotten, or a number might
                          // be used a second time
  uint32_t unconfirmed = 0;
  bool written = false;  // false: still collecting in this turn
};

// What a kept answer takes besides the tuples it holds.
inline constexpr uint64_t kKeptAnswerBytes = 64;

// What it took is held by its session until it is confirmed, unless `kind` says who else has it.
struct KeptAnswer {
  uint64_t hash = 0;
  record::AnswerKind kind = record::AnswerKind::kOut;
  Sequence sequence = 0;
  std::optional<Duration> ttl;
  absl::InlinedVector<HeldTuple, 1> tuples;  // most takes take one
  std::string detail;                        // what else the answer said, spelled as its kind does
  uint64_t bytes = 0;
  AnswerBatch* batch = nullptr;  // nullptr: not on disk
};

class KeptAnswers {
 public:
  size_t size() const { return in_ring_ + others_.size(); }

  // Returns the answer of `number`, nullptr if there is none. Valid until the next insert() or
  // erase().
  KeptAnswer* find(Number number);

  // Returns the answer of `number`, empty, to be filled in. Requires: it is not 0 and has none.
  KeptAnswer& insert(Number number);
  // Requires: `number` has an answer.
  void erase(Number number);

  // The numbers that have an answer, ascending: all of them, or those of a range.
  std::vector<Number> numbers() const;
  std::vector<Number> numbers_in(const NumberRange& range);

 private:
  static constexpr size_t kSmallest = 16;    // places of a ring
  static constexpr size_t kSpareMax = 1024;  // places that an empty ring may keep in any case

  struct Place {
    Number number = 0;  // 0: nobody's
    KeptAnswer answer;
  };

  Place& place_of(Number number) { return ring_[number & (places_ - 1)]; }
  void resize(size_t places);

  std::unique_ptr<Place[]> ring_;
  size_t places_ = 0;  // a power of two, or 0
  size_t in_ring_ = 0;
  size_t most_ = 0;  // at once, since there were none
  absl::flat_hash_map<Number, KeptAnswer> others_;
};

inline KeptAnswer* KeptAnswers::find(Number number) {
  if (in_ring_ > 0) {
    Place& place = place_of(number);
    if (place.number == number) return &place.answer;
  }
  if (others_.empty()) return nullptr;
  const auto other = others_.find(number);
  return other == others_.end() ? nullptr : &other->second;
}

}  // namespace tuplespace
