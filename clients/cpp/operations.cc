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

void take_over(std::vector<engine::Found>& found, Reply& reply) {
  reply.tuples.reserve(found.size());
  for (engine::Found& one : found) {
    reply.tuples.push_back({one.id, std::move(one.tuple), one.attempt});
  }
}

Durability durability_of(std::optional<engine::Durability> durability) {
  return durability ? static_cast<Durability>(*durability) : Durability::kDefault;
}

}  // namespace

static_assert(static_cast<int>(Durability::kMemory) ==
              static_cast<int>(engine::Durability::kMemory));
static_assert(static_cast<int>(Order::kRandom) == static_cast<int>(engine::Order::kRandom));
static_assert(static_cast<int>(Ended::kDeadlock) == static_cast<int>(engine::Ended::kDeadlock));

engine::Operation operation_of(const Ask& ask) {
  engine::Operation operation;
  switch (ask.verb) {
    case Verb::kOut:
      operation.what = engine::Out{ask.space, *ask.tuple, duration_of(ask.out.ttl),
                                   duration_of(ask.out.delay), ask.out.pulse};
      break;
    case Verb::kIn:
    case Verb::kRd:
      operation.what = engine::Take{ask.space,
                                    *ask.wanted,
                                    ask.verb == Verb::kIn,
                                    duration_of(ask.wait),
                                    {static_cast<engine::Order>(ask.choice.order), ask.choice.field,
                                     std::string(ask.choice.field_name)},
                                    std::max<uint32_t>(ask.max, 1)};
      break;
    case Verb::kCount: operation.what = engine::Count{ask.space, *ask.wanted}; break;
    case Verb::kScan:
      operation.what = engine::Scan{ask.space, *ask.wanted, ask.after, ask.until, ask.max};
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
  } else if (auto* const take = std::get_if<engine::TakeAnswer>(&answer.what)) {
    reply.ended = static_cast<Ended>(take->ended);
    reply.held = take->held;
    take_over(take->tuples, reply);
  } else if (auto* const count = std::get_if<engine::CountAnswer>(&answer.what)) {
    reply.ready = count->ready;
    reply.held = count->held;
    reply.delayed = count->delayed;
  } else if (auto* const scan = std::get_if<engine::ScanAnswer>(&answer.what)) {
    reply.next = scan->next;
    reply.until = scan->until;
    take_over(scan->tuples, reply);
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
  return translated;
}

std::vector<SpaceInfo> spaces_of(const engine::ListAnswer& answer) {
  std::vector<SpaceInfo> spaces;
  for (const engine::SpaceInfo& from : answer.spaces) {
    SpaceInfo info;
    info.name = from.name;
    info.policy.durability = durability_of(from.policy.durability);
    info.policy.shard = from.policy.shard;
    info.policy.order = static_cast<Order>(from.policy.order);
    info.policy.tuples_max = from.policy.tuples_max;
    info.policy.tuple_bytes_max = from.policy.tuple_bytes_max;
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
