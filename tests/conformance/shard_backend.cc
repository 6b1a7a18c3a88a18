#include "tests/conformance/shard_backend.h"

#include <fmt/format.h>

#include <utility>

#include "tests/conformance/script.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::conformance {
namespace {

constexpr uint64_t kNobodysReceiver = ~uint64_t{0};  // of what is asked and answered at once
constexpr uint64_t kWatchReceiver = ~uint64_t{1};    // of all watches

std::string told_text(const WatchAnswer& watched) {
  constexpr const char* kKinds[] = {"", "out ", "in ", "return ", "expire ", "pulse "};
  std::string text = watched.gap ? "gap " : "";
  for (const SpaceEvent& event : watched.events) {
    text += kKinds[static_cast<int>(event.kind)] + to_text(event.found.tuple) + " ";
  }
  return watched.snapshot_end ? text + "shown " : text;
}

Outcome outcome_of(const Answer& answer) {
  Outcome outcome;
  outcome.status = answer.status;
  if (const auto* out = std::get_if<OutAnswer>(&answer.what)) {
    constexpr const char* kFates[] = {"", "taken", "expired", "withdrawn"};
    outcome.ttl = out->ttl;
    outcome.token = answer.sequence;
    outcome.fate = kFates[static_cast<int>(out->fate)];
  }
  if (const auto* begun = std::get_if<BeginAnswer>(&answer.what)) {
    outcome.ttl = begun->ttl;
    outcome.token = begun->transaction;
  }
  if (const auto* renewed = std::get_if<RenewAnswer>(&answer.what)) outcome.ttl = renewed->ttl;
  if (const auto* holds = std::get_if<HoldsAnswer>(&answer.what)) {
    for (const auto& hold : holds->holds) outcome.tuples.push_back({hold.found.tuple});
  }
  if (const auto* take = std::get_if<TakeAnswer>(&answer.what)) {
    for (const Found& found : take->tuples) {
      outcome.tuples.push_back({found.tuple, found.id, found.attempt, found.matched});
    }
    if (!take->tuples.empty()) outcome.token = take->tuples[0].token;
    outcome.ended = take->ended;
    outcome.held = take->held;
  }
  if (const auto* did = std::get_if<AtomicAnswer>(&answer.what)) {
    for (const StepAnswer& step : did->steps) {
      if (!step.found) continue;
      if (outcome.token == 0) outcome.token = step.found->token;
      outcome.tuples.push_back({step.found->tuple, step.found->id, step.found->attempt, 0});
    }
    outcome.ended = did->ended;
    outcome.alternative = did->alternative;
  }
  if (const auto* collected = std::get_if<CollectAnswer>(&answer.what)) {
    outcome.moved = collected->count;
  }
  if (const auto* count = std::get_if<CountAnswer>(&answer.what)) {
    outcome.ready = count->ready;
    outcome.held = count->held;
    outcome.delayed = count->delayed;
  }
  if (const auto* list = std::get_if<ListAnswer>(&answer.what)) {
    for (const SpaceInfo& space : list->spaces) outcome.names.push_back(space.name);
  }
  if (const auto* blocked = std::get_if<BlockedAnswer>(&answer.what)) {
    std::string text = blocked->deadlock ? "deadlock " : "";
    for (const auto& wait : blocked->waits) text += wait.what + " ";
    outcome.names = split(text);
  }
  if (const auto* explained = std::get_if<ExplainAnswer>(&answer.what)) {
    outcome.names = split(explained->near.empty() ? "" : explained->near[0].text);
  }
  return outcome;
}

Out out_of(const Call& call) {
  Out out{call.space, call.tuple, call.ttl, call.delay, call.pulse};
  auto extras = std::make_shared<OutExtras>();
  extras->more = call.more;
  extras->bound = call.bound;
  extras->until_taken = call.until_taken;
  extras->transaction = call.transaction;
  out.extras = std::move(extras);
  return out;
}

Take take_of(const Call& call, std::optional<Duration> wait) {
  Take take{call.space, call.wanted, call.verb == Call::Verb::kIn, wait, call.choice, call.max};
  auto extras = std::make_shared<TakeExtras>();
  extras->any_of = call.any_of;
  extras->hold = call.hold;
  extras->group = call.group;
  extras->transaction = call.transaction;
  take.extras = std::move(extras);
  return take;
}

// "renew transaction N", "renew tuple:s N", "renew hold:s N".
Lease lease_of(const Call& call) {
  Lease lease;
  const size_t colon = call.space.find(':');
  const std::string kind = call.space.substr(0, colon);
  if (colon != std::string::npos) lease.space = call.space.substr(colon + 1);
  (kind == "transaction" ? lease.transaction
   : kind == "tuple"     ? lease.tuple
                         : lease.token) = call.token;
  return lease;
}

// What is asked by a call that waits for `waited` already.
decltype(Operation::what) what_of(const Call& call, Duration waited) {
  using Verb = Call::Verb;
  std::optional<Duration> wait = call.wait;
  if (wait && *wait > 0) wait = std::max<Duration>(1, *wait - waited);
  switch (call.verb) {
    case Verb::kOut: return out_of(call);
    case Verb::kCount: return Count{call.space, call.wanted};
    case Verb::kCollect: return Collect{call.space, call.wanted, call.into, !call.copies};
    case Verb::kAtomic: return Atomic{call.steps, wait};
    case Verb::kBegin: return Begin{"s", call.ttl.value_or(0), false};
    case Verb::kEndTransaction: return EndTransaction{call.token, call.commit};
    case Verb::kSettle:
      return Settle{call.space, call.token, call.settlement, call.after.value_or(0), call.reason};
    case Verb::kRenew: return Renew{lease_of(call), call.ttl.value_or(0)};
    case Verb::kEndLease: return EndLease{lease_of(call)};
    default: return take_of(call, wait);
  }
}

}  // namespace

