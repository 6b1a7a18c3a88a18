#include "tuplespace/space/shard.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

constexpr Sequence kSequenceStep = 1 << 24;  // the limit is raised by this, half of it ahead
constexpr size_t kDueAtOnce = 4096;          // timers handled at a stretch
constexpr size_t kUnfinishedAtOnce = 256;    // searches continued at a stretch

template <typename... F>
struct Overload : F... {
  using F::operator()...;
};
template <typename... F>
Overload(F...) -> Overload<F...>;

}  // namespace

Shard::Parts::Parts(const ShardConfig& c)
    : config(c),
      wheel(0),
      event_print(c.seed),
      print(c.seed),
      plans(c.seed),
      random_state(c.seed * 2 + 1) {}

Shard::Shard(const ShardConfig& config) : parts_(std::make_unique<Parts>(config)) {}
Shard::~Shard() = default;

Status Shard::recover(std::string_view key, std::string_view value) {
  return parts_->recover(key, value);
}

Status Shard::recovered(Time now, Effects& effects) { return parts_->recovered(now, effects); }

std::string Shard::key_prefix(uint16_t shard) { return record::shard_key(shard).substr(0, 2); }

void Shard::apply(Operation&& operation, Time now, Effects& effects) {
  Parts& parts = *parts_;
  parts.begin(now, effects);
  std::visit(Overload{
                 [&](Out&) { parts.out(operation); },
                 [&](Take&) { parts.take(operation); },
                 [&](Count&) { parts.count(operation); },
                 [&](Scan&) { parts.scan(operation); },
                 [&](CreateSpace&) { parts.create(operation); },
                 [&](DropSpace&) { parts.drop(operation); },
                 [&](ListSpaces&) { parts.list(operation); },
                 [&](Stats&) { parts.stats(operation); },
                 [&](OpenSession&) { parts.open_session(operation); },
                 [&](ResumeSession&) { parts.resume_session(operation); },
                 [&](SuspendSession& suspend) { parts.suspend_session(suspend); },
                 [&](Confirm&) { parts.confirm(operation); },
                 [&](CloseSession&) { parts.close_session(operation); },
                 [&](Cancel& cancel) { parts.cancel(cancel); },
                 [&](Settle&) { parts.settle(operation); },
                 [&](Collect&) { parts.collect(operation); },
                 [&](Atomic&) { parts.atomic(operation); },
                 [&](Renew&) { parts.renew(operation); },
                 [&](EndLease&) { parts.end_lease(operation); },
                 [&](Begin&) { parts.begin_transaction(operation); },
                 [&](EndTransaction&) { parts.end_transaction(operation); },
                 [&](Watch&) { parts.watch(operation); },
                 [&](Blocked&) { parts.blocked(operation); },
                 [&](ListHolds&) { parts.list_holds(operation); },
                 [&](Explain&) { parts.explain(operation); },
                 [&](ListSessions&) { parts.list_sessions(operation); },
             },
             operation.what);
  parts.serve_all();
  if (parts.look_for_deadlock) parts.find_deadlocks();
}

Time Shard::tick(Time now, Effects& effects) {
  Parts& parts = *parts_;
  parts.begin(now, effects);
  const bool more = parts.work_unfinished();
  parts.serve_all();
  if (parts.look_for_deadlock) parts.find_deadlocks();
  return more ? parts.now : std::max(parts.wheel.next_due(), parts.now);
}

void Shard::finish(Effects& effects) {
  parts_->effects = &effects;
  parts_->finish_news();
  parts_->finish_answers();
  if (parts_->state_changed) parts_->write_state();
}

void Shard::refuse_out(std::string reason) { parts_->refusal = std::move(reason); }

bool Shard::has_space(std::string_view name) const {
  const auto found = parts_->by_name.find(name);
  return found != parts_->by_name.end() && found->second->exists;
}

