#include "clients/cpp/driver.h"

#include <algorithm>

namespace tuplespace::client {
namespace {

// Waits for something else than a reply.
template <typename Done>
class WaiterFor final : public Waiter {
 public:
  explicit WaiterFor(Done done) : done_(std::move(done)) {}
  Receive on_reply(Reply&) override { return Receive::kConfirm; }
  bool done() const override { return done_(); }

 private:
  const Done done_;
};

bool is_fatal(Code code) {
  return code == Code::kInvalidArgument || code == Code::kUnimplemented ||
         code == Code::kFailedPrecondition;
}

}  // namespace

Driver::Driver(std::string address, const std::string& target, const ConnectOptions& options)
    : address_(std::move(address)),
      options_(options),
      session_({options.calls_max, options.session_ttl.count(), options.name, options.participant}),
      link_(target) {}

// ---- callers ----

void Driver::submit(const Ask& ask, Waiter& waiter) {
  Lock lock(mutex_);
  // The time is asked for only where it is needed: it costs as much as all else in here.
  const bool joins_a_frame = writing_ || telling_ > 0;
  const Instant now = joins_a_frame && !ask.wait ? 0 : steady_now();
  if (Status status = session_.submit(ask, waiter, now); !status.ok()) {
    lock.unlock();
    Reply reply;
    reply.status = std::move(status);
    waiter.on_reply(reply);
    return;
  }
  if (!joins_a_frame) flush(lock, now);
  call_background();
}

void Driver::listen(Waiter& waiter) {
  const Lock lock(mutex_);
  session_.listen(waiter);
  call_background();
}

void Driver::cancel(Waiter& waiter) {
  Lock lock(mutex_);
  Replies replies;
  session_.cancel(waiter, replies);
  tell(lock, replies);
  flush(lock, steady_now());
}

Status Driver::settle(Ticket ticket, bool give_back) {
  Lock lock(mutex_);
  const Instant now = steady_now();
  TS_RETURN_IF_ERROR(session_.settle(ticket, give_back, now));
  // Who drives sleeps and does not know when this is due. If nobody does, the background thread
  // looks in soon enough, and the next call may come sooner.
  flush(lock, driving_ ? now + Session::kConfirmWithin : now);
  return {};
}

uint64_t Driver::session() const {
  const Lock lock(mutex_);
  return session_.id();
}

uint64_t Driver::fence() const {
  const Lock lock(mutex_);
  return session_.fence();
}

std::string Driver::secret() const {
  const Lock lock(mutex_);
  return session_.secret();
}

void Driver::await(const Waiter& waiter, Instant deadline) {
  Lock lock(mutex_);
  while (!waiter.done()) {
    if (deadline != kNoInstant && steady_now() >= deadline) break;
    if (driving_) {
      // Else the answer would come to the background thread, and from there to us. It makes room
      // by itself when what we wrote has left, and keeps its place where others listen.
      if (background_drives_ && !writing_ && session_.listeners() == 0) {
        link_.wake_at(steady_now());
      }
      sleep(lock, waiter, deadline);
      continue;
    }
    driving_ = true;
    ++drivers_;
    do {
      turn(lock, deadline);
    } while (!waiter.done() && (deadline == kNoInstant || steady_now() < deadline));
    driving_ = false;
  }
  // Also by who was only woken to drive, and found its own answer there.
  if (!driving_) pass_on();
}

void Driver::sleep(Lock& lock, const Waiter& waiter, Instant deadline) {
  Sleeper sleeper{&waiter, {}};
  sleepers_.push_back(&sleeper);
  if (deadline == kNoInstant) {
    sleeper.wake.wait(lock);
  } else {
    sleeper.wake.wait_for(lock, std::chrono::microseconds(deadline - steady_now()));
  }
  std::erase(sleepers_, &sleeper);
}

void Driver::wake_sleepers() {
  for (Sleeper* const sleeper : sleepers_) {
    if (sleeper->waiter->done()) sleeper->wake.notify_one();
  }
}

// Who stops driving looks for the next who does.
void Driver::pass_on() {
  if (!sleepers_.empty()) {
    sleepers_.front()->wake.notify_one();
  } else if (background_idle_ || session_.listeners() > 0) {
    background_.notify_one();
  }
}

// Who listens to the reply of a call does not drive.
void Driver::call_background() {
  if (!driving_ && sleepers_.empty() && session_.listeners() > 0) background_.notify_one();
}

// ---- driving ----

void Driver::run() {
  Lock lock(mutex_);
  uint64_t seen = drivers_;
  while (!finished_) {
    if (leaving_) {
      leaving_ = false;
      lock.unlock();
      shut_down();
      lock.lock();
    } else if (driving_ && drivers_ == seen) {
      background_idle_ = true;
      background_.wait(lock);
      background_idle_ = false;
      seen = drivers_ - 1;  // its caller may be back at once: look in lazily first
    } else if (driving_ || !sleepers_.empty() || (drivers_ != seen && session_.listeners() == 0)) {
      seen = drivers_;
      if (!sleepers_.empty() && !driving_) sleepers_.front()->wake.notify_one();
      const Instant now = steady_now();
      flush(lock, now);
      const Instant due = writing_ ? kNoInstant : session_.due();
      const Instant pause = std::clamp(due - now, kLazyMin, kLazy);
      background_.wait_for(lock, std::chrono::microseconds(pause));
    } else {
      driving_ = background_drives_ = true;
      turn(lock, kNoInstant);
      // Nobody's next call is near enough to carry the confirmations.
      flush(lock, steady_now() + Session::kConfirmWithin);
      driving_ = background_drives_ = false;
    }
  }
}

void Driver::turn(Lock& lock, Instant deadline) {
  const Instant now = steady_now();
  on_time(lock, now);
  flush(lock, now);
  deadline = std::min(deadline, next_due());
  lock.unlock();
  const Link::Event event = link_.next(deadline);
  lock.lock();
  on_event(lock, event);
}

Instant Driver::next_due() const {
  Instant due = writing_ ? kNoInstant : session_.due();
  if (!open_ && !finished_) due = std::min(due, reopen_at_);
  if (session_.calls() > 0) due = std::min(due, give_up_at_);
  return std::min(due, attempt_ends_);
}

void Driver::flush(Lock& lock, Instant now) {
  if (writing_ || telling_ > 0 || !session_.has_frame(now)) return;
  Replies refused;
  std::string frame = std::move(frame_);
  session_.write(frame, now, refused);
  put(lock, std::move(frame));
  tell(lock, refused);
}

// Writes `frame` with the lock released.
void Driver::put(Lock& lock, std::string frame) {
  if (!frame.empty()) {
    writing_ = true;
    const uint64_t stream = stream_;
    lock.unlock();
    link_.write(stream, frame);
    lock.lock();
  }
  frame_ = std::move(frame);
}

void Driver::tell(Lock& lock, Replies& replies) {
  if (replies.size() == 0) return;
  ++telling_;
  lock.unlock();
  replies.tell();
  lock.lock();
  --telling_;
  const Instant now = steady_now();
  for (size_t i = 0; i < replies.size(); ++i) {
    session_.received(replies[i].reply.ticket, replies[i].receive, now);
  }
  replies.clear();
  wake_sleepers();
}

// ---- what happens ----

void Driver::on_event(Lock& lock, Link::Event event) {
  switch (event) {
    case Link::Event::kNothing: return;
    case Link::Event::kOpen: return put(lock, session_.hello());
    case Link::Event::kWritten: writing_ = false; return;
    case Link::Event::kFrame: return on_frame(lock);
    case Link::Event::kBroken: return on_broken(lock);
  }
}

void Driver::on_frame(Lock& lock) {
  const bool was_online = session_.online();
  if (Status status = session_.on_frame(link_.frame(), replies_); !status.ok()) {
    last_error_ = status;
    link_.drop();
  }
  if (!was_online && session_.online()) {
    pause_ = 0;
    fatal_ = last_error_ = {};
    attempt_ends_ = offline_since_ = give_up_at_ = kNoInstant;
  }
  tell(lock, replies_);
  if (session_.closed()) {
    link_.drop();
    wake_sleepers();
  }
}

void Driver::on_broken(Lock& lock) {
  const Instant now = steady_now();
  const bool was_online = session_.online();
  const Status why = link_.why();
  open_ = writing_ = false;
  attempt_ends_ = kNoInstant;
  session_.on_broken();
  if (session_.closed()) {
    finished_ = true;
    return;
  }
  if (why.code() != Code::kCancelled || last_error_.ok()) last_error_ = why;  // else we dropped it
  if (offline_since_ == kNoInstant) {
    offline_since_ = now;
    give_up_at_ = now + options_.patience.count() * 1000;
  }
  const bool unknown = why.code() == Code::kNotFound || why.code() == Code::kPermissionDenied;
  if (!was_online && session_.id() != 0 && unknown) {
    if (session_.closing()) {
      session_.end();
      lost_ = finished_ = true;
      wake_sleepers();
      return;
    }
    if (!options_.name.empty()) return be_fenced(lock);
    session_.lose(why, replies_);
    reopen_at_ = now;
    return tell(lock, replies_);
  }
  if (is_fatal(why.code()) || why.code() == Code::kPermissionDenied) {
    fatal_ = why;
    end_calls(lock, why.code(), why.message());
  }
  reopen_at_ = now + pause_;
  pause_ = std::clamp(pause_ * 2, kReopenMin, kReopenMax);
}

// Opening one of that name again would fence whoever has it now.
void Driver::be_fenced(Lock& lock) {
  fatal_ = {Code::kAborted,
            "the session \"" + options_.name +
                "\" has ended: another has taken the name over, or its lease ran out; what it held "
                "went back, connect again",
            {"session", false, false}};
  lost_ = finished_ = true;
  session_.end(fatal_);
  end_calls(lock, Code::kAborted, fatal_.message());
  wake_sleepers();
}

void Driver::on_time(Lock& lock, Instant now) {
  if (!open_ && !finished_ && now >= reopen_at_) {
    open_ = true;
    attempt_ends_ = now + kAttemptMax;
    stream_ = link_.open();
  }
  if (now >= attempt_ends_) {
    attempt_ends_ = kNoInstant;
    last_error_ = {Code::kUnavailable, "it does not say welcome"};
    link_.drop();
  }
  if (offline_since_ == kNoInstant) return;
  const bool over = now >= give_up_at_;
  if (over || session_.calls() == 0) give_up_at_ = now + options_.patience.count() * 1000;
  if (over && session_.calls() > 0) {
    end_calls(lock, Code::kUnavailable,
              "no server at " + address_ + " for " + std::to_string(options_.patience.count()) +
                  " ms: " + last_error_.message());
  }
}

void Driver::end_calls(Lock& lock, Code code, const std::string& why) {
  Replies replies;
  session_.give_up(code, why, replies);
  tell(lock, replies);
}

// ---- beginning and end ----

Status Driver::start() {
  const Instant deadline = steady_now() + options_.timeout.count() * 1000;
  const WaiterFor tried([this] { return session_.online() || offline_since_ != kNoInstant; });
  await(tried, kNoInstant);
  const WaiterFor decided([this] { return session_.online() || !fatal_.ok(); });
  await(decided, deadline);

  const Lock lock(mutex_);
  if (session_.online()) return {};
  if (!fatal_.ok()) return fatal_;
  if (last_error_.code() != Code::kUnavailable) return last_error_;
  return {Code::kUnavailable,
          "no server at " + address_ + " (" + last_error_.message() +
              "); start one there with tuplespaced",
          {"", true, false}};
}

// Asks for the end of the session and waits for it. Returns whether it came.
bool Driver::send_close(Lock& lock, Instant deadline) {
  if (session_.closed()) return true;
  end_calls(lock, Code::kCancelled, "the connection was closed");
  session_.want_close();
  flush(lock, steady_now());
  if (Telling::here()) return false;
  const WaiterFor closed([this] { return session_.closed(); });
  lock.unlock();
  await(closed, deadline);
  lock.lock();
  return session_.closed();
}

Status Driver::close() {
  TS_RETURN_IF_ERROR(may_wait());
  Lock lock(mutex_);
  if (session_.closed()) return fatal_;
  const Instant timeout = std::max<Instant>(options_.timeout.count() * 1000, kAttemptMax);
  if (!send_close(lock, steady_now() + timeout)) {
    return {Code::kUnavailable,
            "close: no answer from " + address_ + " (" + last_error_.message() +
                "); what was taken last may be given back",
            {"", true, true}};
  }
  if (lost_) {
    return {Code::kAborted,
            "close: the session had ended already; what was taken last may have been given back",
            {"", false, true}};
  }
  return {};
}

void Driver::shut_down() {
  Lock lock(mutex_);
  if (Telling::here()) {  // what is being told is not confirmed yet: run() does it afterwards
    leaving_ = true;
    background_.notify_one();
    return;
  }
  if (!session_.online()) {
    end_calls(lock, Code::kCancelled, "the connection was closed");
  } else {
    send_close(lock, steady_now() + kFarewell);
  }
  session_.end();
  finished_ = true;
  link_.drop();
  link_.wake_at(steady_now());
  background_.notify_one();
  wake_sleepers();
}

}  // namespace tuplespace::client