ShardBackend::ShardBackend() : host_(ShardConfig{}) {}

bool ShardBackend::serves(std::string_view) const { return true; }

std::string ShardBackend::session_of(const std::string& client) {
  return client.substr(0, client.find('.'));
}

// The first thing a client does opens its session.
ShardBackend::Client& ShardBackend::client_of(const std::string& name) {
  Client& client = clients_[session_of(name)];
  if (client.session == 0) TS_CHECK(open(name, 0).ok());
  return client;
}

std::vector<Answer> ShardBackend::ask(
    std::variant<CreateSpace, DropSpace, ListSpaces, OpenSession, ResumeSession, SuspendSession,
                 Confirm, CloseSession, Blocked, Explain, ListHolds>
        what,
    uint64_t receiver) {
  Operation operation;
  std::visit([&](auto& asked) { operation.what = std::move(asked); }, what);
  operation.reply = {kNobodysReceiver, next_token_++};
  const uint64_t token = operation.reply.token;
  if (receiver != 0) operation.reply.receiver = receiver;
  host_.apply(std::move(operation));
  // Its own answer is for us, the others are for those who wait.
  std::vector<Answer> own;
  std::vector<Answer> others;
  for (Answer& answer : host_.take_answers()) {
    const bool mine = answer.reply.token == token &&
                      answer.reply.receiver == (receiver ? receiver : kNobodysReceiver) &&
                      own.empty();
    (mine ? own : others).push_back(std::move(answer));
  }
  for (const Answer& answer : others) deliver(answer);
  return own;
}

void ShardBackend::start(const std::string& name, const Call& call) {
  Client& client = client_of(name);
  Under& under = client.calls[name];
  under = {0, call, host_.now(), {}, 0, 0, ""};
  using Verb = Call::Verb;
  switch (call.verb) {
    case Verb::kScan: return scan(under);
    case Verb::kWatch: return watch(under);
    case Verb::kCreate:
    case Verb::kDrop:
    case Verb::kSpaces:
    case Verb::kDescribe:
    case Verb::kBlocked:
    case Verb::kExplain:
    case Verb::kHolds: return administer(under);
    default: return send(client, under);
  }
}

void ShardBackend::send(Client& client, Under& under) {
  const Call& call = under.call;
  under.number = ++client.last;
  Operation operation;
  operation.caller.session = client.session;
  operation.caller.number = under.number;
  operation.caller.hash = under.number;
  operation.reply = {client.receiver, under.number};
  operation.what = what_of(call, host_.now() - under.since);
  host_.apply(std::move(operation));
  deliver_all();
}

