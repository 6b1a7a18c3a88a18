#include "tests/simulation/judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/judge_parts.h"

namespace tuplespace::simulation {

std::string judge(const Past& past) {
  const Facts facts(past);
  Verdict verdict;
  for (const std::string& nonsense : facts.nonsense()) verdict.wrong(nonsense);
  judge_owners(past, facts, verdict);
  judge_absences(past, facts, verdict);
  judge_choices(past, facts, verdict);
  judge_counts(past, facts, verdict);
  judge_groups(past, facts, verdict);
  judge_times(past, facts, verdict);
  judge_rest(past, verdict);
  judge_numbers(past, facts, verdict);
  judge_end(past, facts, verdict);
  return verdict.text;
}

// ---- ownership ----

namespace {

// The earliest moment at which the lease of this hold can have ended by itself, as of number `at`.
Time earliest_end(const Past& past, const Facts& facts, const Deed& took, Token token,
                  Sequence at) {
  Time earliest = took.asked.time + *took.hold;
  Sequence last = 0;
  for (const Deed& deed : past.deeds) {
    if (deed.what != What::kRenew || deed.token != token) continue;
    if (deed.outcome == Outcome::kNever && !facts.forgetful(took.space)) continue;
    const Time end = deed.asked.time + deed.renewed;
    const Sequence sequence = deed.answer.renew().sequence();
    const bool known = deed.outcome == Outcome::kAnswered && sequence < at;
    if (!known) {
      earliest = std::min(earliest, end);
    } else if (sequence >= last) {
      last = sequence;
      earliest = end;
    }
  }
  return earliest;
}

}  // namespace

bool may_have_ended(const Past& past, const Facts& facts, const Point& taken,
                    const std::string& space, const Deed& later, Sequence at) {
  const Deed& took = past.deeds[taken.deed];
  const auto before = [&](uint64_t step) { return step < later.told.step; };
  if (taken.token == 0 && Facts::took_for_good(took)) return false;
  if (took.session != kNobody && before(past.sessions[took.session].doubt_step)) {
    if (took.hold || !took.surely_confirmed) return true;
  }
  if (before(took.returned_step)) return true;
  if (taken.token == 0) return false;
  for (const HoldEnd& end : facts.ends_of(past.space(space).shard, taken.token)) {
    if (before(past.deeds[end.deed].asked.step)) return true;
  }
  return later.told.time >= earliest_end(past, facts, took, taken.token, at);
}

void judge_owners(const Past& past, const Facts& facts, Verdict& verdict) {
  for (const auto& [place, item] : facts.items()) {
    const Point* taken = nullptr;
    const Point* gone = nullptr;
    for (const Point& point : item.points) {
      const bool found = point.kind == Point::Kind::kSeen || point.kind == Point::Kind::kTaken;
      const auto who = [&] {
        return fmt::format("job {} ({} {}, attempt {}) was found by deed {} at {}", item.uid,
                           item.space, item.id, point.attempt, point.deed, point.at);
      };
      if (found && gone && !facts.shaken(past.deeds[gone->deed])) {
        verdict.wrong(
            fmt::format("{}, but settled for good by deed {} at {}", who(), gone->deed, gone->at));
      }
      if (found && taken && !facts.shaken(past.deeds[taken->deed])) {
        const bool at_end = point.deed == kNobody;
        Deed last;
        last.told.time = std::numeric_limits<Time>::max();
        const Deed& finder = at_end ? last : past.deeds[point.deed];
        if (!may_have_ended(past, facts, *taken, item.space, finder, point.at)) {
          verdict.wrong(
              fmt::format("{}, but is with deed {} since {}", who(), taken->deed, taken->at));
        } else if (point.attempt <= taken->attempt) {
          verdict.wrong(fmt::format("{}, came back from deed {} of attempt {} without a new one",
                                    who(), taken->deed, taken->attempt));
        }
      }
      const uint32_t deliveries = past.space(item.space).deliveries_max;
      if (deliveries > 0 && point.attempt > deliveries &&
          item.space == past.space(item.space).name) {
        verdict.wrong(fmt::format("{}, but of {} deliveries", who(), deliveries));
      }
      if (point.kind == Point::Kind::kTaken) taken = &point;
      if (point.kind == Point::Kind::kGone) gone = &point;
    }
  }
}

// ---- what was found, and what was not ----

namespace {

bool matches(const Deed& deed, const Item& item) {
  return std::ranges::any_of(
      deed.wanted, [&](const Wanted& wanted) { return wanted.matches(item.uid, item.key); });
}

struct Looked {
  Sequence at = 0;
  v1::Ended ended = v1::ENDED_UNSPECIFIED;
  const google::protobuf::RepeatedPtrField<v1::Found>* tuples = nullptr;
};

Looked looked(const Deed& deed) {
  if (deed.what == What::kIn) {
    const v1::InResponse& in = deed.answer.in();
    return {in.sequence(), in.ended(), &in.tuples()};
  }
  const v1::RdResponse& rd = deed.answer.rd();
  return {rd.sequence(), rd.ended(), &rd.tuples()};
}

bool is_look(const Deed& deed) {
  return deed.outcome == Outcome::kAnswered && (deed.what == What::kIn || deed.what == What::kRd);
}

}  // namespace

// Promise 1: none means none at that number. A wait that timed out found none either, unless its
// stream was broken then.
void judge_absences(const Past& past, const Facts& facts, Verdict& verdict) {
  for (size_t i = 0; i < past.deeds.size(); ++i) {
    const Deed& deed = past.deeds[i];
    if (!is_look(deed) || deed.grouped) continue;
    const Looked look = looked(deed);
    const bool none = look.ended == v1::ENDED_NONE ||
                      (look.ended == v1::ENDED_TIMEOUT && deed.session == kNobody);
    if (look.ended == v1::ENDED_UNSPECIFIED &&
        (look.tuples->empty() || size_t(look.tuples->size()) > deed.max)) {
      verdict.wrong(fmt::format("deed {} was answered {} tuples", i, look.tuples->size()));
    }
    if (!none) continue;
    for (const Item* item : facts.items_in(deed.space)) {
      if (!matches(deed, *item) || !facts.available_at(*item, look.at)) continue;
      verdict.wrong(fmt::format("deed {} found none at {}, but job {} ({} {}) was there", i,
                                look.at, item->uid, item->space, item->id));
    }
  }
}

// Promise 4: the oldest place first, or the newest if asked.
void judge_choices(const Past& past, const Facts& facts, Verdict& verdict) {
  for (size_t i = 0; i < past.deeds.size(); ++i) {
    const Deed& deed = past.deeds[i];
    if (!is_look(deed) || deed.grouped || deed.order == Order::kRandom) continue;
    const Looked look = looked(deed);
    if (look.tuples->size() != 1) continue;
    const Sequence id = look.tuples->Get(0).id();
    const bool oldest = deed.order == Order::kOldest;
    // Of several that come at one instant a wait is given the first.
    if (!oldest && deed.wait != 0) continue;
    for (const Item* item : facts.items_in(deed.space)) {
      if (item->id == id || (item->id < id) != oldest || !matches(deed, *item)) continue;
      const bool there = deed.what == What::kIn ? facts.available_before(*item, look.at)
                                                : facts.available_at(*item, look.at);
      if (!there) continue;
      verdict.wrong(fmt::format("deed {} was given {} {} at {}, but {} comes first", i, deed.space,
                                id, look.at, item->id));
    }
  }
}

void judge_counts(const Past& past, const Facts& facts, Verdict& verdict) {
  for (size_t i = 0; i < past.deeds.size(); ++i) {
    const Deed& deed = past.deeds[i];
    if (deed.what != What::kCount || deed.outcome != Outcome::kAnswered) continue;
    uint64_t least = 0;
    for (const Item* item : facts.items_in(deed.space)) {
      least += matches(deed, *item) && facts.available_at(*item, deed.answer.count().sequence());
    }
    if (deed.answer.count().ready() >= least) continue;
    verdict.wrong(fmt::format("deed {} counted {}, but {} are certain", i,
                              deed.answer.count().ready(), least));
  }
}

// Of a group somebody holds at most one.
void judge_groups(const Past& past, const Facts& facts, Verdict& verdict) {
  struct Taken {
    const Point* point;
    const Item* item;
  };
  std::vector<Taken> all;
  for (const Item* item : facts.items_in("g")) {
    for (const Point& point : item->points) {
      if (point.kind == Point::Kind::kTaken) all.push_back({&point, item});
    }
  }
  std::ranges::sort(all, {}, [](const Taken& taken) { return taken.point->at; });
  for (size_t later = 0; later < all.size(); ++later) {
    for (size_t first = 0; first < later; ++first) {
      if (all[first].item->key != all[later].item->key) continue;
      if (facts.shaken(past.deeds[all[first].point->deed])) continue;
      if (may_have_ended(past, facts, *all[first].point, "g", past.deeds[all[later].point->deed],
                         all[later].point->at)) {
        continue;
      }
      verdict.wrong(fmt::format("deed {} was given one of group {}, of which deed {} holds one",
                                all[later].point->deed, all[later].item->key,
                                all[first].point->deed));
    }
  }
}

}  // namespace tuplespace::simulation
