// Several steps at one instant: what is refused, whether it can happen, and what happens then.
// Those that cannot happen yet wait: shard_atomic_wait.cc.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/atomic_answer.h"
#include "tuplespace/space/atomic_search.h"
#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

constexpr size_t kStepsMax = 64;  // what the search has room for, whatever the setting says

// Checks the names of one alternative from left to right.
class NameCheck {
 public:
  // `binds`: what the template names can be referred to by later steps.
  Status step(const Template& wanted, bool binds) {
    for (const std::string& name : references_of(wanted)) TS_RETURN_IF_ERROR(refer(name));
    for (const std::string& name : wanted.names()) {
      if (is_bound(name)) {
        return invalid(fmt::format("it names a field {0}, which an earlier step has named; refer "
                                   "to that by ${0}, or call this one something else",
                                   name),
                       "reference");
      }
    }
    if (binds) bound_.insert(bound_.end(), wanted.names().begin(), wanted.names().end());
    return {};
  }

  Status refer(const std::string& name) const {
    if (is_bound(name)) return {};
    return invalid(fmt::format("it refers to ${0}, which no earlier step binds", name),
                   "reference");
  }

 private:
  bool is_bound(const std::string& name) const {
    return std::find(bound_.begin(), bound_.end(), name) != bound_.end();
  }

  std::vector<std::string> bound_;
};

// What was taken must not come back without what was put for it: where something is put or settled
// the takes are final at that instant. Else they wait for their client to confirm.
bool is_final(const Steps& steps) {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) {
    return std::holds_alternative<OutStep>(step) || std::holds_alternative<Settle>(step);
  });
}

Status check_space_name(const std::string& name) {
  return is_space_name(name) ? Status() : bad_space_name(name);
}

}  // namespace

Status Shard::Parts::check_step(const Step& step, const Caller& caller) const {
  if (const auto* take = std::get_if<TakeStep>(&step)) {
    TS_RETURN_IF_ERROR(check_space_name(take->space));
    if (!take->hold) return {};
    if (!take->remove) return invalid("rd takes nothing, so it has no hold", "hold");
    return check_hold(*take->hold, caller);
  }
  if (const auto* out = std::get_if<OutStep>(&step)) {
    TS_RETURN_IF_ERROR(check_space_name(out->space));
    if (out->bound && caller.session == 0) {
      return invalid("a bound tuple vanishes with its session, and there is none", "bound");
    }
    TS_RETURN_IF_ERROR(check_size(out->fields.size(), 0, config.limits));
    return check_times({out->space, {}, out->ttl, out->delay, false});
  }
  if (const auto* count = std::get_if<CountStep>(&step)) return check_space_name(count->space);
  return check_space_name(std::get<Settle>(step).space);
}

Status Shard::Parts::check_steps(const Steps& steps, const Caller& caller) const {
  size_t matching = 0;
  size_t changing = 0;
  NameCheck names;
  std::vector<Token> settled;
  for (size_t i = 0; i < steps.size(); ++i) {
    Status status = check_step(steps[i], caller);
    if (const auto* take = std::get_if<TakeStep>(&steps[i]); take != nullptr && status.ok()) {
      status = names.step(take->wanted, true);
    }
    if (const auto* count = std::get_if<CountStep>(&steps[i]); count != nullptr && status.ok()) {
      status = names.step(count->wanted, false);
    }
    const auto* out = std::get_if<OutStep>(&steps[i]);
    for (size_t j = 0; out != nullptr && status.ok() && j < out->fields.size(); ++j) {
      if (out->fields[j].value.empty()) status = names.refer(out->fields[j].name);
    }
    const auto* settle = std::get_if<Settle>(&steps[i]);
    if (settle != nullptr &&
        std::find(settled.begin(), settled.end(), settle->token) != settled.end()) {
      status = invalid(fmt::format("it settles hold {} a second time", settle->token), "token");
    }
    if (!status.ok()) {
      return {status.code(), fmt::format("step {}: {}", i + 1, status.message()), status.problem()};
    }
    if (settle != nullptr) settled.push_back(settle->token);
    const auto* take = std::get_if<TakeStep>(&steps[i]);
    matching += out == nullptr && settle == nullptr;
    changing += out != nullptr || settle != nullptr || (take != nullptr && take->remove);
  }
  const size_t steps_max = std::min(config.steps_max, kStepsMax);
  if (matching > steps_max) {
    return exhausted(fmt::format("it has {} steps that match, steps_max is {}; do less at once",
                                 matching, steps_max),
                     "steps_max", false);
  }
  if (changing > config.effects_max) {
    return exhausted(fmt::format("it would change {} tuples, effects_max is {}; do less at once",
                                 changing, config.effects_max),
                     "effects_max", false);
  }
  return steps.empty() ? invalid("it has no steps", "steps") : Status();
}