void ShardBackend::administer(Under& under) {
  const Call& call = under.call;
  std::vector<Answer> answers;
  if (call.verb == Call::Verb::kCreate) answers = ask(CreateSpace{call.space, call.policy}, 0);
  if (call.verb == Call::Verb::kDrop) answers = ask(DropSpace{call.space}, 0);
  if (call.verb == Call::Verb::kSpaces) answers = ask(ListSpaces{call.space, {}}, 0);
  if (call.verb == Call::Verb::kDescribe) answers = ask(ListSpaces{{}, call.space}, 0);
  if (call.verb == Call::Verb::kBlocked) answers = ask(Blocked{call.space}, 0);
  if (call.verb == Call::Verb::kExplain) answers = ask(Explain{call.space, call.wanted}, 0);
  if (call.verb == Call::Verb::kHolds) answers = ask(ListHolds{call.space, 0}, 0);
  if (answers.empty()) return;
  under.outcome = outcome_of(answers[0]);
  if (call.verb != Call::Verb::kDescribe || !answers[0].status.ok()) return;
  const SpaceInfo& space = std::get<ListAnswer>(answers[0].what).spaces.at(0);
  under.outcome->ready = space.ready;
  under.outcome->held = space.held;
  under.outcome->delayed = space.delayed;
  under.outcome->waiters = space.waiters;
}

void ShardBackend::scan(Under& under) {
  Outcome all;
  Scan next{under.call.space, under.call.wanted, 0, 0, under.call.max};
  do {
    Operation operation;
    operation.what = next;
    operation.reply = {kNobodysReceiver, next_token_++};
    host_.apply(std::move(operation));
    for (const Answer& answer : host_.take_answers()) {
      const Outcome page = outcome_of(answer);
      all.status = page.status;
      next.after = 0;
      const auto* scanned = std::get_if<ScanAnswer>(&answer.what);
      if (scanned == nullptr) continue;
      for (const Found& found : scanned->tuples) {
        all.tuples.push_back({found.tuple, found.id, found.attempt, 0});
      }
      next.after = scanned->next;
      next.until = scanned->until;
    }
  } while (next.after != 0);
  under.outcome = all;
}

// Begins a watch, or goes on with one whose stream broke.
void ShardBackend::watch(Under& under) {
  under.watch = next_token_++;
  const bool again = under.told_to != 0;
  Operation operation;
  operation.what =
      Watch{under.call.space, under.call.wanted, ~0u, under.call.snapshot && !again, under.told_to};
  operation.reply = {kWatchReceiver, under.watch};
  host_.apply(std::move(operation));
  deliver_all();
}

void ShardBackend::deliver_watched(const Answer& answer) {
  for (auto& [name, client] : clients_) {
    for (auto& [full_name, under] : client.calls) {
      if (under.watch != answer.reply.token) continue;
      const auto* watched = std::get_if<WatchAnswer>(&answer.what);
      if (watched != nullptr) {
        under.told += told_text(*watched);
        under.told_to = answer.sequence;
      } else {
        under.outcome = outcome_of(answer);
      }
      return;
    }
  }
}

Outcome ShardBackend::told(const std::string& name) {
  Client& client = client_of(name);
  Outcome outcome;
  const auto under = client.calls.find(name);
  if (under == client.calls.end() || under->second.watch == 0) {
    outcome.status = invalid(name + " watches nothing");
  } else {
    outcome.names = split(std::exchange(under->second.told, ""));
  }
  return outcome;
}

void ShardBackend::deliver_all() {
  for (auto answers = host_.take_answers(); !answers.empty(); answers = host_.take_answers()) {
    for (const Answer& answer : answers) deliver(answer);
  }
}

// Hands an answer to the call it belongs to, and confirms it as a library does.
void ShardBackend::deliver(const Answer& answer) {
  if (answer.reply.receiver == kWatchReceiver) return deliver_watched(answer);
  for (auto& [name, client] : clients_) {
    if (client.receiver == 0 || client.receiver != answer.reply.receiver) continue;
    for (auto& [full_name, under] : client.calls) {
      if (under.number != answer.reply.token || under.call.lost) continue;
      under.outcome = outcome_of(answer);
      if (under.call.unconfirmed) {
        client.unconfirmed.insert(under.number);
      } else {
        confirm_numbers(client, {{under.number, under.number}});
      }
      return;
    }
  }
}

void ShardBackend::confirm_numbers(Client& client, std::vector<NumberRange> ranges) {
  Operation operation;
  operation.what = Confirm{client.session, {}, true, std::move(ranges)};
  host_.apply(std::move(operation));
}

std::optional<Outcome> ShardBackend::answer(const std::string& name) {
  Client& client = client_of(name);
  const auto under = client.calls.find(name);
  if (under == client.calls.end()) return std::nullopt;
  std::optional<Outcome> outcome = std::move(under->second.outcome);
  if (outcome) client.calls.erase(under);
  return outcome;
}

bool ShardBackend::is_blocked(const std::string& name) {
  Client& client = client_of(name);
  const auto under = client.calls.find(name);
  return under != client.calls.end() && !under->second.outcome;
}

