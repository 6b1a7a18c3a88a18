// Spaces of a shard: created, dropped, listed; and the shard's figures.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {

Status bad_space_name(std::string_view name) {
  return invalid(
      fmt::format("\"{}\" is not a space name; names are 1 to 128 of A-Z a-z 0-9 . _ / -", name),
      "space");
}

Status no_space(std::string_view name) {
  return {Code::kNotFound, fmt::format("no space \"{}\"", name)};
}

Space* Shard::Parts::find_space(std::string_view name) {
  if (last_named != nullptr && last_named->name() == name) return last_named;
  const auto found = by_name.find(name);
  if (found == by_name.end()) return nullptr;
  last_named = found->second;
  return last_named;
}

Space& Shard::Parts::space_to_wait_for(const std::string& name) {
  if (Space* space = find_space(name)) return *space;
  const uint32_t id = next_space++;
  auto made = std::make_unique<Space>(id, name, config, used);
  Space& space = *made;
  by_name[name] = &space;
  spaces.emplace(id, std::move(made));
  return space;
}

void Shard::Parts::forget_if_unused(Space& space) {
  const bool wanted =
      space.waiters.size() > 0 || space.watching != nullptr || space.interests != nullptr;
  if (space.exists || wanted) return;
  last_named = nullptr;
  by_name.erase(by_name.find(space.name()));
  spaces.erase(space.id());
}

Status Shard::Parts::check_creation(const std::string& name, size_t others) const {
  if (!is_space_name(name)) return bad_space_name(name);
  if (!config.create_on_out) {
    return {Code::kNotFound, fmt::format("no space \"{}\"; create it first", name)};
  }
  return room_for_space(name, others);
}

Status Shard::Parts::room_for_space(const std::string& name, size_t others) const {
  if (by_name.size() + others < config.spaces_max) return {};
  return exhausted(
      fmt::format("space \"{}\" would be one more than spaces_max {}", name, config.spaces_max),
      "spaces_max");
}

Result<Space*> Shard::Parts::space_to_put(const std::string& name) {
  Space* space = find_space(name);
  if (space != nullptr && space->exists) return space;
  if (Status status = check_creation(name, 0); !status.ok()) return status;
  return create_space(name, Policy{});
}

Result<Space*> Shard::Parts::create_space(const std::string& name, const Policy& policy,
                                          SessionId owner) {
  if (!is_space_name(name)) return bad_space_name(name);
  if (Status status = room_for_space(name, 0); !status.ok()) return status;
  Space& space = space_to_wait_for(name);
  space.exists = true;
  space.policy = policy;
  space.policy.shard = config.shard;
  space.durability = policy.durability.value_or(config.durability);
  space.policy.durability = space.durability;
  state_changed = true;  // ids are never used again
  const Time expires_at = policy.ttl == 0 ? kNever : now + policy.ttl;
  const record::SpaceState state{name, space.policy, last, owner, expires_at};
  effects->batch.put(record::space_key(config.shard, space.id()), record::encode(state));
  touch(space);
  begin_policy(space, state);
  return &space;
}

