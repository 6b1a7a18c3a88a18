#include "tests/conformance/client_backend.h"

#include <signal.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::conformance {
namespace {

using std::chrono::milliseconds;

client::TakeOptions options_of(const Call& call) {
  client::TakeOptions options;
  if (call.wait) options.wait = milliseconds(*call.wait);
  options.choice.order = static_cast<client::Order>(call.choice.order);
  options.choice.field = call.choice.field;
  options.choice.field_name = call.choice.field_name;
  if (call.unconfirmed) options.confirm = client::Confirm::kManual;
  if (call.hold) options.hold = milliseconds(*call.hold);
  options.transaction = call.transaction;
  if (call.group && call.group->name.empty()) {
    options.group = client::FieldChoice(static_cast<int>(call.group->field));
  } else if (call.group) {
    options.group = client::FieldChoice(call.group->name);
  }
  return options;
}

client::OutOptions put_options_of(const Call& call) {
  client::OutOptions options;
  if (call.ttl) options.ttl = milliseconds(*call.ttl);
  if (call.delay) options.delay = milliseconds(*call.delay);
  options.pulse = call.pulse;
  options.bound = call.bound;
  options.until_taken = call.until_taken;
  options.transaction = call.transaction;
  return options;
}

client::Policy policy_of(const Policy& policy) {
  client::Policy asked;
  if (policy.durability) asked.durability = static_cast<client::Durability>(*policy.durability);
  asked.order = static_cast<client::Order>(policy.order);
  asked.tuples_max = policy.tuples_max;
  asked.tuple_bytes_max = policy.tuple_bytes_max;
  asked.history = policy.history;
  asked.deliveries_max = policy.deliveries_max;
  asked.deadlock = static_cast<client::Deadlock>(policy.deadlock);
  return asked;
}

client::Settlement settlement_of(Settlement how, Duration after, const std::string& reason) {
  switch (how) {
    case Settlement::kDone: return client::Settlement::done();
    case Settlement::kBack: return client::Settlement::back(milliseconds(after));
    case Settlement::kTail: return client::Settlement::tail();
    case Settlement::kDead: return client::Settlement::dead(reason);
  }
  return client::Settlement::done();
}

// "hold:s" and "tuple:s" name the space behind the colon.
client::Lease lease_of(const Call& call) {
  return call.space.starts_with("tuple") ? client::Lease::tuple(call.token)
                                         : client::Lease::hold(call.token);
}
std::string space_of_lease(const Call& call) {
  return call.space.substr(call.space.find(':') + 1);
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

client::Atomic atomic_of(const std::vector<Steps>& alternatives) {
  client::Atomic atomic;
  for (size_t i = 0; i < alternatives.size(); ++i) {
    if (i > 0) atomic.otherwise();
    for (const tuplespace::Step& step : alternatives[i]) add_step(step, atomic);
  }
  return atomic;
}

Outcome::Match match_of(const client::Match& match) {
  return {match.tuple(), match.id(), match.attempt(), match.matched()};
}

constexpr const char* kMark = "how far the watch of everything is";

bool is_mark(const client::Event& event) {
  const Tuple& tuple = event.match.tuple();
  return event.kind == client::EventKind::kPulse && tuple.arity() == 2 &&
         tuple.at(0) == Value(kMark);
}

// As ShardBackend says it.
std::string text_of(const client::Event& event) {
  if (event.kind == client::EventKind::kGap) return "gap";
  if (event.kind == client::EventKind::kSnapshotEnd) return "shown";
  return client::event_name(event.kind) + (" " + to_text(event.match.tuple()));
}

// A wait that ended is an error in this language; the scripts call it by its name.
bool is_ended(const Status& status, std::optional<Duration> wait, Outcome& outcome) {
  const bool deadlock = status.code() == Code::kAborted && status.problem().bound == "deadlock";
  if (status.code() != Code::kDeadlineExceeded && !deadlock) return false;
  outcome.ended = deadlock ? Ended::kDeadlock : wait == 0 ? Ended::kNone : Ended::kTimeout;
  return true;
}

}  // namespace

Result<std::unique_ptr<Backend>> ClientBackend::make(const std::string& program) {
  std::unique_ptr<ClientBackend> backend(new ClientBackend(program));
  if (!program.empty()) TS_RETURN_IF_ERROR(backend->start_server());
  return std::unique_ptr<Backend>(std::move(backend));
}

// The second start listens where the first did, so that clients find it again.
Status ClientBackend::start_server() {
  const std::string listen = address_.empty() ? "127.0.0.1:0" : address_;
  server_ = std::make_unique<integration::Process>(
      std::vector<std::string>{program_, "--listen", listen, "--data", data_.path().string()});
  const std::string line = server_->read_line();
  constexpr std::string_view kBegin = "listening on ";
  if (!line.starts_with(kBegin)) {
    return {Code::kUnavailable, "the server said \"" + line + "\": " + server_->error()};
  }
  address_ = line.substr(kBegin.size());
  return {};
}

bool ClientBackend::serves(std::string_view tag) const {
  for (const char* everywhere : {"core", "admin", "bulk", "atomic", "watch", "look", "hold",
                                 "transaction"}) {
    if (tag == everywhere) return true;
  }
  return !program_.empty() && (tag == "restart" || tag == "session" || tag == "deadlock");
}

std::string ClientBackend::session_of(const std::string& client) const {
  return program_.empty() ? "everybody" : client.substr(0, client.find('.'));
}

ClientBackend::Client& ClientBackend::client_of(const std::string& name) {
  Client& client = clients_[session_of(name)];
  if (client.connection == nullptr) {
    Result<client::Connection> made = client::connect(program_.empty() ? "embedded:" : address_);
    TS_CHECK(made.ok());
    client.connection = std::make_unique<client::Connection>(std::move(*made));
  }
  return client;
}

void ClientBackend::start(const std::string& name, const Call& call) {
  client::Connection& connection = *client_of(name).connection;
  Under& under = calls_[name] = {};
  under.call = call;
  using Verb = Call::Verb;
  client::TakeOptions options = options_of(call);
  const std::vector<client::TemplateArgument> further(call.any_of.begin(), call.any_of.end());
  options.any_of = further;
  if (call.verb == Verb::kIn) {
    under.takes = std::make_unique<Takes>(
        connection.space(call.space).in_many_async(call.wanted, call.max, options));
  } else if (call.verb == Verb::kRd && call.max == 1) {
    under.read =
        std::make_unique<Read>(connection.space(call.space).rd_async(call.wanted, options));
  } else if (call.verb == Verb::kOut && call.until_taken) {
    under.puts = std::make_unique<Puts>(
        connection.space(call.space).out_async(call.tuple, put_options_of(call)));
  } else if (call.verb == Verb::kAtomic) {
    client::AtomicOptions wait;
    if (call.wait) wait.wait = milliseconds(*call.wait);
    under.does = std::make_unique<Does>(connection.atomic_async(atomic_of(*call.steps), wait));
  } else if (call.verb == Verb::kWatch) {
    under.outcome = begin_watch(connection, name, call);
    if (under.outcome->status.ok()) calls_.erase(name);
  } else {
    under.outcome = at_once(connection, call);
  }
}

Outcome ClientBackend::at_once(client::Connection& connection, const Call& call) {
  Outcome outcome;
  client::Space space = connection.space(call.space);
  const auto keep = [&](auto& result) {
    outcome.status = result.status();
    return result.ok();
  };
  switch (call.verb) {
    case Call::Verb::kOut: {
      const client::OutOptions options = put_options_of(call);
      std::vector<Tuple> tuples{call.tuple};
      tuples.insert(tuples.end(), call.more.begin(), call.more.end());
      auto placed =
          call.more.empty() ? space.out(call.tuple, options) : space.out_many(tuples, options);
      if (!keep(placed)) break;
      if (placed->ttl) outcome.ttl = placed->ttl->count();
      outcome.token = placed->id;
      break;
    }
    case Call::Verb::kRd: {
      client::TakeOptions options = options_of(call);
      const std::vector<client::TemplateArgument> further(call.any_of.begin(), call.any_of.end());
      options.any_of = further;
      auto matches = space.rd_many(call.wanted, call.max, options);
      return taken(clients_.begin()->second, call, std::move(matches));
    }
    case Call::Verb::kCount: {
      auto counted = space.count(call.wanted);
      if (!keep(counted)) break;
      outcome.ready = counted->ready;
      outcome.held = counted->held;
      outcome.delayed = counted->delayed;
      break;
    }
    case Call::Verb::kScan:
      outcome.status = space.scan(call.wanted, [&](const client::Match& match) {
        outcome.tuples.push_back(match_of(match));
        return true;
      });
      break;
    case Call::Verb::kCreate: {
      auto created = connection.create(call.space, policy_of(call.policy));
      keep(created);
      break;
    }
    case Call::Verb::kDrop: {
      auto dropped = connection.drop(call.space);
      keep(dropped);
      break;
    }
    case Call::Verb::kSpaces: {
      auto spaces = connection.list(call.space);
      if (!keep(spaces)) break;
      for (const client::SpaceInfo& info : *spaces) outcome.names.push_back(info.name);
      break;
    }
    case Call::Verb::kDescribe: {
      auto info = connection.describe(call.space);
      if (!keep(info)) break;
      outcome.ready = info->ready;
      outcome.held = info->held;
      outcome.delayed = info->delayed;
      outcome.waiters = info->waiters;
      break;
    }
    case Call::Verb::kCollect: {
      auto collected = call.copies ? space.copy_collect(call.wanted, call.into)
                                   : space.collect(call.wanted, call.into);
      if (keep(collected)) outcome.moved = collected->count;
      break;
    }
    case Call::Verb::kBlocked: {
      auto blocked = connection.blocked(call.space);
      if (!keep(blocked)) break;
      std::string text = blocked->deadlock ? "deadlock " : "";
      for (const auto& wait : blocked->waits) text += wait.what + " ";
      outcome.names = split(text);
      break;
    }
    case Call::Verb::kExplain: {
      auto explained = connection.explain(call.space, call.wanted);
      if (!keep(explained)) break;
      outcome.names = split(explained->near.empty() ? "" : explained->near[0].text);
      break;
    }
    case Call::Verb::kHolds: {
      auto holds = connection.holds(call.space);
      if (!keep(holds)) break;
      for (const client::HoldInfo& hold : *holds) outcome.tuples.push_back({hold.tuple});
      break;
    }
    case Call::Verb::kSettle: {
      auto settled = space.settle(
          call.token, settlement_of(call.settlement, call.after.value_or(0), call.reason));
      keep(settled);
      break;
    }
    case Call::Verb::kBegin: {
      auto begun = connection.begin("s", milliseconds(call.ttl.value_or(0)));
      if (!keep(begun)) break;
      outcome.token = begun->id();
      outcome.ttl = begun->lease().count();
      break;
    }
    case Call::Verb::kEndTransaction: {
      client::Transaction transaction = connection.transaction(call.token);
      outcome.status = call.commit ? transaction.commit() : transaction.abort();
      break;
    }
    case Call::Verb::kRenew: {
      const milliseconds ttl(call.ttl.value_or(0));
      auto granted = call.space == "transaction"
                         ? connection.transaction(call.token).renew(ttl)
                         : connection.space(space_of_lease(call)).renew(lease_of(call), ttl);
      if (keep(granted)) outcome.ttl = granted->count();
      break;
    }
    case Call::Verb::kEndLease:
      outcome.status =
          call.space == "transaction"
              ? connection.transaction(call.token).abort()
              : connection.space(space_of_lease(call)).cancel(lease_of(call));
      break;
    case Call::Verb::kAtomic:
    case Call::Verb::kWatch:
    case Call::Verb::kIn: break;  // start() does them
  }
  return outcome;
}

Outcome ClientBackend::taken(Client& client, const Call& call,
                             Result<std::vector<client::Match>> matches) {
  Outcome outcome;
  if (is_ended(matches.status(), call.wait, outcome)) {
    auto counted = client.connection->space(call.space).count(call.wanted);
    if (counted.ok()) outcome.held = counted->held;
    return outcome;
  }
  outcome.status = matches.status();
  if (!matches.ok()) return outcome;
  for (client::Match& match : *matches) {
    outcome.tuples.push_back(match_of(match));
    if (outcome.token == 0) outcome.token = match.token();
    if (call.unconfirmed) client.unconfirmed.push_back(std::move(match));
  }
  return outcome;
}

std::optional<Outcome> ClientBackend::answer(const std::string& name) {
  const auto found = calls_.find(name);
  if (found == calls_.end()) return std::nullopt;
  Under& under = found->second;
  std::optional<Outcome> outcome = std::move(under.outcome);
  if (under.takes) {
    if (!under.takes->wait_for(kPatience)) return std::nullopt;
    outcome = taken(client_of(name), under.call, under.takes->get());
  } else if (under.read) {
    if (!under.read->wait_for(kPatience)) return std::nullopt;
    auto match = under.read->get();
    Result<std::vector<client::Match>> matches = match.status();
    if (match.ok()) matches = std::vector<client::Match>{*match};
    outcome = taken(client_of(name), under.call, std::move(matches));
  } else if (under.puts) {
    if (!under.puts->wait_for(kPatience)) return std::nullopt;
    constexpr const char* kFates[] = {"", "taken", "expired", "withdrawn"};
    auto placed = under.puts->get();
    outcome.emplace().status = placed.status();
    if (placed.ok()) outcome->fate = kFates[static_cast<int>(placed->fate)];
  } else if (under.does) {
    if (!under.does->wait_for(kPatience)) return std::nullopt;
    auto did = under.does->get();
    outcome.emplace();
    if (did.ok()) {
      outcome->alternative = static_cast<uint32_t>(did->alternative);
      for (const client::Did::Step& step : did->steps) {
        if (!step.found) continue;
        outcome->tuples.push_back(match_of(*step.found));
        if (outcome->token == 0) outcome->token = step.found->token();
      }
    } else if (!is_ended(did.status(), under.call.wait, *outcome)) {
      outcome->status = did.status();
    }
  }
  calls_.erase(found);
  return outcome;
}

uint64_t ClientBackend::figure(const std::string& wanted) {
  if (clients_.empty()) return 0;
  auto stats = clients_.begin()->second.connection->stats();
  if (!stats.ok()) return UINT64_MAX;
  for (const auto& [name, value] : stats->counters) {
    if (name == wanted) return value;
  }
  return UINT64_MAX;
}

bool ClientBackend::is_blocked(const std::string& name) {
  const auto found = calls_.find(name);
  if (found == calls_.end()) return false;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end && !found->second.ready()) {
    const auto under_way = static_cast<uint64_t>(std::count_if(
        calls_.begin(), calls_.end(), [](const auto& call) { return !call.second.ready(); }));
    if (figure("waiters") == under_way) return !found->second.ready();
    std::this_thread::sleep_for(milliseconds(1));
  }
  return false;
}

