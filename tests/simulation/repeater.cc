#include "tests/simulation/repeater.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/unary.h"

namespace tuplespace::simulation {

void Repeater::ask(size_t lanes) {
  if (id_ == 0) {
    if (call_ == nullptr) open(lanes);
    return;
  }
  Past& past = around_.past();
  if (!asking_) {
    Deed asked = around_.planner().next(true, tokens_);
    asked.client = index_;
    asked.session = session_;
    asked.asked = around_.moment();
    deed_ = past.deeds.size();
    around_.say(
        fmt::format("r{} thinks of {}: {}", index_, deed_, asked.request.ShortDebugString()));
    past.deeds.push_back(std::move(asked));
    v1::Caller& caller = *unary_of(past.deeds[deed_]).caller;
    caller.set_session(id_);
    caller.set_secret(secret_);
    caller.set_number(++number_);
    if (number_ > 1) {
      v1::Range64& range = *caller.add_confirmed();
      range.set_first(1);
      range.set_last(number_ - 1);
    }
    for (const size_t confirmed : confirmed_) {
      uint64_t& step = past.deeds[confirmed].confirm_step;
      step = std::min(step, around_.moment().step);
    }
    confirmed_.clear();
    asking_ = true;
  } else if (call_ != nullptr && !around_.draw().one_in(8)) {
    return;  // patient
  }
  const Unary unary = unary_of(past.deeds[deed_]);
  around_.say(fmt::format("r{} asks {} as {}", index_, deed_, number_));
  send(lanes, unary.method, unary.request->SerializeAsString());
}

void Repeater::open(size_t lanes) {
  static const size_t kMethod = method_named("/tuplespace.v1.Sessions/Open");
  send(lanes, kMethod, "");
}

void Repeater::send(size_t lanes, size_t method, std::string request) {
  call_ = std::make_shared<Call>();
  on_lane_(around_.draw().below(lanes), [call = call_, method, request](CallHandler& server,
                                                                        Queue& queue) {
    queue.begin(server, method, request, [call](const Status& status, std::string_view response) {
      call->replied = true;
      call->status = status;
      call->response = response;
    });
  });
}

bool Repeater::hear(bool lost) {
  if (call_ == nullptr || !call_->replied) return false;
  const std::shared_ptr<Call> call = std::exchange(call_, nullptr);
  if (lost) {
    around_.say(fmt::format("r{} does not hear", index_));
  } else {
    id_ == 0 ? told_session(*call) : told(*call);
  }
  return true;
}

void Repeater::told_session(const Call& call) {
  v1::OpenResponse response;
  if (!call.status.ok() || !response.ParseFromString(call.response)) return;
  id_ = response.session();
  secret_ = response.secret();
  session_ = around_.past().sessions.size();
  around_.past().sessions.push_back({index_, kNoStep, kNoStep});
  number_ = 0;
  heard_step_ = around_.moment().step;
  around_.say(fmt::format("r{} has session {}", index_, id_));
}

void Repeater::told(const Call& call) {
  Deed& deed = around_.past().deeds[deed_];
  const Code code = call.status.code();
  around_.say(fmt::format("r{} is told {}: {}", index_, deed_, code_name(code)));
  if (code == Code::kNotFound && call.status.problem().bound == "session") return forget_session();
  if (code == Code::kAborted && !deed.hold) return;  // asked again: the answer goes there
  deed.told = around_.moment();
  deed.outcome = call.status.ok() ? Outcome::kAnswered : Outcome::kNever;
  asking_ = false;
  heard_step_ = deed.asked.step;
  if (call.status.ok() && !unary_of(deed).response->ParseFromString(call.response)) {
    around_.wrong("a response is none");
  }
  // Its first answer was a refusal, which is not kept: nothing was changed.
  const bool stale = code == Code::kFailedPrecondition && call.status.problem().bound == "number";
  const bool settles = deed.token != 0;
  const bool expected = code == Code::kOk || code == Code::kResourceExhausted || stale ||
                        code == Code::kNotFound || code == Code::kAborted ||
                        (settles && code == Code::kFailedPrecondition);
  if (!expected) around_.wrong(fmt::format("r{}: {}", index_, call.status.to_string()));
  if (deed.outcome == Outcome::kAnswered && deed.takes()) confirmed_.push_back(deed_);
  if (deed.what != What::kIn || !deed.hold) return;
  for (const v1::Found& found : deed.answer.in().tuples()) {
    tokens_.push_back({deed_, deed.space, found.token()});
  }
}

void Repeater::forget_session() {
  SessionPast& session = around_.past().sessions[session_];
  session.doubt_step = std::min(session.doubt_step, heard_step_);
  id_ = 0;
  session_ = kNobody;
  asking_ = false;
  confirmed_.clear();
}

void Repeater::die() {
  call_.reset();
  if (id_ != 0) forget_session();
}

bool Repeater::at_rest() const {
  if (call_ == nullptr) return !asking_;
  if (!asking_ || call_->replied) return false;
  const Deed& deed = around_.past().deeds[deed_];
  const bool may_wait = deed.takes() || deed.what == What::kRd;
  return deed.until_taken || (may_wait && (!deed.wait || *deed.wait > 0));
}

void Repeater::add_waiting(std::vector<size_t>& deeds) const {
  if (asking_) deeds.push_back(deed_);
}

}  // namespace tuplespace::simulation
