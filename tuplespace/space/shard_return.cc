// What comes back: given-back tuples, dead letters, groups that are free again; tuples that are
// bound to sessions, and those whose fate somebody waits for.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

constexpr std::string_view kDeadSuffix = ".dead";

std::string detail_of_fate(const Space& space, Sequence tuple, Fate fate) {
  std::string detail;
  record::append_integer(detail, space.id());
  record::append_integer(detail, tuple);
  record::append_integer(detail, static_cast<uint8_t>(fate));
  return detail;
}

}  // namespace

bool Shard::Parts::is_used_up(const Space& space, Slot slot) const {
  const uint32_t deliveries_max = space.policy.deliveries_max;
  return deliveries_max > 0 && space.slab[slot].attempt >= deliveries_max;
}

void Shard::Parts::return_tuple(Space& space, Slot slot, std::string_view reason) {
  Entry& entry = space.slab[slot];
  entry.attempt = std::min<uint64_t>(entry.attempt + 1, UINT16_MAX);
  ++figures.given_back;
  next_sequence();
  const SessionId bound = space.slab.due(entry).bound;
  if (space.is_expired(slot, now)) {
    expire(space, slot);
  } else if (bound != 0 && !sessions.contains(bound)) {
    vanish(space, slot, Fate::kWithdrawn);
  } else if (!is_used_up(space, slot) || bury(space, slot, reason) == 0) {
    become_available(space, slot, OnDisk::kStale);
  }
}

// ---- dead letters ----

Status Shard::Parts::check_dead_space(const Space& space) const {
  const std::string name = space.name() + std::string(kDeadSuffix);
  if (!is_space_name(name)) return bad_space_name(name);
  const auto found = by_name.find(name);
  if ((found != by_name.end() && found->second->exists) || by_name.size() < config.spaces_max) {
    return {};
  }
  return exhausted(fmt::format("space \"{}\" for dead letters would be one more than spaces_max {}",
                               name, config.spaces_max),
                   "spaces_max");
}

Sequence Shard::Parts::bury(Space& space, Slot slot, std::string_view reason) {
  if (!check_dead_space(space).ok()) return 0;
  const std::string name = space.name() + std::string(kDeadSuffix);
  Space* dead = find_space(name);
  if (dead == nullptr || !dead->exists) {
    Policy policy;
    policy.durability = space.durability;
    Result<Space*> created = create_space(name, policy);
    if (!created.ok()) return 0;
    dead = *created;
  }
  const Entry& entry = space.slab[slot];
  std::vector<Value> fields;
  for (size_t i = 0; i < entry.tuple.arity(); ++i) fields.push_back(entry.tuple.at(i));
  // A dead letter is never lost, so it is held to no bound: it is a little larger, and deeper by
  // one, than a tuple that was within all of them.
  const Limits unbounded{SIZE_MAX, SIZE_MAX, SIZE_MAX};
  Result<Tuple> letter =
      Tuple::of({Value("dead"), Value(space.name()), Value(std::string(reason)),
                 Value(static_cast<int64_t>(entry.attempt)), Value(std::move(fields))},
                unbounded);
  TS_CHECK(letter.ok());
  vanish(space, slot, Fate::kWithdrawn);
  ++figures.buried;
  const Sequence id = next_sequence();
  const Slot there = dead->add(std::move(*letter), id, now);
  become_available(*dead, there, OnDisk::kNo);
  return id;
}

// ---- groups ----

void Shard::Parts::note_freed(const Space& space) {
  if (!space.freed.empty()) freed_spaces.push_back(space.id());
}

void Shard::Parts::serve_all() {
  do {
    serve_freed();
    serve_changes();
  } while (!freed_spaces.empty());
}

void Shard::Parts::serve_freed() {
  while (!freed_spaces.empty()) {
    const auto found = spaces.find(freed_spaces.back());
    freed_spaces.pop_back();
    if (found == spaces.end()) continue;
    const std::vector<Space::Group> freed = std::exchange(found->second->freed, {});
    for (const Space::Group& group : freed) serve_group(*found->second, group);
  }
}

// Who waits for a group has found none that is free: it can only be one of this group.
void Shard::Parts::serve_group(Space& space, const Space::Group& freed) {
  if (space.is_busy(freed.arity, freed.field, freed.value)) return;
  for (const auto& [id, wait] : space.waiters.grouped()) {
    if (wait->suspended || wait->searching || wait->group != static_cast<int>(freed.field)) {
      continue;
    }
    const SearchResult result = search_for(space, Inquiry(*wait), wait->cursor);
    if (result.found.empty()) continue;
    complete(space, Asker(*wait), result);
    end_wait(*wait);
    return;  // the group is busy again
  }
}