Status Shard::Parts::check_atomic(const Atomic& atomic, const Caller& caller) const {
  if (atomic.wait && *atomic.wait < 0) {
    return invalid(
        fmt::format("atomic: wait is {} ms; it must be 0 (a probe) or more", *atomic.wait), "wait");
  }
  if (atomic.alternatives == nullptr || atomic.alternatives->empty()) {
    return invalid("atomic: it has no alternative; give one with the steps to do", "alternatives");
  }
  const std::vector<Steps>& alternatives = *atomic.alternatives;
  if (alternatives.size() > config.steps_max) {
    return exhausted(fmt::format("atomic: it has {} alternatives, steps_max is {}",
                                 alternatives.size(), config.steps_max),
                     "steps_max", false);
  }
  for (size_t i = 0; i < alternatives.size(); ++i) {
    const Status status = check_steps(alternatives[i], caller);
    if (status.ok()) continue;
    return {status.code(), fmt::format("atomic: alternative {}: {}", i + 1, status.message()),
            status.problem()};
  }
  return {};
}

void Shard::Parts::atomic(Operation& operation) {
  if (!admit(operation)) return;
  Atomic& atomic = std::get<Atomic>(operation.what);
  if (Status status = check_atomic(atomic, operation.caller); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  const bool probe = atomic.wait && *atomic.wait == 0;
  if (!probe && !groups.empty()) {
    // While others stand in line for the same, it cannot happen.
    const auto same = group_by_conditions.find(conditions_of(*atomic.alternatives));
    if (same != group_by_conditions.end() && !groups.at(same->second)->awake.empty()) {
      return park_atomic(operation, false);
    }
  }
  Status refusal;
  switch (try_atomic(atomic, operation.caller, operation.reply, refusal)) {
    case Tried::kDone: return;
    case Tried::kRefused: return refuse(operation.reply, std::move(refusal));
    case Tried::kBuilding: return park_atomic(operation, true);
    case Tried::kCannot: break;
  }
  if (!probe) return park_atomic(operation, false);
  nothing_happened(atomic, operation.reply, Ended::kNone);
}

Shard::Parts::Tried Shard::Parts::try_atomic(const Atomic& atomic, const Caller& caller,
                                             const ReplyTo& to, Status& refusal) {
  for (const Steps& steps : *atomic.alternatives) {
    for (const Step& step : steps) {
      const auto* settle = std::get_if<Settle>(&step);
      if (settle == nullptr) continue;
      refusal = check_settle(*settle);
      if (!refusal.ok()) return Tried::kRefused;
    }
  }
  AtomicSearch search([this](std::string_view name) { return find_space(name); }, config, now);
  Happening happening;
  const AtomicSearch::Verdict verdict = search.run(*atomic.alternatives, happening);
  figures.candidates += search.examined();
  for (const Space* space : search.building()) {
    if (std::find(building.begin(), building.end(), space->id()) == building.end()) {
      building.push_back(space->id());
    }
  }
  switch (verdict) {
    case AtomicSearch::Verdict::kCannot: return Tried::kCannot;
    case AtomicSearch::Verdict::kBuilding: return Tried::kBuilding;
    case AtomicSearch::Verdict::kTooMany:
      refusal = exhausted(fmt::format("atomic: to see whether it can happen more tuples than "
                                      "examine_max {} have to be looked at; bind fields by value "
                                      "or by reference",
                                      config.examine_max),
                          "examine_max");
      return Tried::kRefused;
    case AtomicSearch::Verdict::kCan: break;
  }
  std::vector<Tuple> outs;
  if (Status status = make_outs(atomic, happening, outs); !status.ok()) {
    refuse(to, std::move(status));
  } else {
    happen(atomic, happening, std::move(outs), caller, to);
  }
  return Tried::kDone;
}

// The tuples that are put, in order, or why one of them may not be.
Status Shard::Parts::make_outs(const Atomic& atomic, const Happening& happening,
                               std::vector<Tuple>& outs) const {
  const Steps& steps = (*atomic.alternatives)[happening.alternative];
  Coming coming;
  std::map<std::string_view, int64_t> in_space;
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto* take = std::get_if<TakeStep>(&steps[i]);
    if (take == nullptr || !take->remove || take->hold) continue;
    const Happening::Chosen& chosen = happening.steps[i];  // it makes room
    --in_space[take->space];
    --coming.tuples;
    coming.bytes -= static_cast<int64_t>(chosen.space->slab[chosen.slot].tuple.footprint());
  }
  std::vector<std::string_view> fresh;
  for (const Step& step : steps) {
    const auto* out = std::get_if<OutStep>(&step);
    if (out == nullptr) continue;
    std::string bytes;
    for (const Expression& field : out->fields) {
      const Result<std::string> value = evaluate(field, happening.names);
      if (!value.ok()) return value.status();
      bytes += *value;
    }
    Tuple tuple = Tuple::from_canonical(bytes, out->fields.size());
    const auto found = by_name.find(out->space);
    const Space* space = found == by_name.end() ? nullptr : found->second;
    if (space == nullptr || !space->exists) {
      if (std::find(fresh.begin(), fresh.end(), out->space) == fresh.end()) {
        TS_RETURN_IF_ERROR(check_creation(out->space, fresh.size()));
        fresh.push_back(out->space);
      }
    }
    coming.in_space = in_space[out->space];
    TS_RETURN_IF_ERROR(
        check_put({out->space, {}, out->ttl, out->delay, false}, tuple, space, coming));
    ++in_space[out->space];
    ++coming.tuples;
    coming.bytes += static_cast<int64_t>(tuple.footprint());
    outs.push_back(std::move(tuple));
  }
  return {};
}