void Shard::Parts::create(Operation& operation) {
  const CreateSpace& create = std::get<CreateSpace>(operation.what);
  const Policy& wanted = create.policy;
  if (wanted.order != Order::kOldest && wanted.order != Order::kNewest &&
      wanted.order != Order::kRandom) {
    return refuse(operation.reply, invalid("a space's order is oldest, newest or random", "order"));
  }
  if (Status status = check_policy(create, operation.caller.secret); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  CreateAnswer answered;
  Space* space = find_space(create.name);
  if (space == nullptr || !space->exists) {
    Result<Space*> created = create_space(create.name, wanted, create.owner);
    if (!created.ok()) return refuse(operation.reply, created.status());
    space = *created;
    answered.created = true;
  } else {
    Policy same = wanted;
    same.shard = config.shard;
    same.durability = wanted.durability.value_or(config.durability);
    if (same != space->policy) {
      return refuse(
          operation.reply,
          {Code::kAlreadyExists,
           fmt::format("space \"{}\" exists with another policy; describe shows it", create.name)});
    }
  }
  if (wanted.bound && config.shard != 0) session_in_other_shard(create.owner);
  if (wanted.collected) use_space(*sessions.at(create.owner), *space);
  answered.space = info_of(*space, false);
  Answer answer = about(*space);
  if (answered.created) {  // also a space in memory is remembered
    effects->mark = Mark::kSynced;
    answer.mark = Mark::kSynced;
  }
  answer.what = std::move(answered);
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::drop(Operation& operation) {
  const DropSpace& drop = std::get<DropSpace>(operation.what);
  Space* space = find_space(drop.name);
  if (space == nullptr || !space->exists) return refuse(operation.reply, no_space(drop.name));
  const uint64_t tuples = space->tuples();
  drop_space(
      *space,
      {Code::kAborted, fmt::format("space \"{}\" was dropped", drop.name), {"", true, false}});
  Answer answer;
  answer.sequence = last;
  answer.mark = Mark::kSynced;
  answer.batch = effects->batch_number;
  answer.what = DropAnswer{tuples};
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::drop_space(Space& space, const Status& status) {
  abort_all_of(space);
  std::vector<uint64_t> waiting;
  space.waiters.for_each([&](const Wait& wait) { waiting.push_back(wait.id); });
  std::sort(waiting.begin(), waiting.end());
  for (const uint64_t id : waiting) {
    Wait& wait = *waits.at(id);
    refuse(wait.reply, status);
    end_wait(wait);
  }
  end_atomics_of(space, status);
  end_watchers(space.name(), status);
  end_policy(space);
  may_be_deadlock();
  forget_holds_and_fates(space);
  for (const record::Kind kind :
       {record::Kind::kTuple, record::Kind::kHold, record::Kind::kEvent}) {
    const auto [from, to] = record::key_range(config.shard, kind, space.id());
    effects->batch.erase_range(from, to);
  }
  effects->batch.erase(record::space_key(config.shard, space.id()));
  effects->mark = Mark::kSynced;
  next_sequence();
  // Held tuples go too: their answers find no space any more.
  const auto found = spaces.find(space.id());
  last_named = nullptr;
  by_name.erase(space.name());
  dropped.push_back(std::move(found->second));
  spaces.erase(found);
}

SpaceInfo Shard::Parts::info_of(const Space& space, bool with_indexes) const {
  SpaceInfo info;
  info.name = space.name();
  info.policy = space.policy;
  info.ready = space.ready();
  info.held = space.held.size();
  info.delayed = space.delayed.size();
  info.waiters = space.waiters.size();
  if (space.interests != nullptr) info.waiters += space.interests->waits;
  info.bytes = space.bytes();
  if (!with_indexes) return info;
  for (const Index* index : space.indexes()) {
    for (const auto& hashes : index->questions()) {
      info.indexes.push_back({hashes->question().to_text(), hashes->keys(), !hashes->complete()});
    }
  }
  return info;
}

void Shard::Parts::list(Operation& operation) {
  const ListSpaces& list = std::get<ListSpaces>(operation.what);
  ListAnswer listed;
  if (!list.name.empty()) {
    const Space* space = find_space(list.name);
    if (space == nullptr || !space->exists) return refuse(operation.reply, no_space(list.name));
    listed.spaces.push_back(info_of(*space, true));
  } else {
    for (const auto& [name, space] : by_name) {
      if (space->exists && name.starts_with(list.prefix)) {
        listed.spaces.push_back(info_of(*space, false));
      }
    }
    std::sort(listed.spaces.begin(), listed.spaces.end(),
              [](const SpaceInfo& a, const SpaceInfo& b) { return a.name < b.name; });
  }
  Answer answer;
  answer.sequence = last;
  answer.what = std::move(listed);
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::stats(Operation& operation) {
  StatsAnswer stats;
  const auto add = [&](const char* name, uint64_t value) {
    stats.counters.emplace_back(name, value);
  };
  uint64_t ready = 0;
  uint64_t held = 0;
  uint64_t delayed = 0;
  for (const auto& [id, space] : spaces) {
    ready += space->ready();
    held += space->held.size();
    delayed += space->delayed.size();
  }
  add("bytes_used", used.bytes);
  add("candidates_examined", figures.candidates);
  add("deadlocks", figures.deadlocks);
  add("outs", figures.outs);
  add("reads", figures.reads);
  add("searches_sliced", figures.sliced);
  add("sequence", last);
  add("sessions", sessions.size());
  add("spaces", by_name.size());
  add("spaces_ended", figures.spaces_ended);
  add("take_misses", figures.misses);
  add("takes", figures.takes);
  add("transactions_aborted", figures.aborted);
  add("transactions_committed", figures.committed);
  add("transactions_open", transactions.size());
  add("tuples_delayed", delayed);
  add("tuples_expired", figures.expired);
  add("tuples_given_back", figures.given_back);
  add("tuples_held", held);
  add("tuples_ready", ready);
  add("waiters", waits.size());
  add("watch_events", figures.events);
  add("watchers", watchers.size());
  Answer answer;
  answer.sequence = last;
  answer.what = std::move(stats);
  reply(operation.reply, std::move(answer));
}

}  // namespace tuplespace