// ---- bound tuples ----

void Shard::Parts::bind(Space& space, Slot slot, SessionId session) {
  sessions.at(session)->bound[space.slab[slot].id] = {space.id(), slot};
}

// A tuple got a new id.
void Shard::Parts::rebind(Space& space, Slot slot, Sequence before) {
  const Entry& entry = space.slab[slot];
  const Due& due = space.slab.due(entry);
  if (const auto session = sessions.find(due.bound); session != sessions.end()) {
    session->second->bound.erase(before);
    bind(space, slot, due.bound);
  }
  if (due.waiter == 0) return;
  waits.at(due.waiter)->tuple = entry.id;
}

// Those that somebody holds vanish when they are given back.
void Shard::Parts::end_bound(Session& session) {
  const auto bound = std::exchange(session.bound, {});
  for (const auto& [id, where] : bound) {
    Space& space = *spaces.at(where.first);
    if (space.slab[where.second].state() == Presence::kHeld) continue;
    next_sequence();
    vanish(space, where.second, Fate::kWithdrawn);
  }
}

// ---- fates ----

uint64_t Shard::Parts::wait_for_fate(Space& space, const Tuple& tuple, Sequence id,
                                     const Operation& operation, std::optional<Duration> ttl) {
  const Caller& caller = operation.caller;
  auto wait = std::make_unique<Wait>();
  wait->kind = Wait::Kind::kFate;
  wait->id = next_wait++;
  wait->space = space.id();
  wait->take.space = space.name();
  wait->take.wanted = Template::exactly(tuple);
  wait->caller = caller;
  wait->reply = operation.reply;
  wait->since = now;
  wait->tuple = id;
  const uint64_t number = wait->id;
  enroll(std::move(wait));
  keep_answer(caller, record::AnswerKind::kUntilTaken, space.durability != Durability::kMemory, ttl,
              detail_of_fate(space, id, Fate::kNone));
  return number;
}

void Shard::Parts::tell_fate(uint64_t id, Fate fate) {
  Wait& wait = *waits.at(id);
  Space& space = *spaces.at(wait.space);
  Session& session = *session_of(wait.caller);
  KeptAnswer& kept = *session.answers.find(wait.caller.number);
  kept.detail = detail_of_fate(space, wait.tuple, fate);
  if (kept.batch != nullptr) {
    spell_again(session, kept.batch->sequence);
    touch(space);
  }
  Answer answer = about(space);
  answer.sequence = kept.sequence;
  answer.what = OutAnswer{kept.ttl, fate};
  reply(wait.reply, std::move(answer));
  end_wait(wait);
}

void Shard::Parts::withdraw(const Wait& wait) {
  Space& space = *spaces.at(wait.space);
  const Slot slot = space.find(wait.tuple);
  if (slot == kNoSlot || space.slab[slot].state() == Presence::kHeld) return;  // told when settled
  next_sequence();
  vanish(space, slot, Fate::kWithdrawn);
}

void Shard::Parts::recover_fate(Session& session, Number number, const KeptAnswer& kept) {
  std::string_view detail = kept.detail;
  const auto space_id = record::take_integer<uint32_t>(detail);
  const auto tuple = record::take_integer<Sequence>(detail);
  if (record::take_integer<uint8_t>(detail) != 0) return;  // it is known
  const auto found = spaces.find(space_id);
  const Slot slot = found == spaces.end() ? kNoSlot : found->second->find(tuple);
  if (slot == kNoSlot) return;  // the space was dropped
  Space& space = *found->second;
  auto wait = std::make_unique<Wait>();
  wait->kind = Wait::Kind::kFate;
  wait->id = next_wait++;
  wait->space = space_id;
  wait->take.space = space.name();
  wait->take.wanted = Template::exactly(space.slab[slot].tuple);
  wait->caller.session = session.id;
  wait->caller.number = number;
  wait->caller.hash = kept.hash;
  wait->suspended = true;
  wait->since = now;
  wait->tuple = tuple;
  Due due = space.slab.due(space.slab[slot]);
  due.waiter = wait->id;
  space.slab.set_due(space.slab[slot], due);
  session.waits[number] = wait->id;
  waits.emplace(wait->id, std::move(wait));
}

}  // namespace tuplespace