void ClientBackend::cancel(const std::string& name) {
  if (const auto watch = watches_.find(name); watch != watches_.end()) {
    watch->second.watch.cancel();
    Status& status = calls_[name].outcome.emplace().status;
    while (status.ok()) status = watch->second.watch.next().status();  // behind what was told
    watches_.erase(watch);
    return;
  }
  const auto found = calls_.find(name);
  if (found == calls_.end()) return;
  if (found->second.takes) found->second.takes->cancel();
  if (found->second.read) found->second.read->cancel();
  if (found->second.does) found->second.does->cancel();
  if (found->second.puts) found->second.puts->cancel();
}

// ---- watching ----

Outcome ClientBackend::begin_watch(client::Connection& connection, const std::string& name,
                                   const Call& call) {
  Outcome outcome;
  client::Space space = connection.space(call.space);
  auto watch = space.watch(call.wanted, {.snapshot = call.snapshot});
  auto all = space.watch("(...)", {.snapshot = call.snapshot});
  outcome.status = watch.ok() ? all.status() : watch.status();
  if (outcome.status.ok()) {
    watches_.erase(name);
    watches_.emplace(name, Watching{call.space, call.wanted, std::move(*watch), std::move(*all)});
  }
  return outcome;
}

void ClientBackend::hear_all(Watching& watching, milliseconds wait) {
  const auto event = watching.all.next(wait);
  if (!event.ok()) return;
  if (is_mark(*event)) {
    watching.marked = event->match[1].as_int() == marks_;
  } else if (event->kind >= client::EventKind::kGap ||
             watching.wanted.matches(event->match.tuple())) {
    watching.expected.push_back(text_of(*event));
  }
}

