#include "tests/conformance/client_calls.h"

#include <utility>

namespace tuplespace::conformance {

using std::chrono::milliseconds;

client::OutOptions out_options(const Call& call) {
  client::OutOptions options;
  if (call.ttl) options.ttl = milliseconds(*call.ttl);
  if (call.delay) options.delay = milliseconds(*call.delay);
  options.pulse = call.pulse;
  options.bound = call.bound;
  options.until_taken = call.until_taken;
  options.transaction = call.transaction;
  return options;
}

client::TakeOptions take_options(const Call& call,
                                 std::span<const client::TemplateArgument> further) {
  client::TakeOptions options;
  if (call.wait) options.wait = milliseconds(*call.wait);
  options.choice.order = static_cast<client::Order>(call.choice.order);
  options.choice.field = call.choice.field;
  options.choice.field_name = call.choice.field_name;
  if (call.unconfirmed) options.confirm = client::Confirm::kManual;
  if (call.hold) options.hold = milliseconds(*call.hold);
  if (call.group && call.group->name.empty()) options.group = static_cast<int>(call.group->field);
  if (call.group && !call.group->name.empty()) options.group = std::string_view(call.group->name);
  options.any_of = further;
  options.transaction = call.transaction;
  return options;
}

client::Policy policy_of(const Policy& policy) {
  client::Policy asked;
  if (policy.durability) asked.durability = static_cast<client::Durability>(*policy.durability);
  asked.order = static_cast<client::Order>(policy.order);
  asked.tuples_max = policy.tuples_max;
  asked.tuple_bytes_max = policy.tuple_bytes_max;
  asked.deliveries_max = policy.deliveries_max;
  asked.history = policy.history;
  asked.deadlock = static_cast<client::Deadlock>(policy.deadlock);
  return asked;
}

namespace {

client::Settlement settlement_of(Settlement how, Duration after, std::string_view reason) {
  switch (how) {
    case Settlement::kBack: return client::Settlement::back(milliseconds(after));
    case Settlement::kTail: return client::Settlement::tail();
    case Settlement::kDead: return client::Settlement::dead(reason);
    case Settlement::kDone: break;
  }
  return client::Settlement::done();
}

void add_step(const tuplespace::Step& step, client::Atomic& atomic) {
  const auto duration = [](std::optional<Duration> given) {
    return given ? std::optional(milliseconds(*given)) : std::nullopt;
  };
  if (const auto* take = std::get_if<TakeStep>(&step); take != nullptr && take->remove) {
    atomic.in(take->space, take->wanted, {duration(take->hold)});
  } else if (take != nullptr) {
    atomic.rd(take->space, take->wanted);
  } else if (const auto* out = std::get_if<OutStep>(&step)) {
    atomic.out(out->space, out->fields, {duration(out->ttl), duration(out->delay), out->bound});
  } else if (const auto* settle = std::get_if<Settle>(&step)) {
    atomic.settle(settle->space, settle->token,
                  settlement_of(settle->settlement, settle->after, settle->reason));
  } else {
    const auto& count = std::get<CountStep>(step);
    if (count.comparison == Comparison::kLess) {
      atomic.fewer_than(count.value, count.space, count.wanted);
    } else if (count.comparison == Comparison::kGreater) {
      atomic.more_than(count.value, count.space, count.wanted);
    } else {
      atomic.exactly(count.value, count.space, count.wanted);
    }
  }
}

}  // namespace

client::Atomic atomic_of(const std::vector<Steps>& alternatives) {
  client::Atomic atomic;
  for (size_t i = 0; i < alternatives.size(); ++i) {
    if (i > 0) atomic.otherwise();
    for (const tuplespace::Step& step : alternatives[i]) add_step(step, atomic);
  }
  return atomic;
}

client::Settlement settlement_of(const Call& call) {
  return settlement_of(call.settlement, call.after.value_or(0), call.reason);
}

// Of "transaction", "tuple:SPACE" or "hold:SPACE".
Result<milliseconds> renew(client::Connection& connection, const Call& call) {
  const milliseconds ttl(call.ttl.value_or(0));
  const size_t colon = call.space.find(':');
  if (colon == std::string::npos) return connection.transaction(call.token).renew(ttl);
  client::Space space = connection.space(call.space.substr(colon + 1));
  const bool is_tuple = call.space.starts_with("tuple");
  return space.renew(is_tuple ? client::Lease::tuple(call.token) : client::Lease::hold(call.token),
                     ttl);
}

Status end_lease(client::Connection& connection, const Call& call) {
  const size_t colon = call.space.find(':');
  if (colon == std::string::npos) return connection.transaction(call.token).abort();
  client::Space space = connection.space(call.space.substr(colon + 1));
  const bool is_tuple = call.space.starts_with("tuple");
  return space.cancel(is_tuple ? client::Lease::tuple(call.token)
                               : client::Lease::hold(call.token));
}

Outcome placed_of(const Result<client::Placed>& placed) {
  constexpr const char* kFates[] = {"", "taken", "expired", "withdrawn"};
  Outcome outcome;
  outcome.status = placed.status();
  if (!placed.ok()) return outcome;
  if (placed->ttl) outcome.ttl = placed->ttl->count();
  outcome.token = placed->id;
  outcome.fate = kFates[static_cast<int>(placed->fate)];
  return outcome;
}

Outcome::Match match_of(const client::Match& match) {
  return {match.tuple(), match.id(), match.attempt(), match.matched()};
}

bool is_ended(const Status& status, std::optional<Duration> wait, Outcome& outcome) {
  const bool deadlock = status.code() == Code::kAborted && status.problem().bound == "deadlock";
  if (status.code() != Code::kDeadlineExceeded && !deadlock) return false;
  outcome.ended = deadlock ? Ended::kDeadlock : wait == 0 ? Ended::kNone : Ended::kTimeout;
  return true;
}

}  // namespace tuplespace::conformance
