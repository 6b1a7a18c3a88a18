#include "tuplespace/space/slab.h"

namespace tuplespace {

Slot Slab::add() {
  if (first_free_ == kNoSlot) {
    const Slot begin = static_cast<Slot>(chunks_.size() << kBits);
    TS_CHECK(begin + kMask < kNoSlot);
    chunks_.push_back(std::make_unique<Entry[]>(kMask + 1));
    for (Slot slot = begin + kMask + 1; slot-- > begin;) {
      (*this)[slot].next_free = first_free_;
      first_free_ = slot;
    }
  }
  const Slot slot = first_free_;
  Entry& entry = (*this)[slot];
  first_free_ = entry.next_free;
  entry.next_free = kNoSlot;
  ++size_;
  return slot;
}

void Slab::free(Slot slot) {
  Entry& entry = (*this)[slot];
  if (entry.due != 0) free_dues_.push_back(entry.due);
  entry = Entry{};
  entry.next_free = first_free_;
  first_free_ = slot;
  --size_;
}

bool Slab::dismantle() {
  constexpr int kChunks = 4;
  for (int i = 0; i < kChunks && !chunks_.empty(); ++i) chunks_.pop_back();
  return !chunks_.empty();
}

const Due& Slab::due(const Entry& entry) const {
  static const Due kNone;
  return entry.due == 0 ? kNone : dues_[entry.due - 1];
}

void Slab::set_due(Entry& entry, Due due) {
  if (entry.due == 0) {
    if (free_dues_.empty()) {
      dues_.emplace_back();
      entry.due = static_cast<uint32_t>(dues_.size());
    } else {
      entry.due = free_dues_.back();
      free_dues_.pop_back();
    }
  }
  dues_[entry.due - 1] = due;
}

}  // namespace tuplespace
