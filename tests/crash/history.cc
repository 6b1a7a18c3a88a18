#include "tests/crash/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace tuplespace::crash {

// What the tuples say together about where an unsynced tail begins.
struct History::Judgement {
  std::vector<std::string> wrong;
  uint64_t survived = 0;  // the highest sequence number known to have survived
  uint64_t lost = std::numeric_limits<uint64_t>::max();  // the lowest known to be lost
  uint64_t lost_operations = 0;

  void survives(uint64_t sequence) { survived = std::max(survived, sequence); }
  void loses(uint64_t sequence) {
    lost = std::min(lost, sequence);
    ++lost_operations;
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
  found->second.takes.push_back({sequence, false});
}

void History::take_refused() {
  std::lock_guard lock(mutex_);
  ++figures_.refused;
  --in_flight_;
}

void History::take_unknown(TupleId id) {
  std::lock_guard lock(mutex_);
  ++figures_.unknown;
  --in_flight_;
  if (const auto found = records_.find(id); found != records_.end()) {
    found->second.maybe_taken = true;
  }
}

void History::take_lost(const std::string& why) {
  std::lock_guard lock(mutex_);
  ++figures_.unknown;
  --in_flight_;
  wrong_.push_back("a session's in has no definite answer: " + why);
}

void History::crashed(Crash crash) {
  std::lock_guard lock(mutex_);
  figures_.pending += in_flight_;
  power_was_cut_ = power_was_cut_ || crash == Crash::kPowerCut;
  for (auto& [id, record] : records_) {
    const auto answered = [&](uint64_t sequence) {
      if (record.promise == Promise::kSync) {
        last_sync_answer_ = std::max(last_sync_answer_, sequence);
      }
    };
    if (record.placed == Placed::kDone) {
      record.before_crash = true;
      answered(record.sequence);
    }
    for (Take& take : record.takes) {
      take.before_crash = true;
      answered(take.sequence);
    }
  }
}

std::vector<std::string> History::check(const std::set<TupleId>& present) {
  std::lock_guard lock(mutex_);
  Judgement judgement;
  judgement.wrong = std::exchange(wrong_, {});
  for (const TupleId id : present) {
    if (records_.count(id) == 0) {
      judgement.wrong.push_back(
          fmt::format("tuple {} is there, but was never placed, or was taken "
                      "before the last check",
                      id));
    }
  }
  for (auto at = records_.begin(); at != records_.end();) {
    Record& record = at->second;
    const bool is_there = present.count(at->first) != 0;
    if (power_was_cut_ && record.promise == Promise::kAsync) {
      judge_after_power_cut(at->first, record, is_there, judgement);
    } else {
      judge(at->first, record, is_there, judgement);
    }
    if (!is_there) {
      at = records_.erase(at);
      continue;
    }
    record.placed = Placed::kDone;
    record.maybe_taken = false;
    record.takes.clear();
    ++at;
  }
  if (power_was_cut_) judgement.survives(last_sync_answer_);
  if (judgement.lost <= judgement.survived) {
    judgement.wrong.push_back(
        fmt::format("the operation at {} is lost, though the later one at {} survived, or was "
                    "answered as synced: what is lost is no tail",
                    judgement.lost, judgement.survived));
  }
  figures_.tail_lost += judgement.lost_operations;
  power_was_cut_ = false;
  last_sync_answer_ = 0;
  taken_ = 0;
  return judgement.wrong;
}

void History::judge(TupleId id, const Record& record, bool present, Judgement& judgement) const {
  if (record.takes.size() > 1) {
    judgement.wrong.push_back(fmt::format("tuple {} was taken {} times, at {} and {}", id,
                                          record.takes.size(), record.takes[0].sequence,
                                          record.takes[1].sequence));
  }
  if (present && !record.takes.empty()) {
    judgement.wrong.push_back(
        fmt::format("tuple {} was taken at {}, and is there again", id, record.takes[0].sequence));
  }
  if (!present && record.takes.empty() && record.placed == Placed::kDone && !record.maybe_taken) {
    judgement.wrong.push_back(
        fmt::format("tuple {} was placed at {} and acknowledged, nobody took "
                    "it, and it is lost",
                    id, record.sequence));
  }
}

// In an async space: what was answered before the cut may be lost, what was answered after it may
// not.
void History::judge_after_power_cut(TupleId id, const Record& record, bool present,
                                    Judgement& judgement) const {
  const Take* before = nullptr;
  Record after = record;
  after.takes.clear();
  for (const Take& take : record.takes) {
    if (!take.before_crash) {
      after.takes.push_back(take);
    } else if (before != nullptr) {
      judge(id, record, present, judgement);  // twice before the cut
      return;
    } else {
      before = &take;
    }
  }
  const bool seen_after = present || !after.takes.empty();
  if (before != nullptr) {
    if (seen_after) {
      judgement.loses(before->sequence);
    } else {
      return;  // taken, and placed and taken both lost, look the same
    }
  }
  if (record.before_crash) {
    if (seen_after) {
      judgement.survives(record.sequence);
    } else if (!record.maybe_taken) {
      judgement.loses(record.sequence);
      return;
    }
  }
  judge(id, after, present, judgement);
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
