// Holds and leases: taken, settled, renewed, ended.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

constexpr size_t kReasonBytesMax = 1'000;

}  // namespace

Status Shard::Parts::check_hold(Duration lease, const Caller&) const {
  if (lease <= 0) return invalid(fmt::format("hold is {} ms; it must be above 0", lease), "hold");
  if (holds.size() < config.holds_max) return {};
  return exhausted(fmt::format("there are {} holds, holds_max is {}; settle some", holds.size(),
                               config.holds_max),
                   "holds_max");
}

Token Shard::Parts::hold_tuple(Space& space, Slot slot, Duration asked, const Caller& caller) {
  const Duration lease = std::min(asked, config.hold_max);
  Hold hold;
  hold.token = next_sequence();
  hold.space = space.id();
  hold.slot = slot;
  hold.tuple = space.slab[slot].id;
  hold.session = caller.number != 0 ? caller.session : 0;
  hold.lease = lease;
  hold.since = now;
  hold.until = now + lease;
  space.insert_held(slot);
  if (hold.session != 0) sessions.at(hold.session)->holds.insert(hold.token);
  wheel.add({hold.until, Timer::Kind::kHold, hold.token, space.id(), slot});
  if (space.durability != Durability::kMemory) {
    effects->batch.put(
        record::hold_key(config.shard, space.id(), hold.token),
        record::encode(record::HoldState{hold.tuple, hold.session, lease, hold.since}));
    touch(space);
  }
  holds.emplace(hold.token, hold);
  return hold.token;
}

Slot Shard::Parts::end_hold(Token token) {
  const auto found = holds.find(token);
  const Hold hold = found->second;
  holds.erase(found);
  if (const auto session = sessions.find(hold.session); session != sessions.end()) {
    session->second->holds.erase(token);
  }
  Space& space = *spaces.at(hold.space);
  space.erase_held(hold.slot);
  note_freed(space);
  may_be_deadlock();
  if (space.durability != Durability::kMemory) {
    effects->batch.erase(record::hold_key(config.shard, space.id(), token));
    touch(space);
  }
  return hold.slot;
}

void Shard::Parts::hold_due(Token token) {
  const auto found = holds.find(token);
  if (found == holds.end()) return;
  const Hold& hold = found->second;
  if (hold.until > now) {  // it was renewed
    wheel.add({hold.until, Timer::Kind::kHold, token, hold.space, hold.slot});
    return;
  }
  Space& space = *spaces.at(hold.space);
  return_tuple(space, end_hold(token), "the lease of its hold ended");
}

// ---- settle ----

Status Shard::Parts::check_settle(const Settle& settle) const {
  const auto context = [&] { return fmt::format("settle in space \"{}\": ", settle.space); };
  const auto space = by_name.find(settle.space);
  if (space == by_name.end() || !space->second->exists) return no_space(settle.space);
  const auto hold = holds.find(settle.token);
  if (hold == holds.end() || hold->second.space != space->second->id()) {
    return {
        Code::kFailedPrecondition,
        context() + fmt::format("hold {} has ended: it was settled, or its lease or its session "
                                "ended first; nothing was changed",
                                settle.token),
        {"token", false, false}};
  }
  if (settle.after < 0 || settle.after > config.ttl_max) {
    return invalid(context() + fmt::format("after is {} ms; it must be between 0 and {}",
                                           settle.after, config.ttl_max),
                   "after");
  }
  if (settle.settlement != Settlement::kDead) return {};
  if (settle.reason.size() > kReasonBytesMax || !is_utf8(settle.reason)) {
    return invalid(context() + fmt::format("the reason has {} bytes; it is UTF-8, at most {}",
                                           settle.reason.size(), kReasonBytesMax),
                   "reason");
  }
  return check_dead_space(*space->second);
}

