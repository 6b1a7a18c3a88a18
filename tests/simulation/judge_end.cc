// What the judge says of times, of those who wait at rest, of numbers, and of what is left at the
// end.
#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/judge_parts.h"

namespace tuplespace::simulation {

// Nothing is found before its delay, after its ttl, or after the session that it was bound to.
void judge_times(const Past& past, const Facts& facts, Verdict& verdict) {
  for (const auto& [place, item] : facts.items()) {
    if (item.space.starts_with("copies") || item.space.ends_with(".dead")) continue;
    const Deed& put = past.deeds[past.deed_of[size_t(item.uid)]];
    if (put.what != What::kOut) continue;
    for (const Point& point : item.points) {
      const bool found = point.kind == Point::Kind::kSeen || point.kind == Point::Kind::kTaken;
      if (!found || point.deed == kNobody) continue;
      const Deed& finder = past.deeds[point.deed];
      const Duration delay = put.delay.value_or(0);
      if (finder.told.time < put.asked.time + delay) {
        verdict.wrong(
            fmt::format("deed {} found job {} before its delay was over", point.deed, item.uid));
      }
      if (put.outcome != Outcome::kAnswered || item.space == "c") continue;
      if (put.ttl && finder.asked.time >= put.told.time + delay + *put.ttl) {
        verdict.wrong(fmt::format("deed {} found job {} after its ttl", point.deed, item.uid));
      }
      const bool bound = put.bound || put.until_taken;
      if (bound && past.sessions[put.session].closed_step < finder.asked.step) {
        verdict.wrong(
            fmt::format("deed {} found job {}, whose session was closed", point.deed, item.uid));
      }
    }
  }
}

// Nobody waits for what is there.
void judge_rest(const Past& past, Verdict& verdict) {
  const auto there = [&](const std::string& space, const std::vector<Wanted>& wanted) {
    return std::ranges::find_if(past.at_rest, [&](const Left& left) {
      return left.space == space && std::ranges::any_of(wanted, [&](const Wanted& one) {
               return one.matches(left.uid, left.key);
             });
    });
  };
  for (const size_t index : past.waiting) {
    const Deed& deed = past.deeds[index];
    if (deed.grouped) continue;  // it may have to wait for the group
    if (deed.what == What::kIn || deed.what == What::kRd) {
      if (const auto left = there(deed.space, deed.wanted); left != past.at_rest.end()) {
        verdict.wrong(fmt::format("deed {} waits for job {} ({} {}), which is there", index,
                                  left->uid, left->space, left->id));
      }
      continue;
    }
    if (deed.what != What::kAtomic) continue;
    for (const v1::Alternative& alternative : deed.request.atomic().alternatives()) {
      const auto is_in = [](const v1::Step& step) { return step.has_in(); };
      if (std::ranges::count_if(alternative.steps(), is_in) != 1) continue;
      const v1::TakeStep& take = std::ranges::find_if(alternative.steps(), is_in)->in();
      Wanted wanted;
      const auto& fields = take.template_().fields();
      if (fields[0].has_value()) wanted.uid = fields[0].value().int_value();
      if (fields[1].has_value()) wanted.key = static_cast<int>(fields[1].value().int_value());
      if (const auto left = there(take.space(), {wanted}); left != past.at_rest.end()) {
        verdict.wrong(fmt::format("atomic {} waits for job {}, which is there", index, left->uid));
      }
    }
  }
}

// Promise 6: no number is executed twice, and what was refused or called not executed never was.
void judge_numbers(const Past& past, const Facts& facts, Verdict& verdict) {
  for (size_t uid = 1; uid < past.key_of.size(); ++uid) {
    const auto& items = facts.items_of(static_cast<Uid>(uid));
    const Deed& put = past.deeds[past.deed_of[uid]];
    // What a server forgot is not executed, although somebody may have seen it.
    if (facts.forgetful(facts.home_of(static_cast<Uid>(uid)))) continue;
    // A copy in a memory space may be seen before the original is on the disk, and be lost with it.
    const bool seen = std::ranges::any_of(
        items, [](const Item* item) { return !item->space.starts_with("copies"); });
    if (seen && put.outcome == Outcome::kNever) {
      verdict.wrong(fmt::format("job {} is there, but deed {} says it never was put", uid,
                                past.deed_of[uid]));
    }
    std::map<std::string, size_t> ids;
    size_t moved = 0;
    for (const Item* item : items) {
      ++ids[item->space];
      for (const Point& point : item->points) {
        if (point.kind != Point::Kind::kTaken || point.token == 0) continue;
        for (const HoldEnd& end : facts.ends_of(past.space(item->space).shard, point.token)) {
          moved += end.settlement == Settlement::kTail;
        }
      }
    }
    for (const auto& [space, count] : ids) {
      if (space.starts_with("copies") || count <= 1 + moved) continue;
      verdict.wrong(fmt::format("job {} has {} ids in {}: it was put twice", uid, count, space));
    }
  }
}

namespace {

// True if who took this job may have it for good.
bool may_be_gone(const Past& past, const Facts& facts, const Item& item) {
  for (const Point& point : item.points) {
    if (point.kind != Point::Kind::kTaken) continue;
    const Deed& took = past.deeds[point.deed];
    if (point.token == 0) {
      if (Facts::took_for_good(took) || took.confirm_step != kNoStep) return true;
      continue;
    }
    for (const HoldEnd& end : facts.ends_of(past.space(item.space).shard, point.token)) {
      if (end.settlement == Settlement::kDone) return true;
    }
  }
  return false;
}

// True if it is certain that this was put, for good unless somebody took it.
bool surely_put(const Past& past, const Facts& facts, size_t uid) {
  const Deed& put = past.deeds[past.deed_of[uid]];
  const std::string& home = facts.home_of(static_cast<Uid>(uid));
  if (facts.forgetful(home) && past.space(home).durability == Durability::kMemory) return false;
  if (put.ttl || put.bound || put.until_taken) return false;
  if (past.space(home).durability == Durability::kAsync && facts.shaken(put)) return false;
  if (put.outcome == Outcome::kAnswered) {
    if (put.what != What::kAtomic) return true;
    const v1::AtomicResponse& did = put.answer.atomic();
    if (did.ended() != v1::ENDED_UNSPECIFIED) return false;
    const auto puts = Facts::puts_of(put)[did.alternative()];
    return std::ranges::find(puts, static_cast<Uid>(uid)) != puts.end();
  }
  // All or nothing: what was put together with something that was seen is there, too.
  for (const auto& together : Facts::puts_of(put)) {
    if (std::ranges::find(together, static_cast<Uid>(uid)) == together.end()) continue;
    return std::ranges::any_of(together, [&](Uid other) {
      return !facts.forgetful(facts.home_of(other)) && !facts.items_of(other).empty();
    });
  }
  return false;
}

}  // namespace

// Promise 2 and 6: nothing that was acknowledged is lost, nothing is there twice.
void judge_end(const Past& past, const Facts& facts, Verdict& verdict) {
  if (past.still_held > 0) {
    verdict.wrong(fmt::format("{} tuples are held when every lease is over", past.still_held));
  }
  std::vector<int> left(past.key_of.size());
  for (const Left& one : past.at_end) {
    if (one.space.starts_with("copies")) continue;
    if (++left[size_t(one.uid)] > 1) {
      verdict.wrong(fmt::format("job {} is there twice at the end", one.uid));
    }
  }
  // Takes that are final and whose answer nobody got: each may have taken so many.
  std::map<std::string, uint64_t> unknown;
  for (const Deed& deed : past.deeds) {
    const bool final = deed.what == What::kIn && deed.session == kNobody && !deed.hold;
    if (final && deed.outcome == Outcome::kUnknown) unknown[deed.space] += deed.max;
    if (deed.what != What::kAtomic || deed.outcome != Outcome::kUnknown) continue;
    for (const v1::Alternative& alternative : deed.request.atomic().alternatives()) {
      for (const v1::Step& step : alternative.steps()) {
        if (step.has_in() && Facts::is_final(alternative)) ++unknown[step.in().space()];
      }
    }
  }
  std::map<std::string, uint64_t> missing;
  for (size_t uid = 1; uid < left.size(); ++uid) {
    if (left[uid] > 0 || !surely_put(past, facts, uid)) continue;
    const auto& items = facts.items_of(static_cast<Uid>(uid));
    if (std::ranges::any_of(items,
                            [&](const Item* item) { return may_be_gone(past, facts, *item); })) {
      continue;
    }
    const std::string& home = facts.home_of(static_cast<Uid>(uid));
    const uint64_t may_be = unknown[home] + unknown["c"];  // where it may have been collected
    if (++missing[home] > may_be) {
      verdict.wrong(fmt::format("job {} of deed {} in {} is lost: {} are missing there, {} may be",
                                uid, past.deed_of[uid], home, missing[home], may_be));
    }
  }
}

}  // namespace tuplespace::simulation