void ShardBackend::cancel(const std::string& name) {
  Client& client = client_of(name);
  const auto under = client.calls.find(name);
  if (under == client.calls.end()) return;
  Operation operation;
  operation.what = Cancel{client.session, under->second.number, {}};
  if (under->second.watch != 0)
    operation.what = Cancel{0, 0, {kWatchReceiver, under->second.watch}};
  host_.apply(std::move(operation));
  deliver_all();
}

Status ShardBackend::open(const std::string& name, Duration ttl) {
  return open_as(name, OpenSession{ttl, "secret", true});
}

Status ShardBackend::participate(const std::string& name) {
  return open_as(name, OpenSession{0, "secret", true, "", true});
}

Status ShardBackend::open_as(const std::string& name, OpenSession how) {
  Client& client = clients_[session_of(name)];
  client.receiver = next_receiver_++;
  const std::vector<Answer> answers = ask(std::move(how), client.receiver);
  if (answers.empty()) return {Code::kInternal, "opening a session was not answered"};
  if (!answers[0].status.ok()) return answers[0].status;
  const auto& opened = std::get<SessionAnswer>(answers[0].what);
  client.session = opened.session;
  client.epoch = opened.epoch;
  return {};
}

Status ShardBackend::confirm(const std::string& name) {
  Client& client = client_of(name);
  std::vector<NumberRange> ranges;
  for (const Number number : client.unconfirmed) ranges.push_back({number, number});
  client.unconfirmed.clear();
  confirm_numbers(client, std::move(ranges));
  deliver_all();
  return {};
}

Status ShardBackend::close(const std::string& name) {
  Client& client = client_of(name);
  const std::vector<Answer> answers =
      ask(CloseSession{client.session, {}, true, {}}, client.receiver);
  clients_.erase(session_of(name));
  deliver_all();
  if (answers.empty()) return {Code::kInternal, "closing a session was not answered"};
  return answers[0].status;
}

Status ShardBackend::die(const std::string& name) {
  const Status status = break_stream(name);
  clients_.erase(session_of(name));
  return status;
}

Status ShardBackend::break_stream(const std::string& name) {
  Client& client = client_of(name);
  client.receiver = 0;
  for (auto& [full_name, under] : client.calls) {  // nobody is there to be told
    if (under.watch == 0) continue;
    Operation cancel;
    cancel.what = Cancel{0, 0, {kWatchReceiver, std::exchange(under.watch, 0)}};
    host_.apply(std::move(cancel));
  }
  Operation operation;
  operation.what = SuspendSession{client.session, client.epoch};
  host_.apply(std::move(operation));
  deliver_all();
  return {};
}

Status ShardBackend::resume(const std::string& name) {
  Client& client = client_of(name);
  client.receiver = next_receiver_++;
  std::vector<NumberRange> pending;
  for (auto& [full_name, under] : client.calls) {
    if (under.outcome || under.call.verb == Call::Verb::kWatch) continue;
    under.call.lost = false;
    pending.push_back({under.number, under.number});
  }
  const std::vector<Answer> answers =
      ask(ResumeSession{client.session, "secret", 0, pending}, client.receiver);
  if (answers.empty()) return {Code::kInternal, "resuming a session was not answered"};
  if (!answers[0].status.ok()) return answers[0].status;
  const auto& resumed = std::get<SessionAnswer>(answers[0].what);
  client.epoch = resumed.epoch;
  for (const auto& [number, pending_answer] : resumed.answers) {
    Answer answer = pending_answer;
    answer.reply = {client.receiver, number};
    deliver(answer);
  }
  for (const Number number : resumed.not_executed) {
    for (auto& [full_name, under] : client.calls) {
      if (under.number == number && !under.outcome) send(client, under);
    }
  }
  for (auto& [full_name, under] : client.calls) {
    if (under.call.verb == Call::Verb::kWatch && !under.outcome) watch(under);
  }
  deliver_all();
  return {};
}

Status ShardBackend::advance(Duration by) {
  host_.advance_to(host_.now() + by);
  deliver_all();
  return {};
}

// Clients that live connect and resume by themselves.
Status ShardBackend::restart(bool) {
  TS_RETURN_IF_ERROR(host_.restart());
  deliver_all();
  for (auto& [name, client] : clients_) {
    if (client.receiver != 0) TS_RETURN_IF_ERROR(resume(name));
  }
  return {};
}

}  // namespace tuplespace::conformance
