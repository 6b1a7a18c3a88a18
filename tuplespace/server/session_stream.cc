#include "tuplespace/server/session_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tuplespace/log.h"
#include "tuplespace/server/sessions.h"
#include "tuplespace/server/wire_format.h"

namespace tuplespace {
namespace {

constexpr uint32_t kWelcomeField = 1;
constexpr uint32_t kClosedField = 3;
constexpr size_t kFrameKept = 64 << 10;  // a larger buffer is given back when it was sent

// Answers about the session itself; those of operations have the number as token.
constexpr uint64_t kOpenedToken = uint64_t{1} << 63;

}  // namespace

SessionStream::SessionStream(Service& service, Stream& stream)
    : service_(service),
      stream_(&stream),
      id_(service.next_id()),
      receiver_(service.engine().add_receiver(service.lane(), this)) {
  service_.add_session_stream(id_, this);
  stream_->read();
}

SessionStream::~SessionStream() {
  if (state_ != State::kOver) service_.engine().forget_receiver(receiver_);
}

// ---- what the stream tells ----

void SessionStream::on_message(std::string_view bytes) {
  service_.count(Counted::kFramesReceived);
  if (state_ == State::kOpen) return run_frame(bytes);
  ClientFrameParts& parts = service_.frame_parts();
  const Status status = parts.parse(bytes);
  if (!status.ok()) return end(status);
  if (!parts.has_hello) {
    return end({Code::kFailedPrecondition, "the first frame of a stream has no hello"});
  }
  first_frame_.assign(bytes);
  greet(parts.hello);
}

void SessionStream::on_reads_end() {
  reads_over_ = true;
  mark_dirty();  // flush() ends the stream when everything is answered
}

void SessionStream::on_written() {
  if (unsent() > 0 || reads_over_ || state_ == State::kClosing) mark_dirty();
  read_on();
}

void SessionStream::on_broken() {
  stream_ = nullptr;
  if (state_ == State::kOver) return;
  if (state_ == State::kOpening) return;  // on_opened() suspends what was opened for nobody
  suspend();
  be_over();
}

void SessionStream::replaced() {
  if (stream_ != nullptr) {
    stream_->finish({Code::kAborted, "another stream of this session replaced this one"});
  }
  stream_ = nullptr;
  be_over();
}

void SessionStream::end(const Status& status) {
  if (stream_ == nullptr) return;
  stream_->finish(status);
  on_broken();
}

void SessionStream::abandon(const Status& status) {
  if (stream_ != nullptr) stream_->finish(status);
  stream_ = nullptr;
  be_over();
}

void SessionStream::suspend() {
  if (session_ == 0 || epoch_ == 0 || closed_) return;
  for (uint16_t shard = 0; shard < service_.engine().shards(); ++shard) {
    Operation suspend;
    suspend.what = SuspendSession{session_, epoch_};
    service_.engine().submit_to(shard, std::move(suspend));
  }
}

void SessionStream::be_over() {
  if (state_ == State::kOver) return;
  state_ = State::kOver;
  log(Level::kDebug, "stream_ended", {{"session", session_}, {"lane", service_.lane()}});
  service_.common().holders.release(session_, {service_.lane(), id_});
  service_.engine().forget_receiver(receiver_);
  service_.forget_session_stream(id_);
  service_.retire(this);
}

// ---- opening ----

void SessionStream::greet(std::string_view bytes) {
  const Result<HelloParts> hello = decode_hello(bytes);
  if (!hello.ok()) return end(hello.status());
  if (hello->session == 0) return open_new(*hello);
  pending_ = hello->pending;
  verify(hello->session, hello->secret);
}

void SessionStream::open_new(const HelloParts& hello) {
  state_ = State::kOpening;
  secret_ = make_secret();
  missing_ = 1;
  Operation open;
  open.what = OpenSession{hello.ttl, secret_, true, hello.name, hello.participant};
  open.reply = {receiver_, kOpenedToken};
  service_.engine().submit_to(0, std::move(open));
}

// Only who knows the secret may end the stream that holds the session.
void SessionStream::verify(SessionId session, const std::string& secret) {
  state_ = State::kVerifying;
  Operation verify;
  verify.what = Confirm{session, secret, false, {}, {}};
  service_.ask(std::move(verify), [&service = service_, id = id_, session, secret](Answer& answer) {
    SessionStream* const self = service.session_stream(id);
    if (self == nullptr) return;
    if (!answer.status.ok()) return self->end(answer.status);
    self->session_ = session;
    self->secret_ = secret;
    self->take_over();
  });
}

// The holder before is ended first: nothing of its frames is executed once we have resumed.
void SessionStream::take_over() {
  state_ = State::kOpening;
  Service::Common& common = service_.common();
  const size_t lane = service_.lane();
  const auto before = common.holders.claim(session_, {lane, id_});
  if (!before) return resume_first();
  common.engine.run_on(before->lane, [&common, before = *before, lane, id = id_] {
    SessionStream* const old = common.services[before.lane]->session_stream(before.stream);
    if (old != nullptr) old->replaced();
    common.engine.run_on(lane, [&common, lane, id] {
      if (SessionStream* self = common.services[lane]->session_stream(id)) self->resume_first();
    });
  });
}

void SessionStream::resume_first() { resume_on(0); }

void SessionStream::resume_others() {
  for (uint16_t shard = 1; shard < service_.engine().shards(); ++shard) resume_on(shard);
}

void SessionStream::resume_on(uint16_t shard) {
  ++missing_;
  Operation resume;
  resume.what = ResumeSession{session_, secret_, epoch_, pending_};
  resume.reply = {receiver_, kOpenedToken};
  service_.engine().submit_to(shard, std::move(resume));
}

void SessionStream::on_opened(Answer answer) {
  const bool is_first = opened_.empty();
  --missing_;
  if (!answer.status.ok()) {
    if (stream_ != nullptr) stream_->finish(answer.status);
    stream_ = nullptr;
    return be_over();
  }
  opened_.push_back(std::move(answer));
  if (is_first) {
    const auto& first = std::get<SessionAnswer>(opened_.front().what);
    const bool is_new = session_ == 0;
    session_ = first.session;
    epoch_ = first.epoch;
    ttl_ = first.ttl;
    fence_ = first.fence;
    if (is_new) {
      (void)service_.common().holders.claim(session_, {service_.lane(), id_});
    } else {
      resume_others();
    }
  }
  if (missing_ > 0) return;
  if (stream_ == nullptr) {  // it broke while the session was opened for it
    suspend();
    return be_over();
  }
  welcome();
}

void SessionStream::welcome() {
  state_ = State::kOpen;
  std::map<Number, bool> waiting;  // false: in no shard so far
  std::map<Number, const Answer*> answered;
  for (const Answer& answer : opened_) {
    const auto& session = std::get<SessionAnswer>(answer.what);
    for (const auto& [number, first] : session.answers) answered[number] = &first;
    for (const Number number : session.not_executed) waiting.try_emplace(number, false);
    for (const Number number : session.waiting) waiting[number] = true;
  }
  {
    Nested message(frame_, kWelcomeField);
    WelcomeParts parts{session_, epoch_, service_.engine().incarnation(), ttl_, fence_, secret_,
                       {},       {}};
    for (const auto& [number, is_waiting] : waiting) {
      if (answered.contains(number)) continue;
      add_number(is_waiting ? parts.waiting : parts.not_executed, number);
      if (is_waiting) ++outstanding_;
    }
    append_welcome(parts, service_.config(), frame_);
    for (const auto& [number, answer] : answered) {
      append_answer(kWelcomeAnswers, number, *answer, frame_);
    }
  }
  log(Level::kDebug, "stream_opened",
      {{"session", session_},
       {"epoch", epoch_},
       {"lane", service_.lane()},
       {"peer", stream_->peer()}});
  opened_ = {};
  pending_ = {};
  if (!early_.empty()) full_.push_back(std::exchange(frame_, {}));
  for (Answer& answer : std::exchange(early_, {})) on_answer(std::move(answer));
  const std::string first_frame = std::exchange(first_frame_, {});
  mark_dirty();
  ClientFrameParts& parts = service_.frame_parts();
  if (parts.parse(first_frame).ok()) run_parts(parts);
}

// ---- frames ----

void SessionStream::run_frame(std::string_view frame) {
  ClientFrameParts& parts = service_.frame_parts();
  const Status status = parts.parse(frame);
  if (!status.ok()) return end(status);
  if (parts.has_hello) {
    return end({Code::kFailedPrecondition, "hello in a later frame than the first"});
  }
  run_parts(parts);
}

void SessionStream::run_parts(const ClientFrameParts& parts) {
  confirm(parts);
  service_.count(Counted::kStreamOperations, parts.operations.size());
  for (const std::string_view operation : parts.operations) {
    if (!operate(operation)) return;
  }
  for (const Number number : parts.cancels) cancel(number);
  if (parts.close) return close();
  // With a read gRPC sends window updates, in a packet of their own: the answers go first.
  waits_to_read_ = true;
  service_.read_later(this);
}

void SessionStream::confirm(const ClientFrameParts& parts) {
  if (parts.confirmed.empty() && parts.returned.empty()) return;
  for (uint16_t shard = 0; shard < service_.engine().shards(); ++shard) {
    Operation confirm;
    confirm.what = Confirm{session_, "", true, parts.confirmed, parts.returned};
    service_.engine().submit_to(shard, std::move(confirm));
  }
}

// False: the frame is none, and the stream has ended.
bool SessionStream::operate(std::string_view bytes) {
  StreamOperation wire;
  const Status status = decode_stream_operation(bytes, wire);
  if (!status.ok()) {
    end(status);
    return false;
  }
  if (wire.number <= last_number_) {
    refuse(wire.number, {Code::kFailedPrecondition,
                         fmt::format("operation {} came after {}; numbers increase strictly",
                                     wire.number, last_number_),
                         {"number", false, false}});
    return true;
  }
  last_number_ = wire.number;
  if (!wire.known) {
    refuse(wire.number, {Code::kUnimplemented, "this server is older than that operation"});
    return true;
  }
  const size_t operations_max = service_.config().engine.shard.operations_max;
  if (outstanding_ >= operations_max) {
    refuse(wire.number, exhausted(fmt::format("{} operations of this session have no answer yet, "
                                              "operations_max is {}; wait for some",
                                              outstanding_, operations_max),
                                  "operations_max"));
    return true;
  }
  Operation operation;
  std::string_view caller;
  const Status decoded = service_.decoder().decode(wire.verb, wire.request, operation, caller);
  if (!decoded.ok()) {
    refuse(wire.number, decoded);
    return true;
  }
  operation.caller.session = session_;
  operation.caller.number = wire.number;
  operation.caller.hash = operation_hash(wire.verb, wire.request, !caller.empty());
  operation.reply = {receiver_, wire.number};
  ++outstanding_;
  service_.engine().submit(std::move(operation));
  return true;
}

void SessionStream::cancel(Number number) {
  Operation cancel;
  cancel.what = Cancel{session_, number, {}};
  service_.engine().submit(std::move(cancel));
}

void SessionStream::close() {
  state_ = State::kClosing;
  service_.close_session(session_, {}, [&service = service_, id = id_](Answer& answer) {
    SessionStream* const self = service.session_stream(id);
    if (self == nullptr || self->stream_ == nullptr) return;
    if (!answer.status.ok()) return self->end(answer.status);
    self->closed_ = true;
    append_number(self->frame_, kClosedField, 1);
    self->reads_over_ = true;
    self->mark_dirty();
  });
}

// ---- answers ----

void SessionStream::on_answer(Answer&& answer) {
  if (answer.reply.token == kOpenedToken) return on_opened(std::move(answer));
  // An answer that rests on less leaves before that of the resume; the client hears of it after.
  if (state_ == State::kOpening) return early_.push_back(std::move(answer));
  if (outstanding_ > 0) --outstanding_;
  // A client whose stream ends resumes and hears of each number; that its wait ended because the
  // server goes down would be its answer for good.
  const bool goes_down = service_.common().draining && answer.status.code() == Code::kUnavailable;
  if (stream_ == nullptr || goes_down) return;
  add_answer(answer.reply.token, answer);
  mark_dirty();
}

void SessionStream::refuse(Number number, Status status) {
  Answer answer;
  answer.status = std::move(status);
  add_answer(number, answer);
  mark_dirty();
}

void SessionStream::add_answer(Number number, const Answer& answer) {
  const size_t before = frame_.size();
  append_answer(kFrameAnswers, number, answer, frame_);
  if (before == 0 || frame_.size() <= service_.config().calls.frame_bytes_max) return;
  std::string next = frame_.substr(before);
  frame_.resize(before);
  full_.push_back(std::exchange(frame_, std::move(next)));
}

void SessionStream::mark_dirty() {
  if (dirty_ || state_ == State::kOver) return;
  dirty_ = true;
  service_.mark_dirty(this);
}

size_t SessionStream::unsent() const {
  size_t bytes = frame_.size();
  for (const std::string& frame : full_) bytes += frame.size();
  return bytes;
}

void SessionStream::flush() {
  dirty_ = false;
  if (stream_ == nullptr || stream_->writing()) return;
  if (!full_.empty()) {
    service_.count(Counted::kFramesSent);
    stream_->write(full_.front());
    full_.erase(full_.begin());
  } else if (!frame_.empty()) {
    service_.count(Counted::kFramesSent);
    stream_->write(frame_);
    if (frame_.capacity() > kFrameKept) frame_ = {};
    frame_.clear();
  } else if (reads_over_ && (outstanding_ == 0 || closed_) && missing_ == 0) {
    end({});
  }
}

// Reads the next frame, unless the client takes its answers too slowly.
void SessionStream::read_on() {
  if (!waits_to_read_ || state_ != State::kOpen || stream_ == nullptr) return;
  if (unsent() > service_.config().answer_bytes_max) return;
  waits_to_read_ = false;
  stream_->read();
}

}  // namespace tuplespace
