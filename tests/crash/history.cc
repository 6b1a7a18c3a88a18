#include "tests/crash/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace tuplespace::crash {

// What the tuples say together about where each life's unsynced tail begins.
struct History::Judgement {
  struct Tail {
    uint64_t survived = 0;  // the highest sequence number known to have survived
    uint64_t lost = std::numeric_limits<uint64_t>::max();  // the lowest known to be lost
  };

  const bool power_was_cut;
  const Instants now;  // nothing of the lives these are in may be lost
  const uint16_t async_shard;
  std::vector<std::string> wrong = {};
  std::map<std::pair<uint16_t, uint64_t>, Tail> tails = {};  // by shard and life
  uint64_t tail_lost = 0;                                    // operations
  uint64_t broken = 0;                                       // that may not be lost

  Tail& tail(Promise promise, uint64_t sequence) {
    return tails[{promise == Promise::kSync ? uint16_t{0} : async_shard, life_of(sequence)}];
  }
  bool may_lose(Promise promise, uint64_t sequence) const {
    return power_was_cut && promise == Promise::kAsync && life_of(sequence) != life_of(now.async);
  }
  void survives(Promise promise, uint64_t sequence) {
    uint64_t& survived = tail(promise, sequence).survived;
    survived = std::max(survived, sequence);
  }
  void loses(Promise promise, uint64_t sequence) {
    uint64_t& lost = tail(promise, sequence).lost;
    lost = std::min(lost, sequence);
    ++tail_lost;
  }
  // A take at `sequence` that was undone, as what was seen in `later` shows.
  void undo(TupleId id, Promise promise, uint64_t sequence, uint64_t later, const char* seen) {
    if (may_lose(promise, sequence) && life_of(sequence) != later) return loses(promise, sequence);
    say("tuple {} was taken at {}, and is {} again", id, sequence, seen);
    ++broken;
  }
  template <typename... Values>
  void say(fmt::format_string<Values...> text, Values&&... values) {
    wrong.push_back(fmt::format(text, std::forward<Values>(values)...));
  }
};

TupleId History::out_sent(Promise promise) {
  std::lock_guard lock(mutex_);
  ++figures_.sent;
  ++in_flight_;
  records_[next_].promise = promise;
  return next_++;
}

void History::out_done(TupleId id, uint64_t sequence) {
  std::lock_guard lock(mutex_);
  ++figures_.acknowledged;
  --in_flight_;
  Record& record = records_.at(id);
  record.placed = Placed::kDone;
  record.sequence = sequence;
}

void History::out_refused(TupleId id) {
  std::lock_guard lock(mutex_);
  ++figures_.refused;
  --in_flight_;
  if (!records_.at(id).takes.empty()) {
    wrong_.push_back(fmt::format("tuple {} was taken, though its out was refused", id));
  }
  records_.erase(id);
}

void History::out_unknown(TupleId id) {
  std::lock_guard lock(mutex_);
  ++figures_.unknown;
  --in_flight_;
  records_.at(id).placed = Placed::kUnknown;
}

void History::take_sent() {
  std::lock_guard lock(mutex_);
  ++figures_.sent;
  ++in_flight_;
}

void History::take_done(TupleId id, uint64_t sequence) {
  std::lock_guard lock(mutex_);
  ++figures_.acknowledged;
  --in_flight_;
  const auto found = records_.find(id);
  if (found == records_.end()) {
    wrong_.push_back(fmt::format(
        "tuple {} was taken at {}, but it was never placed, or was gone already", id, sequence));
    return;
  }
  ++taken_;
  found->second.takes.push_back(sequence);
}

void History::take_refused() {
  std::lock_guard lock(mutex_);
  ++figures_.refused;
  --in_flight_;
}

void History::take_found_nothing(TupleId id, uint64_t sequence) {
  std::lock_guard lock(mutex_);
  ++figures_.refused;
  --in_flight_;
  if (const auto found = records_.find(id); found != records_.end()) {
    found->second.found_nothing_at = sequence;
  }
}

void History::take_unknown(TupleId id) {
  std::lock_guard lock(mutex_);
  ++figures_.unknown;
  --in_flight_;
  if (const auto found = records_.find(id); found != records_.end()) {
    found->second.maybe_taken = true;
  }
}