std::vector<SessionId> Shard::sessions() const {
  std::vector<SessionId> ids;
  for (const auto& [id, session] : parts_->sessions) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

Shard::Figures Shard::figures() const {
  Figures figures = parts_->figures;
  for (const auto& [id, space] : parts_->spaces) {
    figures.ready += space->ready();
    figures.held += space->held.size();
    figures.delayed += space->delayed.size();
  }
  figures.bytes = parts_->used.bytes;
  figures.holds = parts_->holds.size();
  figures.transactions = parts_->transactions.size();
  figures.waiters = parts_->waits.size();
  figures.watchers = parts_->watchers.size();
  figures.sessions = parts_->sessions.size();
  return figures;
}

// Time never goes back, whatever the caller says; what is due comes before what is asked.
void Shard::Parts::begin(Time time, Effects& to) {
  effects = &to;
  now = std::max(now, time);
  settled = last;
  if (wheel.next_due() <= now) run_due();
}

Sequence Shard::Parts::next_sequence() {
  ++last;
  if (last + kSequenceStep / 2 > limit) {
    limit = last + kSequenceStep;
    state_changed = true;
  }
  return last;
}

// SplitMix64: the same seed gives the same choices.
uint64_t Shard::Parts::draw(uint64_t below) {
  random_state += 0x9e3779b97f4a7c15ull;
  uint64_t mixed = random_state;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ull;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebull;
  mixed ^= mixed >> 31;
  return static_cast<uint64_t>(static_cast<unsigned __int128>(mixed) * below >> 64);
}

void Shard::Parts::touch(Space& space) {
  space.last_batch = effects->batch_number;
  effects->mark = std::max(effects->mark, space.mark());
}

void Shard::Parts::put_tuple(Space& space, Slot slot) {
  if (space.durability == Durability::kMemory) return;
  const Entry& entry = space.slab[slot];
  record::encode_tuple(entry, space.slab.due(entry), scratch);
  effects->batch.put(record::TupleKey(config.shard, space.id(), entry.id).view(), scratch);
  touch(space);
}

void Shard::Parts::erase_tuple(Space& space, Sequence id) {
  if (space.durability == Durability::kMemory) return;
  effects->batch.erase(record::TupleKey(config.shard, space.id(), id).view());
  touch(space);
}

void Shard::Parts::reply(const ReplyTo& to, Answer&& answer) {
  if (to.receiver == 0) return;
  answer.reply = to;
  effects->answers.push_back(std::move(answer));
}

Answer& Shard::Parts::new_answer(const ReplyTo& to, const Space& space, Sequence instant) {
  Answer& answer = to.receiver == 0 ? nobodys.emplace() : effects->answers.emplace_back();
  answer.reply = to;
  answer.sequence = instant;
  answer.mark = space.mark();
  answer.batch = space.last_batch;
  return answer;
}

void Shard::Parts::refuse(const ReplyTo& to, Status status) {
  Answer answer;
  answer.status = std::move(status);
  answer.sequence = last;
  reply(to, std::move(answer));
}

Answer Shard::Parts::about(const Space& space) const {
  Answer answer;
  answer.sequence = last;
  answer.mark = space.mark();
  answer.batch = space.last_batch;
  return answer;
}

void Shard::Parts::become_available(Space& space, Slot slot, OnDisk on_disk) {
  tell(space, space.slab[slot].attempt == 0 ? EventKind::kOut : EventKind::kReturn, slot);
  serve(space, slot, on_disk);
}

void Shard::Parts::serve(Space& space, Slot slot, OnDisk on_disk) {
  const std::string_view bytes = space.slab[slot].tuple.bytes();
  print.reset(bytes);
  if (together || concerns_atomics(space, bytes)) {
    const Tuple tuple = space.slab[slot].tuple;
    return arrive(space, slot, tuple, on_disk);
  }
  served.readers.clear();
  served.taker = nullptr;
  if (space.waiters.size() > 0) {
    space.waiters.offer(space, bytes, space.slab[slot].id, print, served);
  }
  // A transaction that reads it keeps it from the taker.
  const bool is_read = std::any_of(served.readers.begin(), served.readers.end(),
                                   [](Wait* reader) { return reader->take.transaction() != 0; });
  const bool vanishes = served.taker != nullptr && !is_read && !keeps_what_it_takes(*served.taker);
  if (!vanishes && on_disk != OnDisk::kYes) {
    put_tuple(space, slot);
    on_disk = OnDisk::kYes;
  }
  if (served.readers.empty() && served.taker == nullptr) return space.insert_available(slot, print);
  const Waiters::Served all = std::exchange(served, {});
  for (Wait* reader : all.readers) {
    complete_with(space, Asker(*reader), slot, on_disk);
    end_wait(*reader);
  }
  Wait* const taker = allowed_taker(all.taker, space, slot);
  if (taker == nullptr) {
    print.reset(bytes);
    return space.insert_available(slot, print);
  }
  complete_with(space, Asker(*taker), slot, on_disk);
  end_wait(*taker);
}

void Shard::Parts::run_due() {
  due.clear();
  wheel.take_due(now, kDueAtOnce, due);
  // What is due in one millisecond: tuples by place, then waits, then sessions. So it does not
  // depend on when a timer was set, and a wait still gets what comes as it ends.
  std::sort(due.begin(), due.end(), [](const Timer& a, const Timer& b) {
    return std::tie(a.due, a.kind, a.id) < std::tie(b.due, b.kind, b.id);
  });
  const std::vector<Timer> timers = std::exchange(due, {});
  for (size_t i = 0; i < timers.size(); ++i) {
    const Timer& timer = timers[i];
    switch (timer.kind) {
      case Timer::Kind::kTuple: tuple_due(timer); break;
      case Timer::Kind::kHold: hold_due(timer.id); break;
      case Timer::Kind::kTransaction: transaction_due(timer.id); break;
      case Timer::Kind::kWait: wait_due(timer.id); break;
      case Timer::Kind::kSession: session_due(timer.id); break;
      case Timer::Kind::kSpace: space_due(static_cast<uint32_t>(timer.id)); break;
      case Timer::Kind::kCollection:
        collection.timer_set = false;
        collection.wanted = true;
        break;
    }
    // All that expires at one instant is gone before anybody looks.
    const bool more = i + 1 < timers.size() && timer.kind == Timer::Kind::kTuple &&
                      timers[i + 1].kind == timer.kind && timers[i + 1].due == timer.due;
    if (!more) serve_all();
  }
}

void Shard::Parts::tuple_due(const Timer& timer) {
  const auto found = spaces.find(timer.space);
  if (found == spaces.end()) return;
  Space& space = *found->second;
  Entry& entry = space.slab[timer.slot];
  if (entry.id != timer.id || entry.state() == Presence::kFree) return;
  const Due times = space.slab.due(entry);
  if (entry.state() == Presence::kHeld) return;  // a give-back looks at its time again
  if (entry.state() == Presence::kWritten && times.expires_at > now) {
    serve_waits_of(*transactions.at(written_by.at(entry.id)), space, timer.slot);
    if (times.expires_at == kNever) return;
    wheel.add({times.expires_at, Timer::Kind::kTuple, timer.id, timer.space, timer.slot});
    return;
  }
  if (entry.state() == Presence::kAvailable) {
    if (times.expires_at <= now) expire(space, timer.slot);
    return;
  }
  if (times.expires_at <= now) return expire(space, timer.slot);
  if (times.expires_at != kNever) {
    wheel.add({times.expires_at, Timer::Kind::kTuple, timer.id, timer.space, timer.slot});
  }
  space.erase_delayed(timer.slot);
  note_freed(space);
  become_available(space, timer.slot, OnDisk::kYes);
  may_be_deadlock();
}

void Shard::Parts::expire(Space& space, Slot slot) {
  ++figures.expired;
  may_be_deadlock();
  next_sequence();
  vanish(space, slot, Fate::kExpired);
}

void Shard::Parts::vanish(Space& space, Slot slot, Fate fate) {
  if (fate != Fate::kTaken) tell_end(space, slot, fate);
  if (space.slab[slot].state() == Presence::kAvailable) {
    space.erase_available(slot);
  } else if (space.slab[slot].state() == Presence::kDelayed) {
    space.erase_delayed(slot);
    note_freed(space);
  }
  erase_tuple(space, space.slab[slot].id);
  forget_tuple(space, slot, fate);
}

void Shard::Parts::forget_tuple(Space& space, Slot slot, Fate fate) {
  Entry& entry = space.slab[slot];
  if (entry.locked) forget_readers(entry);
  if (entry.state() == Presence::kWritten) {
    const auto written = written_by.find(entry.id);
    transactions.at(written->second)->written.erase(entry.id);
    written_by.erase(written);
  }
  if (entry.due != 0) {
    const Due due = space.slab.due(entry);
    if (const auto session = sessions.find(due.bound); session != sessions.end()) {
      session->second->bound.erase(entry.id);
    }
    if (due.waiter != 0) tell_fate(due.waiter, fate);
  }
  space.free(slot);
}

// A slice of everything that takes longer. True while there is more.
bool Shard::Parts::work_unfinished() {
  if (!building.empty()) {
    const auto found = spaces.find(building.back());
    if (found == spaces.end() || !found->second->build_indexes(config.slice_candidates)) {
      building.pop_back();
    }
  }
  size_t left = config.slice_candidates;
  for (size_t i = 0, n = std::min(unfinished.size(), kUnfinishedAtOnce); i < n && left > 0; ++i) {
    const uint64_t id = unfinished.front();
    unfinished.pop_front();
    const auto found = waits.find(id);
    if (found == waits.end() || !found->second->searching) continue;
    if (found->second->suspended) continue;  // its resume begins the search again
    left -= std::min(left, continue_search(*found->second));
  }
  if (!dropped.empty() && !dropped.back()->slab.dismantle()) dropped.pop_back();
  const bool atomics = continue_atomics();
  const bool watchers_behind = catch_up_watchers();
  const bool collecting_spaces = collect_spaces();
  return !unfinished.empty() || !dropped.empty() || !building.empty() || atomics ||
         watchers_behind || collecting_spaces;
}

}  // namespace tuplespace
