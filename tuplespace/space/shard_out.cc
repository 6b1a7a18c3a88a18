// What is put into a space: checked, granted, shown or stored.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {

// The session that what `operation` puts vanishes with, or 0.
SessionId Shard::Parts::bound_session(const Operation& operation) const {
  const auto& extras = std::get<Out>(operation.what).extras;
  const bool wanted = extras != nullptr && (extras->bound || extras->until_taken);
  return wanted && operation.caller.number != 0 ? operation.caller.session : 0;
}

Status Shard::Parts::check_times(const Out& out) const {
  const auto context = [&] { return fmt::format("out to space \"{}\": ", out.space); };
  if (out.ttl && *out.ttl <= 0) {
    return invalid(context() + fmt::format("ttl is {} ms; it must be above 0", *out.ttl), "ttl");
  }
  if (out.delay && (*out.delay < 0 || *out.delay > config.ttl_max)) {
    return invalid(context() + fmt::format("delay is {} ms; it must be between 0 and {}",
                                           *out.delay, config.ttl_max),
                   "delay");
  }
  const bool stays = out.ttl || out.delay ||
                     (out.extras != nullptr && (out.extras->bound || out.extras->until_taken ||
                                                out.extras->transaction != 0));
  if (out.pulse && stays) {
    return invalid(context() +
                       "a pulse is never stored: no ttl, delay, session, taker or "
                       "transaction can end it",
                   "pulse");
  }
  return {};
}

Status Shard::Parts::check_out(const Out& out, const Space* space) const {
  TS_RETURN_IF_ERROR(check_times(out));
  TS_RETURN_IF_ERROR(check_put(out, out.tuple, space, {}));
  if (out.extras == nullptr) return {};
  if (out.transaction() != 0) {
    TS_RETURN_IF_ERROR(check_transaction(out.transaction(), 1 + out.extras->more.size()));
    if (out.extras->until_taken) {
      return invalid(fmt::format("out to space \"{}\": until_taken waits for a taker, and nobody "
                                 "sees what an open transaction puts",
                                 out.space),
                     "until_taken");
    }
  }
  if (out.extras->more.empty()) return {};
  const std::vector<Tuple>& more = out.extras->more;
  if (out.extras->until_taken) {
    return invalid(fmt::format("out to space \"{}\": until_taken waits for one tuple, not for {}",
                               out.space, more.size() + 1),
                   "until_taken");
  }
  if (more.size() >= config.effects_max) {
    return exhausted(fmt::format("out to space \"{}\": {} tuples at once, effects_max is {}",
                                 out.space, more.size() + 1, config.effects_max),
                     "effects_max", false);
  }
  Coming coming;
  const Tuple* before = &out.tuple;
  for (const Tuple& tuple : more) {
    ++coming.tuples;
    ++coming.in_space;
    coming.bytes += static_cast<int64_t>(before->footprint());
    TS_RETURN_IF_ERROR(check_put(out, tuple, space, coming));
    before = &tuple;
  }
  return {};
}

Status Shard::Parts::check_put(const Out& out, const Tuple& tuple, const Space* space,
                               const Coming& coming) const {
  const auto context = [&] { return fmt::format("out to space \"{}\": ", out.space); };
  const size_t bytes = tuple.bytes().size();
  size_t bytes_max = config.limits.tuple_bytes_max;
  if (space != nullptr && space->policy.tuple_bytes_max > 0) {
    bytes_max = std::min<size_t>(bytes_max, space->policy.tuple_bytes_max);
  }
  if (bytes > bytes_max) {
    return exhausted(context() + fmt::format("tuple is {} bytes, tuple_bytes_max is {}; split the "
                                             "payload or raise the setting",
                                             bytes, bytes_max),
                     "tuple_bytes_max", false);
  }
  if (!refusal.empty()) return exhausted(context() + refusal, "disk_free_min");
  if (out.pulse) return {};
  const auto with = [](uint64_t here, int64_t more) { return here + static_cast<uint64_t>(more); };
  if (space != nullptr && space->policy.tuples_max > 0 &&
      with(space->tuples(), coming.in_space) >= space->policy.tuples_max) {
    return exhausted(context() + fmt::format("it has {} tuples, its tuples_max is {}; take some "
                                             "first",
                                             space->tuples(), space->policy.tuples_max),
                     "tuples_max");
  }
  if (with(used.tuples, coming.tuples) >= config.tuples_max) {
    return exhausted(context() + fmt::format("there are {} tuples, tuples_max is {}; take some "
                                             "first or raise the setting",
                                             used.tuples, config.tuples_max),
                     "tuples_max");
  }
  if (with(used.bytes, coming.bytes) + bytes > config.memory_max) {
    return exhausted(context() + fmt::format("tuples take {} bytes of memory, memory_max is {}; "
                                             "take some first or raise the setting",
                                             used.bytes, config.memory_max),
                     "memory_max");
  }
  return {};
}

