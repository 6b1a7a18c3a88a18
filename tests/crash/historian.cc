#include "tests/crash/historian.h"

#include <fmt/format.h>

#include <vector>

#include "tests/crash/raw_call.h"
#include "tuplespace/v1/session.pb.h"

namespace tuplespace::crash {
namespace {

using namespace std::chrono_literals;

constexpr auto kAwaitServer = 20ms;
constexpr const char* kOut = "/tuplespace.v1.TupleSpace/Out";
constexpr const char* kIn = "/tuplespace.v1.TupleSpace/In";
constexpr const char* kRd = "/tuplespace.v1.TupleSpace/Rd";
constexpr const char* kSettle = "/tuplespace.v1.TupleSpace/Settle";

void fill(int64_t key, v1::Template& wanted) {
  wanted.add_fields()->mutable_value()->set_int_value(key);
  wanted.add_fields()->set_type(v1::TYPE_INT);
}

// The second field of the one tuple that was found; "none" if none was.
template <typename Response>
std::string outcome_of(const Response& response) {
  if (response.tuples().empty()) return "none";
  return std::to_string(response.tuples(0).tuple().fields(1).int_value());
}

std::string outcome_of(const v1::OutResponse&) { return "ok"; }
std::string outcome_of(const v1::SettleResponse&) { return "ok"; }

}  // namespace

struct Historian::Parts {
  Chronicle& chronicle;
  const size_t client;
  const bool has_session;
  std::shared_ptr<grpc::Channel> channel;
  uint64_t session = 0;
  std::string secret;
  uint64_t number = 0;
  std::string wrong;

  struct Hold {
    uint64_t number;
    int64_t key;
    uint64_t token;
  };
  std::vector<Hold> holds;

  bool reaches_server() {
    return channel->WaitForConnected(std::chrono::system_clock::now() + kAwaitServer);
  }

  bool open_session() {
    v1::OpenRequest request;
    v1::OpenResponse response;
    if (!raw_call(*channel, "/tuplespace.v1.Sessions/Open", request, &response).ok()) return false;
    session = response.session();
    secret = response.secret();
    return true;
  }

  // Asks, and writes down what came of it.
  template <typename Request, typename Response>
  void ask(const Chronicle::Line& line, const char* method, Request& request, Response& response,
           bool twice) {
    if (has_session) name_caller(*request.mutable_caller());
    grpc::Status status = raw_call(*channel, method, request, &response);
    // The number is asked for again until there is an answer.
    while (has_session && status.error_code() == grpc::StatusCode::UNAVAILABLE) {
      while (!reaches_server()) continue;
      status = raw_call(*channel, method, request, &response);
    }
    if (status.ok()) {
      chronicle.end(line, outcome_of(response));
      if (has_session && twice) ask_again(line, method, request, response);
      return;
    }
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
      return chronicle.end(line, "unknown");
    }
    const bool late = status.error_code() == grpc::StatusCode::FAILED_PRECONDITION;
    if (late && method == kSettle) return chronicle.end(line, "ended");
    // A number that changed nothing has no answer to be given again.
    if (late && has_session && method != kOut) return;
    wrong = fmt::format("{} of a historian: code {}, {}", line.kind,
                        static_cast<int>(status.error_code()), status.error_message());
  }

  // As if the answer had been lost: it must be the same.
  template <typename Request, typename Response>
  void ask_again(const Chronicle::Line& line, const char* method, const Request& request,
                 const Response& first) {
    const std::string outcome = outcome_of(first);
    if (outcome == "none" || method == kRd) return;
    Response second;
    const grpc::Status status = raw_call(*channel, method, request, &second);
    if (!status.ok() || outcome_of(second) == outcome) return;
    wrong = fmt::format("operation {} was answered {}, and then {}", line.number, outcome,
                        outcome_of(second));
  }

  void name_caller(v1::Caller& caller) {
    caller.set_session(session);
    caller.set_secret(secret);
    caller.set_number(++number);
    if (number == 1) return;
    v1::Range64& confirmed = *caller.add_confirmed();
    confirmed.set_first(1);
    confirmed.set_last(number - 1);
  }

  void out(Chronicle::Line line, bool twice) {
    line.kind = "out";
    line.argument = line.number;
    v1::OutRequest request;
    request.set_space(kHistoriansSpace);
    request.mutable_tuple()->add_fields()->set_int_value(line.key);
    request.mutable_tuple()->add_fields()->set_int_value(static_cast<int64_t>(line.number));
    v1::OutResponse response;
    ask(line, kOut, request, response, twice);
  }

  void in(Chronicle::Line line, int64_t wait_ms, bool twice) {
    line.kind = "in";
    v1::InRequest request;
    request.set_space(kHistoriansSpace);
    fill(line.key, *request.mutable_template_());
    request.set_wait_ms(wait_ms);
    v1::InResponse response;
    ask(line, kIn, request, response, twice);
  }

  void rd(Chronicle::Line line) {
    line.kind = "rd";
    v1::RdRequest request;
    request.set_space(kHistoriansSpace);
    fill(line.key, *request.mutable_template_());
    request.set_wait_ms(0);
    v1::RdResponse response;
    ask(line, kRd, request, response, false);
  }

  void hold(Chronicle::Line line, int64_t lease_ms) {
    line.kind = "hold";
    line.lease_us = lease_ms * 1000;
    v1::InRequest request;
    request.set_space(kHistoriansSpace);
    fill(line.key, *request.mutable_template_());
    request.set_wait_ms(0);
    request.set_hold_ms(lease_ms);
    v1::InResponse response;
    ask(line, kIn, request, response, false);
    if (!response.tuples().empty()) {
      holds.push_back({line.number, line.key, response.tuples(0).token()});
    }
  }

  void settle(bool done) {
    const Hold hold = holds.front();
    holds.erase(holds.begin());
    Chronicle::Line line = chronicle.begin(client, hold.key);
    line.kind = done ? "done" : "back";
    line.argument = hold.number;
    v1::SettleRequest request;
    request.set_space(kHistoriansSpace);
    request.set_token(hold.token);
    request.set_settlement(done ? v1::SETTLEMENT_DONE : v1::SETTLEMENT_BACK);
    v1::SettleResponse response;
    ask(line, kSettle, request, response, false);
  }
};

Historian::Historian(const std::string& address, Chronicle& chronicle, size_t client,
                     bool has_session)
    : parts_(new Parts{chronicle, client, has_session, connect_soon(address), 0, {}, 0, {}, {}}) {}

Historian::~Historian() = default;

std::string Historian::turn(std::mt19937_64& random) {
  Parts& parts = *parts_;
  if (!parts.reaches_server()) return "";
  if (parts.has_session && parts.session == 0 && !parts.open_session()) return "";
  const uint64_t what = random() % 100;
  if (!parts.holds.empty() && what < 30) {
    parts.settle(random() % 2 == 0);
    return std::exchange(parts.wrong, {});
  }
  const Chronicle::Line line = parts.chronicle.begin(parts.client, random);
  const bool twice = random() % 4 == 0;
  if (what < 50) {
    parts.out(line, twice);
  } else if (what < 65) {
    parts.rd(line);
  } else if (!parts.has_session && what < 90) {
    parts.hold(line, 20 + static_cast<int64_t>(random() % 300));
  } else {
    parts.in(line, random() % 4 == 0 ? 20 : 0, twice);
  }
  return std::exchange(parts.wrong, {});
}

}  // namespace tuplespace::crash
