#include "tests/simulation/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tuplespace::simulation {
namespace {

constexpr size_t kUnderWayMax = 8;

bool waits(const Deed& deed) {
  const bool may_wait = deed.takes() || deed.what == What::kRd;
  return deed.until_taken || (may_wait && (!deed.wait || *deed.wait > 0));
}

void add_range(Number number, google::protobuf::RepeatedPtrField<v1::Range64>& ranges) {
  if (!ranges.empty() && ranges.rbegin()->last() + 1 == number) {
    return ranges.rbegin()->set_last(number);
  }
  v1::Range64& range = *ranges.Add();
  range.set_first(number);
  range.set_last(number);
}

// Something changed in a sync space, and is on the disk.
bool is_sync_change(const Deed& deed, const Past& past) {
  if (deed.outcome != Outcome::kAnswered) return false;
  if (past.space(deed.space).durability != Durability::kSync) return false;
  if (deed.what == What::kOut) return !deed.until_taken;
  if (deed.what == What::kIn) return deed.answer.in().tuples_size() > 0;
  return deed.what == What::kSettle;
}

}  // namespace

// ---- what the simulation lets it do ----

void Client::ask() {
  if (state_ == State::kClosing || wants_close_ || under_way() >= kUnderWayMax) return;
  if (session_ == kNobody) begin_session();
  Past& past = around_.past();
  Deed asked = around_.planner().next(true, tokens_);
  asked.client = index_;
  asked.session = session_;
  asked.asked = around_.moment();
  past.deeds.push_back(std::move(asked));
  queue_.push_back(past.deeds.size() - 1);
  around_.say(fmt::format("c{} asks {}", index_, past.deeds.size() - 1));
}

void Client::begin_session() {
  session_ = around_.past().sessions.size();
  around_.past().sessions.push_back({index_, kNoStep, kNoStep});
}

void Client::connect() {
  if (state_ != State::kOffline) return;
  if (session_ == kNobody) begin_session();
  link_ = around_.connect(*this);
  if (link_ == nullptr) return;
  ++link_serial_;
  frame_serial_ = 0;
  state_ = State::kGreeting;
  v1::ClientFrame frame;
  v1::Hello& hello = *frame.mutable_hello();
  hello.set_protocol(1);
  hello.set_session(id_);
  hello.set_secret(secret_);
  hello.set_epoch(epoch_);
  for (const auto& [number, sent] : sent_) add_range(number, *hello.mutable_pending());
  link_->send(frame.SerializeAsString());
  around_.say(fmt::format("c{} connects, {} pending", index_, sent_.size()));
}

void Client::write() {
  if (state_ != State::kOnline) return;
  ++frame_serial_;
  v1::ClientFrame frame;
  for (const Number number : to_confirm_) {
    add_range(number, *frame.mutable_confirmed());
    const auto took = took_.find(number);
    if (took == took_.end()) continue;
    Deed& taken = deed(took->second);
    taken.confirm_step = std::min(taken.confirm_step, around_.moment().step);
    unsure_.push_back({took->second, link_serial_, frame_serial_});
  }
  for (const Number number : to_return_) add_range(number, *frame.mutable_returned());
  to_confirm_.clear();
  to_return_.clear();
  for (size_t most = 1 + around_.draw().below(4); most > 0 && !queue_.empty(); --most) {
    add_operation(queue_.front(), frame);
    queue_.pop_front();
  }
  for (const Number number : to_cancel_) frame.add_cancels(number);
  to_cancel_.clear();
  if (wants_close_ && queue_.empty()) {
    frame.set_close(true);
    state_ = State::kClosing;
    SessionPast& session = around_.past().sessions[session_];
    session.doubt_step = std::min(session.doubt_step, around_.moment().step);
  }
  link_->send(frame.SerializeAsString());
  std::string deeds;
  for (const v1::Operation& operation : frame.operations()) {
    deeds += fmt::format(" {}", sent_.at(operation.number()).deed);
  }
  around_.say(fmt::format("c{} sends{}: {}", index_, deeds, frame.ShortDebugString()));
}

void Client::add_operation(size_t index, v1::ClientFrame& frame) {
  v1::Operation& operation = *frame.add_operations();
  operation = deed(index).request;
  operation.set_number(++last_);
  sent_[last_] = {index, link_serial_, frame_serial_};
}

void Client::break_stream() {
  if (link_ == nullptr) return;
  link_->let_go();
  link_->break_off(around_.draw(), around_.moment().step);
  lose_link();
}

void Client::lose_link() {
  broken_step_ = std::min({broken_step_, link_->broken_step(), around_.moment().step});
  link_ = nullptr;
  const bool was_closing = state_ == State::kClosing;
  state_ = State::kOffline;
  if (was_closing) forget_session(around_.moment().step);
}

void Client::die() {
  if (session_ == kNobody) return;
  around_.say(fmt::format("c{} dies", index_));
  break_stream();
  // Its lease may have run out since its stream broke.
  if (session_ != kNobody) forget_session(std::min(broken_step_, around_.moment().step));
}

