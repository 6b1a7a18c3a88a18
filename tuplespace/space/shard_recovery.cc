// How a shard comes back from its records.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/atomic_answer.h"
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {
namespace {

// True if tuples were held for this answer, so that without them it is known to be confirmed.
bool held_tuples(const KeptAnswer& kept) {
  AtomicAnswer did;
  std::vector<size_t> held;
  switch (kept.kind) {
    case record::AnswerKind::kTake:
    case record::AnswerKind::kTakeAnyOf: return true;
    case record::AnswerKind::kAtomic: return read_atomic(kept.detail, did, held) && !held.empty();
    default: return false;
  }
}

}  // namespace

Status Shard::Parts::recover(std::string_view key, std::string_view value) {
  const Result<record::Key> parsed = record::parse_key(key);
  if (!parsed.ok()) return parsed.status();
  switch (parsed->kind) {
    case record::Kind::kShard: {
      const Result<record::ShardState> state = record::decode_shard(value);
      if (!state.ok()) return state.status();
      last = limit = state->sequence_limit;
      next_space = state->next_space;
      now = state->time;
      return {};
    }
    case record::Kind::kSpace: {
      Result<record::SpaceState> state = record::decode_space(value);
      if (!state.ok()) return state.status();
      auto made = std::make_unique<Space>(parsed->space, state->name, config, used);
      made->exists = true;
      made->policy = state->policy;
      made->policy.shard = config.shard;
      made->durability = *state->policy.durability;
      begin_policy(*made, *state);
      by_name[state->name] = made.get();
      spaces.emplace(parsed->space, std::move(made));
      return {};
    }
    case record::Kind::kSession: {
      Result<record::SessionState> state = record::decode_session(value);
      if (!state.ok()) return state.status();
      auto made = std::make_unique<Session>();
      made->id = parsed->id;
      made->secret = std::move(state->secret);
      made->name = std::move(state->name);
      made->participant = state->participant;
      made->epoch = state->epoch;
      made->ttl = state->ttl;
      if (!made->name.empty()) named_sessions[made->name] = made->id;
      sessions.emplace(parsed->id, std::move(made));
      return {};
    }
    case record::Kind::kAnswers: return recover_answers(*parsed, value);
    case record::Kind::kTuple: return recover_tuple(*parsed, value);
    case record::Kind::kHold: return recover_hold(*parsed, value);
    case record::Kind::kEvent: return recover_event(*parsed, value);
  }
  return {};
}

Status Shard::Parts::recover_answers(const record::Key& key, std::string_view value) {
  const Result<record::AnswersState> state = record::decode_answers(value);
  if (!state.ok()) return state.status();
  auto found = sessions.find(key.id);
  if (found == sessions.end()) {
    if (config.shard == 0) {
      return {Code::kDataLoss, fmt::format("answers of session {} without the session", key.id)};
    }
    auto made = std::make_unique<Session>();
    made->id = key.id;
    found = sessions.emplace(key.id, std::move(made)).first;
  }
  Session& session = *found->second;
  session.durable = true;
  session.highest = std::max(session.highest, state->highest);
  if (state->answers.empty()) {
    session.marker = AnswerBatch{key.sequence, state->highest, 0, true};
    return {};
  }
  AnswerBatch& batch = session.batches[key.sequence];
  batch.sequence = key.sequence;
  batch.highest = state->highest;
  batch.written = true;
  for (const record::NumberedAnswer& answer : state->answers) {
    if (answer.number == 0 || session.answers.find(answer.number) != nullptr) {
      return {Code::kDataLoss,
              fmt::format("number {} of session {} was answered twice", answer.number, key.id)};
    }
    KeptAnswer& kept = session.answers.insert(answer.number);
    kept.hash = answer.hash;
    kept.kind = answer.kind;
    kept.sequence = answer.sequence;
    kept.ttl = answer.ttl;
    kept.detail = answer.detail;
    kept.batch = &batch;
    for (const Sequence id : answer.taken) {
      kept.tuples.push_back({0, kNoSlot, id});  // recover_tuple() fills in the place
      held_by[id] = {session.id, answer.number};
    }
    ++batch.unconfirmed;
  }
  return {};
}

Status Shard::Parts::recover_tuple(const record::Key& key, std::string_view value) {
  const auto found = spaces.find(key.space);
  if (found == spaces.end()) {
    return {Code::kDataLoss,
            fmt::format("tuple {} is of space {}, which is unknown", key.id, key.space)};
  }
  Space& space = *found->second;
  const Result<record::TupleState> state = record::decode_tuple(value);
  if (!state.ok()) return state.status();
  const Slot slot =
      space.add(Tuple::from_canonical(state->bytes, state->arity), key.id, state->out_at);
  Entry& entry = space.slab[slot];
  entry.attempt = state->attempt;
  const Due& times = state->due;
  if (times.visible_at > 0 || times.expires_at != kNever || times.bound != 0) {
    space.slab.set_due(entry, times);
  }
  if (times.bound != 0) {
    if (recover_session(times.bound)) {
      bind(space, slot, times.bound);
    } else {
      orphans.emplace_back(&space, slot);
    }
  }
  if (const auto held = held_by.find(key.id); held != held_by.end()) {
    KeptAnswer& kept = *sessions.at(held->second.first)->answers.find(held->second.second);
    for (HeldTuple& tuple : kept.tuples) {
      if (tuple.id == key.id) tuple = {key.space, slot, key.id};
    }
    space.insert_held(slot);
    if (times.expires_at != kNever) {  // it may be given back before that
      wheel.add({times.expires_at, Timer::Kind::kTuple, key.id, key.space, slot});
    }
    return {};
  }
  if (times.visible_at > 0) {  // recovered() looks whether that is over
    wheel.add({times.visible_at, Timer::Kind::kTuple, key.id, key.space, slot});
    space.insert_delayed(slot);
    return {};
  }
  if (times.expires_at != kNever) {
    wheel.add({times.expires_at, Timer::Kind::kTuple, key.id, key.space, slot});
  }
  print.reset(entry.tuple.bytes());
  space.insert_available(slot, print);
  return {};
}

Status Shard::Parts::recovered(Time time, Effects& to) {
  effects = &to;
  now = std::max(now, time);
  settled = last;
  held_by = {};
  std::vector<SessionId> ids;
  for (const auto& [id, session] : sessions) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const SessionId id : ids) {
    Session& session = *sessions.at(id);
    std::vector<Number> confirmed;
    for (const Number number : session.answers.numbers()) {
      KeptAnswer& kept = *session.answers.find(number);
      const auto is_gone = [](const HeldTuple& held) { return held.slot == kNoSlot; };
      kept.tuples.erase(std::remove_if(kept.tuples.begin(), kept.tuples.end(), is_gone),
                        kept.tuples.end());
      if (kept.tuples.empty() && held_tuples(kept)) {
        confirmed.push_back(number);  // its record lives only for others of its batch
        continue;
      }
      if (kept.kind == record::AnswerKind::kUntilTaken) recover_fate(session, number, kept);
      kept.bytes += kKeptAnswerBytes + kept.detail.size();
      for (const HeldTuple& held : kept.tuples) {
        kept.bytes += spaces.at(held.space)->slab[held.slot].tuple.footprint();
      }
      session.unconfirmed_bytes += kept.bytes;
    }
    std::vector<HeldTuple> none;
    for (const Number number : confirmed) forget_answer(session, number, false, none);
    session.lease_end = now;  // its full time begins again
    if (config.shard == 0) {
      keep_lease(session);
    } else {
      session.lease_end = kNever;
    }
  }
  recover_leases();
  for (const auto& [id, space] : spaces) {
    // What was recovered need not have been synced: the first answers wait for this batch.
    if (space->durability != Durability::kMemory) touch(*space);
    recovered_history(*space);
  }
  recovered_participants();
  recovered_lifetimes();
  limit = last + (Sequence{1} << 24);
  state_changed = true;
  write_state();
  while (wheel.next_due() <= now) run_due();
  finish_answers();
  return {};
}

