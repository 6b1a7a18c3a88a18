#include "tuplespace/space/space.h"

#include <algorithm>

namespace tuplespace {
namespace {

// What is kept about a tuple besides its bytes: its entry, malloc's share, its place in the list
// of its arity and in one index.
constexpr uint64_t kBytesPerTuple = sizeof(Entry) + 16 + 5 + 20;

}  // namespace

Space::Space(uint32_t id, std::string name, const ShardConfig& config, Used& used)
    : waiters(config.seed, config.residual_waiters_max),
      id_(id),
      name_(std::move(name)),
      config_(config),
      print_(config.seed),
      used_(used) {}

Slot Space::add(Tuple tuple, Sequence id, Time now) {
  const Slot slot = slab.add();
  Entry& entry = slab[slot];
  const uint64_t bytes = kBytesPerTuple + tuple.footprint();
  bytes_ += bytes;
  used_.bytes += bytes;
  ++used_.tuples;
  if (used_.added != nullptr) used_.added->push_back(tuple);
  entry.tuple = std::move(tuple);
  entry.id = id;
  entry.out_at = static_cast<uint64_t>(now);
  return slot;
}

void Space::free(Slot slot) {
  const uint64_t bytes = kBytesPerTuple + slab[slot].tuple.footprint();
  bytes_ -= bytes;
  used_.bytes -= bytes;
  --used_.tuples;
  slab.free(slot);
}

void Space::insert_available(Slot slot, Fingerprint& print) {
  slab[slot].set_state(Presence::kAvailable);
  index(print.arity()).insert(slot, print);
  ++ready_;
}

void Space::erase_available(Slot slot) {
  print_.reset(slab[slot].tuple.bytes());
  leave(slot, print_.arity());
}

void Space::erase_available(Slot slot, size_t arity, KnownHash known) {
  print_.reset(slab[slot].tuple.bytes(), known);
  leave(slot, arity);
}

// `print_` is the tuple's fingerprint.
void Space::leave(Slot slot, size_t arity) {
  index(arity).erase(slot, print_);
  --ready_;
  if (interests == nullptr || interests->leaving.size() == 0) return;
  interests->changes.departures.push_back({id_, slab[slot].tuple});
  ++interests->changes.count;
}

void Space::insert_held(Slot slot) {
  slab[slot].set_state(Presence::kHeld);
  held.insert(slab, slot);
  become_busy(slot);
}

void Space::erase_held(Slot slot) {
  held.erase(slab, slot);
  cease_busy(slot);
}

void Space::insert_delayed(Slot slot) {
  slab[slot].set_state(Presence::kDelayed);
  delayed.insert(slab, slot);
  if (slab[slot].attempt > 0) become_busy(slot);
}

void Space::erase_delayed(Slot slot) {
  delayed.erase(slab, slot);
  if (slab[slot].attempt > 0) cease_busy(slot);
}

Slot Space::find(Sequence id) const {
  const auto in = [&](const PlaceList& list) {
    const auto at = list.above(slab, id - 1);
    return at != list.end() && slab[list.at(at)].id == id ? list.at(at) : kNoSlot;
  };
  Slot slot = in(held);
  if (slot == kNoSlot) slot = in(delayed);
  for (size_t arity = 0; slot == kNoSlot && arity < by_arity_.size(); ++arity) {
    if (by_arity_[arity] != nullptr) slot = in(by_arity_[arity]->all());
  }
  return slot;
}

// ---- groups ----

bool Space::is_busy(size_t arity, uint32_t field, std::string_view value) {
  Index& counted = index(arity);
  if (!counted.counts_busy(field)) count_busy(counted, field);
  return counted.is_busy(field, value);
}

void Space::count_busy(Index& index, uint32_t field) {
  index.count_busy(field);
  counts_busy_ = true;
  for (const PlaceList* list : {&held, &delayed}) {
    for (auto at = list->begin(); at != list->end(); at = list->next(at)) {
      const Entry& entry = slab[list->at(at)];
      if (list == &delayed && entry.attempt == 0) continue;
      if (entry.tuple.arity() == index.arity()) index.add_busy(field, entry.tuple.bytes());
    }
  }
}

void Space::become_busy(Slot slot) {
  if (!counts_busy_) return;
  const Tuple& tuple = slab[slot].tuple;
  const size_t arity = tuple.arity();
  if (arity >= by_arity_.size() || by_arity_[arity] == nullptr) return;
  if (by_arity_[arity]->counts_busy()) by_arity_[arity]->add_busy(tuple.bytes());
}

void Space::cease_busy(Slot slot) {
  if (!counts_busy_) return;
  const Tuple& tuple = slab[slot].tuple;
  const size_t arity = tuple.arity();
  if (arity >= by_arity_.size() || by_arity_[arity] == nullptr) return;
  if (!by_arity_[arity]->counts_busy()) return;
  by_arity_[arity]->remove_busy(tuple.bytes(), [&](uint32_t field, std::string_view value) {
    if (!waiters.grouped().empty()) freed.push_back({arity, field, std::string(value)});
  });
}

Index& Space::index(size_t arity) {
  if (arity >= by_arity_.size()) by_arity_.resize(arity + 1);
  if (by_arity_[arity] == nullptr) {
    by_arity_[arity] = std::make_unique<Index>(slab, arity, config_.seed, config_.indexes_max,
                                               config_.slice_candidates);
  }
  return *by_arity_[arity];
}

const std::vector<Index*>& Space::indexes_for(const Template& wanted) {
  chosen_.clear();
  const size_t least = wanted.fields().size();
  const size_t most = wanted.rest() ? by_arity_.size() : least + 1;
  for (size_t arity = least; arity < most && arity < by_arity_.size(); ++arity) {
    if (by_arity_[arity] != nullptr && !by_arity_[arity]->all().empty()) {
      chosen_.push_back(by_arity_[arity].get());
    }
  }
  return chosen_;
}

std::vector<const Index*> Space::indexes() const {
  std::vector<const Index*> all;
  for (const auto& index : by_arity_) {
    if (index != nullptr) all.push_back(index.get());
  }
  return all;
}

bool Space::building() const {
  return std::any_of(by_arity_.begin(), by_arity_.end(),
                     [](const auto& index) { return index != nullptr && index->building(); });
}

bool Space::build_indexes(size_t max) {
  for (const auto& index : by_arity_) {
    if (index != nullptr && index->building()) {
      index->build(max);
      break;
    }
  }
  return building();
}

}  // namespace tuplespace
