#include "clients/cpp/session.h"

#include <algorithm>

namespace tuplespace::client {

// A call from submit() to its reply.
struct Entry {
  Waiter* waiter = nullptr;  // null: gone, or told already
  Verb verb = Verb::kOut;
  bool cancelled = false;
  Number number = 0;    // 0: not sent
  std::string request;  // as encode_request() made it
  bool waits_for_ever = true;
  bool waits_for_fate = false;  // an out until taken
  Instant deadline = 0;         // unless waits_for_ever: when the wait is over

  bool is_effect() const { return client::is_effect(verb); }
};

namespace {

constexpr size_t kRequestKept = 4096;  // bytes of memory that a free entry keeps

// A frame carries at most half of the calls under way: the server works on one half while we
// handle the answers of the other, and what a frame touches stays in the caches. Within these
// bounds, for each frame has its price, too.
constexpr size_t kFrameCallsMin = 64;
constexpr size_t kFrameCallsMax = 512;

// Returns what is left of a wait, for the wire.
std::optional<int64_t> wait_left(const Entry& entry, Instant now) {
  if (entry.waits_for_ever) return std::nullopt;
  return entry.deadline <= now ? 0 : (entry.deadline - now + 999) / 1000;
}

}  // namespace

Session::Session(const SessionConfig& config) : config_(config) {}
Session::~Session() = default;

Status Session::submit(const Ask& ask, Waiter& waiter, Instant now) {
  if (!why_ended_.ok()) return why_ended_;
  if (closed_ || closing()) {
    return {Code::kFailedPrecondition,
            std::string(verb_name(ask.verb)) + " \"" + ask.space + "\": the connection is closed"};
  }
  if (calls_ >= config_.calls_max) {
    return exhausted(std::string(verb_name(ask.verb)) + " \"" + ask.space +
                         "\": " + std::to_string(calls_) + " calls are under way, calls_max is " +
                         std::to_string(config_.calls_max) + "; wait for some of them",
                     "calls_max");
  }
  const bool waits = may_last(ask.verb);
  if (waits && ask.wait && ask.wait->count() < 0) {
    return invalid(std::string(verb_name(ask.verb)) + " \"" + ask.space + "\": wait is " +
                       std::to_string(ask.wait->count()) + " ms; it must be 0 (a probe) or more",
                   "wait");
  }
  Entry* const entry = new_entry();
  entry->waiter = &waiter;
  entry->verb = ask.verb;
  entry->waits_for_ever = !waits || !ask.wait;
  entry->waits_for_fate = ask.out.until_taken;
  if (waits && ask.wait) {
    // Now and no sooner, so that the whole wait reaches the server.
    const int64_t wait_ms = std::min<int64_t>(ask.wait->count(), kNoInstant / 4000);
    entry->deadline = wait_ms == 0 ? 0 : now + wait_ms * 1000;
  }
  encode_request(ask, entry->request);
  waiter.entry_ = entry;
  queue_.push_back(entry);
  ++calls_;
  waiter.listens_ = !waiter.is_quiet();
  if (waiter.listens_) ++listeners_;
  return {};
}

void Session::listen(Waiter& waiter) {
  if (waiter.entry_ == nullptr || waiter.listens_) return;
  waiter.listens_ = true;
  ++listeners_;
}

void Session::cancel(Waiter& waiter, Replies& replies) {
  Entry* const entry = waiter.entry_;
  if (entry == nullptr || entry->cancelled) return;
  entry->cancelled = true;
  if (entry->number == 0) {
    tell(entry, {Code::kCancelled, "cancelled before it was sent"}, replies);
  } else if (online_) {
    cancels_.push_back(entry->number);
  }
}

void Session::received(Ticket ticket, Receive receive, Instant now) {
  if (ticket.generation != generation_ || ticket.number == 0) return;
  if (receive == Receive::kKeep) return;
  if (kept_.empty() || kept_.erase(ticket.number) == 0) --telling_;
  if (receive == Receive::kGiveBack) return note_return(ticket.number, now);
  note(confirmed_, ticket.number, now);
}

Status Session::settle(Ticket ticket, bool give_back, Instant now) {
  if (ticket.number == 0) return {};
  if (closed_ || ticket.generation != generation_ || kept_.erase(ticket.number) == 0) {
    return {Code::kAborted, "the session that held the tuple has ended; the tuple went back"};
  }
  if (give_back) {
    note_return(ticket.number, now);
  } else {
    note(confirmed_, ticket.number, now);
  }
  return {};
}

void Session::note_return(Number number, Instant now) {
  note(returned_, number, now);
  returns_.insert(number);
  if (returns_.size() > kReturnsMax) {
    forgotten_ = *returns_.begin();
    returns_.erase(returns_.begin());
  }
}

void Session::note(std::vector<NumberRange>& ranges, Number number, Instant now) {
  if (!ranges.empty() && ranges.back().last + 1 == number) {
    ranges.back().last = number;
  } else {
    ranges.push_back({number, number});
  }
  if (confirm_due_ == kNoInstant) confirm_due_ = now + kConfirmWithin;
}

std::string Session::hello() {
  HelloFrame hello;
  hello.session = id_;
  hello.secret = secret_;
  hello.epoch = epoch_;
  hello.ttl_ms = config_.ttl_ms;
  hello.name = config_.name;
  hello.participant = config_.participant;
  for (const auto& [number, entry] : sent_.all()) hello.pending.push_back({number, number});
  normalize(hello.pending);
  std::string frame;
  append_hello(hello, frame);
  return frame;
}

bool Session::has_room() const { return sent_.size() + kept_.size() + telling_ < operations_max_; }

bool Session::has_frame(Instant now) const {
  if (!online_) return false;
  if (!cancels_.empty() || confirm_due_ <= now) return true;
  return (!queue_.empty() && has_room()) || close_ == Close::kWanted;
}

void Session::write(std::string& frame, Instant now, Replies& replies) {
  frame.clear();
  write_receipts(frame);
  size_t left = std::clamp((queue_.size() + sent_.size()) / 2, kFrameCallsMin, kFrameCallsMax);
  while (!queue_.empty() && has_room() && left > 0) {
    Entry* const entry = queue_.front();
    if (entry->waiter == nullptr) {
      free_entry(entry);
    } else if (entry->request.size() + kOperationOverhead > frame_bytes_max_) {
      tell(entry,
           {Code::kResourceExhausted,
            std::string(verb_name(entry->verb)) + ": the request is " +
                std::to_string(entry->request.size()) + " bytes, frame_bytes_max is " +
                std::to_string(frame_bytes_max_) + "; split the tuple or raise the setting",
            {"frame_bytes_max", false, false}},
           replies);
      free_entry(entry);
    } else if (!write_operation(*entry, frame, now)) {
      break;  // the frame is full
    } else {
      --left;
    }
    queue_.pop_front();
  }
  for (const Number number : cancels_) append_cancel(number, frame);
  cancels_.clear();
  if (close_ == Close::kWanted && queue_.empty()) {
    append_close(frame);
    close_ = Close::kSent;
  }
}

bool Session::write_operation(Entry& entry, std::string& frame, Instant now) {
  if (!frame.empty() &&
      frame.size() + entry.request.size() + kOperationOverhead > frame_bytes_max_) {
    return false;
  }
  entry.number = ++last_;
  append_operation(entry.number, entry.verb, entry.request, wait_left(entry, now), frame);
  sent_.add(entry.number, &entry);
  return true;
}

void Session::write_receipts(std::string& frame) {
  normalize(confirmed_);
  for (const NumberRange range : confirmed_) append_confirmed(range, frame);
  normalize(returned_);
  for (const NumberRange range : returned_) append_returned(range, frame);
  confirmed_.clear();
  returned_.clear();
  confirm_due_ = kNoInstant;
}

Status Session::on_frame(std::string_view bytes, Replies& replies) {
  TS_RETURN_IF_ERROR(read_frame(bytes, frame_));
  if (online_ == frame_.welcome.has_value()) {
    return {Code::kInternal, online_ ? "a second welcome" : "no welcome in the first frame"};
  }
  if (frame_.welcome) return on_welcome(frame_, replies);
  for (const std::string_view answer : frame_.answers) {
    TS_RETURN_IF_ERROR(on_answer(answer, replies));
  }
  if (over_) {  // hello() will find that, too
    over_ = false;
    queue_.insert(queue_.begin(), refused_.begin(), refused_.end());
    refused_.clear();
    return {Code::kNotFound, "the session has ended"};
  }
  if (frame_.closed) {
    closed_ = true;
    online_ = false;
  }
  return {};
}

Status Session::on_welcome(const ServerFrame& frame, Replies& replies) {
  const WelcomeFrame& welcome = *frame.welcome;
  if (id_ != 0 && welcome.session != id_) return {Code::kInternal, "welcome to another session"};
  id_ = welcome.session;
  secret_ = welcome.secret;
  epoch_ = welcome.epoch;
  incarnation_ = welcome.incarnation;
  ttl_ms_ = welcome.ttl_ms;
  fence_ = welcome.fence;
  limits_ = welcome.limits;
  frame_bytes_max_ = welcome.frame_bytes_max;
  operations_max_ = std::max<uint64_t>(welcome.operations_max, 1);
  online_ = true;

  confirm_anew();
  for (const std::string_view answer : frame.answers) {
    TS_RETURN_IF_ERROR(on_answer(answer, replies));
  }
  std::set<Number> unheard;
  for (const auto& [number, entry] : sent_.all()) unheard.insert(number);
  for (const NumberRange range : welcome.waiting) {
    auto number = unheard.lower_bound(range.first);
    while (number != unheard.end() && *number <= range.last) {
      if (sent_.find(*number)->cancelled) cancels_.push_back(*number);
      number = unheard.erase(number);
    }
  }
  TS_RETURN_IF_ERROR(ask_again(welcome.not_executed, unheard, replies));
  for (const Number number : unheard) {
    Entry* const entry = sent_.take(number);
    tell(entry,
         {Code::kInternal,
          std::string(verb_name(entry->verb)) +
              ": the server resumed the session and did not say what became of it",
          {"", false, true}},
         replies);
    free_entry(entry);
  }
  if (close_ == Close::kSent) close_ = Close::kWanted;
  return {};
}

// Puts what was not executed in front of the queue, in its old order, under no number.
Status Session::ask_again(const std::vector<NumberRange>& ranges, std::set<Number>& unheard,
                          Replies& replies) {
  std::vector<Entry*> again;
  for (const NumberRange range : ranges) {
    auto number = unheard.lower_bound(range.first);
    while (number != unheard.end() && *number <= range.last) {
      Entry* const entry = sent_.take(*number);
      number = unheard.erase(number);
      confirmed_.push_back({entry->number, entry->number});
      refuse(entry, replies, again);
    }
  }
  queue_.insert(queue_.begin(), again.begin(), again.end());
  return {};
}

// `entry` was not executed: it goes to `again`, under no number, if somebody still wants it.
void Session::refuse(Entry* entry, Replies& replies, std::vector<Entry*>& again) {
  entry->number = 0;
  if (entry->cancelled && entry->waiter != nullptr) {
    tell(entry, {Code::kCancelled, "cancelled; it was not executed"}, replies);
  }
  if (entry->waiter == nullptr) {
    free_entry(entry);
  } else {
    again.push_back(entry);
  }
}

// Confirms everything above forgotten_ except what is under way, kept or returned; the last is
// returned anew.
void Session::confirm_anew() {
  std::set<Number> open(kept_);
  open.insert(returns_.begin(), returns_.end());
  for (const auto& [number, entry] : sent_.all()) open.insert(number);
  confirmed_.clear();
  Number from = forgotten_ + 1;
  for (const Number number : open) {
    if (from < number) confirmed_.push_back({from, number - 1});
    from = std::max(from, number + 1);
  }
  if (from <= last_) confirmed_.push_back({from, last_});
  returned_.clear();
  for (const Number number : returns_) returned_.push_back({number, number});
  confirm_due_ = confirmed_.empty() && returned_.empty() ? kNoInstant : 0;
}

Status Session::on_answer(std::string_view bytes, Replies& replies) {
  Replies::Told& told = replies.add();
  if (Status read = read_answer(bytes, limits_, told.reply); !read.ok()) {
    replies.undo();
    return read;
  }
  Entry* const entry = sent_.take(told.reply.ticket.number);
  if (entry == nullptr) {
    replies.undo();
    return {Code::kInternal, "an answer to number " + std::to_string(told.reply.ticket.number) +
                                 ", which was not asked"};
  }
  const Status& status = told.reply.status;
  if (!status.ok() && status.code() == Code::kNotFound && status.problem().bound == "session") {
    const Status why = status;
    replies.undo();
    on_ended(entry, why, replies);
    return {};
  }
  told.reply.ticket.generation = generation_;
  told.took = entry->verb == Verb::kIn && !told.reply.tuples.empty();
  told.waiter = release_waiter(entry);
  if (told.took && told.waiter != nullptr && told.waiter->keeps()) {
    kept_.insert(told.reply.ticket.number);
  } else {
    ++telling_;
  }
  free_entry(entry);
  return {};
}

// The session has ended, says the answer to `entry`. So it was not executed, except that who waits
// for the fate of what he has put has put it.
void Session::on_ended(Entry* entry, const Status& why, Replies& replies) {
  over_ = !closing();  // else we have ended it
  if (!entry->waits_for_fate) return refuse(entry, replies, refused_);
  tell(entry, {Code::kAborted, "out until taken: " + why.message(), {"session", false, true}},
       replies);
  free_entry(entry);
}

void Session::on_broken() {
  online_ = false;
  cancels_.clear();  // those who still wait are cancelled again after Welcome
}

void Session::lose(const Status& why, Replies& replies) {
  std::vector<Entry*> again;
  for (const auto& [number, entry] : sent_.all()) {
    entry->number = 0;
    if (entry->waiter != nullptr && entry->cancelled) {
      tell(entry,
           {Code::kCancelled, "cancelled; its session has ended", {"", false, entry->is_effect()}},
           replies);
    } else if (entry->waiter != nullptr && entry->is_effect()) {
      tell(entry,
           {Code::kAborted,
            std::string(verb_name(entry->verb)) +
                ": the session ended while it was under way: " + why.message(),
            {"", false, true}},
           replies);
    }
    if (entry->waiter == nullptr) {
      free_entry(entry);
    } else {
      again.push_back(entry);
    }
  }
  queue_.insert(queue_.begin(), again.begin(), again.end());
  sent_.clear();
  kept_.clear();
  cancels_.clear();
  confirmed_.clear();
  returned_.clear();
  returns_.clear();
  confirm_due_ = kNoInstant;
  telling_ = 0;
  ++generation_;
  id_ = epoch_ = last_ = forgotten_ = 0;
  secret_.clear();
  online_ = false;
}

void Session::give_up(Code code, const std::string& why, Replies& replies) {
  for (Entry* const entry : queue_) {
    if (entry->waiter != nullptr) {
      tell(entry, {code, std::string(verb_name(entry->verb)) + ": " + why, {"", true, false}},
           replies);
    }
    free_entry(entry);
  }
  queue_.clear();
  for (const auto& [number, entry] : sent_.all()) {
    if (entry->waiter == nullptr) continue;
    entry->cancelled = true;
    tell(entry,
         {code, std::string(verb_name(entry->verb)) + ": " + why, {"", true, entry->is_effect()}},
         replies);
  }
}

// Lets the waiter of `entry` know `status`. The entry itself stays where it is.
void Session::tell(Entry* entry, Status status, Replies& replies) {
  if (entry->waiter == nullptr) return;
  Replies::Told& told = replies.add();
  told.waiter = release_waiter(entry);
  told.reply.status = std::move(status);
}

// Parts `entry` from whoever waits for it; null if nobody does.
Waiter* Session::release_waiter(Entry* entry) {
  Waiter* const waiter = std::exchange(entry->waiter, nullptr);
  if (waiter == nullptr) return nullptr;
  waiter->entry_ = nullptr;
  --calls_;
  if (waiter->listens_) --listeners_;
  return waiter;
}

Entry* Session::new_entry() {
  if (free_.empty()) {
    entries_.push_back(std::make_unique<Entry>());
    return entries_.back().get();
  }
  Entry* const entry = free_.back();
  free_.pop_back();
  return entry;
}

void Session::free_entry(Entry* entry) {
  entry->waiter = nullptr;
  entry->number = 0;
  entry->cancelled = false;
  entry->request.clear();
  if (entry->request.capacity() > kRequestKept) entry->request.shrink_to_fit();
  free_.push_back(entry);
}

}  // namespace tuplespace::client