Sequence Shard::Parts::apply_settle(const Settle& settle) {
  Space& space = *find_space(settle.space);
  const Slot slot = end_hold(settle.token);
  Entry& entry = space.slab[slot];
  switch (settle.settlement) {
    case Settlement::kDone:
      next_sequence();
      vanish(space, slot, Fate::kTaken);
      break;
    case Settlement::kBack: {
      if (settle.after == 0) {
        return_tuple(space, slot, settle.reason.empty() ? "given back" : settle.reason);
        break;
      }
      entry.attempt = std::min<uint64_t>(entry.attempt + 1, UINT16_MAX);
      next_sequence();
      ++figures.given_back;
      if (is_used_up(space, slot) && bury(space, slot, "given back") != 0) break;
      Due due = space.slab.due(entry);
      due.visible_at = now + settle.after;
      space.slab.set_due(entry, due);
      space.insert_delayed(slot);
      put_tuple(space, slot);
      wheel.add({due.visible_at, Timer::Kind::kTuple, entry.id, space.id(), slot});
      break;
    }
    case Settlement::kTail: {
      if (space.durability != Durability::kMemory) erase_tuple(space, entry.id);
      const Sequence before = std::exchange(entry.id, next_sequence());
      const Sequence id = entry.id;
      rebind(space, slot, before);
      return_tuple(space, slot, "given back");
      return id;
    }
    case Settlement::kDead: return bury(space, slot, settle.reason);
  }
  return 0;
}

