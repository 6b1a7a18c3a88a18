#include "tests/conformance/client_backend.h"

#include <signal.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "tests/conformance/client_calls.h"

namespace tuplespace::conformance {
using std::chrono::milliseconds;

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
  for (const char* everywhere :
       {"core", "admin", "bulk", "atomic", "watch", "look", "hold", "transaction"}) {
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
  const std::vector<client::TemplateArgument> further(call.any_of.begin(), call.any_of.end());
  const client::TakeOptions options = take_options(call, further);
  const bool takes = call.verb == Verb::kIn || call.verb == Verb::kRd;
  if (takes && call.wait == 0 && call.max == 1) {
    under.outcome = probed(client_of(name), call, options);
  } else if (call.verb == Verb::kOut && call.until_taken) {
    under.out = std::make_unique<Outs>(
        connection.space(call.space).out_async(call.tuple, out_options(call)));
  } else if (call.verb == Verb::kIn) {
    under.takes = std::make_unique<Takes>(
        connection.space(call.space).in_many_async(call.wanted, call.max, options));
  } else if (call.verb == Verb::kRd && call.max == 1) {
    under.read =
        std::make_unique<Read>(connection.space(call.space).rd_async(call.wanted, options));
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
      const client::OutOptions options = out_options(call);
      std::vector<Tuple> tuples{call.tuple};
      tuples.insert(tuples.end(), call.more.begin(), call.more.end());
      auto placed =
          call.more.empty() ? space.out(call.tuple, options) : space.out_many(tuples, options);
      return placed_of(placed);
    }
    case Call::Verb::kRd: {
      const std::vector<client::TemplateArgument> further(call.any_of.begin(), call.any_of.end());
      auto matches = space.rd_many(call.wanted, call.max, take_options(call, further));
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
    case Call::Verb::kAtomic:
    case Call::Verb::kWatch:
    case Call::Verb::kHolds: {
      auto holds = connection.holds(call.space);
      if (!keep(holds)) break;
      for (const client::HoldInfo& hold : *holds) {
        outcome.tuples.push_back({hold.tuple, hold.id, 0, 0});
      }
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
    case Call::Verb::kSettle: {
      auto settled = space.settle(call.token, settlement_of(call));
      keep(settled);
      break;
    }
    case Call::Verb::kRenew: {
      auto renewed = renew(connection, call);
      if (keep(renewed)) outcome.ttl = renewed->count();
      break;
    }
    case Call::Verb::kEndLease: outcome.status = end_lease(connection, call); break;
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
  if (!matches->empty()) outcome.token = matches->front().token();
  for (client::Match& match : *matches) {
    outcome.tuples.push_back(match_of(match));
    if (call.unconfirmed) client.unconfirmed.push_back(std::move(match));
  }
  return outcome;
}

Outcome ClientBackend::probed(Client& client, const Call& call,
                              const client::TakeOptions& options) {
  client::Space space = client.connection->space(call.space);
  const auto probe = call.verb == Call::Verb::kIn ? space.inp(call.wanted, options)
                                                  : space.rdp(call.wanted, options);
  if (probe.ok() && probe->has_value()) {
    return taken(client, call, std::vector<client::Match>{**probe});
  }
  Outcome outcome;
  outcome.status = probe.status();
  if (!probe.ok()) return outcome;
  outcome.ended = Ended::kNone;
  outcome.held = probe->held;
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
  } else if (under.out) {
    if (!under.out->wait_for(kPatience)) return std::nullopt;
    outcome = placed_of(under.out->get());
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
  if (found->second.out) found->second.out->cancel();
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
