#include "tuplespace/server/service.h"

#include <fmt/format.h>

#include <utility>

#include "tuplespace/server/health.h"
#include "tuplespace/server/rpc.h"
#include "tuplespace/server/session_stream.h"

namespace tuplespace {
namespace {

// Tokens of questions; those of calls are below.
constexpr uint64_t kAskedBit = uint64_t{1} << 63;

const Status& going_down() {
  static const Status kStatus(Code::kUnavailable, "the server is going down; ask again",
                              {"", true, false});
  return kStatus;
}

}  // namespace

Service::Service(Common& common, size_t lane)
    : common_(common),
      lane_(lane),
      receiver_(common.engine.add_receiver(lane, this)),
      decoder_(common.config.engine.shard.limits) {}

Service::~Service() = default;

void Service::before_poll() {
  count(Counted::kUnaryNow, common_.calls.queue(lane_).in_flight() - counted(Counted::kUnaryNow));
  while (!dirty_.empty()) {
    flushing_.swap(dirty_);
    for (SessionStream* stream : flushing_) stream->flush();
    flushing_.clear();
  }
  for (SessionStream* stream : to_read_) stream->read_on();
  to_read_.clear();
  retired_.clear();
}

void Service::abandon_streams(const Status& status) {
  before_poll();
  std::vector<SessionStream*> open;
  for (const auto& [id, stream] : session_streams_) open.push_back(stream);
  for (SessionStream* stream : open) stream->abandon(status);
  before_poll();
}

// ---- calls ----

void Service::on_unary(UnaryCall& call) {
  count(Counted::kUnaryCalls);
  rpc(call.method()).unary(*this, call);
}

void Service::operate(UnaryCall& call, Verb verb) {
  if (common_.draining) return call.fail(going_down());
  Operation operation;
  std::string_view caller;
  const Status status = decoder_.decode(verb, call.request(), operation, caller);
  if (!status.ok()) return call.fail(status);
  if (auto* take = std::get_if<Take>(&operation.what)) {
    take->wait = std::min(take->wait.value_or(config().wait_max), config().wait_max);
  }
  if (auto* atomic = std::get_if<Atomic>(&operation.what)) {
    atomic->wait = std::min(atomic->wait.value_or(config().wait_max), config().wait_max);
  }
  operation.reply = {receiver_, call.token()};
  if (caller.empty()) return engine().submit(std::move(operation));
  operate_numbered(call, verb, std::move(operation), caller);
}

void Service::operate_numbered(UnaryCall& call, Verb verb, Operation operation,
                               std::string_view caller_bytes) {
  Result<WireCaller> caller = decode_caller(caller_bytes);
  if (!caller.ok()) return call.fail(caller.status());
  operation.caller.session = caller->session;
  operation.caller.number = caller->number;
  operation.caller.hash = operation_hash(verb, call.request(), true);
  Operation confirm;
  confirm.what = Confirm{caller->session, caller->secret, false, caller->confirmed, {}};
  if (engine().shards() == 1) {
    if (!caller->confirmed.empty()) engine().submit_to(0, std::move(confirm));
    operation.caller.secret = std::move(caller->secret);
    return submit_numbered(call.token(), std::move(operation));
  }
  // Only shard 0 knows secrets for certain.
  ask_for(call, std::move(confirm),
          [this, operation, ranges = caller->confirmed](UnaryCall& asker, Answer&) {
            confirm_elsewhere(operation.caller.session, ranges);
            submit_numbered(asker.token(), operation);
          });
}

void Service::submit_numbered(uint64_t token, Operation operation) {
  if (std::holds_alternative<Take>(operation.what) ||
      std::holds_alternative<Atomic>(operation.what)) {
    numbered_[token] = {operation.caller.session, operation.caller.number};
  }
  engine().submit(std::move(operation));
}

void Service::on_cancelled(uint64_t token) {
  count(Counted::kUnaryCancelled);
  Operation cancel;
  if (const auto numbered = numbered_.find(token); numbered != numbered_.end()) {
    cancel.what = Cancel{numbered->second.session, numbered->second.number, {}};
    numbered_.erase(numbered);
  } else {
    cancel.what = Cancel{0, 0, {receiver_, token}};
  }
  engine().submit(std::move(cancel));
}

void Service::on_answer(Answer&& answer) {
  const uint64_t token = answer.reply.token;
  if (token & kAskedBit) return on_asked(std::move(answer));
  if (!numbered_.empty()) numbered_.erase(token);
  UnaryCall* const call = find(token);
  if (call == nullptr) return;  // cancelled meanwhile
  if (!answer.status.ok()) return call->fail(answer.status);
  scratch_.clear();
  append_response(answer, scratch_);
  call->reply(scratch_);
}

// ---- questions ----

uint64_t Service::begin_asking(size_t missing, ThenAll then) {
  const uint64_t token = kAskedBit | next_id();
  asked_[token] = {missing, {}, std::move(then)};
  return token;
}

void Service::ask(Operation operation, Then then) {
  operation.reply = {receiver_, begin_asking(1, [then = std::move(then)](auto& answers) {
                       then(answers.front());
                     })};
  engine().submit(std::move(operation));
}

void Service::ask_shards(uint16_t first, uint16_t last, const Operation& operation, ThenAll then) {
  std::vector<Answer> none;
  if (first >= last) return then(none);
  const ReplyTo reply = {receiver_, begin_asking(last - first, std::move(then))};
  for (uint16_t shard = first; shard < last; ++shard) {
    Operation asked = operation;
    asked.reply = reply;
    engine().submit_to(shard, std::move(asked));
  }
}

void Service::on_asked(Answer answer) {
  const auto at = asked_.find(answer.reply.token);
  if (at == asked_.end()) return;
  at->second.answers.push_back(std::move(answer));
  if (--at->second.missing > 0) return;
  Asked asked = std::move(at->second);
  asked_.erase(at);
  asked.then(asked.answers);
}

void Service::ask_for(const UnaryCall& call, Operation operation, Reply reply) {
  ask(std::move(operation), [this, token = call.token(), reply = std::move(reply)](Answer& answer) {
    UnaryCall* const asker = find(token);
    if (asker == nullptr) return;
    if (!answer.status.ok()) return asker->fail(answer.status);
    reply(*asker, answer);
  });
}

void Service::confirm_elsewhere(SessionId session, const std::vector<NumberRange>& ranges) {
  if (ranges.empty()) return;
  for (uint16_t shard = 1; shard < engine().shards(); ++shard) {
    Operation confirm;
    confirm.what = Confirm{session, "", true, ranges, {}};
    engine().submit_to(shard, std::move(confirm));
  }
}

void Service::close_session(SessionId session, std::vector<NumberRange> confirmed, Then then) {
  // Shard 0 comes first and tells the others: what is durable of the end begins with shard 0, or a
  // number might be executed again where its answer is forgotten already. Before that they learn
  // what was confirmed, afterwards they say that their end is durable, too.
  Operation confirm;
  confirm.what = Confirm{session, "", true, std::move(confirmed), {}};
  ask_shards(1, engine().shards(), confirm, [this, session, then](std::vector<Answer>&) {
    Operation close;
    close.what = CloseSession{session, "", true, {}};
    ask(close, [this, close, then](Answer& closed) {
      if (!closed.status.ok()) return then(closed);
      ask_shards(1, engine().shards(), close,
                 [then, closed](std::vector<Answer>&) mutable { then(closed); });
    });
  });
}

// ---- streams ----

StreamHandler* Service::on_stream(Stream& stream) {
  if (common_.draining || streams_.size() >= config().streams_max) {
    stream.finish(common_.draining
                      ? going_down()
                      : exhausted(fmt::format("{} streams are open on this lane, streams_max is "
                                              "{}; close one or raise the setting",
                                              streams_.size(), config().streams_max),
                                  "streams_max"));
    return nullptr;
  }
  std::unique_ptr<StreamHandler> handler = rpc(stream.method()).stream(*this, stream);
  StreamHandler* const raw = handler.get();
  streams_[raw] = std::move(handler);
  count(Counted::kStreamsOpened);
  count(Counted::kStreamsNow);
  return raw;
}

void Service::retire(StreamHandler* handler) {
  const auto at = streams_.find(handler);
  if (at == streams_.end()) return;
  count(Counted::kStreamsNow, ~uint64_t{0});  // one less
  retired_.push_back(std::move(at->second));
  streams_.erase(at);
}

void Service::tell_health() {
  for (HealthWatch* watch : health_watches_) watch->tell();
}

SessionStream* Service::session_stream(uint64_t id) {
  const auto at = session_streams_.find(id);
  return at == session_streams_.end() ? nullptr : at->second;
}

}  // namespace tuplespace
