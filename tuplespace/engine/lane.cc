#include "tuplespace/engine/lane.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

namespace tuplespace {
namespace {

constexpr Duration kPollMax = 60'000;     // a poll that waits for nothing ends after it
constexpr size_t kQueueKept = 16'384;     // operations; a larger buffer is given back
constexpr size_t kBatchEnough = 8 << 20;  // a batch this large is worth a commit of its own

// The lane that runs on this thread.
thread_local Lane* t_lane = nullptr;

// Operations that can be refused when too many wait. The others end something or are rare.
bool is_refusable(const Operation& operation) {
  return std::holds_alternative<Out>(operation.what) ||
         std::holds_alternative<Take>(operation.what) ||
         std::holds_alternative<Count>(operation.what) ||
         std::holds_alternative<Scan>(operation.what);
}

}  // namespace

void Lane::Queue::turn() {
  taken.clear();
  if (taken.capacity() > kQueueKept) taken = {};
  next = 0;
  taken.swap(filling);
}

Lane::Lane(size_t index, Common& common, std::unique_ptr<Poller> poller)
    : index_(index),
      common_(common),
      poller_(std::move(poller)),
      batch_bytes_max_(std::min(common.store.limits().batch_bytes_max / 2, kBatchEnough)),
      batch_changes_max_(common.store.limits().batch_changes_max / 2),
      outgoing_(common.config.lanes),
      gather_([this](Answer answer) { deliver(std::move(answer)); }),
      gather_id_(add_receiver(&gather_)) {}

void Lane::add_shard(std::unique_ptr<Shard> shard) {
  Owned& owned = owned_.emplace_back();
  owned.shard = std::move(shard);
  owned.effects.batch_number = 1;
}

uint64_t Lane::add_receiver(Receiver* receiver) {
  if (free_slots_.empty()) {
    TS_CHECK(slots_.size() < size_t{1} << kSlotBits);
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t at = free_slots_.back();
  free_slots_.pop_back();
  slots_[at].receiver = receiver;
  return uint64_t{slots_[at].generation} << 32 | uint64_t{index_} << kSlotBits | at;
}

void Lane::forget_receiver(uint64_t id) {
  const uint32_t at = id & ((1u << kSlotBits) - 1);
  TS_CHECK(at < slots_.size() && slots_[at].generation == id >> 32);
  slots_[at].receiver = nullptr;
  ++slots_[at].generation;
  free_slots_.push_back(at);
}

// ---- from any thread ----

bool Lane::has_room(const std::vector<Submission>& queue, const Operation& operation) const {
  return queue.size() < common_.config.inbox_max || !is_refusable(operation);
}

void Lane::submit(Operation&& operation, uint16_t shard, bool create_here) {
  if (t_lane == this) {
    if (applied_ < common_.config.round_max && local_.empty() && !held_up()) {
      ++applied_;
      return apply(operation, shard, create_here);
    }
    if (!has_room(local_.filling, operation)) return refuse(operation.reply);
    local_.filling.push_back({std::move(operation), shard, create_here});
    return;
  }
  {
    std::unique_lock lock(mutex_);
    if (!has_room(remote_.filling, operation)) {
      lock.unlock();
      return refuse(operation.reply);
    }
    remote_.filling.push_back({std::move(operation), shard, create_here});
  }
  news_ = true;
  notify();
}

// The refusal goes the way of every answer: nobody is called from within submit().
void Lane::refuse(ReplyTo reply) {
  figures_[kRefused].fetch_add(1, std::memory_order_relaxed);
  if (reply.receiver == 0) return;
  std::vector<Answer> answers(1);
  answers[0].reply = reply;
  answers[0].status = exhausted(
      fmt::format("{} operations wait for lane {}, inbox_max is {}; nothing was done, ask again "
                  "later",
                  common_.config.inbox_max, index_, common_.config.inbox_max),
      "inbox_max");
  common_.lanes[lane_of(reply.receiver)]->answer(answers);
}

void Lane::answer(std::vector<Answer>& answers) {
  {
    const std::lock_guard lock(mutex_);
    for (Answer& answer : answers) inbox_answers_.push_back(std::move(answer));
  }
  answers.clear();
  news_ = true;
  notify();
}

void Lane::run_task(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    inbox_tasks_.push_back(std::move(task));
  }
  news_ = true;
  notify();
}

uint64_t Lane::begin_gather(ReplyTo reply) { return gather_.begin(reply, common_.config.shards); }

void Lane::reached(Watermarks marks) {
  if (marks.written >= until_written_ || marks.synced >= until_synced_) notify();
}

void Lane::notify() {
  if (!asleep_ || !asleep_.exchange(false)) return;
  figures_[kWakes].fetch_add(1, std::memory_order_relaxed);
  poller_->wake();
}

Lane::Figures Lane::figures() const {
  Figures figures;
  for (size_t at = 0; at < kFigures; ++at) figures[at] = figures_[at].load();
  return figures;
}

// ---- the thread ----

void Lane::start() {
  thread_ = std::thread([this] { loop(); });
}

void Lane::end() {
  ended_ = true;
  notify();
}

void Lane::join() { thread_.join(); }

void Lane::loop() {
  t_lane = this;
  pthread_setname_np(pthread_self(), fmt::format("lane-{}", index_).c_str());
  while (!ended_) {
    const Time next = run_once(common_.clock.now());
    if (common_.config.before_poll) common_.config.before_poll(index_);
    poll(next);
  }
}

void Lane::poll(Time next) {
  time_known_ = false;
  if (has_work()) return poller_->poll(0);
  uint64_t until_written = InFlight::kNothing;
  uint64_t until_synced = InFlight::kNothing;
  for (const Owned& owned : owned_) {
    const bool parked_only = !held_up();
    until_written = std::min(until_written, owned.in_flight.first_unwritten(parked_only));
    until_synced = std::min(until_synced, owned.in_flight.first_unsynced(true));
  }
  until_written_ = until_written;
  until_synced_ = until_synced;
  asleep_ = true;
  const Watermarks marks = common_.progress.marks();
  const bool awake =
      news_ || ended_ || marks.written >= until_written || marks.synced >= until_synced;
  const Time now = common_.clock.now();
  poller_->poll(awake || next <= now ? 0 : std::min(next - now, kPollMax));
  asleep_ = false;
}

bool Lane::has_work() const {
  if (touched_) return true;
  return !held_up() && (!local_.empty() || !remote_.exhausted() || inbox_left_);
}

bool Lane::held_up() const {
  uint64_t bytes = 0;
  for (const Owned& owned : owned_) bytes += owned.in_flight.unwritten_bytes();
  return bytes > common_.config.in_flight_bytes_max;
}

bool Lane::quiet() const {
  if (touched_ || !local_.empty() || !remote_.exhausted() || inbox_left_ || news_) return false;
  return std::ranges::none_of(owned_,
                              [](const Owned& owned) { return owned.in_flight.parked() > 0; });
}

// ---- a round ----

Time Lane::run_once(Time now) {
  Lane* const before = std::exchange(t_lane, this);
  time_ = now;
  time_known_ = true;
  applied_ = 0;
  count(kRounds);
  take_inbox();
  for (Answer& answer : arrived_) deliver(std::move(answer));
  arrived_.clear();
  release();
  if (every_second_ && now >= second_due_) {
    second_due_ = now + 1000;
    every_second_(now);
  }
  if (held_up()) {
    count(kHeldUp);
  } else {
    if (local_.exhausted()) local_.turn();
    apply_some(local_);
    apply_some(remote_);
  }
  const Time next = finish_round(now);
  flush_outgoing();
  for (const auto& task : tasks_) task();
  tasks_.clear();
  t_lane = before;
  return has_work() ? now : next;
}

void Lane::take_inbox() {
  const bool room = remote_.exhausted();
  if (!news_.exchange(false) && !(inbox_left_ && room)) return;
  const std::lock_guard lock(mutex_);
  arrived_.swap(inbox_answers_);
  tasks_.swap(inbox_tasks_);
  if (room) remote_.turn();
  inbox_left_ = !remote_.filling.empty();
}

void Lane::release() {
  const Watermarks marks = common_.progress.marks();
  for (Owned& owned : owned_) {
    owned.in_flight.release(marks, [this](Answer&& answer) { deliver(std::move(answer)); });
  }
}

void Lane::apply_some(Queue& queue) {
  const size_t left = queue.taken.size() - queue.next;
  const size_t end = queue.next + std::min(left, common_.config.round_max);
  while (queue.next < end) {
    Submission& submission = queue.taken[queue.next++];
    apply(submission.operation, submission.shard, submission.create_here);
  }
}

Time Lane::time() {
  if (!time_known_) {
    time_ = common_.clock.now();
    time_known_ = true;
  }
  return time_;
}

void Lane::apply(Operation& operation, uint16_t shard, bool create_here) {
  Owned& owned = owned_of(shard);
  std::string checked;  // a space that the shard may not have afterwards
  if (!one_shard()) {
    if (!create_here && !is_at_home(operation, shard, owned)) return;
    const bool drops = std::holds_alternative<DropSpace>(operation.what);
    if (create_here || drops) checked = *space_of(operation);
  }
  count(kOperations);
  owned.shard->apply(std::move(operation), time(), owned.effects);
  owned.touched = touched_ = true;
  if (!checked.empty() && !owned.shard->has_space(checked)) {
    common_.directory.erase(checked, shard);
  }
  const Batch& batch = owned.effects.batch;
  if (batch.bytes() >= batch_bytes_max_ || batch.changes() >= batch_changes_max_) commit(owned);
}

// With several shards: true if `operation` is for `owned`; else it has been sent on. See
// Directory.
bool Lane::is_at_home(Operation& operation, uint16_t shard, Owned& owned) {
  const std::string* space = space_of(operation);
  if (!space || owned.shard->has_space(*space)) return true;
  const uint16_t home = shard == 0 ? common_.directory.find(*space) : 0;
  if (home != shard) {
    forward(operation, home);
    return false;
  }
  const auto* create = std::get_if<CreateSpace>(&operation.what);
  if (!create || create->policy.shard == 0) return true;
  const uint16_t there = create->policy.shard;
  const Status moved(Code::kUnavailable,
                     fmt::format("space \"{}\" was created in shard {} while this waited for it; "
                                 "ask again",
                                 *space, there),
                     {"", true, false});
  owned.shard->end_waits(*space, moved, owned.effects);
  owned.touched = touched_ = true;
  common_.directory.insert(*space, there);
  forward(operation, there, true);
  return false;
}

void Lane::forward(Operation& operation, uint16_t shard, bool create_here) {
  count(kForwarded);
  Lane& lane = *common_.lanes[shard % common_.lanes.size()];
  if (&lane == this) return apply(operation, shard, create_here);
  lane.submit(std::move(operation), shard, create_here);
}

Time Lane::finish_round(Time now) {
  Time next = every_second_ ? second_due_ : kNever;
  touched_ = false;
  for (Owned& owned : owned_) {
    if (owned.touched || now >= owned.due) {
      owned.due = owned.shard->tick(now, owned.effects);
      if (closing_) {
        static const Status kGoingDown(Code::kUnavailable, "the server is going down; ask again",
                                       {"", true, false});
        owned.shard->end_waits("", kGoingDown, owned.effects);
      }
      commit(owned);
      owned.touched = false;
    }
    next = std::min(next, owned.due);
  }
  release();  // a store may be that fast
  for (Owned& owned : owned_) dispatch(owned);
  if (std::exchange(want_synced_, false)) {
    common_.store.want_synced();
    sync_asked_ = last_commit_;
    count(kSyncsWanted);
  }
  return next;
}

void Lane::commit(Owned& owned) {
  Effects& effects = owned.effects;
  owned.shard->finish(effects);
  if (!effects.batch.empty()) {
    const size_t bytes = effects.batch.bytes();
    last_commit_ = common_.store.commit(std::move(effects.batch), effects.mark);
    if (effects.mark == Mark::kSynced) sync_asked_ = last_commit_;
    owned.in_flight.add(last_commit_, bytes);
    count(kBatches);
    count(kBatchBytes, bytes);
  }
  effects.batch.clear();
  effects.mark = Mark::kNone;
  effects.batch_number = owned.in_flight.last() + 1;
  if (owned.committed.empty()) {
    owned.committed.swap(effects.answers);
  } else {
    for (Answer& answer : effects.answers) owned.committed.push_back(std::move(answer));
    effects.answers.clear();
  }
  if (!effects.ended_sessions.empty()) tell_ended(effects.ended_sessions);
  if (!effects.dropped_spaces.empty()) forget_spaces(owned);
}

// They ended by themselves: their names are free for every shard.
void Lane::forget_spaces(Owned& owned) {
  const auto at = static_cast<size_t>(&owned - owned_.data());
  const auto shard = static_cast<uint16_t>(at * common_.lanes.size() + index_);
  for (const std::string& space : std::exchange(owned.effects.dropped_spaces, {})) {
    if (!owned.shard->has_space(space)) common_.directory.erase(space, shard);
  }
}

// Shard 0 ended them. Its batch is committed before those of the shards that hear of it: what is
// durable of the end of a session begins with shard 0.
void Lane::tell_ended(std::vector<SessionId>& sessions) {
  for (const SessionId session : sessions) {
    for (uint16_t shard = 1; shard < common_.config.shards; ++shard) {
      Operation close;
      close.what = CloseSession{session, "", true, {}};
      common_.lanes[shard % common_.lanes.size()]->submit(std::move(close), shard);
    }
  }
  sessions.clear();
}

// Whom an answer reaches may submit more to any shard of this lane. What that is answered waits for
// the next round: its batch is not committed yet.
void Lane::dispatch(Owned& owned) {
  leaving_.swap(owned.committed);
  for (Answer& answer : leaving_) {
    if (answer.reply.receiver == 0) continue;
    if (owned.in_flight.may_leave(answer)) {
      deliver(std::move(answer));
      continue;
    }
    const bool for_synced = answer.mark == Mark::kSynced;
    const uint64_t waits_for = owned.in_flight.park(std::move(answer));
    if (for_synced && waits_for > sync_asked_) want_synced_ = true;
  }
  leaving_.clear();
}

void Lane::deliver(Answer&& answer) {
  const uint64_t id = answer.reply.receiver;
  if (id == 0) return;
  if (const size_t lane = lane_of(id); lane != index_) {
    outgoing_[lane].push_back(std::move(answer));
    return;
  }
  const Slot& slot = slots_[id & ((1u << kSlotBits) - 1)];
  if (slot.generation != id >> 32) return count(kAnswersDropped);  // forgotten
  count(kAnswers);
  slot.receiver->on_answer(std::move(answer));
}

void Lane::flush_outgoing() {
  for (size_t lane = 0; lane < outgoing_.size(); ++lane) {
    if (!outgoing_[lane].empty()) common_.lanes[lane]->answer(outgoing_[lane]);
  }
}

void Lane::refuse_out(const std::string& reason) {
  for (Owned& owned : owned_) owned.shard->refuse_out(reason);
}

void Lane::close() {
  closing_ = true;
  touched_ = true;
  for (Owned& owned : owned_) owned.touched = true;
}

void Lane::count(Figure figure, uint64_t by) {
  std::atomic<uint64_t>& counter = figures_[figure];  // written by this thread only
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace tuplespace