// What was sent has an outcome that nobody will say; what was not never happened.
void Client::forget_session(uint64_t doubt_step) {
  SessionPast& session = around_.past().sessions[session_];
  session.doubt_step = std::min(session.doubt_step, doubt_step);
  for (const size_t index : queue_) deed(index).outcome = Outcome::kNever;
  TS_CHECK(link_ == nullptr);
  session_ = kNobody;
  id_ = epoch_ = 0;
  secret_.clear();
  last_ = 0;
  sent_.clear();
  queue_.clear();
  kept_.clear();
  returned_.clear();
  to_confirm_.clear();
  to_return_.clear();
  to_cancel_.clear();
  took_.clear();
  unsure_.clear();
  wants_close_ = false;
  broken_step_ = kNoStep;
  // Who knows a token may still settle it, for what that is worth.
  if (tokens_.size() > 4) tokens_.clear();
}

void Client::want_close() {
  if (state_ == State::kOnline) wants_close_ = true;
}

void Client::cancel_something() {
  if (state_ != State::kOnline || sent_.empty()) return;
  auto at = sent_.begin();
  std::advance(at, around_.draw().below(sent_.size()));
  if (waits(deed(at->second.deed))) to_cancel_.push_back(at->first);
}

void Client::confirm_kept() {
  if (kept_.empty()) return;
  const auto [number, index] = *kept_.begin();
  kept_.erase(number);
  confirm(number, index);
}

void Client::settle_down() {
  while (!kept_.empty()) confirm_kept();
  connect();
  if (!at_rest()) write();
}

bool Client::at_rest() const {
  if (session_ == kNobody) return link_ == nullptr;
  if (state_ != State::kOnline || !queue_.empty() || wants_close_ || !kept_.empty()) return false;
  if (!to_confirm_.empty() || !to_return_.empty() || !to_cancel_.empty()) return false;
  return std::ranges::all_of(
      sent_, [&](const auto& sent) { return waits(around_.past().deeds[sent.second.deed]); });
}

void Client::add_waiting(std::vector<size_t>& deeds) const {
  for (const auto& [number, sent] : sent_) deeds.push_back(sent.deed);
}

std::string Client::unrest() const {
  std::string text = fmt::format("c{} state {} queue {} to confirm {} sent", index_,
                                 static_cast<int>(state_), queue_.size(), to_confirm_.size());
  for (const auto& [number, sent] : sent_) text += fmt::format(" {}=deed {}", number, sent.deed);
  return text;
}

// ---- what it is told ----

void Client::on_over(const Status& status) {
  around_.say(fmt::format("c{} hears the end: {}", index_, code_name(status.code())));
  const bool was_closing = state_ == State::kClosing;
  if (status.code() == Code::kNotFound && id_ != 0) {  // its session has ended
    const uint64_t doubt = std::min(broken_step_, around_.moment().step);
    if (broken_step_ == kNoStep && !was_closing) {
      around_.wrong(fmt::format("c{}: the session ended while it was connected", index_));
    }
    state_ = State::kOffline;
    link_ = nullptr;
    return forget_session(doubt);
  }
  const bool expected = status.ok() || status.code() == Code::kUnavailable ||
                        status.code() == Code::kAborted || status.code() == Code::kNotFound;
  if (!expected) around_.wrong(fmt::format("c{}: stream ended: {}", index_, status.to_string()));
  lose_link();
}

void Client::on_frame(std::string_view bytes) {
  v1::ServerFrame frame;
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return around_.wrong("a frame of the server is none");
  }
  if (frame.has_welcome() != (state_ == State::kGreeting)) {
    return around_.wrong(fmt::format("c{}: in state {} comes {}", index_, static_cast<int>(state_),
                                     frame.ShortDebugString()));
  }
  if (frame.has_welcome()) on_welcome(frame.welcome());
  for (const v1::Answer& answer : frame.answers()) on_answer(answer);
  if (frame.closed()) on_closed();
}