void History::wrong(const std::string& what) {
  std::lock_guard lock(mutex_);
  wrong_.push_back(what);
}

void History::crashed(Crash crash) {
  std::lock_guard lock(mutex_);
  figures_.pending += in_flight_;
  power_was_cut_ = power_was_cut_ || crash == Crash::kPowerCut;
}

std::vector<std::string> History::check(const std::set<TupleId>& present, Instants now) {
  std::lock_guard lock(mutex_);
  Judgement judgement{power_was_cut_, now, async_shard_};
  for (const Promise promise : {Promise::kSync, Promise::kAsync}) {
    judgement.survives(promise, checked_at_.of(promise));
    if (now.of(promise) % kNumbersOfALife < kNumbersOfALife / 2) continue;
    judgement.say("{} is too late in a life: lives cannot be told apart", now.of(promise));
  }
  checked_at_ = now;
  for (const TupleId id : present) {
    if (records_.count(id) != 0) continue;
    judgement.say("tuple {} is there, but was never placed, or was taken before the last check",
                  id);
  }
  for (auto at = records_.begin(); at != records_.end();) {
    Record& record = at->second;
    const bool is_there = present.count(at->first) != 0;
    judge(at->first, record, is_there, judgement);
    if (!is_there) {
      at = records_.erase(at);
      continue;
    }
    record = {record.promise, Placed::kDone, now.of(record.promise), false, {}, 0};
    ++at;
  }
  for (const auto& [where, tail] : judgement.tails) {
    if (tail.lost > tail.survived) continue;
    judgement.say(
        "the operation at {} is lost, though the later one at {} survived, or was answered as "
        "synced: what is lost is no tail",
        tail.lost, tail.survived);
    ++judgement.broken;
  }
  judgement.wrong.insert(judgement.wrong.end(), wrong_.begin(), wrong_.end());
  wrong_.clear();
  figures_.tail_lost += judgement.tail_lost;
  figures_.lost += judgement.broken;
  power_was_cut_ = false;
  taken_ = 0;
  return judgement.wrong;
}

void History::judge(TupleId id, const Record& record, bool present, Judgement& judgement) const {
  const Promise promise = record.promise;
  const bool placed = record.placed == Placed::kDone;
  const uint64_t place = record.sequence;
  std::vector<uint64_t> takes = record.takes;
  std::sort(takes.begin(), takes.end());
  if (promise == Promise::kSync) {  // all that was answered before these is synced
    if (placed) judgement.survives(promise, place);
    if (!takes.empty()) judgement.survives(promise, takes.back());
  }
  // An `out` whose answer was not told yet when it was lost, with whoever took it, was sent again.
  while (placed && !takes.empty() && takes.front() < place) {
    judgement.undo(id, promise, takes.front(), life_of(place), "placed");
    takes.erase(takes.begin());
  }
  const bool seen = present || !takes.empty();
  // What is there at the end, or taken in a later life, survived the life it was placed in.
  if (placed && (present || (seen && life_of(takes.back()) != life_of(place)))) {
    judgement.survives(promise, place);
  }
  for (size_t i = 0; i + 1 < takes.size(); ++i) {
    judgement.undo(id, promise, takes[i], life_of(takes[i + 1]), "taken");
  }
  if (present && !takes.empty()) {
    judgement.undo(id, promise, takes.back(), life_of(judgement.now.of(promise)), "there");
  }
  const uint64_t missed = record.found_nothing_at;
  if (seen && missed != 0) {
    judgement.say("tuple {} is there or was taken, but a probe at {} was told that it is not", id,
                  missed);
  }
  if (seen || !placed || record.maybe_taken) return;
  // It is gone, and nobody took it. Who misses it in the life it was placed in saw no crash's work.
  const bool missed_at_once = missed != 0 && life_of(missed) == life_of(place);
  if (judgement.may_lose(promise, place) && !missed_at_once) return judgement.loses(promise, place);
  judgement.say("tuple {} was placed at {} and acknowledged, nobody took it, and it is lost", id,
                place);
  ++judgement.broken;
}

size_t History::tuples() const {
  std::lock_guard lock(mutex_);
  return records_.size() - std::min<size_t>(taken_, records_.size());
}

HistoryFigures History::figures() const {
  std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace tuplespace::crash
