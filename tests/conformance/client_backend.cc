#include "tests/conformance/client_backend.h"

#include <signal.h>

#include <algorithm>
#include <thread>

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
  return options;
}

client::Policy policy_of(const Policy& policy) {
  client::Policy asked;
  if (policy.durability) asked.durability = static_cast<client::Durability>(*policy.durability);
  asked.order = static_cast<client::Order>(policy.order);
  asked.tuples_max = policy.tuples_max;
  asked.tuple_bytes_max = policy.tuple_bytes_max;
  return asked;
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
  if (tag == "core" || tag == "admin") return true;
  return !program_.empty() && (tag == "restart" || tag == "session");
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
  if (call.verb == Verb::kIn) {
    under.takes = std::make_unique<Takes>(
        connection.space(call.space).in_many_async(call.wanted, call.max, options_of(call)));
  } else if (call.verb == Verb::kRd && call.max == 1) {
    under.read = std::make_unique<Read>(
        connection.space(call.space).rd_async(call.wanted, options_of(call)));
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
      client::OutOptions options;
      if (call.ttl) options.ttl = milliseconds(*call.ttl);
      if (call.delay) options.delay = milliseconds(*call.delay);
      options.pulse = call.pulse;
      auto placed = space.out(call.tuple, options);
      if (keep(placed) && placed->ttl) outcome.ttl = placed->ttl->count();
      break;
    }
    case Call::Verb::kRd: {
      auto matches = space.rd_many(call.wanted, call.max, options_of(call));
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
        outcome.tuples.push_back({match.tuple(), match.id(), match.attempt()});
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
    case Call::Verb::kCollect:
    case Call::Verb::kAtomic:
    case Call::Verb::kWatch:
    case Call::Verb::kBlocked:
    case Call::Verb::kHolds:
    case Call::Verb::kBegin:
    case Call::Verb::kEndTransaction:
    case Call::Verb::kSettle:
    case Call::Verb::kRenew:
    case Call::Verb::kEndLease:
    case Call::Verb::kExplain:  // no script that is served here asks for these
    case Call::Verb::kIn: break;
  }
  return outcome;
}

// A wait that ends is an error in this language; the scripts call it by its name.
Outcome ClientBackend::taken(Client& client, const Call& call,
                             Result<std::vector<client::Match>> matches) {
  Outcome outcome;
  if (!matches.ok() && matches.status().code() == Code::kDeadlineExceeded) {
    outcome.ended = call.wait == 0 ? Ended::kNone : Ended::kTimeout;
    auto counted = client.connection->space(call.space).count(call.wanted);
    if (counted.ok()) outcome.held = counted->held;
    return outcome;
  }
  outcome.status = matches.status();
  if (!matches.ok()) return outcome;
  for (client::Match& match : *matches) {
    outcome.tuples.push_back({match.tuple(), match.id(), match.attempt()});
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
  }
  calls_.erase(found);
  return outcome;
}

uint64_t ClientBackend::waiters() {
  if (clients_.empty()) return 0;
  auto stats = clients_.begin()->second.connection->stats();
  if (!stats.ok()) return UINT64_MAX;
  for (const auto& [name, value] : stats->counters) {
    if (name == "waiters") return value;
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
    if (waiters() == under_way) return !found->second.ready();
    std::this_thread::sleep_for(milliseconds(1));
  }
  return false;
}

void ClientBackend::cancel(const std::string& name) {
  const auto found = calls_.find(name);
  if (found == calls_.end()) return;
  if (found->second.takes) found->second.takes->cancel();
  if (found->second.read) found->second.read->cancel();
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
  return start_server();
}

}  // namespace tuplespace::conformance