bool ClientBackend::hear(Watching& watching, milliseconds wait) {
  const auto event = watching.watch.next(wait);
  if (event.ok() && !is_mark(*event)) watching.told.push_back(text_of(*event));
  return event.ok();
}

// A mark says when all has come to the watch of everything; the other one hears as much of it as
// it wants.
Outcome ClientBackend::told(const std::string& name) {
  Outcome outcome;
  const auto found = watches_.find(name);
  if (found == watches_.end()) {
    outcome.status = invalid(name + " watches nothing");
    return outcome;
  }
  Watching& watching = found->second;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  const Tuple mark = Tuple::of({Value(kMark), Value(++marks_)}).value();
  outcome.status =
      client_of(name).connection->space(watching.space).out(mark, {.pulse = true}).status();
  if (!outcome.status.ok()) return outcome;
  watching.marked = false;
  while (!watching.marked && std::chrono::steady_clock::now() < end) hear_all(watching, kPatience);
  while (watching.told.size() < watching.expected.size() &&
         std::chrono::steady_clock::now() < end) {
    hear(watching, kPatience);
  }
  while (hear(watching, milliseconds(0))) {  // what is told beyond that would be wrong
  }
  std::string text;
  for (const std::string& word : std::exchange(watching.told, {})) text += word + " ";
  watching.expected.clear();
  outcome.names = split(text);
  return outcome;
}

