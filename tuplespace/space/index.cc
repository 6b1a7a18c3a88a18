#include "tuplespace/space/index.h"

#include <algorithm>
#include <functional>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

constexpr Duration kIdle = 60'000;  // a question unused for so long may be dropped

}  // namespace

// ---- HashIndex ----

Places HashIndex::find(uint64_t hash) const {
  const uint32_t value = table_.find(hash);
  if (value == HashTable::kEmpty) return {};
  if (value & kList) return {&lists_[value & ~kList], kNoSlot};
  return {nullptr, value};
}

void HashIndex::insert(const Slab& slab, uint64_t hash, Slot slot) {
  const uint32_t value = table_.find(hash);
  if (value == HashTable::kEmpty) {
    table_.set(hash, slot);
    return;
  }
  if (value & kList) {
    lists_[value & ~kList].insert(slab, slot);
    return;
  }
  uint32_t list = 0;
  if (free_lists_.empty()) {
    list = static_cast<uint32_t>(lists_.size());
    lists_.emplace_back();
  } else {
    list = free_lists_.back();
    free_lists_.pop_back();
  }
  lists_[list].insert(slab, value);
  lists_[list].insert(slab, slot);
  table_.set(hash, list | kList);
}

void HashIndex::erase(const Slab& slab, uint64_t hash, Slot slot) {
  const uint32_t value = table_.find(hash);
  TS_CHECK(value != HashTable::kEmpty);
  if (value & kList) {
    PlaceList& list = lists_[value & ~kList];
    list.erase(slab, slot);
    if (!list.empty()) return;
    list.clear();
    free_lists_.push_back(value & ~kList);
  }
  table_.erase(hash);
}

size_t HashIndex::footprint() const {
  size_t bytes = table_.footprint() + lists_.capacity() * sizeof(PlaceList);
  for (const PlaceList& list : lists_) bytes += list.footprint();
  return bytes;
}

// ---- OrderedIndex ----

std::string_view field_of(std::string_view bytes, uint32_t field) {
  for (; field > 0; --field) take_field(bytes);
  return take_field(bytes);
}

OrderKey FieldOrder::key(Slot slot) const {
  const Entry& entry = (*slab)[slot];
  return {field_of(entry.tuple.bytes(), field), entry.id};
}

bool FieldOrder::less(const OrderKey& a, const OrderKey& b) const {
  const int order = a.field.compare(b.field);
  if (order != 0) return descending ? order > 0 : order < 0;
  return a.place < b.place;
}

const OrderedPlaces* OrderedIndex::find(uint64_t hash) const {
  const auto found = places_.find(hash);
  return found == places_.end() ? nullptr : &found->second;
}

void OrderedIndex::insert(uint64_t hash, Slot slot) {
  places_.try_emplace(hash, order_).first->second.insert(slot);
}

void OrderedIndex::erase(uint64_t hash, Slot slot) {
  const auto found = places_.find(hash);
  TS_CHECK(found != places_.end());
  found->second.erase(slot);
  if (found->second.empty()) places_.erase(found);
}

// ---- Index ----

Index::Index(const Slab& slab, size_t arity, uint64_t seed, size_t indexes_max,
             size_t build_at_once)
    : slab_(slab),
      arity_(arity),
      seed_(seed),
      indexes_max_(indexes_max),
      build_at_once_(build_at_once),
      print_(seed) {}

void Index::insert(Slot slot, Fingerprint& print) {
  const Sequence place = slab_[slot].id;
  all_.insert(slab_, slot);
  for (const auto& index : questions_) {
    if (!index->complete_ && place > index->built_to_) continue;
    index->insert(slab_, print.hash(index->question_), slot);
  }
  for (const auto& index : ordered_) {
    if (!index->complete_ && place > index->built_to_) continue;
    index->insert(print.hash(index->question_), slot);
  }
  for (const auto& index : groups_) {
    if (!index->complete_ && place > index->built_to_) continue;
    const std::string_view value = print.field(index->field_);
    index->insert(slab_, print.hash(index->question_), value, slot, is_busy(index->field_, value));
  }
}

void Index::erase(Slot slot, Fingerprint& print) {
  const Sequence place = slab_[slot].id;
  all_.erase(slab_, slot);
  for (const auto& index : questions_) {
    if (!index->complete_ && place > index->built_to_) continue;
    index->erase(slab_, print.hash(index->question_), slot);
  }
  for (const auto& index : ordered_) {
    if (!index->complete_ && place > index->built_to_) continue;
    index->erase(print.hash(index->question_), slot);
  }
  for (const auto& index : groups_) {
    if (!index->complete_ && place > index->built_to_) continue;
    index->erase(slab_, print.hash(index->question_), print.field(index->field_), slot);
  }
}

namespace {

// Indexes what is not yet in, up to `max` tuples. True when it is complete.
template <typename Add>
bool build_slice(const Slab& slab, const PlaceList& all, Sequence& built_to, size_t max, Add add) {
  for (auto at = all.above(slab, built_to); at != all.end(); at = all.next(at)) {
    if (max-- == 0) return false;
    const Slot slot = all.at(at);
    add(slot);
    built_to = slab[slot].id;
  }
  return true;
}

}  // namespace

