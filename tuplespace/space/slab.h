// Slab holds the tuples of one space. A slot number stays valid until it is freed; the memory
// behind it never moves, so nothing is copied when millions are there.
//
// Threads: lane.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tuplespace/space/operation.h"
#include "tuplespace/tuple/tuple.h"

namespace tuplespace {

using Slot = uint32_t;
inline constexpr Slot kNoSlot = 0x7fffffff;

enum class Presence : uint8_t {
  kFree,       // no tuple here
  kAvailable,  // in the index: may be read and taken
  kHeld,       // taken: by a session that has not confirmed, under a hold, or by a transaction
  kDelayed,    // exists, unseen until its delay is over
  kWritten,    // put by a transaction that is still open: seen by it alone, not on disk
};

// One tuple and what is known of it. There are millions: 32 bytes.
struct Entry {
  Tuple tuple;
  Sequence id = 0;            // also its place
  uint64_t out_at : 44 = 0;   // Time
  uint64_t attempt : 16 = 0;  // how often it was given back
  uint64_t presence : 3 = 0;  // Presence
  uint64_t locked : 1 = 0;    // available, but a transaction has read it: nobody else may take it
  uint32_t due = 0;           // index + 1 in Slab::dues(), 0: it has nothing that Due tells
  Slot next_free = kNoSlot;

  Presence state() const { return static_cast<Presence>(presence); }
  void set_state(Presence state) { presence = static_cast<uint64_t>(state); }
};
static_assert(sizeof(Entry) == 32);

// What few tuples have.
struct Due {
  Time visible_at = 0;  // 0: at once
  Time expires_at = kNever;
  SessionId bound = 0;  // vanishes with this session
  uint64_t waiter = 0;  // the wait that is told its fate (until_taken), 0: none
};

class Slab {
 public:
  // Returns a free slot, its entry fresh.
  Slot add();
  void free(Slot slot);

  Entry& operator[](Slot slot) { return chunks_[slot >> kBits][slot & kMask]; }
  const Entry& operator[](Slot slot) const { return chunks_[slot >> kBits][slot & kMask]; }

  // The due times of an entry; `kNone` if it has none.
  const Due& due(const Entry& entry) const;
  void set_due(Entry& entry, Due due);

  size_t size() const { return size_; }
  // True if some entry has a Due.
  bool has_dues() const { return dues_.size() > free_dues_.size(); }
  // Every slot that was ever used is below this; the others there are free.
  size_t slots() const { return chunks_.size() << kBits; }

  // Frees a part of the memory of a slab that nobody uses any more; true while there is more.
  bool dismantle();

 private:
  static constexpr uint32_t kBits = 10;
  static constexpr uint32_t kMask = (1u << kBits) - 1;

  std::vector<std::unique_ptr<Entry[]>> chunks_;
  Slot first_free_ = kNoSlot;
  size_t size_ = 0;
  std::vector<Due> dues_;
  std::vector<uint32_t> free_dues_;
};

}  // namespace tuplespace
