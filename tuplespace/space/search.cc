#include "tuplespace/space/search.h"

#include <algorithm>
#include <optional>

#include "tuplespace/space/space.h"
#include "tuplespace/space/transaction.h"

namespace tuplespace {
namespace {

// What a search has to look through: one list, unless fields are sets or the arity is open.
struct Listed : Places {
  size_t of;  // the template that it is looked through for: 0 is `wanted`
};
using Gathered = absl::InlinedVector<Listed, 4>;

// A walk over Places, up or down.
class Walk {
 public:
  Walk(const Slab& slab, Places places, bool up, const Cursor& cursor)
      : slab_(slab), places_(places), up_(up) {
    if (places_.list == nullptr) {
      slot_ = places_.single;
      if (slot_ != kNoSlot && cursor.started) {
        const Sequence place = slab_[slot_].id;
        if (up ? place <= cursor.place : place >= cursor.place) slot_ = kNoSlot;
      }
      return;
    }
    if (up_) {
      at_ = cursor.started ? places_.list->above(slab_, cursor.place) : places_.list->begin();
    } else {
      at_ = cursor.started ? places_.list->above(slab_, cursor.place - 1) : places_.list->end();
    }
    settle();
  }

  // The slot to look at next, or kNoSlot.
  Slot slot() const { return slot_; }

  void advance() {
    if (places_.list == nullptr) {
      slot_ = kNoSlot;
      return;
    }
    at_ = up_ ? places_.list->next(at_) : places_.list->previous(at_);
    settle();
  }

 private:
  // Upwards at_ is the next position; downwards it is the one behind the next.
  void settle() {
    const PlaceList& list = *places_.list;
    if (list.empty() || (up_ ? at_ == list.end() : at_ == list.begin())) {
      slot_ = kNoSlot;
    } else {
      slot_ = list.at(up_ ? at_ : list.previous(at_));
    }
  }

  const Slab& slab_;
  Places places_;
  bool up_;
  PlaceList::Position at_{0, 0};
  Slot slot_ = kNoSlot;
};

// Looks at candidates until enough is found or the stretch is over.
class Collector {
 public:
  Collector(Space& space, const SearchRequest& request, SearchResult& result)
      : space_(space), request_(request), result_(result) {}

  // True while more may be looked at.
  bool wants_more() const {
    return !full_ && result_.examined < request_.candidates_max &&
           result_.found.size() < request_.max;
  }
  bool stretch_is_over() const { return result_.examined >= request_.candidates_max; }

  bool matches(Slot slot) { return first_match(slot) <= request_.further.size(); }

  bool is_locked(Slot slot) const {
    const Entry& entry = space_.slab[slot];
    return entry.locked && request_.locks != nullptr &&
           !request_.locks->may_take(entry.id, request_.taker);
  }

  // True if the template `of` is the first that matches: so a tuple in several lists counts once.
  bool matches_first(Slot slot, size_t of) { return first_match(slot) == of; }

  // False: it would be one too many bytes.
  bool add(Slot slot) {
    bytes_ += space_.slab[slot].tuple.footprint();
    if (!result_.found.empty() && bytes_ > request_.bytes_max) {
      full_ = true;
      return false;
    }
    result_.found.push_back(slot);
    return true;
  }

 private:
  size_t first_match(Slot slot) {
    ++result_.examined;
    if (space_.is_expired(slot, request_.now) || is_locked(slot)) return SIZE_MAX;
    const Tuple& tuple = space_.slab[slot].tuple;
    if (request_.wanted->matches(tuple)) return 0;
    for (size_t i = 0; i < request_.further.size(); ++i) {
      if (request_.further[i].wanted->matches(tuple)) return i + 1;
    }
    return SIZE_MAX;
  }