void Shard::Parts::out(Operation& operation) {
  if (!admit(operation)) return;
  Out& out = std::get<Out>(operation.what);
  Space* space = find_space(out.space);
  const SessionId bound = bound_session(operation);
  if (Status status = check_out(out, space); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  if (bound == 0 && out.extras != nullptr && (out.extras->bound || out.extras->until_taken)) {
    return refuse(
        operation.reply,
        invalid(fmt::format("out to space \"{}\": bound and until_taken need a session", out.space),
                "session"));
  }
  if (out.pulse) return pulse(space, operation);
  if (space == nullptr || !space->exists) {
    Result<Space*> created = space_to_put(out.space);
    if (!created.ok()) return refuse(operation.reply, created.status());
    space = *created;
  }
  OutAnswer granted;
  if (out.ttl) granted.ttl = std::min(*out.ttl, config.ttl_max);
  Due due = due_of(out.ttl, out.delay);
  due.bound = bound;
  if (out.transaction() != 0) return out_under(*space, operation, due, granted);
  const bool durable = space->durability != Durability::kMemory;
  // Whoever is served rests on this answer's record, even if the tuple itself leaves none.
  if (operation.caller.number != 0 && durable) touch(*space);
  ++figures.outs;
  const Sequence id = next_sequence();
  const bool until_taken = out.extras != nullptr && out.extras->until_taken;
  if (until_taken) due.waiter = wait_for_fate(*space, out.tuple, id, operation, granted.ttl);
  if (out.extras == nullptr || out.extras->more.empty()) {
    put_new(*space, std::move(out.tuple), id, due);
  } else {
    const std::vector<Tuple>& more = out.extras->more;
    figures.outs += more.size();
    together = true;
    put_new(*space, std::move(out.tuple), id, due);
    for (const Tuple& tuple : more) put_new(*space, tuple, next_sequence(), due);
    together = false;
  }
  if (until_taken) return;  // it is answered when its fate is known
  keep_out(operation.caller, id, granted, durable);
  new_answer(operation.reply, *space, id).what = granted;
}

void Shard::Parts::keep_out(const Caller& caller, Sequence id, const OutAnswer& granted,
                            bool durable) {
  if (caller.number == 0) return;
  Session& session = *session_of(caller);
  KeptAnswer& kept = session.answers.insert(caller.number);
  kept.hash = caller.hash;
  kept.kind = record::AnswerKind::kOut;
  kept.sequence = id;
  kept.ttl = granted.ttl;
  keep(session, caller.number, kept, durable);
}

// Requires: check_times() accepts them.
Due Shard::Parts::due_of(std::optional<Duration> ttl, std::optional<Duration> delay) const {
  Due due;
  if (delay && *delay > 0) due.visible_at = now + *delay;
  if (ttl) due.expires_at = std::max(now, due.visible_at) + std::min(*ttl, config.ttl_max);
  return due;
}

void Shard::Parts::put_new(Space& space, Tuple tuple, Sequence id, const Due& due,
                           uint64_t attempt) {
  const Slot slot = space.add(std::move(tuple), id, now);
  space.slab[slot].attempt = attempt;
  if (due.visible_at > 0 || due.expires_at != kNever || due.bound != 0) {
    space.slab.set_due(space.slab[slot], due);
  }
  if (due.bound != 0) bind(space, slot, due.bound);
  if (due.visible_at > 0 || due.expires_at != kNever) {
    wheel.add({due.visible_at > 0 ? due.visible_at : due.expires_at, Timer::Kind::kTuple, id,
               space.id(), slot});
  }
  if (due.visible_at > 0) {
    space.insert_delayed(slot);
    put_tuple(space, slot);
  } else {
    become_available(space, slot, OnDisk::kNo);
  }
}

// Readers that wait see it; nothing is stored. Not kept as an answer: it changed nothing.
void Shard::Parts::pulse(Space* space, const Operation& operation) {
  const Out& out = std::get<Out>(operation.what);
  Answer answer;
  if (space != nullptr) answer = about(*space);
  answer.sequence = last + 1;
  answer.what = OutAnswer{};
  show(out.space, out.tuple);
  if (out.extras != nullptr) {
    for (const Tuple& tuple : out.extras->more) show(out.space, tuple);
  }
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::show(const std::string& name, const Tuple& tuple) {
  const Sequence id = next_sequence();
  Space* space = find_space(name);  // the last reader may end one that nobody has created
  if (space == nullptr) return;
  if (space->watching != nullptr) tell_event(*space, EventKind::kPulse, {id, tuple});
  print.reset(tuple.bytes());
  space->waiters.offer(*space, tuple.bytes(), id, print, served);
  for (Wait* reader : served.readers) {
    Answer seen = about(*space);
    seen.sequence = id;
    TakeAnswer found;
    found.remove = false;
    const auto matched = static_cast<uint32_t>(reader->matched(tuple.bytes()));
    found.tuples.push_back({id, tuple, 0, matched, 0});
    seen.what = std::move(found);
    reply(reader->reply, std::move(seen));
    ++figures.reads;
    end_wait(*reader);
  }
}

}  // namespace tuplespace
