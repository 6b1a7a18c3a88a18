#include "tuplespace/space/atomic_search.h"

#include <algorithm>
#include <utility>

#include "tuplespace/space/counting.h"

namespace tuplespace {
namespace {

bool holds(Comparison comparison, uint64_t count, uint64_t value) {
  switch (comparison) {
    case Comparison::kLess: return count < value;
    case Comparison::kEqual: return count == value;
    case Comparison::kGreater: return count > value;
  }
  return false;
}

// True if two steps next to each other may exchange their tuples and nobody sees it.
bool alike(const TakeStep& a, const TakeStep& b) {
  return a.space == b.space && a.remove == b.remove && a.hold == b.hold &&
         a.wanted.names().empty() && a.wanted == b.wanted;
}

}  // namespace

AtomicSearch::Verdict AtomicSearch::run(const std::vector<Steps>& alternatives,
                                        Happening& happening) {
  for (size_t i = 0; i < alternatives.size(); ++i) {
    prepare(alternatives[i]);
    const bool can = may_happen() && !choose(0);
    if (too_many_) return building_.empty() ? Verdict::kTooMany : Verdict::kBuilding;
    if (!can) continue;
    happening.alternative = static_cast<uint32_t>(i);
    happening.steps.assign(alternatives[i].size(), {});
    for (const Taking& taking : takings_) {
      happening.steps[taking.at] = {taking.space, taking.slot, 0};
    }
    for (size_t j = 0; j < countings_.size(); ++j) {
      happening.steps[countings_[j].at].count = counts_[j];
    }
    happening.names = std::move(names_);
    return Verdict::kCan;
  }
  return Verdict::kCannot;
}

void AtomicSearch::prepare(const Steps& steps) {
  takings_.clear();
  countings_.clear();
  names_.clear();
  std::vector<std::pair<std::string_view, Mask>> binders;
  const auto refers = [&](const Template& wanted) {
    Mask mask = 0;
    for (const std::string& name : references_of(wanted)) {
      for (const auto& [bound, by] : binders) mask |= bound == name ? by : 0;
    }
    return mask;
  };
  for (size_t i = 0; i < steps.size(); ++i) {
    if (const auto* take = std::get_if<TakeStep>(&steps[i])) {
      Taking taking{take, i, refers(take->wanted), false, {}, nullptr, kNoSlot, 0};
      taking.like_before = !takings_.empty() && alike(*takings_.back().step, *take);
      for (const std::string& name : take->wanted.names()) {
        binders.emplace_back(name, Mask{1} << takings_.size());
      }
      takings_.push_back(std::move(taking));
    } else if (const auto* count = std::get_if<CountStep>(&steps[i])) {
      countings_.push_back({count, i, refers(count->wanted), 0, {}});
    }
  }
  for (Counting& counting : countings_) {
    for (size_t i = 0; i < takings_.size(); ++i) {
      const TakeStep& take = *takings_[i].step;
      if (take.remove && take.space == counting.step->space) counting.takes |= Mask{1} << i;
    }
  }
  counts_.assign(countings_.size(), 0);
}

// Counts whose template is fixed: whatever is taken, can they come out right?
bool AtomicSearch::may_happen() {
  for (Counting& counting : countings_) {
    if (counting.step->wanted.has_references()) continue;
    counting.here = count(*counting.step);
    if (!counting.here) return false;
    const uint64_t takes = static_cast<uint64_t>(__builtin_popcountll(counting.takes));
    const uint64_t least = *counting.here - std::min(*counting.here, takes);
    const uint64_t value = counting.step->value;
    switch (counting.step->comparison) {
      case Comparison::kLess:
        if (least >= value) return false;
        break;
      case Comparison::kEqual:
        if (value < least || value > *counting.here) return false;
        break;
      case Comparison::kGreater:
        if (*counting.here <= value) return false;
        break;
    }
  }
  return true;
}

// Chooses tuples for this taking and all behind it. Nothing: it is done.
std::optional<AtomicSearch::Failure> AtomicSearch::choose(size_t at) {
  if (at == takings_.size()) return check_counts();
  Taking& taking = takings_[at];
  Failure failure{taking.refers, false};
  taking.names = names_.size();
  taking.space = find_(taking.step->space);
  if (taking.space == nullptr) return Failure{};
  Template made;
  const Template* wanted = &taking.step->wanted;
  std::optional<Plan> plan_of_made;
  if (wanted->has_references()) {
    std::optional<Template> instance = instantiate(*wanted, names_);
    if (!instance) return failure;
    made = std::move(*instance);
    wanted = &made;
    plan_of_made = plan_of(made, config_.seed);
  } else if (!taking.plan) {
    taking.plan = plan_of(*wanted, config_.seed);
  }
  Cursor cursor;
  if (taking.like_before) {  // the first combination has them in order
    cursor.started = true;
    cursor.place = taking.space->slab[takings_[at - 1].slot].id;
    failure.conflicts |= Mask{1} << (at - 1);
  }
  SearchRequest request;
  request.wanted = wanted;
  request.plan = plan_of_made ? &*plan_of_made : &*taking.plan;
  request.order = Order::kOldest;
  request.field = 0;
  request.max = 1;
  request.bytes_max = SIZE_MAX;
  request.now = now_;
  const auto no_draw = [](uint64_t) { return uint64_t{0}; };
  bool any = false;
  while (true) {
    request.candidates_max = config_.examine_max - examined_;
    if (request.candidates_max == 0) {
      too_many_ = true;
      return failure;
    }
    SearchResult found = search(*taking.space, request, cursor, no_draw);
    if (found.building) {
      building_.push_back(taking.space);
      request.may_build = false;
      found = search(*taking.space, request, cursor, no_draw);
    }
    examined_ += found.examined;
    if (found.found.empty()) {
      too_many_ = !found.finished;
      failure.too_few = taking.like_before && !any;
      return failure;
    }
    const Slot slot = found.found[0];
    if (taking.step->remove && taking.space->slab[slot].locked) continue;
    if (const Mask user = user_of(taking.space, slot, at); user != 0) {
      failure.conflicts |= user;
      continue;
    }
    any = true;
    taking.slot = slot;
    bind_names(*wanted, taking.space->slab[slot].tuple.bytes(), names_);
    const std::optional<Failure> later = choose(at + 1);
    if (!later) return std::nullopt;
    names_.resize(taking.names);
    const Mask own = Mask{1} << at;
    if (too_many_ || !(later->conflicts & own)) return later;  // no other tuple here helps
    failure.conflicts |= later->conflicts & ~own;
    if (later->too_few && takings_[at + 1].like_before) {
      failure.too_few = taking.like_before;
      return failure;
    }
  }
}

// The steps before `before` that use this tuple: none or one.
AtomicSearch::Mask AtomicSearch::user_of(const Space* space, Slot slot, size_t before) const {
  for (size_t i = 0; i < before; ++i) {
    if (takings_[i].space == space && takings_[i].slot == slot) return Mask{1} << i;
  }
  return 0;
}

// All tuples are chosen: do the counts come out right?
std::optional<AtomicSearch::Failure> AtomicSearch::check_counts() {
  for (size_t i = 0; i < countings_.size(); ++i) {
    const Counting& counting = countings_[i];
    const CountStep& step = *counting.step;
    const Failure failure{counting.refers | counting.takes, false};
    uint64_t here = 0;
    uint64_t taken = 0;
    if (counting.here) {
      here = *counting.here;
      taken = taken_of(counting, step.wanted);
    } else {
      const std::optional<Template> wanted = instantiate(step.wanted, names_);
      if (wanted) {
        CountStep instance{step.space, *wanted, step.comparison, step.value};
        const std::optional<uint64_t> counted = count(instance);
        if (!counted) return failure;
        here = *counted;
        taken = taken_of(counting, *wanted);
      }
    }
    counts_[i] = here - taken;
    if (!holds(step.comparison, counts_[i], step.value)) return failure;
  }
  return std::nullopt;
}

// How many available tuples match, before anything is taken; nothing: the search has stopped.
std::optional<uint64_t> AtomicSearch::count(const CountStep& step) {
  Space* space = find_(step.space);
  if (space == nullptr) return 0;
  const Plan plan = plan_of(step.wanted, config_.seed);
  const Counted counted =
      count_available(*space, step.wanted, plan, now_, config_.examine_max - examined_);
  if (counted.building) building_.push_back(space);
  too_many_ = counted.too_many;
  if (too_many_) return std::nullopt;
  examined_ += counted.examined;
  return counted.matching;
}

uint64_t AtomicSearch::taken_of(const Counting& counting, const Template& wanted) const {
  uint64_t taken = 0;
  for (size_t i = 0; i < takings_.size(); ++i) {
    const Taking& taking = takings_[i];
    if (!(counting.takes & Mask{1} << i)) continue;
    taken += wanted.matches(taking.space->slab[taking.slot].tuple);
  }
  return taken;
}

}  // namespace tuplespace
