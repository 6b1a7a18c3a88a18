#include "tests/simulation/facts.h"

#include <fmt/format.h>

#include <algorithm>

namespace tuplespace::simulation {
namespace {

Uid uid_of(const v1::Found& found) { return found.tuple().fields(0).int_value(); }
int key_of(const v1::Found& found) { return static_cast<int>(found.tuple().fields(1).int_value()); }

// A tuple, or a letter that has its fields as a list.
v1::Found opened(const v1::Found& found) {
  if (found.tuple().fields_size() != 5) return found;
  v1::Found inside = found;
  inside.mutable_tuple()->clear_fields();
  for (const v1::Value& value : found.tuple().fields(4).list_value().items()) {
    *inside.mutable_tuple()->add_fields() = value;
  }
  return inside;
}

// It changed a sync space, and left a record of its number.
bool is_synced_change(const Deed& deed, const Past& past) {
  if (deed.outcome != Outcome::kAnswered || deed.session == kNobody) return false;
  if (past.space(deed.space).durability != Durability::kSync) return false;
  if (deed.what == What::kOut) return !deed.until_taken;
  return deed.what == What::kIn && deed.answer.in().tuples_size() > 0;
}

}  // namespace

Facts::Facts(const Past& past) : past_(past) {
  by_uid_.resize(past.key_of.size());
  homes_.resize(past.key_of.size());
  for (const Deed& deed : past.deeds) {
    for (const Uid uid : deed.uids) homes_[static_cast<size_t>(uid)] = deed.space;
    for (const v1::Alternative& alternative : deed.request.atomic().alternatives()) {
      for (const v1::Step& step : alternative.steps()) {
        if (!step.has_out()) continue;
        homes_[static_cast<size_t>(step.out().fields(0).value().int_value())] = step.out().space();
      }
    }
    if (is_synced_change(deed, past)) syncs_.emplace_back(deed.asked.step, deed.told.step);
  }
  std::ranges::sort(syncs_);
  for (size_t i = syncs_.size(); i-- > 1;) {
    syncs_[i - 1].second = std::min(syncs_[i - 1].second, syncs_[i].second);
  }
  for (size_t i = 0; i < past.deeds.size(); ++i) add(i);
  for (size_t i = 0; i < past.deeds.size(); ++i) add_end(i);
  add_left(past.at_end);
  for (auto& [place, item] : items_) {
    std::ranges::stable_sort(item.points, [](const Point& a, const Point& b) {
      const auto key = [](const Point& p) { return std::pair(p.at, p.kind == Point::Kind::kSeen); };
      return key(a) < key(b);
    });
    by_space_[item.space].push_back(&item);
    if (size_t(item.uid) < by_uid_.size()) by_uid_[size_t(item.uid)].push_back(&item);
  }
}

Item& Facts::item(const std::string& space, Sequence id, Uid uid, int key) {
  const auto [at, is_new] = items_.try_emplace({space, id});
  Item& item = at->second;
  if (is_new) item = {space, id, uid, key, {}};
  if (item.uid != uid) {
    nonsense_.push_back(fmt::format("{} {} is job {} and job {}", space, id, item.uid, uid));
  }
  return item;
}

Item& Facts::item(const std::string& space, const v1::Found& given) {
  const v1::Found found = opened(given);
  const Uid uid = uid_of(found);
  if (uid <= 0 || size_t(uid) >= homes_.size() || past_.key_of[size_t(uid)] != key_of(found)) {
    nonsense_.push_back(fmt::format("nobody put {}", found.ShortDebugString()));
  } else {
    const std::string& home = homes_[size_t(uid)];
    const bool moved =
        space.starts_with("copies") || (space == "c" && (home == "s" || home == "q"));
    if (space != home && space != home + ".dead" && !moved) {
      nonsense_.push_back(fmt::format("job {} of {} was found in {}", uid, home, space));
    }
  }
  return item(space, found.id(), uid, key_of(found));
}

void Facts::add_taken(size_t index, const std::string& space, const v1::Found& found, Sequence at) {
  Item& taken = item(space, found);
  taken.points.push_back({at, Point::Kind::kTaken, found.attempt(), index, found.token(), false});
  if (found.token() != 0) {
    holds_[{past_.space(space).shard, found.token()}] = {&taken, found.attempt()};
  }
}

void Facts::add(size_t index) {
  const Deed& deed = past_.deeds[index];
  if (deed.outcome != Outcome::kAnswered) return;
  const v1::Answer& answer = deed.answer;
  if (deed.what == What::kOut && !deed.until_taken) {
    for (size_t i = 0; i < deed.uids.size(); ++i) {
      const Uid uid = deed.uids[i];
      const Sequence id = answer.out().sequence() + i;
      item(deed.space, id, uid, past_.key_of[size_t(uid)])
          .points.push_back({id, Point::Kind::kPut, 0, index, 0, deed.delay.value_or(0) > 0});
    }
  }
  if (deed.what == What::kIn) {
    for (const v1::Found& found : answer.in().tuples()) {
      add_taken(index, deed.space, found, answer.in().sequence());
    }
  }
  if (deed.what == What::kRd) {
    for (const v1::Found& found : answer.rd().tuples()) {
      item(deed.space, found)
          .points.push_back(
              {answer.rd().sequence(), Point::Kind::kSeen, found.attempt(), index, 0, false});
    }
  }
  if (deed.what == What::kAtomic) add_atomic(index);
}

void Facts::add_atomic(size_t index) {
  const Deed& deed = past_.deeds[index];
  const v1::AtomicResponse& did = deed.answer.atomic();
  if (did.ended() != v1::ENDED_UNSPECIFIED) return;
  const v1::Alternative& steps =
      deed.request.atomic().alternatives(static_cast<int>(did.alternative()));
  if (steps.steps_size() != did.results_size()) {
    return nonsense_.push_back("an atomic with a result for every step has too few");
  }
  for (int i = 0; i < steps.steps_size(); ++i) {
    const v1::Step& step = steps.steps(i);
    const v1::StepResult& result = did.results(i);
    if (step.has_in()) add_taken(index, step.in().space(), result.found(), did.sequence());
    if (!step.has_out()) continue;
    const Uid uid = step.out().fields(0).value().int_value();
    item(step.out().space(), result.id(), uid, past_.key_of[size_t(uid)])
        .points.push_back({result.id(), Point::Kind::kPut, 0, index, 0, false});
  }
}

// How holds ended, as far as somebody asked for it.
void Facts::add_end(size_t index) {
  const Deed& deed = past_.deeds[index];
  const Deed& of = past_.deeds[deed.of];
  // What a memory space forgot with the server is asked for again, and refused the second time.
  const bool never = deed.outcome == Outcome::kNever && !forgetful(of.space);
  if (deed.token == 0 || never) return;
  const bool answered = deed.outcome == Outcome::kAnswered;
  const uint16_t shard = past_.space(of.space).shard;
  HoldEnd end{index, deed.settlement, false};
  if (deed.what == What::kEndLease) end = {index, Settlement::kBack, true};
  if (deed.what == What::kAtomic) {
    end.settlement = Settlement::kDone;
    if (answered && deed.answer.atomic().ended() != v1::ENDED_UNSPECIFIED) return;
  }
  if (deed.what == What::kRenew) return;
  ends_[{shard, deed.token}].push_back(end);
  if (!answered) return;
  if (deed.what == What::kSettle) {
    add_settled(index, of.space, deed.token, deed.settlement, deed.answer.settle().sequence(),
                deed.answer.settle().id());
  } else if (deed.what == What::kAtomic) {
    add_settled(index, of.space, deed.token, Settlement::kDone, deed.answer.atomic().sequence(), 0);
  }
}

void Facts::add_settled(size_t index, const std::string& space, Token token, Settlement settlement,
                        Sequence at, Sequence new_id) {
  const auto hold = holds_.find({past_.space(space).shard, token});
  if (hold == holds_.end()) return;
  const auto [held, attempt] = hold->second;
  if (settlement == Settlement::kBack) return;  // its next point shows it
  held->points.push_back({at, Point::Kind::kGone, attempt, index, token, false});
  if (settlement == Settlement::kDone || new_id == 0) return;
  const bool dead = settlement == Settlement::kDead;
  item(dead ? space + ".dead" : space, new_id, held->uid, held->key)
      .points.push_back({new_id, Point::Kind::kPut, dead ? 0 : attempt + 1, index, 0, false});
}

void Facts::add_left(const std::vector<Left>& left) {
  for (const Left& one : left) {
    item(one.space, one.id, one.uid, one.key)
        .points.push_back({~Sequence{0}, Point::Kind::kSeen, one.attempt, kNobody, 0, false});
  }
}

size_t Facts::life_of(uint16_t shard, Sequence at) const {
  const auto begins = past_.life_begins.find(shard);
  if (begins == past_.life_begins.end()) return 0;
  return static_cast<size_t>(std::ranges::upper_bound(begins->second, at) - begins->second.begin());
}

bool Facts::available_at(const Item& item, Sequence at) const {
  const Point& first = item.points.front();
  const bool came = first.kind == Point::Kind::kPut && first.at == at && !first.delayed;
  if (came) return available_before(item, at + 1);
  return available_before(item, at) && available_before(item, at + 1);
}

// Each give-back raises `attempt`: of the same attempt at both ends, it was there in between.
bool Facts::available_before(const Item& item, Sequence number) const {
  const auto next = std::ranges::lower_bound(item.points, number, {}, &Point::at);
  if (next == item.points.begin() || next == item.points.end()) return false;
  const Point& before = *(next - 1);
  using enum Point::Kind;
  const bool is_there = before.kind == kSeen || (before.kind == kPut && !before.delayed);
  const bool stays = next->kind == kSeen || next->kind == kTaken;
  if (!is_there || !stays || before.attempt != next->attempt) return false;
  const uint16_t shard = past_.space(item.space).shard;
  return life_of(shard, before.at) == life_of(shard, next->at);
}

bool Facts::shaken(const Deed& deed) const {
  if (past_.power_cuts.empty()) return false;
  uint64_t firm = kNoStep;
  if (deed.told.step != kNoStep) {
    const auto sync = std::ranges::upper_bound(syncs_, std::pair(deed.told.step, kNoStep));
    if (sync != syncs_.end()) firm = sync->second;
  }
  return std::ranges::any_of(past_.power_cuts,
                             [&](uint64_t cut) { return cut > deed.asked.step && cut < firm; });
}

bool Facts::forgetful(const std::string& space) const {
  const Durability durability = past_.space(space).durability;
  return (durability == Durability::kMemory && !past_.restarts.empty()) ||
         (durability == Durability::kAsync && !past_.power_cuts.empty());
}

const std::vector<const Item*>& Facts::items_in(const std::string& space) const {
  static const std::vector<const Item*> kNone;
  const auto at = by_space_.find(space);
  return at == by_space_.end() ? kNone : at->second;
}

const std::vector<const Item*>& Facts::items_of(Uid uid) const { return by_uid_[size_t(uid)]; }

const std::vector<HoldEnd>& Facts::ends_of(uint16_t shard, Token token) const {
  static const std::vector<HoldEnd> kNone;
  const auto at = ends_.find({shard, token});
  return at == ends_.end() ? kNone : at->second;
}

bool Facts::is_final(const v1::Alternative& alternative) {
  return std::ranges::any_of(alternative.steps(), [](const v1::Step& step) {
    return step.has_out() || step.has_settle();
  });
}

bool Facts::took_for_good(const Deed& deed) {
  if (deed.what != What::kAtomic) return deed.session == kNobody;
  const v1::AtomicResponse& did = deed.answer.atomic();
  if (did.ended() != v1::ENDED_UNSPECIFIED) return false;
  return is_final(deed.request.atomic().alternatives(static_cast<int>(did.alternative())));
}

std::vector<std::vector<Uid>> Facts::puts_of(const Deed& deed) {
  if (deed.what == What::kOut) return {deed.uids};
  std::vector<std::vector<Uid>> puts;
  for (const v1::Alternative& alternative : deed.request.atomic().alternatives()) {
    std::vector<Uid>& together = puts.emplace_back();
    for (const v1::Step& step : alternative.steps()) {
      if (step.has_out()) together.push_back(step.out().fields(0).value().int_value());
    }
  }
  return puts;
}

}  // namespace tuplespace::simulation
