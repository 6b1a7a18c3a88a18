// Transaction is what an open transaction has put, read and taken, and what it did not find.
//
//   a tuple is   for the others                 until
//   written      not there                      commit: available; abort, or taken by it: gone
//   read         there, but nobody may take it  the end
//   taken        held                           commit: gone; abort: available at its old place
//
// Threads: lane.
// Bounds:  ShardConfig::transactions_max; effects_max of all that one remembers.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/space/operation.h"
#include "tuplespace/space/slab.h"
#include "tuplespace/status.h"

namespace tuplespace {

struct Transaction {
  struct Where {
    uint32_t space;
    Slot slot;
  };
  struct Taken : Where {
    Sequence at;  // the instant
    Time since;
  };
  // A probe that found nothing: looked at again when it commits.
  struct None {
    std::string space;
    Template wanted;
    std::shared_ptr<const TakeExtras> extras;  // its any_of
    Sequence at;

    bool matches(const Tuple& tuple) const;
  };

  TransactionId id = 0;
  SessionId session = 0;  // it ends with; 0: with its lease only
  Time until = 0;
  std::map<Sequence, Where> written;
  std::map<Sequence, Where> read;
  std::map<Sequence, Taken> taken;
  std::vector<None> nones;
  std::set<uint64_t> waits;  // reads and takes under it

  size_t size() const { return written.size() + read.size() + taken.size() + nones.size(); }
};

// ABORTED: nothing can be done under it any more.
Status transaction_has_ended(TransactionId id);

// ReadLocks knows which transactions have read a tuple that is available.
class ReadLocks {
 public:
  using Readers = absl::InlinedVector<TransactionId, 2>;

  void add(Sequence tuple, TransactionId reader);
  // Returns who is left.
  Readers remove(Sequence tuple, TransactionId reader);
  // Forgets all readers of a tuple, and returns them.
  Readers remove_all(Sequence tuple);

  // Who has read it; nullptr: nobody.
  const Readers* readers(Sequence tuple) const;
  // True if nobody else has read it.
  bool may_take(Sequence tuple, TransactionId taker) const;

 private:
  absl::flat_hash_map<Sequence, Readers> readers_;
};

}  // namespace tuplespace