// True if the session is there. In a shard other than 0 it begins with what it has there; the
// engine ends those that shard 0 does not know.
bool Shard::Parts::recover_session(SessionId id) {
  if (sessions.contains(id)) return true;
  if (config.shard == 0) return false;
  auto made = std::make_unique<Session>();
  made->id = id;
  sessions.emplace(id, std::move(made));
  return true;
}

// Holds get their full lease again. What a session that has ended held or had bound goes back, or
// vanishes: only async spaces can be so far behind it.
void Shard::Parts::recover_leases() {
  std::vector<Token> tokens;
  for (const auto& [token, hold] : holds) tokens.push_back(token);
  std::sort(tokens.begin(), tokens.end());
  for (const Token token : tokens) {
    Hold& hold = holds.at(token);
    hold.until = now + hold.lease;
    wheel.add({hold.until, Timer::Kind::kHold, token, hold.space, hold.slot});
    if (hold.session == 0) continue;
    if (recover_session(hold.session)) {
      sessions.at(hold.session)->holds.insert(token);
    } else {
      Space& space = *spaces.at(hold.space);
      return_tuple(space, end_hold(token), "its session ended");
    }
  }
  for (const auto& [space, slot] : std::exchange(orphans, {})) {
    if (space->slab[slot].state() != Presence::kHeld) vanish(*space, slot, Fate::kWithdrawn);
  }
}

void Shard::Parts::write_state() {
  state_changed = false;
  effects->batch.put(record::shard_key(config.shard),
                     record::encode(record::ShardState{limit, next_space, now}));
  effects->mark = Mark::kSynced;
}

}  // namespace tuplespace
