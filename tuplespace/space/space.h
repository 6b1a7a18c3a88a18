// Space is a bag of tuples and those who wait for more: what is in memory of it. What becomes
// durable, and who is answered, is the shard's business.
//
// Threads: lane.
// Bounds:  those of ShardConfig that are per space or arity.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tuplespace/space/atomic_group.h"
#include "tuplespace/space/index.h"
#include "tuplespace/space/lifetime.h"
#include "tuplespace/space/operation.h"
#include "tuplespace/space/participants.h"
#include "tuplespace/space/shard.h"
#include "tuplespace/space/slab.h"
#include "tuplespace/space/wait.h"
#include "tuplespace/space/watcher.h"

namespace tuplespace {

// What the spaces of a shard take together.
struct Used {
  uint64_t bytes = 0;
  uint64_t tuples = 0;
  std::vector<Tuple>* added = nullptr;  // if a collection runs: learns of tuples that are put
};

class Space {
 public:
  // `used` is the shard's sum, kept up to date.
  Space(uint32_t id, std::string name, const ShardConfig& config, Used& used);
  ~Space() {
    used_.bytes -= bytes_;
    used_.tuples -= slab.size();
  }

  uint32_t id() const { return id_; }
  const std::string& name() const { return name_; }

  // False: nobody has created it, but somebody waits for it.
  bool exists = false;
  Policy policy;
  Durability durability = Durability::kMemory;
  uint64_t last_batch = 0;  // that changed it

  Slab slab;
  PlaceList held;
  PlaceList delayed;
  Waiters waiters;
  std::unique_ptr<Watching> watching;          // nullptr: nobody watches, and no history is kept
  std::unique_ptr<Participants> participants;  // nullptr: its deadlocks are ignored
  std::unique_ptr<Lifetime> lifetime;          // nullptr: it lives until it is dropped
  std::unique_ptr<AtomicInterests> interests;  // nullptr: no atomic waits for tuples of it

  Mark mark() const {
    return durability == Durability::kSync    ? Mark::kSynced
           : durability == Durability::kAsync ? Mark::kWritten
                                              : Mark::kNone;
  }

  // Adds a tuple that is not available yet; the caller says what becomes of it.
  Slot add(Tuple tuple, Sequence id, Time now);
  // Forgets a tuple that is neither available, held nor delayed (any more).
  void free(Slot slot);

  // Puts a tuple among the available ones, or takes it from there. `print` is its fingerprint.
  // Where an atomic waits for a tuple to leave, that is noted.
  void insert_available(Slot slot, Fingerprint& print);
  void erase_available(Slot slot);
  // `arity` and `known` are those of the tuple in `slot`.
  void erase_available(Slot slot, size_t arity, KnownHash known);

  // The other two states.
  void insert_held(Slot slot);
  void erase_held(Slot slot);
  void insert_delayed(Slot slot);
  void erase_delayed(Slot slot);

  uint64_t ready() const { return ready_; }
  uint64_t tuples() const { return slab.size(); }
  uint64_t bytes() const { return bytes_; }  // of tuples, with what is kept about each

  bool is_expired(Slot slot, Time now) const {
    const Entry& entry = slab[slot];
    return entry.due != 0 && slab.due(entry).expires_at <= now;
  }

  // The tuple of this id that is available, held or delayed; kNoSlot: there is none.
  Slot find(Sequence id) const;

  // Groups. A tuple that waits out a delayed give-back makes its group busy, like a held one.
  struct Group {
    size_t arity;
    uint32_t field;
    std::string value;
  };
  // Who asks for the first time makes it counted from now on: a search for a group may have had
  // no index to look at, because there was no tuple.
  bool is_busy(size_t arity, uint32_t field, std::string_view value);
  // Counts what is busy by `field` from now on.
  void count_busy(Index& index, uint32_t field);
  // Groups that ceased to be busy while somebody waits for such; the caller empties it.
  std::vector<Group> freed;

  // The index of an arity, made when it is first needed.
  Index& index(size_t arity);
  // Those whose tuples a template may match. Requires: nothing is added while they are used.
  const std::vector<Index*>& indexes_for(const Template& wanted);
  // All there are.
  std::vector<const Index*> indexes() const;

  // Continues unfinished indexes; true while there are some.
  bool build_indexes(size_t max);
  bool building() const;

 private:
  void leave(Slot slot, size_t arity);
  void become_busy(Slot slot);
  void cease_busy(Slot slot);

  const uint32_t id_;
  const std::string name_;
  const ShardConfig& config_;
  Fingerprint print_;
  std::vector<std::unique_ptr<Index>> by_arity_;
  std::vector<Index*> chosen_;
  bool counts_busy_ = false;  // one of the indexes does
  uint64_t ready_ = 0;
  uint64_t bytes_ = 0;
  Used& used_;
};

}  // namespace tuplespace