void Shard::Parts::happen(const Atomic& atomic, const Happening& happening, std::vector<Tuple> outs,
                          const Caller& caller, const ReplyTo& to) {
  const Steps& steps = (*atomic.alternatives)[happening.alternative];
  AtomicAnswer did;
  did.alternative = happening.alternative;
  did.steps.resize(steps.size());
  const bool changes = std::any_of(steps.begin(), steps.end(), [](const Step& step) {
    const auto* take = std::get_if<TakeStep>(&step);
    return take != nullptr ? take->remove : !std::holds_alternative<CountStep>(step);
  });
  const bool final = is_final(steps);
  const Sequence instant = changes ? next_sequence() : last;
  KeptAnswer kept;
  std::vector<Sequence> held;  // found again by their own records
  bool durable = false;
  for (size_t i = 0; i < steps.size(); ++i) {
    did.steps[i].count = happening.steps[i].count;
    const auto* take = std::get_if<TakeStep>(&steps[i]);
    if (take == nullptr) continue;
    Space& space = *happening.steps[i].space;
    did.steps[i].found = take_for(space, happening.steps[i].slot, *take, final, caller, kept);
    if (!take->remove || space.durability == Durability::kMemory) continue;
    durable = true;
    touch(space);
    if (!take->hold && !final && caller.number != 0) held.push_back(did.steps[i].found->id);
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto* settle = std::get_if<Settle>(&steps[i]);
    if (settle == nullptr) continue;
    durable = durable || find_space(settle->space)->durability != Durability::kMemory;
    did.steps[i].id = apply_settle(*settle);
  }
  durable = put_outs(steps, std::move(outs), caller, durable, did);
  if (changes && caller.number != 0) {
    kept.hash = caller.hash;
    kept.kind = record::AnswerKind::kAtomic;
    kept.sequence = instant;
    kept.detail = spell_atomic(did, held);
    kept.bytes += kept.detail.size();
    Session& session = *session_of(caller);
    KeptAnswer& stored = session.answers.insert(caller.number);
    stored = std::move(kept);
    keep(session, caller.number, stored, durable);
  }
  Answer answer = about(atomic, happening.alternative + 1);
  answer.sequence = instant;
  answer.what = std::move(did);
  reply(to, std::move(answer));
}

