#include "tests/simulation/caller.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/unary.h"

namespace tuplespace::simulation {
namespace {

constexpr size_t kUnderWayMax = 3;

bool waits(const Deed& deed) {
  return (deed.takes() || deed.what == What::kRd) && (!deed.wait || *deed.wait > 0);
}

}  // namespace

void Caller::ask(size_t lanes) {
  if (calls_.size() >= kUnderWayMax) return;
  Past& past = around_.past();
  Deed asked = around_.planner().next(false, tokens_);
  asked.client = index_;
  asked.asked = around_.moment();
  const Unary unary = unary_of(asked);
  auto call = std::make_shared<Call>();
  call->deed = past.deeds.size();
  call->lane = around_.draw().below(lanes);
  around_.say(fmt::format("u{} asks {}: {}", index_, call->deed, asked.request.ShortDebugString()));
  const size_t index = unary.method;
  std::string bytes = unary.request->SerializeAsString();
  past.deeds.push_back(std::move(asked));
  calls_.push_back(call);
  on_lane_(call->lane, [call, index, bytes](CallHandler& server, Queue& queue) {
    if (call->given_up) return;  // before it came
    const uint64_t token =
        queue.begin(server, index, bytes, [call](const Status& status, std::string_view response) {
          call->replied = true;
          call->status = status;
          call->response = response;
        });
    call->token = token;
  });
}

bool Caller::hear(bool lost) {
  const auto at = std::ranges::find_if(calls_, [](const auto& call) { return call->replied; });
  if (at == calls_.end()) return false;
  const std::shared_ptr<Call> call = *at;
  calls_.erase(at);
  if (lost) {
    around_.say(fmt::format("u{} never hears of {}", index_, call->deed));
  } else {
    told(*call);
  }
  return true;
}

void Caller::told(Call& call) {
  Deed& deed = around_.past().deeds[call.deed];
  deed.told = around_.moment();
  deed.outcome = call.status.ok() ? Outcome::kAnswered : Outcome::kNever;
  if (call.status.ok()) {
    const Unary unary = unary_of(deed);
    if (!unary.response->ParseFromString(call.response)) around_.wrong("a response is none");
  }
  around_.say(fmt::format("u{} is told {}: {} {}", index_, call.deed, code_name(call.status.code()),
                          deed.answer.ShortDebugString()));
  const Code code = call.status.code();
  const bool settles = deed.token != 0;
  const bool expected = code == Code::kOk || code == Code::kResourceExhausted ||
                        code == Code::kNotFound || (settles && code == Code::kFailedPrecondition);
  if (!expected) around_.wrong(fmt::format("u{}: {}", index_, call.status.to_string()));
  if (deed.what != What::kIn || !deed.hold) return;
  for (const v1::Found& found : deed.answer.in().tuples()) {
    tokens_.push_back({call.deed, deed.space, found.token()});
  }
}

void Caller::give_up_something() {
  if (calls_.empty()) return;
  const auto at = calls_.begin() + static_cast<long>(around_.draw().below(calls_.size()));
  const std::shared_ptr<Call> call = *at;
  calls_.erase(at);
  call->given_up = true;
  around_.say(fmt::format("u{} gives up {}", index_, call->deed));
  on_lane_(call->lane, [call](CallHandler& server, Queue& queue) {
    if (call->token != 0 && !call->replied) queue.give_up(server, call->token);
  });
}

void Caller::lose_server() { calls_.clear(); }

bool Caller::at_rest() const {
  return std::ranges::all_of(calls_, [&](const auto& call) {
    return call->token != 0 && !call->replied && waits(around_.past().deeds[call->deed]);
  });
}

}  // namespace tuplespace::simulation
