// InFlight holds the batches of one shard that the store has not synced yet, and the answers that
// wait for them.
//
// Order:   batches are counted from 1 in the order of commit, apart from the store's numbers,
//          which several shards share: so the number of a batch is known before it is committed.
//          Answers leave in the order of the batches they wait for.
// Threads: lane.
// Bounds:  EngineConfig::in_flight_bytes_max, which the lane looks after.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

#include "tuplespace/space/answer.h"
#include "tuplespace/store/store.h"

namespace tuplespace {

class InFlight {
 public:
  static constexpr uint64_t kNothing = std::numeric_limits<uint64_t>::max();

  // The count of the last batch; the next one's is 1 more.
  uint64_t last() const { return synced_ + batches_.size(); }

  // Counts a batch that the store took as its `store_number`.
  void add(uint64_t store_number, size_t bytes);

  // True if what `answer` rests on has come as far as it needs.
  bool may_leave(const Answer& answer) const;

  // Keeps `answer` until release(). Returns the store's number of the batch it waits for.
  // Requires: !may_leave(answer).
  uint64_t park(Answer answer);

  // Takes note of `marks`; calls deliver(Answer) with every answer that may leave now.
  template <typename Deliver>
  void release(Watermarks marks, Deliver deliver);

  size_t parked() const { return parked_written_ + parked_synced_; }
  uint64_t unwritten_bytes() const { return unwritten_bytes_; }

  // The store's number of the first batch that is not written (synced); kNothing if all are, or,
  // with `parked` true, if no answer waits for that mark.
  uint64_t first_unwritten(bool parked) const;
  uint64_t first_unsynced(bool parked) const;

 private:
  struct Entry {
    uint64_t store_number;
    size_t bytes;
    std::vector<Answer> for_written;
    std::vector<Answer> for_synced;
  };

  // An answer may name a batch that turned out empty: then what it rests on came before.
  uint64_t batch_of(const Answer& answer) const { return std::min(answer.batch, last()); }

  template <typename Deliver>
  void let_go(std::vector<Answer>& answers, size_t& parked, Deliver deliver);

  uint64_t synced_ = 0;        // batches, in the shard's count
  uint64_t written_ = 0;       // >= synced_
  std::deque<Entry> batches_;  // synced_ + 1 to last()
  size_t parked_written_ = 0;
  size_t parked_synced_ = 0;
  uint64_t unwritten_bytes_ = 0;
  std::vector<std::vector<Answer>> spare_;  // emptied, with their memory
};

template <typename Deliver>
void InFlight::release(Watermarks marks, Deliver deliver) {
  while (written_ < last() && batches_[written_ - synced_].store_number <= marks.written) {
    Entry& entry = batches_[written_ - synced_];
    ++written_;
    unwritten_bytes_ -= entry.bytes;
    let_go(entry.for_written, parked_written_, deliver);
  }
  while (synced_ < written_ && batches_.front().store_number <= marks.synced) {
    let_go(batches_.front().for_synced, parked_synced_, deliver);
    batches_.pop_front();
    ++synced_;
  }
}

template <typename Deliver>
void InFlight::let_go(std::vector<Answer>& answers, size_t& parked, Deliver deliver) {
  if (answers.empty()) return;
  parked -= answers.size();
  for (Answer& answer : answers) deliver(std::move(answer));
  answers.clear();
  spare_.push_back(std::move(answers));
  answers = {};
}

}  // namespace tuplespace