void Shard::Parts::settle(Operation& operation) {
  if (!admit(operation)) return;
  const Settle& settle = std::get<Settle>(operation.what);
  if (Status status = check_settle(settle); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  Space& space = *find_space(settle.space);
  ++figures.settled;
  SettleAnswer settled;
  settled.id = apply_settle(settle);
  std::string detail;
  record::append_integer(detail, settled.id);
  keep_answer(operation.caller, record::AnswerKind::kSettle,
              space.durability != Durability::kMemory, {}, std::move(detail));
  Answer answer = about(space);
  answer.what = settled;
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::keep_answer(const Caller& caller, record::AnswerKind kind, bool durable,
                               std::optional<Duration> ttl, std::string detail) {
  if (caller.number == 0) return;
  Session& session = *session_of(caller);
  KeptAnswer& kept = session.answers.insert(caller.number);
  kept.hash = caller.hash;
  kept.kind = kind;
  kept.sequence = last;
  kept.ttl = ttl;
  kept.bytes = detail.size();
  kept.detail = std::move(detail);
  keep(session, caller.number, kept, durable);
}

// ---- leases ----

Status Shard::Parts::lease_has_ended(const Lease& lease) const {
  std::string what;
  if (lease.token != 0) what = fmt::format("hold {} in space \"{}\"", lease.token, lease.space);
  if (lease.tuple != 0) what = fmt::format("tuple {} in space \"{}\"", lease.tuple, lease.space);
  if (lease.transaction != 0) what = fmt::format("transaction {}", lease.transaction);
  return {Code::kNotFound,
          fmt::format("{} has ended; its lease cannot be renewed or ended", what),
          {"lease", false, false}};
}

void Shard::Parts::renew(Operation& operation) {
  if (!admit(operation)) return;
  const Renew& renew = std::get<Renew>(operation.what);
  const Lease& lease = renew.lease;
  if (renew.ttl <= 0) {
    return refuse(
        operation.reply,
        invalid(fmt::format("renew: ttl is {} ms; it must be above 0", renew.ttl), "ttl"));
  }
  if (lease.transaction != 0) return renew_transaction(operation);
  Space* const space = find_space(lease.space);
  const auto hold = holds.find(lease.token);
  const bool is_hold = lease.token != 0;
  const Slot slot = space == nullptr ? kNoSlot
                    : !is_hold       ? space->find(lease.tuple)
                    : hold != holds.end() && hold->second.space == space->id() ? hold->second.slot
                                                                               : kNoSlot;
  if (slot == kNoSlot) return refuse(operation.reply, lease_has_ended(lease));
  const Duration granted = std::min(renew.ttl, is_hold ? config.hold_max : config.ttl_max);
  next_sequence();
  const bool durable = space->durability != Durability::kMemory;
  if (is_hold) {
    hold->second.until = now + granted;
    wheel.add({hold->second.until, Timer::Kind::kHold, lease.token, space->id(), slot});
    if (durable && hold->second.lease != granted) {
      effects->batch.put(record::hold_key(config.shard, space->id(), lease.token),
                         record::encode(record::HoldState{hold->second.tuple, hold->second.session,
                                                          granted, hold->second.since}));
      touch(*space);
    }
    hold->second.lease = granted;
  } else {
    Entry& entry = space->slab[slot];
    Due due = space->slab.due(entry);
    due.expires_at = std::max(now, due.visible_at) + granted;
    space->slab.set_due(entry, due);
    wheel.add({due.expires_at, Timer::Kind::kTuple, entry.id, space->id(), slot});
    put_tuple(*space, slot);
  }
  keep_answer(operation.caller, record::AnswerKind::kRenew, durable, granted);
  Answer answer = about(*space);
  answer.what = RenewAnswer{granted};
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::end_lease(Operation& operation) {
  if (!admit(operation)) return;
  const Lease& lease = std::get<EndLease>(operation.what).lease;
  if (lease.transaction != 0) return abort_by_lease(operation);
  Space* const space = find_space(lease.space);
  if (space == nullptr) return refuse(operation.reply, lease_has_ended(lease));
  const bool durable = space->durability != Durability::kMemory;
  if (lease.token != 0) {
    const auto hold = holds.find(lease.token);
    if (hold == holds.end() || hold->second.space != space->id()) {
      return refuse(operation.reply, lease_has_ended(lease));
    }
    return_tuple(*space, end_hold(lease.token), "its hold was ended");
  } else {
    const Slot slot = space->find(lease.tuple);
    if (slot == kNoSlot) return refuse(operation.reply, lease_has_ended(lease));
    Entry& entry = space->slab[slot];
    if (entry.state() == Presence::kHeld) {  // it vanishes if it is given back
      Due due = space->slab.due(entry);
      due.expires_at = now;
      space->slab.set_due(entry, due);
      next_sequence();
      put_tuple(*space, slot);
    } else {
      expire(*space, slot);
    }
  }
  keep_answer(operation.caller, record::AnswerKind::kEndLease, durable);
  Answer answer = about(*space);
  answer.what = EndLeaseAnswer{};
  reply(operation.reply, std::move(answer));
}

// ---- the rest of a hold's life ----

void Shard::Parts::forget_holds_and_fates(Space& space) {
  std::vector<Token> tokens;
  for (const auto& [token, hold] : holds) {
    if (hold.space == space.id()) tokens.push_back(token);
  }
  for (const Token token : tokens) {
    const auto session = sessions.find(holds.at(token).session);
    if (session != sessions.end()) session->second->holds.erase(token);
    holds.erase(token);
  }
  for (auto& [id, session] : sessions) {
    std::erase_if(session->bound,
                  [&](const auto& bound) { return bound.second.first == space.id(); });
  }
  std::vector<uint64_t> fates;
  for (const auto& [id, wait] : waits) {
    if (wait->kind == Wait::Kind::kFate && wait->space == space.id()) fates.push_back(id);
  }
  std::sort(fates.begin(), fates.end());
  for (const uint64_t id : fates) tell_fate(id, Fate::kWithdrawn);
}

Status Shard::Parts::recover_hold(const record::Key& key, std::string_view value) {
  const Result<record::HoldState> state = record::decode_hold(value);
  if (!state.ok()) return state.status();
  const auto space = spaces.find(key.space);
  const Slot slot = space == spaces.end() ? kNoSlot : space->second->find(state->tuple);
  if (slot == kNoSlot || space->second->slab[slot].state() == Presence::kHeld) {
    return {Code::kDataLoss,
            fmt::format("hold {} is of tuple {} of space {}, which is {}", key.id, state->tuple,
                        key.space, slot == kNoSlot ? "unknown" : "held by another")};
  }
  if (space->second->slab[slot].state() == Presence::kAvailable) {
    space->second->erase_available(slot);
  } else {
    space->second->erase_delayed(slot);
  }
  Hold hold;
  hold.token = key.id;
  hold.space = key.space;
  hold.slot = slot;
  hold.tuple = state->tuple;
  hold.session = state->session;
  hold.lease = state->lease;
  hold.since = state->since;
  space->second->insert_held(slot);
  holds.emplace(hold.token, hold);  // recovered() gives it its full lease
  return {};
}

}  // namespace tuplespace