const HashIndex* Index::ask(const Question& question, Time now, bool* building) {
  if (building != nullptr) *building = false;
  const HashIndex* best = nullptr;
  for (const auto& index : questions_) {
    if (index->question_ == question) {
      index->last_used_ = now;
      if (index->complete_) return index.get();
      if (building == nullptr) continue;
      *building = true;
      return nullptr;
    }
    if (index->complete_ && index->question_.is_within(question) &&
        (best == nullptr || index->question_.closeness() > best->question_.closeness())) {
      best = index.get();
    }
  }
  if (question.asks_nothing() || building == nullptr) return best;
  if (indexes() >= indexes_max_ && !make_room(now)) return best;
  questions_.push_back(std::make_unique<HashIndex>(question));
  HashIndex& index = *questions_.back();
  index.last_used_ = now;
  ++building_;
  if (all_.size() <= build_at_once_) {
    build(build_at_once_ + 1);
    if (index.complete_) return &index;
  }
  *building = true;
  return nullptr;
}

const OrderedIndex* Index::ask_ordered(const Question& question, uint32_t field, bool descending,
                                       Time now, bool* full) {
  *full = false;
  for (const auto& index : ordered_) {
    if (index->question_ == question && index->order_.field == field &&
        index->order_.descending == descending) {
      index->last_used_ = now;
      return index->complete_ ? index.get() : nullptr;
    }
  }
  if (indexes() >= indexes_max_ && !make_room(now)) {
    *full = true;
    return nullptr;
  }
  ordered_.push_back(
      std::make_unique<OrderedIndex>(question, FieldOrder{&slab_, field, descending}));
  OrderedIndex& index = *ordered_.back();
  index.last_used_ = now;
  ++building_;
  if (all_.size() <= build_at_once_) build(build_at_once_ + 1);
  return index.complete_ ? &index : nullptr;
}

const GroupIndex* Index::ask_groups(const Question& question, uint32_t field, Time now,
                                    bool* full) {
  *full = false;
  for (const auto& index : groups_) {
    if (index->question_ == question && index->field_ == field) {
      index->last_used_ = now;
      return index->complete_ ? index.get() : nullptr;
    }
  }
  if (indexes() >= indexes_max_ && !make_room(now)) {
    *full = true;
    return nullptr;
  }
  groups_.push_back(std::make_unique<GroupIndex>(question, field));
  GroupIndex& index = *groups_.back();
  index.last_used_ = now;
  ++building_;
  if (all_.size() <= build_at_once_) build(build_at_once_ + 1);
  return index.complete_ ? &index : nullptr;
}

bool Index::counts_busy(uint32_t field) const {
  return std::any_of(busy_.begin(), busy_.end(),
                     [&](const Busy& busy) { return busy.field == field; });
}

bool Index::is_busy(uint32_t field, std::string_view value) const {
  return std::any_of(busy_.begin(), busy_.end(), [&](const Busy& busy) {
    return busy.field == field && busy.counts.contains(value);
  });
}

void Index::add_busy(uint32_t field, std::string_view tuple_bytes) {
  for (Busy& busy : busy_) {
    if (busy.field != field) continue;
    const std::string_view value = field_of(tuple_bytes, field);
    if (++busy.counts[value] == 1) set_busy(field, value, true);
  }
}

void Index::add_busy(std::string_view tuple_bytes) {
  for (const Busy& busy : busy_) add_busy(busy.field, tuple_bytes);
}

void Index::set_busy(uint32_t field, std::string_view value, bool busy) {
  for (const auto& index : groups_) {
    if (index->field_ == field) index->set_busy(slab_, value, busy);
  }
}

bool Index::build(size_t max) {
  for (const auto& index : questions_) {
    if (index->complete_) continue;
    index->complete_ = build_slice(slab_, all_, index->built_to_, max, [&](Slot slot) {
      print_.reset(slab_[slot].tuple.bytes());
      index->insert(slab_, print_.hash(index->question_), slot);
    });
    if (!index->complete_) return true;
    --building_;
  }
  for (const auto& index : ordered_) {
    if (index->complete_) continue;
    index->complete_ = build_slice(slab_, all_, index->built_to_, max, [&](Slot slot) {
      print_.reset(slab_[slot].tuple.bytes());
      index->insert(print_.hash(index->question_), slot);
    });
    if (!index->complete_) return true;
    --building_;
  }
  for (const auto& index : groups_) {
    if (index->complete_) continue;
    index->complete_ = build_slice(slab_, all_, index->built_to_, max, [&](Slot slot) {
      print_.reset(slab_[slot].tuple.bytes());
      const std::string_view value = print_.field(index->field_);
      index->insert(slab_, print_.hash(index->question_), value, slot,
                    is_busy(index->field_, value));
    });
    if (!index->complete_) return true;
    --building_;
  }
  return false;
}

// Drops the index that is unused for longest, if that is long enough.
bool Index::make_room(Time now) {
  Time oldest = now - kIdle + 1;
  std::function<void()> drop;
  const auto look = [&](auto& indexes) {
    for (auto& index : indexes) {
      if (index->last_used_ >= oldest) continue;
      oldest = index->last_used_;
      drop = [this, &indexes, at = &index - indexes.data()] {
        if (!indexes[at]->complete_) --building_;
        indexes.erase(indexes.begin() + at);
      };
    }
  };
  look(questions_);
  look(ordered_);
  look(groups_);
  if (drop) drop();
  return drop != nullptr;
}

size_t Index::footprint() const {
  size_t bytes = all_.footprint();
  for (const auto& index : questions_) bytes += index->footprint();
  for (const auto& index : ordered_) {
    for (const auto& [hash, places] : index->places_) bytes += 48 + places.size() * 6;
  }
  return bytes;
}

}  // namespace tuplespace
