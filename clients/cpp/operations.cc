#include "clients/cpp/operations.h"

#include <algorithm>
#include <utility>

namespace tuplespace::client {

namespace engine = ::tuplespace;

namespace {

std::optional<Duration> duration_of(const std::optional<milliseconds>& time) {
  if (!time) return std::nullopt;
  return time->count();  // the shard refuses what is below 0
}

FoundTuple found_of(engine::Found& found) {
  return {found.id, std::move(found.tuple), found.attempt, found.matched, found.token};
}

void take_over(std::vector<engine::Found>& found, Reply& reply) {
  reply.tuples.reserve(found.size());
  for (engine::Found& one : found) reply.tuples.push_back(found_of(one));
}

engine::Out out_of(const Ask& ask) {
  engine::Out out{ask.space, *ask.tuple, duration_of(ask.out.ttl), duration_of(ask.out.delay),
                  ask.out.pulse};
  const bool few =
      ask.extras != nullptr || ask.out.bound || ask.out.until_taken || ask.out.transaction != 0;
  if (!few) return out;
  auto extras = std::make_shared<engine::OutExtras>();
  if (ask.extras != nullptr) extras->more.assign(ask.extras->more.begin(), ask.extras->more.end());
  extras->bound = ask.out.bound;
  extras->until_taken = ask.out.until_taken;
  extras->transaction = ask.out.transaction;
  out.extras = std::move(extras);
  return out;
}

engine::Take take_of(const Ask& ask) {
  engine::Take take{ask.space,
                    *ask.wanted,
                    ask.verb == Verb::kIn,
                    duration_of(ask.wait),
                    {static_cast<engine::Order>(ask.choice.order), ask.choice.field,
                     std::string(ask.choice.field_name)},
                    std::max<uint32_t>(ask.max, 1)};
  if (ask.extras == nullptr) return take;
  const TakeOptions& options = *ask.extras->take;
  auto extras = std::make_shared<engine::TakeExtras>();
  if (take.remove) extras->hold = duration_of(options.hold);
  if (take.remove && options.group) {
    extras->group =
        engine::FieldChoice{options.group->number(), std::string(options.group->name())};
  }
  for (const TemplateArgument& wanted : options.any_of) extras->any_of.push_back(wanted.wanted());
  extras->transaction = options.transaction;
  take.extras = std::move(extras);
  return take;
}

engine::Step step_of(const AtomicStep& step) {
  using Kind = AtomicStep::Kind;
  switch (step.kind) {
    case Kind::kIn:
    case Kind::kRd:
      return engine::TakeStep{step.space, step.wanted, step.kind == Kind::kIn,
                              duration_of(step.hold)};
    case Kind::kSettle:
      return engine::Settle{step.space, step.number, static_cast<engine::Settlement>(step.how),
                            step.after.count(), step.reason};
    case Kind::kOut:
      return engine::OutStep{step.space, step.fields, duration_of(step.put.ttl),
                             duration_of(step.put.delay), step.put.bound};
    case Kind::kCount: break;
  }
  return engine::CountStep{step.space, step.wanted,
                           static_cast<engine::Comparison>(step.comparison), step.number};
}

engine::Atomic atomic_of(const Ask& ask) {
  auto alternatives = std::make_shared<std::vector<engine::Steps>>();
  for (const std::vector<AtomicStep>& from : ask.extras->atomic->alternatives()) {
    engine::Steps& steps = alternatives->emplace_back();
    for (const AtomicStep& step : from) steps.push_back(step_of(step));
  }
  return {std::move(alternatives), duration_of(ask.wait)};
}

engine::Lease lease_of(const Ask& ask) {
  const Lease& lease = *ask.extras->lease;
  engine::Lease of{ask.space};
  if (lease.kind() == Lease::Kind::kTuple) of.tuple = lease.number();
  if (lease.kind() == Lease::Kind::kHold) of.token = lease.number();
  if (lease.kind() == Lease::Kind::kTransaction) of.transaction = lease.number();
  return of;
}

void take_over(engine::AtomicAnswer& did, Reply& reply) {
  reply.ended = static_cast<Ended>(did.ended);
  if (reply.ended != Ended::kNot) return;
  reply.did = std::make_unique<FoundSteps>();
  reply.did->alternative = did.alternative;
  for (engine::StepAnswer& from : did.steps) {
    FoundSteps::Step& step = reply.did->steps.emplace_back();
    if (from.found) step.found = found_of(*from.found);
    step.id = from.id;
    step.count = from.count;
  }
}

Durability durability_of(std::optional<engine::Durability> durability) {
  return durability ? static_cast<Durability>(*durability) : Durability::kDefault;
}

}  // namespace

static_assert(static_cast<int>(Durability::kMemory) ==
              static_cast<int>(engine::Durability::kMemory));
static_assert(static_cast<int>(Order::kRandom) == static_cast<int>(engine::Order::kRandom));
static_assert(static_cast<int>(Fate::kWithdrawn) == static_cast<int>(engine::Fate::kWithdrawn));
static_assert(static_cast<int>(Deadlock::kFail) == static_cast<int>(engine::Deadlock::kFail));
static_assert(static_cast<int>(Settlement::How::kDead) ==
              static_cast<int>(engine::Settlement::kDead));
static_assert(static_cast<int>(Comparison::kGreater) ==
              static_cast<int>(engine::Comparison::kGreater));
static_assert(static_cast<int>(Ended::kDeadlock) == static_cast<int>(engine::Ended::kDeadlock));

engine::Operation operation_of(const Ask& ask) {
  engine::Operation operation;
  switch (ask.verb) {
    case Verb::kOut: operation.what = out_of(ask); break;
    case Verb::kIn:
    case Verb::kRd: operation.what = take_of(ask); break;
    case Verb::kCount: operation.what = engine::Count{ask.space, *ask.wanted}; break;
    case Verb::kScan:
      operation.what = engine::Scan{ask.space, *ask.wanted, ask.after, ask.until, ask.max};
      break;
    case Verb::kSettle: {
      const Settlement& how = *ask.extras->settlement;
      operation.what =
          engine::Settle{ask.space, ask.extras->number, static_cast<engine::Settlement>(how.how()),
                         how.after().count(), std::string(how.reason())};
      break;
    }
    case Verb::kCollect:
    case Verb::kCopyCollect:
      operation.what =
          engine::Collect{ask.space, *ask.wanted, *ask.extras->into, ask.verb == Verb::kCollect};
      break;
    case Verb::kAtomic: operation.what = atomic_of(ask); break;
    case Verb::kRenew:
      operation.what = engine::Renew{lease_of(ask), ask.extras->ttl.count()};
      break;
    case Verb::kCancel: operation.what = engine::EndLease{lease_of(ask)}; break;
    case Verb::kBegin:
      operation.what = engine::Begin{ask.space, ask.extras->ttl.count(), ask.extras->detached};
      break;
    case Verb::kCommit:
    case Verb::kAbort:
      operation.what = engine::EndTransaction{ask.extras->number, ask.verb == Verb::kCommit};
      break;
  }
  return operation;
}

Reply reply_of(engine::Answer& answer, Ticket ticket) {
  Reply reply;
  reply.status = answer.status;
  reply.ticket = ticket;
  reply.sequence = answer.sequence;
  if (auto* const out = std::get_if<engine::OutAnswer>(&answer.what)) {
    if (out->ttl) reply.ttl = milliseconds(*out->ttl);
    reply.fate = static_cast<Fate>(out->fate);
  } else if (auto* const take = std::get_if<engine::TakeAnswer>(&answer.what)) {
    reply.ended = static_cast<Ended>(take->ended);
    reply.held = take->held;
    if (take->hold != 0) reply.ttl = milliseconds(take->hold);
    take_over(take->tuples, reply);
  } else if (auto* const count = std::get_if<engine::CountAnswer>(&answer.what)) {
    reply.ready = count->ready;
    reply.held = count->held;
    reply.delayed = count->delayed;
  } else if (auto* const scan = std::get_if<engine::ScanAnswer>(&answer.what)) {
    reply.next = scan->next;
    reply.until = scan->until;
    take_over(scan->tuples, reply);
  } else if (auto* const did = std::get_if<engine::AtomicAnswer>(&answer.what)) {
    take_over(*did, reply);
  } else if (auto* const settled = std::get_if<engine::SettleAnswer>(&answer.what)) {
    reply.number = settled->id;
  } else if (auto* const collected = std::get_if<engine::CollectAnswer>(&answer.what)) {
    reply.number = collected->count;
  } else if (auto* const renewed = std::get_if<engine::RenewAnswer>(&answer.what)) {
    reply.ttl = milliseconds(renewed->ttl);
  } else if (auto* const begun = std::get_if<engine::BeginAnswer>(&answer.what)) {
    reply.number = begun->transaction;
    reply.ttl = milliseconds(begun->ttl);
  }
  return reply;
}

engine::Durability durability_of(Durability durability) {
  return static_cast<engine::Durability>(durability);
}

engine::Policy policy_of(const Policy& policy) {
  engine::Policy translated;
  if (policy.durability != Durability::kDefault) {
    translated.durability = durability_of(policy.durability);
  }
  translated.shard = static_cast<uint16_t>(policy.shard);
  if (policy.order != Order::kDefault) {
    translated.order = static_cast<engine::Order>(policy.order);
  }
  translated.tuples_max = policy.tuples_max;
  translated.tuple_bytes_max = policy.tuple_bytes_max;
  translated.deliveries_max = policy.deliveries_max;
  translated.history = policy.history;
  translated.deadlock = static_cast<engine::Deadlock>(policy.deadlock);
  translated.ttl = policy.ttl.count();
  translated.bound = policy.bound;
  translated.collected = policy.collected;
  return translated;
}

Policy policy_of(const engine::Policy& policy) {
  Policy translated;
  translated.durability = durability_of(policy.durability);
  translated.shard = policy.shard;
  translated.order = static_cast<Order>(policy.order);
  translated.tuples_max = policy.tuples_max;
  translated.tuple_bytes_max = policy.tuple_bytes_max;
  translated.deliveries_max = policy.deliveries_max;
  translated.history = policy.history;
  translated.deadlock = static_cast<Deadlock>(policy.deadlock);
  translated.ttl = milliseconds(policy.ttl);
  translated.bound = policy.bound;
  translated.collected = policy.collected;
  return translated;
}

std::vector<SpaceInfo> spaces_of(const engine::ListAnswer& answer) {
  std::vector<SpaceInfo> spaces;
  for (const engine::SpaceInfo& from : answer.spaces) {
    SpaceInfo info;
    info.name = from.name;
    info.policy = policy_of(from.policy);
    info.ready = from.ready;
    info.held = from.held;
    info.delayed = from.delayed;
    info.waiters = from.waiters;
    info.bytes = from.bytes;
    for (const engine::IndexInfo& index : from.indexes) {
      info.indexes.push_back({index.question, index.keys, index.building});
    }
    spaces.push_back(std::move(info));
  }
  return spaces;
}

}  // namespace tuplespace::client