Status ClientBackend::participate(const std::string& name) {
  Client& client = clients_[session_of(name)];
  Result<client::Connection> made = client::connect(address_, {.participant = true});
  if (!made.ok()) return made.status();
  client.connection = std::make_unique<client::Connection>(std::move(*made));
  return {};
}

Status ClientBackend::confirm(const std::string& name) {
  Client& client = client_of(name);
  for (client::Match& match : client.unconfirmed) TS_RETURN_IF_ERROR(match.confirm());
  client.unconfirmed.clear();
  return {};
}

Status ClientBackend::close(const std::string& name) {
  Client& client = client_of(name);
  const Status status = client.connection->close();
  clients_.erase(session_of(name));
  return status;
}

Status ClientBackend::open(const std::string&, Duration) {
  return {Code::kUnimplemented, "open is for scripts of the tag death"};
}
Status ClientBackend::die(const std::string&) {
  return {Code::kUnimplemented, "a client in this process cannot die"};
}
Status ClientBackend::break_stream(const std::string&) {
  return {Code::kUnimplemented, "the library mends its stream by itself"};
}
Status ClientBackend::resume(const std::string&) {
  return {Code::kUnimplemented, "the library resumes by itself"};
}
Status ClientBackend::advance(Duration) {
  return {Code::kUnimplemented, "a server's time is not told"};
}

Status ClientBackend::restart(bool kill) {
  server_->signal(kill ? SIGKILL : SIGTERM);
  const int code = server_->wait();
  if (!kill && code != 0) return {Code::kInternal, "the server ended with an error"};
  TS_RETURN_IF_ERROR(start_server());
  // Watches are there again before anything else happens; what they hear meanwhile is kept.
  while (!watches_.empty() && figure("watchers") != 2 * watches_.size()) {
    for (auto& [name, watching] : watches_) {
      hear(watching, milliseconds(1));
      hear_all(watching, milliseconds(1));
    }
  }
  return {};
}

}  // namespace tuplespace::conformance
