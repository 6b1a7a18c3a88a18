// Index finds the available tuples of one arity of a space. For each question that templates ask
// it keeps one hash of the asked fields to the places that answer it; for least and greatest, the
// same in order of a field; for groups, the same by a field's value.
//
// An index of many tuples is built in slices when first asked for; until then it counts as absent.
//
// Order:   places ascend within everything that is returned.
// Threads: lane.
// Bounds:  indexes_max questions; a question unused for kIdle makes room for another.
#pragma once

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string_view>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/space/group_index.h"
#include "tuplespace/space/hash_table.h"
#include "tuplespace/space/place_list.h"
#include "tuplespace/space/question.h"
#include "tuplespace/space/slab.h"

namespace tuplespace {

// Tuples in order of place: none, one, or a list.
struct Places {
  const PlaceList* list = nullptr;
  Slot single = kNoSlot;  // without a list

  size_t size() const { return list != nullptr ? list->size() : single != kNoSlot ? 1 : 0; }
};

// One question's hash to places.
class HashIndex {
 public:
  explicit HashIndex(Question question) : question_(std::move(question)) {}

  const Question& question() const { return question_; }
  Places find(uint64_t hash) const;
  size_t keys() const { return table_.size(); }
  bool complete() const { return complete_; }
  size_t footprint() const;

 private:
  friend class Index;
  static constexpr uint32_t kList = 0x80000000;  // the value is the number of a list

  void insert(const Slab& slab, uint64_t hash, Slot slot);
  void erase(const Slab& slab, uint64_t hash, Slot slot);

  Question question_;
  HashTable table_;
  std::vector<PlaceList> lists_;
  std::vector<uint32_t> free_lists_;
  bool complete_ = false;
  Sequence built_to_ = 0;  // while not complete: places up to this are in
  Time last_used_ = 0;
};

// Where a tuple stands in an order by field: the field's bytes, then its place.
struct OrderKey {
  std::string_view field;
  Sequence place = 0;
};

// Returns the bytes of a tuple's field. Requires: it has that many.
std::string_view field_of(std::string_view tuple_bytes, uint32_t field);

// Ascending by field (descending for `greatest`), then by place: ties go to the oldest.
struct FieldOrder {
  using is_transparent = void;
  const Slab* slab;
  uint32_t field;
  bool descending;

  OrderKey key(Slot slot) const;
  bool less(const OrderKey& a, const OrderKey& b) const;
  bool operator()(Slot a, Slot b) const { return less(key(a), key(b)); }
  bool operator()(Slot a, const OrderKey& b) const { return less(key(a), b); }
  bool operator()(const OrderKey& a, Slot b) const { return less(a, key(b)); }
};

using OrderedPlaces = absl::btree_set<Slot, FieldOrder>;

// One question's hash to tuples in order of a field.
class OrderedIndex {
 public:
  OrderedIndex(Question question, FieldOrder order)
      : question_(std::move(question)), order_(order) {}

  const Question& question() const { return question_; }
  const FieldOrder& order() const { return order_; }
  // nullptr: none.
  const OrderedPlaces* find(uint64_t hash) const;

 private:
  friend class Index;
  void insert(uint64_t hash, Slot slot);
  void erase(uint64_t hash, Slot slot);

  Question question_;
  FieldOrder order_;
  absl::flat_hash_map<uint64_t, OrderedPlaces> places_;
  bool complete_ = false;
  Sequence built_to_ = 0;
  Time last_used_ = 0;
};

class Index {
 public:
  // Up to `build_at_once` tuples are indexed without slices.
  Index(const Slab& slab, size_t arity, uint64_t seed, size_t indexes_max, size_t build_at_once);

  size_t arity() const { return arity_; }
  uint64_t seed() const { return seed_; }
  const PlaceList& all() const { return all_; }

  // `print` is the fingerprint of the tuple in `slot`.
  void insert(Slot slot, Fingerprint& print);
  void erase(Slot slot, Fingerprint& print);

  // Returns the index to use for `question`, or nullptr: all() is all there is. With `building`
  // a missing one is begun; it is set if that takes longer and is worth waiting for.
  const HashIndex* ask(const Question& question, Time now, bool* building);

  // Returns the ordered index, or nullptr: it is being built, or (`*full`) there is no room.
  const OrderedIndex* ask_ordered(const Question& question, uint32_t field, bool descending,
                                  Time now, bool* full);

  // As ask_ordered(), for groups by `field`. Requires: counts_busy(field).
  const GroupIndex* ask_groups(const Question& question, uint32_t field, Time now, bool* full);

  // Which values of `field` are busy is counted from count_busy() on. What is held already must
  // then be told by add_busy(field, ...).
  bool counts_busy() const { return !busy_.empty(); }
  bool counts_busy(uint32_t field) const;
  void count_busy(uint32_t field) { busy_.push_back({field, {}}); }
  bool is_busy(uint32_t field, std::string_view value) const;
  void add_busy(uint32_t field, std::string_view tuple_bytes);

  // A tuple of this arity becomes busy, or ceases to be. freed() gets the groups that are not busy
  // any more.
  void add_busy(std::string_view tuple_bytes);
  template <typename Freed>
  void remove_busy(std::string_view tuple_bytes, Freed freed);

  // Indexes up to `max` tuples more. True while there is more to do.
  bool build(size_t max);
  bool building() const { return building_ > 0; }

  size_t footprint() const;
  const std::vector<std::unique_ptr<HashIndex>>& questions() const { return questions_; }

 private:
  bool make_room(Time now);
  size_t indexes() const { return questions_.size() + ordered_.size() + groups_.size(); }
  void set_busy(uint32_t field, std::string_view value, bool busy);

  const Slab& slab_;
  size_t arity_;
  uint64_t seed_;
  size_t indexes_max_;
  size_t build_at_once_;
  PlaceList all_;
  std::vector<std::unique_ptr<HashIndex>> questions_;
  std::vector<std::unique_ptr<OrderedIndex>> ordered_;
  std::vector<std::unique_ptr<GroupIndex>> groups_;
  struct Busy {
    uint32_t field;
    TextMap<uint32_t> counts;  // of busy tuples, by value
  };
  std::vector<Busy> busy_;
  size_t building_ = 0;
  Fingerprint print_;  // of the tuple being indexed
};

template <typename Freed>
void Index::remove_busy(std::string_view tuple_bytes, Freed freed) {
  for (Busy& busy : busy_) {
    const std::string_view value = field_of(tuple_bytes, busy.field);
    const auto count = busy.counts.find(value);
    TS_CHECK(count != busy.counts.end());
    if (--count->second > 0) continue;
    busy.counts.erase(count);
    set_busy(busy.field, value, false);
    freed(busy.field, value);
  }
}

}  // namespace tuplespace
