// AtomicSearch looks whether the steps of an atomic can happen now, and by which tuples: of the
// alternatives the first that can, by the first combination of tuples in order of places. It
// changes nothing.
//
// The steps that take and read are gone through from left to right, each with a candidate; where
// one finds none, the search goes back to the last step that had a part in that (conflicts), so
// that what cannot happen is seen without trying every combination of what has nothing to do
// with it.
//
// Threads: lane.
// Bounds:  ShardConfig::examine_max tuples looked at, all alternatives together.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "tuplespace/space/operation.h"
#include "tuplespace/space/search.h"
#include "tuplespace/space/shard.h"
#include "tuplespace/space/space.h"

namespace tuplespace {

// How an atomic can happen.
struct Happening {
  struct Chosen {
    Space* space = nullptr;  // take and read: where; nullptr for other steps
    Slot slot = kNoSlot;
    uint64_t count = 0;  // count: after the takes
  };
  uint32_t alternative = 0;
  std::vector<Chosen> steps;  // parallel to those of the alternative
  NameValues names;
};

class AtomicSearch {
 public:
  enum class Verdict {
    kCan,
    kCannot,
    kTooMany,   // examine_max, whatever is indexed
    kBuilding,  // examine_max, and an index is being built that helps: ask again when it is
  };
  using Find = std::function<Space*(std::string_view name)>;

  AtomicSearch(Find find, const ShardConfig& config, Time now)
      : find_(std::move(find)), config_(config), now_(now) {}

  // Requires: every reference is to a name that an earlier step of its alternative binds.
  Verdict run(const std::vector<Steps>& alternatives, Happening& happening);

  size_t examined() const { return examined_; }
  // Spaces that build indexes for it; until then it does with what there is.
  const std::vector<Space*>& building() const { return building_; }

 private:
  using Mask = uint64_t;  // a bit per step that takes or reads

  // Why a step found nothing.
  struct Failure {
    Mask conflicts = 0;  // steps whose choice had a part in it
    // There are too few tuples for this step and those like it right before it: no other choice
    // among them can help.
    bool too_few = false;
  };

  // A step that takes or reads.
  struct Taking {
    const TakeStep* step;
    size_t at;                 // among the steps
    Mask refers = 0;           // steps that bind what its template refers to
    bool like_before = false;  // it wants exactly what the taking before it does
    std::optional<Plan> plan;  // of a template without references
    Space* space = nullptr;
    Slot slot = kNoSlot;
    size_t names = 0;  // that were bound before it
  };
  // A step that counts.
  struct Counting {
    const CountStep* step;
    size_t at;
    Mask refers = 0;
    Mask takes = 0;                // steps that take from its space
    std::optional<uint64_t> here;  // before the takes; of a template without references
  };

  void prepare(const Steps& steps);
  bool may_happen();
  std::optional<Failure> choose(size_t taking);
  std::optional<Failure> choose_next(size_t taking, Slot slot);
  std::optional<Failure> check_counts();
  std::optional<uint64_t> count(const CountStep& step);
  uint64_t taken_of(const Counting& counting, const Template& wanted) const;
  Mask user_of(const Space* space, Slot slot, size_t before) const;

  const Find find_;
  const ShardConfig& config_;
  const Time now_;
  size_t examined_ = 0;
  bool too_many_ = false;
  std::vector<Space*> building_;

  std::vector<Taking> takings_;
  std::vector<Counting> countings_;
  NameValues names_;
  std::vector<uint64_t> counts_;  // parallel to countings_
};

}  // namespace tuplespace
