#include "tuplespace/engine/in_flight.h"

namespace tuplespace {

void InFlight::add(uint64_t store_number, size_t bytes) {
  batches_.push_back({store_number, bytes, {}, {}});
  unwritten_bytes_ += bytes;
}

bool InFlight::may_leave(const Answer& answer) const {
  switch (answer.mark) {
    case Mark::kNone: return true;
    case Mark::kWritten: return batch_of(answer) <= written_;
    case Mark::kSynced: return batch_of(answer) <= synced_;
  }
  return false;
}

uint64_t InFlight::park(Answer answer) {
  Entry& entry = batches_[batch_of(answer) - synced_ - 1];
  const bool for_written = answer.mark == Mark::kWritten;
  std::vector<Answer>& answers = for_written ? entry.for_written : entry.for_synced;
  if (answers.capacity() == 0 && !spare_.empty()) {
    answers = std::move(spare_.back());
    spare_.pop_back();
  }
  answers.push_back(std::move(answer));
  ++(for_written ? parked_written_ : parked_synced_);
  return entry.store_number;
}

uint64_t InFlight::first_unwritten(bool parked) const {
  if (written_ == last() || (parked && parked_written_ == 0)) return kNothing;
  return batches_[written_ - synced_].store_number;
}

uint64_t InFlight::first_unsynced(bool parked) const {
  if (batches_.empty() || (parked && parked_synced_ == 0)) return kNothing;
  return batches_.front().store_number;
}

}  // namespace tuplespace