  Space& space_;
  const SearchRequest& request_;
  SearchResult& result_;
  size_t bytes_ = 0;
  bool full_ = false;
};

// Fills `places` with what `request` has to look through; false if that waits for an index.
bool gather(Space& space, const SearchRequest& request, const Sought& sought, size_t of,
            Gathered& places, KnownHash& known) {
  Question wider;
  for (Index* index : space.indexes_for(*sought.wanted)) {
    const bool longer = index->arity() > sought.plan->question.fields();
    if (longer) wider = sought.plan->question.widened(index->arity());
    const Question& question = longer ? wider : sought.plan->question;
    bool building = false;
    const HashIndex* hashes =
        index->ask(question, request.now, request.may_build ? &building : nullptr);
    if (building) return false;
    if (hashes == nullptr) {
      places.push_back({{&index->all(), kNoSlot}, of});
    } else if (hashes->question() == question) {
      for (const uint64_t hash : sought.plan->hashes) places.push_back({hashes->find(hash), of});
      known = {&hashes->question(), sought.plan->hashes.front()};
    } else {
      std::vector<uint64_t> under = hashes_under(*sought.wanted, hashes->question(), index->seed());
      std::sort(under.begin(), under.end());
      under.erase(std::unique(under.begin(), under.end()), under.end());
      for (const uint64_t hash : under) places.push_back({hashes->find(hash), of});
    }
  }
  return true;
}

bool gather(Space& space, const SearchRequest& request, Gathered& places, KnownHash& known) {
  if (!gather(space, request, {request.wanted, request.plan}, 0, places, known)) return false;
  for (size_t i = 0; i < request.further.size(); ++i) {
    if (!gather(space, request, request.further[i], i + 1, places, known)) return false;
  }
  if (places.size() != 1) known = {};
  return true;
}

void by_place(Space& space, const SearchRequest& request, const Gathered& places, Cursor& cursor,
              SearchResult& result) {
  const bool up = request.order != Order::kNewest;
  Collector collector(space, request, result);
  absl::InlinedVector<Walk, 4> walks;
  walks.reserve(places.size());
  for (const Places& some : places) {
    if (some.size() > 0) walks.emplace_back(space.slab, some, up, cursor);
  }
  while (collector.wants_more()) {
    Walk* next = nullptr;
    for (Walk& walk : walks) {
      if (walk.slot() == kNoSlot) continue;
      if (next == nullptr) {
        next = &walk;
        continue;
      }
      const bool lower = space.slab[walk.slot()].id < space.slab[next->slot()].id;
      if (lower == up) next = &walk;
    }
    if (next == nullptr || space.slab[next->slot()].id > request.until) {
      result.finished = true;
      return;
    }
    const Slot slot = next->slot();
    if (collector.matches(slot) && !collector.add(slot)) return;
    cursor.started = true;
    cursor.place = space.slab[slot].id;
    if (request.further.empty()) {
      next->advance();
      continue;
    }
    for (Walk& walk : walks) {
      if (walk.slot() == slot) walk.advance();
    }
  }
}

// Least and greatest: the same over ordered indexes.
struct FieldRange {
  OrderedPlaces::const_iterator at, end;
};

// False: an index is missing, as `result` says.
bool gather_ordered(Space& space, const SearchRequest& request, const Sought& sought,
                    const Cursor& cursor, std::vector<FieldRange>& ranges, SearchResult& result) {
  for (Index* index : space.indexes_for(*sought.wanted)) {
    bool full = false;
    const OrderedIndex* ordered =
        index->ask_ordered(sought.plan->question.widened(index->arity()), request.field,
                           request.order == Order::kGreatest, request.now, &full);
    if (ordered == nullptr) {
      (full ? result.no_room : result.building) = true;
      return false;
    }
    for (const uint64_t hash : sought.plan->hashes) {
      const OrderedPlaces* places = ordered->find(hash);
      if (places == nullptr) continue;
      const auto from = cursor.started ? places->upper_bound(OrderKey{cursor.field, cursor.place})
                                       : places->begin();
      ranges.push_back({from, places->end()});
    }
  }
  return true;
}

void by_field(Space& space, const SearchRequest& request, Cursor& cursor, SearchResult& result) {
  const FieldOrder order{&space.slab, request.field, request.order == Order::kGreatest};
  std::vector<FieldRange> ranges;
  const Sought first{request.wanted, request.plan};
  if (!gather_ordered(space, request, first, cursor, ranges, result)) return;
  for (const Sought& sought : request.further) {
    if (!gather_ordered(space, request, sought, cursor, ranges, result)) return;
  }
  Collector collector(space, request, result);
  while (collector.wants_more()) {
    FieldRange* next = nullptr;
    for (FieldRange& range : ranges) {
      if (range.at == range.end) continue;
      if (next == nullptr || order(*range.at, *next->at)) next = &range;
    }
    if (next == nullptr) {
      result.finished = true;
      return;
    }
    const Slot slot = *next->at;
    if (collector.matches(slot) && !collector.add(slot)) return;
    const OrderKey key = order.key(slot);
    cursor.started = true;
    cursor.place = key.place;
    cursor.field = key.field;
    for (FieldRange& range : ranges) {
      if (range.at != range.end && *range.at == slot) ++range.at;
    }
  }
}

// The oldest match of all groups that are not busy. With an exact plan that is the head of the
// first; else a group is looked through as long as it may have an older match than the best one.
void by_group(Space& space, const SearchRequest& request, Cursor& cursor, SearchResult& result) {
  const auto field = static_cast<uint32_t>(request.group);
  Collector collector(space, request, result);
  Slot best = kNoSlot;
  const auto older = [&](Sequence place) { return best == kNoSlot || place < space.slab[best].id; };
  for (Index* index : space.indexes_for(*request.wanted)) {
    if (!index->counts_busy(field)) space.count_busy(*index, field);
    bool full = false;
    const GroupIndex* groups = index->ask_groups(request.plan->question.widened(index->arity()),
                                                 field, request.now, &full);
    if (groups == nullptr) {
      (full ? result.no_room : result.building) = true;
      return;
    }
    for (const uint64_t hash : request.plan->hashes) {
      const GroupIndex::Ready* ready = groups->ready(hash);
      if (ready == nullptr) continue;
      for (auto group = ready->begin(); group != ready->end() && older(group->first); ++group) {
        const PlaceList& places = group->second->places;
        for (auto at = places.begin(); at != places.end(); at = places.next(at)) {
          const Slot slot = places.at(at);
          if (!older(space.slab[slot].id)) break;
          if (collector.is_locked(slot)) break;  // those behind it must not overtake it
          if (!collector.matches(slot)) continue;
          best = slot;
          break;
        }
      }
    }
  }
  if (best != kNoSlot) collector.add(best);
  cursor.started = false;
  result.finished = true;
}

// Every match is equally likely while there are no more candidates than one stretch may look at,
// or matches are not rare among them; otherwise the oldest match after a random place is taken.
void at_random(Space& space, const SearchRequest& request, const Gathered& places, Cursor& cursor,
               const std::function<uint64_t(uint64_t)>& draw, SearchResult& result) {
  size_t total = 0;
  for (const Places& some : places) total += some.size();
  Collector collector(space, request, result);
  std::vector<Slot> matches;
  // A tuple stands in one list for each template that it may match.
  if (total <= request.candidates_max * (1 + request.further.size())) {
    for (const Listed& some : places) {
      for (Walk walk(space.slab, some, true, {}); walk.slot() != kNoSlot; walk.advance()) {
        if (collector.matches_first(walk.slot(), some.of)) matches.push_back(walk.slot());
      }
    }
    result.finished = true;
  } else {
    const size_t draws = std::min(request.candidates_max / 2, 64 + 8 * request.max);
    for (size_t i = 0; i < draws && matches.size() < request.max; ++i) {
      uint64_t at = draw(total);
      const Listed* some = places.data();
      while (at >= some->size()) at -= (some++)->size();
      const Slot slot = some->list != nullptr ? some->list->random(draw) : some->single;
      if (std::find(matches.begin(), matches.end(), slot) == matches.end() &&
          collector.matches_first(slot, some->of)) {
        matches.push_back(slot);
      }
    }
    if (matches.empty()) {
      by_place(space, request, places, cursor, result);
      return;
    }
  }
  for (size_t left = matches.size(); left > 0 && result.found.size() < request.max; --left) {
    std::swap(matches[left - 1], matches[draw(left)]);
    if (!collector.add(matches[left - 1])) return;
  }
}

}  // namespace

bool is_ahead(const Cursor& cursor, Order order, uint32_t field, Sequence place,
              std::string_view bytes) {
  if (!cursor.started) return true;
  switch (order) {
    case Order::kNewest: return place < cursor.place;
    case Order::kLeast:
    case Order::kGreatest: {
      const FieldOrder by{nullptr, field, order == Order::kGreatest};
      return by.less(OrderKey{cursor.field, cursor.place}, OrderKey{field_of(bytes, field), place});
    }
    default: return place > cursor.place;
  }
}

SearchResult search(Space& space, const SearchRequest& request, Cursor& cursor,
                    const std::function<uint64_t(uint64_t)>& draw) {
  SearchResult result;
  if (request.group >= 0) {
    by_group(space, request, cursor, result);
    return result;
  }
  if (request.order == Order::kLeast || request.order == Order::kGreatest) {
    by_field(space, request, cursor, result);
    return result;
  }
  Gathered places;
  if (!gather(space, request, places, result.hash)) {
    result.building = true;
    return result;
  }
  if (request.order == Order::kRandom && !cursor.started) {
    at_random(space, request, places, cursor, draw, result);
  } else {
    by_place(space, request, places, cursor, result);
  }
  return result;
}

}  // namespace tuplespace
