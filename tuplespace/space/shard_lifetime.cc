// How spaces of a shard end by themselves: their ttl, their session, or nobody reaches them.
#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/handles.h"
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {

Status Shard::Parts::check_policy(const CreateSpace& create, std::string_view secret) const {
  const Policy& policy = create.policy;
  const auto context = [&] { return fmt::format("create space \"{}\": ", create.name); };
  if (policy.history > config.history_max) {
    return exhausted(context() + fmt::format("history is {} events, history_max is {}",
                                             policy.history, config.history_max),
                     "history_max", false);
  }
  if (policy.ttl < 0 || policy.ttl > config.ttl_max) {
    return invalid(context() + fmt::format("ttl is {} ms; it must be between 1 and {}, or 0 for "
                                           "none",
                                           policy.ttl, config.ttl_max),
                   "ttl");
  }
  if (config.shard != 0 && (policy.collected || policy.deadlock != Deadlock::kIgnore)) {
    return invalid(context() +
                       "a space that is collected, or whose deadlocks are found, must be "
                       "in shard 0, which knows all sessions",
                   "shard");
  }
  if (!policy.bound && !policy.collected) return {};
  if (create.owner == 0) {
    return invalid(context() + "a space that is bound or collected needs the session that owns it",
                   "owner");
  }
  return check_session(create.owner, secret);
}

void Shard::Parts::begin_policy(Space& space, const record::SpaceState& state) {
  const Policy& policy = space.policy;
  begin_history(space, state.created);
  if (policy.deadlock != Deadlock::kIgnore) begin_deadlocks(space);
  if (policy.ttl == 0 && !policy.bound && !policy.collected) return;
  space.lifetime = std::make_unique<Lifetime>();
  space.lifetime->expires_at = state.expires_at;
  space.lifetime->owner = state.owner;
  if (state.expires_at != kNever) {
    wheel.add({state.expires_at, Timer::Kind::kSpace, space.id(), 0, 0});
  }
  if (policy.bound) bound_to[state.owner].push_back(space.id());
  if (policy.collected) collected.push_back(space.id());
}

void Shard::Parts::end_policy(Space& space) {
  if (space.participants != nullptr) std::erase(guarded, space.id());
  if (space.lifetime == nullptr) return;
  if (space.policy.collected) std::erase(collected, space.id());
  const auto bound = bound_to.find(space.lifetime->owner);
  if (bound != bound_to.end() && std::erase(bound->second, space.id()) > 0 &&
      bound->second.empty()) {
    bound_to.erase(bound);
  }
}

void Shard::Parts::end_space(Space& space, const char* why) {
  ++figures.spaces_ended;
  effects->dropped_spaces.push_back(space.name());
  drop_space(space, {Code::kAborted,
                     fmt::format("space \"{}\" has ended: {}", space.name(), why),
                     {"", true, false}});
}

void Shard::Parts::space_due(uint32_t id) {
  const auto found = spaces.find(id);
  if (found == spaces.end() || found->second->lifetime == nullptr) return;
  if (found->second->lifetime->expires_at <= now) end_space(*found->second, "its ttl is over");
}

void Shard::Parts::session_ended(SessionId id, const std::vector<uint32_t>& tied) {
  for (const uint32_t space : tied) {
    const auto found = spaces.find(space);
    if (found == spaces.end()) continue;
    if (found->second->participants) found->second->participants->joined.erase(id);
    if (found->second->lifetime) found->second->lifetime->users.erase(id);
  }
  recovered_sessions.erase(id);
  may_be_deadlock();
  if (!collected.empty()) collection.wanted = true;
  const auto bound = bound_to.find(id);
  if (bound == bound_to.end()) return;
  for (const uint32_t space : std::vector<uint32_t>(bound->second)) {
    end_space(*spaces.at(space), "the session that created it has ended");
  }
}

// ---- who uses a collected space ----

void Shard::Parts::use_space(Session& session, Space& space) {
  if (space.lifetime == nullptr || !space.policy.collected) return;
  if (space.lifetime->users.insert(session.id).second) session.tied.push_back(space.id());
}

void Shard::Parts::note_handles(const Caller& caller, const std::vector<Found>& given) {
  Session* session = caller.number != 0 ? session_of(caller) : nullptr;
  if (session == nullptr) return;
  for (const Found& found : given) {
    for_each_handle(found.tuple.bytes(), [&](std::string_view name) {
      if (Space* space = find_space(name)) use_space(*session, *space);
    });
  }
}

bool Shard::Parts::is_root(const Space& space) const {
  if (!space.exists) return false;
  if (!space.policy.collected || space.waiters.size() > 0) return true;
  const Lifetime& lifetime = *space.lifetime;
  return !lifetime.users.empty() || (lifetime.before_restart && !recovered_sessions.empty());
}

// ---- mark and sweep ----

void Shard::Parts::begin_collection() {
  collection.wanted = false;
  const bool useless = std::all_of(collected.begin(), collected.end(),
                                   [&](uint32_t id) { return is_root(*spaces.at(id)); });
  if (useless) return;
  collection.running = true;
  collection.first_new_space = next_space;
  collection.seen.clear();
  collection.unread.clear();
  collection.reading = 0;
  for (const auto& [id, space] : spaces) {
    if (is_root(*space)) see_space(*space);
  }
  // The last is read first; what is read when must not depend on how a map orders its keys.
  std::sort(collection.unread.begin(), collection.unread.end(), std::greater<>());
  used.added = &collection.added;
}

void Shard::Parts::see_space(const Space& space) {
  if (collection.seen.insert(space.id()).second) collection.unread.push_back(space.id());
}

void Shard::Parts::see_handles(const Tuple& tuple) {
  for_each_handle(tuple.bytes(), [&](std::string_view name) {
    const Space* space = find_space(name);
    if (space != nullptr && space->exists && space->policy.collected) see_space(*space);
  });
}

// A slice; true while there is more.
bool Shard::Parts::collect_spaces() {
  if (!collection.running) {
    if (!collection.wanted) return false;
    begin_collection();
    return collection.running;
  }
  for (const Tuple& tuple : std::exchange(collection.added, {})) see_handles(tuple);
  for (size_t left = config.slice_candidates; left > 0;) {
    const auto found = spaces.find(collection.reading);
    if (found == spaces.end() || collection.next_slot >= found->second->slab.slots()) {
      if (collection.unread.empty() && !see_new_roots()) {
        sweep();
        return collection.wanted;
      }
      collection.reading = collection.unread.back();
      collection.unread.pop_back();
      collection.next_slot = 0;
      --left;
      continue;
    }
    const Space& space = *found->second;
    const auto end =
        static_cast<Slot>(std::min<size_t>(space.slab.slots(), collection.next_slot + left));
    left -= end - collection.next_slot;
    for (; collection.next_slot < end; ++collection.next_slot) {
      const Entry& entry = space.slab[collection.next_slot];
      if (entry.state() != Presence::kFree) see_handles(entry.tuple);
    }
  }
  return true;
}

// A session may have been given a handle meanwhile: what it reaches is reached.
bool Shard::Parts::see_new_roots() {
  for (const uint32_t id : collected) {
    if (is_root(*spaces.at(id))) see_space(*spaces.at(id));
  }
  return !collection.unread.empty();
}

void Shard::Parts::sweep() {
  collection.running = false;
  collection.added = {};
  used.added = nullptr;
  bool some_are_reached = false;
  for (const uint32_t id : std::vector<uint32_t>(collected)) {
    if (id >= collection.first_new_space) continue;
    Space& space = *spaces.at(id);
    if (!collection.seen.contains(id)) {
      end_space(space, "neither a session nor a tuple refers to it");
    } else if (!is_root(space)) {
      some_are_reached = true;
    }
  }
  if (!some_are_reached || collection.timer_set) return;
  collection.timer_set = true;
  wheel.add({now + config.collect_every, Timer::Kind::kCollection, 0, 0, 0});
}

// ---- recovery ----

void Shard::Parts::recovered_lifetimes() {
  for (const auto& [id, session] : sessions) recovered_sessions.insert(id);
  std::vector<uint32_t> orphans;
  for (const auto& [id, space] : spaces) {
    if (space->lifetime == nullptr) continue;
    space->lifetime->before_restart = true;
    const SessionId owner = space->lifetime->owner;
    if (!space->policy.bound || sessions.contains(owner)) continue;
    if (config.shard == 0) {
      orphans.push_back(id);
    } else {  // the engine says whether it has ended
      session_in_other_shard(owner);
    }
  }
  std::sort(orphans.begin(), orphans.end());
  for (const uint32_t id : orphans) end_space(*spaces.at(id), "its session has ended");
  collection.wanted = !collected.empty();
}

}  // namespace tuplespace
