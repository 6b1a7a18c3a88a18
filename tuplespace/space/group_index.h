// GroupIndex finds the oldest tuple of a group that is not busy, however many groups are. A group
// is what has one value in one field, among the tuples that answer one question.
//
// Order:   ready() gives groups in order of their oldest tuples' places.
// Threads: lane.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/space/place_list.h"
#include "tuplespace/space/question.h"
#include "tuplespace/space/slab.h"

namespace tuplespace {

// Lets a map of strings be asked with a view.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <typename T>
using TextMap = absl::flat_hash_map<std::string, T, TextHash, std::equal_to<>>;

class GroupIndex {
 public:
  struct Group {
    PlaceList places;
    bool busy = false;
    Sequence head = 0;  // its place among the ready ones, 0: it is not there
  };
  using Ready = absl::btree_map<Sequence, const Group*>;

  GroupIndex(Question question, uint32_t field) : question_(std::move(question)), field_(field) {}

  const Question& question() const { return question_; }
  uint32_t field() const { return field_; }

  // A tuple that becomes available, or ceases to be. `hash` is its hash under the question,
  // `value` its field; `busy` says whether tuples of this value are held.
  void insert(const Slab& slab, uint64_t hash, std::string_view value, Slot slot, bool busy);
  void erase(const Slab& slab, uint64_t hash, std::string_view value, Slot slot);

  // All groups of this value become busy, or cease to be.
  void set_busy(const Slab& slab, std::string_view value, bool busy);

  // The groups of a hash that have tuples and are not busy; nullptr: none.
  const Ready* ready(uint64_t hash) const;

 private:
  friend class Index;
  struct Groups {
    TextMap<std::unique_ptr<Group>> by_value;
    Ready ready;
  };
  static void settle(const Slab& slab, Groups& groups, Group& group);

  Question question_;
  uint32_t field_;
  absl::flat_hash_map<uint64_t, Groups> groups_;  // by hash
  TextMap<std::vector<uint64_t>> where_;          // the hashes of a value
  bool complete_ = false;
  Sequence built_to_ = 0;
  Time last_used_ = 0;
};

}  // namespace tuplespace