void Client::on_welcome(const v1::Welcome& welcome) {
  if (id_ != 0 && (welcome.session() != id_ || welcome.epoch() <= epoch_)) {
    around_.wrong(fmt::format("c{}: resumed as {} epoch {}, was {} epoch {}", index_,
                              welcome.session(), welcome.epoch(), id_, epoch_));
  }
  state_ = State::kOnline;
  broken_step_ = kNoStep;
  id_ = welcome.session();
  epoch_ = welcome.epoch();
  secret_ = welcome.secret();
  around_.say(fmt::format("c{} is welcome: session {} epoch {}, {} answers", index_, id_, epoch_,
                          welcome.answers_size()));
  // Of every pending number exactly one thing is said.
  std::set<Number> unheard;
  for (const auto& [number, sent] : sent_) unheard.insert(number);
  const auto hear = [&](Number number, const char* what) {
    if (unheard.erase(number) == 1) return true;
    around_.wrong(fmt::format("c{}: number {} is {}, but was not pending", index_, number, what));
    return false;
  };
  std::vector<size_t> again;
  for (const v1::Range64& range : welcome.not_executed()) {
    for (Number number = range.first(); number <= range.last(); ++number) {
      if (!hear(number, "not executed")) continue;
      again.push_back(sent_.at(number).deed);
      sent_.erase(number);
    }
  }
  for (const v1::Range64& range : welcome.waiting()) {
    for (Number number = range.first(); number <= range.last(); ++number) {
      if (hear(number, "waiting") && !waits(deed(sent_.at(number).deed))) {
        around_.wrong(fmt::format("c{}: number {} waits, which it never can", index_, number));
      }
    }
  }
  // Confirmations may have been lost: everything that was handed over is confirmed anew.
  for (Number number = 1; number <= last_; ++number) {
    if (!sent_.contains(number) && !kept_.contains(number) && !returned_.contains(number)) {
      to_confirm_.insert(number);
    }
  }
  to_return_ = returned_;
  for (const v1::Answer& answer : welcome.answers()) {
    if (hear(answer.number(), "answered")) on_answer(answer);
  }
  if (!unheard.empty()) {
    around_.wrong(fmt::format("c{}: of number {} nothing was said", index_, *unheard.begin()));
  }
  queue_.insert(queue_.begin(), again.begin(), again.end());  // before anything newer
}

void Client::on_answer(const v1::Answer& answer) {
  const Number number = answer.number();
  const auto at = sent_.find(number);
  if (at == sent_.end()) {
    return around_.wrong(fmt::format("c{}: an answer to {}, which was not asked", index_, number));
  }
  const Sent sent = at->second;
  sent_.erase(at);
  Deed& asked = deed(sent.deed);
  asked.told = around_.moment();
  asked.answer = answer;
  asked.outcome = answer.code() == 0 ? Outcome::kAnswered : Outcome::kNever;
  // It was put; what ended is the wait for its taker.
  const auto code = static_cast<Code>(answer.code());
  if (asked.until_taken && code == Code::kNotFound) asked.outcome = Outcome::kUnknown;
  around_.say(fmt::format("c{} is told {}: {}", index_, sent.deed, answer.ShortDebugString()));
  if (answer.code() != 0) check_error(asked, answer);
  note_sure(sent, asked);
  hand_over(number, asked, sent.deed);
}

void Client::check_error(const Deed& asked, const v1::Answer& answer) {
  const auto code = static_cast<Code>(answer.code());
  const bool settles = asked.what == What::kSettle || asked.token != 0;
  bool expected = code == Code::kResourceExhausted || code == Code::kCancelled;
  expected = expected || (settles && code == Code::kFailedPrecondition);
  expected = expected || code == Code::kNotFound;
  // It took, but the hold has ended before it could be told.
  expected = expected || (asked.hold && code == Code::kAborted);
  if (!expected) {
    around_.wrong(fmt::format("c{}: {} says {} {}", index_, asked.request.ShortDebugString(),
                              code_name(code), answer.message()));
  }
}

void Client::hand_over(Number number, Deed& asked, size_t index) {
  const bool took = asked.what == What::kIn && asked.outcome == Outcome::kAnswered &&
                    asked.answer.in().tuples_size() > 0;
  if (took && asked.hold) {
    for (const v1::Found& found : asked.answer.in().tuples()) {
      tokens_.push_back({index, asked.space, found.token()});
    }
  }
  const uint64_t luck = around_.draw().below(100);
  if (took && luck < 6) {
    kept_[number] = index;
  } else if (took && luck < 12 && !asked.hold) {
    asked.returned_step = around_.moment().step;
    returned_.insert(number);
    to_return_.insert(number);
  } else {
    confirm(number, index);
  }
}

void Client::confirm(Number number, size_t index) {
  to_confirm_.insert(number);
  const Deed& asked = deed(index);
  if (asked.takes() && asked.outcome == Outcome::kAnswered) took_[number] = index;
}

// Confirmations that left with or before an operation came before it; if that one is on the disk,
// so are they.
void Client::note_sure(const Sent& sent, const Deed& asked) {
  const Past& past = around_.past();
  if (!is_sync_change(asked, past)) return;
  std::erase_if(unsure_, [&](const Confirmed& confirmed) {
    const bool before = confirmed.link < sent.link ||
                        (confirmed.link == sent.link && confirmed.frame <= sent.frame);
    Deed& taken = deed(confirmed.deed);
    const bool covered = confirmed.link == sent.link && before &&
                         past.space(taken.space).shard == past.space(asked.space).shard;
    if (covered) taken.surely_confirmed = true;
    return covered;
  });
}

void Client::on_closed() {
  around_.say(fmt::format("c{} has closed", index_));
  around_.past().sessions[session_].closed_step = around_.moment().step;
  for (const auto& [number, index] : took_) {
    if (deed(index).confirm_step != kNoStep) deed(index).surely_confirmed = true;
  }
  link_->let_go();
  link_ = nullptr;
  state_ = State::kOffline;
  forget_session(around_.moment().step);
}

}  // namespace tuplespace::simulation