// Takes or reads an available tuple for a step; what a session holds then is added to `kept`.
Found Shard::Parts::take_for(Space& space, Slot slot, const TakeStep& step, bool final,
                             const Caller& caller, KeptAnswer& kept) {
  const Entry& entry = space.slab[slot];
  Found found{entry.id, entry.tuple, static_cast<uint32_t>(entry.attempt), 0, 0};
  ++(step.remove ? figures.takes : figures.reads);
  if (!collected.empty()) note_handles(caller, {found});
  if (!step.remove) return found;
  tell(space, EventKind::kIn, slot);
  space.erase_available(slot);
  if (step.hold) {
    found.token = hold_tuple(space, slot, *step.hold, caller);
  } else if (caller.number != 0 && !final) {
    space.insert_held(slot);
    kept.tuples.push_back({space.id(), slot, found.id});
    kept.bytes += found.tuple.footprint();
  } else {
    erase_tuple(space, found.id);
    forget_tuple(space, slot, Fate::kTaken);
  }
  return found;
}

// Puts what was made. `durable`: something was taken that is on disk. Returns whether that, or
// what was put, is.
bool Shard::Parts::put_outs(const Steps& steps, std::vector<Tuple> outs, const Caller& caller,
                            bool durable, AtomicAnswer& did) {
  const bool took = durable;
  std::vector<Space*> into;
  for (const Step& step : steps) {
    const auto* out = std::get_if<OutStep>(&step);
    if (out == nullptr) continue;
    into.push_back(space_to_put(out->space).value());  // make_outs() has looked that it may be
    durable = durable || into.back()->durability != Durability::kMemory;
  }
  // Whoever is served rests on what was taken, and on the answer's record.
  const bool leaves_a_trace = took || (durable && caller.number != 0);
  together = outs.size() > 1;
  size_t next = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto* out = std::get_if<OutStep>(&steps[i]);
    if (out == nullptr) continue;
    Space& space = *into[next];
    if (leaves_a_trace && space.durability != Durability::kMemory) touch(space);
    Due due = due_of(out->ttl, out->delay);
    if (out->bound) due.bound = caller.session;
    did.steps[i].id = next_sequence();
    ++figures.outs;
    put_new(space, std::move(outs[next++]), did.steps[i].id, due);
  }
  together = false;
  return durable;
}

// An answer that rests on all spaces of the first `alternatives`.
Answer Shard::Parts::about(const Atomic& atomic, size_t alternatives) {
  Answer answer;
  answer.sequence = last;
  for (size_t i = 0; i < alternatives; ++i) {
    for (const Step& step : (*atomic.alternatives)[i]) {
      const Space* space =
          std::visit([this](const auto& part) { return find_space(part.space); }, step);
      if (space == nullptr || space->mark() == Mark::kNone) continue;
      answer.mark = std::max(answer.mark, space->mark());
      answer.batch = std::max(answer.batch, space->last_batch);
    }
  }
  if (answer.batch == effects->batch_number) effects->mark = std::max(effects->mark, answer.mark);
  return answer;
}

void Shard::Parts::nothing_happened(const Atomic& atomic, const ReplyTo& to, Ended ended) {
  ++figures.misses;
  Answer answer = about(atomic, atomic.alternatives->size());
  AtomicAnswer nothing;
  nothing.ended = ended;
  answer.what = std::move(nothing);
  reply(to, std::move(answer));
}

// The answer that was given first, from what is kept of it.
Answer Shard::Parts::atomic_again(Number number, const KeptAnswer& kept, Answer answer) {
  AtomicAnswer did;
  std::vector<size_t> held;
  TS_CHECK(read_atomic(kept.detail, did, held));
  for (const size_t step : held) {
    Found& found = *did.steps[step].found;
    const auto tuple = std::find_if(kept.tuples.begin(), kept.tuples.end(),
                                    [&](const HeldTuple& tuple) { return tuple.id == found.id; });
    const auto space = tuple == kept.tuples.end() ? spaces.end() : spaces.find(tuple->space);
    if (space == spaces.end()) {
      answer.status = {Code::kAborted,
                       fmt::format("operation {} took from a space that was dropped", number)};
      return answer;
    }
    const Entry& entry = space->second->slab[tuple->slot];
    found.tuple = entry.tuple;
    found.attempt = static_cast<uint32_t>(entry.attempt);
  }
  answer.what = std::move(did);
  return answer;
}

}  // namespace tuplespace
