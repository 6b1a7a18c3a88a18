#include "tuplespace/space/counting.h"

#include <vector>

namespace tuplespace {

uint64_t count_listed(const Space& space, const PlaceList& list, const Template& wanted,
                      size_t examine_max) {
  uint64_t matching = 0;
  for (auto at = list.begin(); at != list.end() && examine_max > 0; at = list.next(at)) {
    --examine_max;
    if (wanted.matches(space.slab[list.at(at)].tuple)) ++matching;
  }
  return matching;
}

Counted count_available(Space& space, const Template& wanted, const Plan& plan, Time now,
                        size_t examine_max) {
  Counted counted;
  for (Index* index : space.indexes_for(wanted)) {
    const Question question = plan.question.widened(index->arity());
    bool unfinished = false;
    const HashIndex* hashes = index->ask(question, now, &unfinished);
    counted.building |= unfinished;
    const bool right = hashes != nullptr && hashes->question() == question;
    std::vector<Places> places;
    if (right) {
      for (const uint64_t hash : plan.hashes) places.push_back(hashes->find(hash));
    } else {
      places.push_back({&index->all(), kNoSlot});
    }
    for (const Places& some : places) {
      if (plan.exact && (right || question.asks_nothing())) {
        counted.matching += some.size();
        continue;
      }
      counted.examined += some.size();
      if (counted.examined > examine_max) {
        counted.too_many = true;
        return counted;
      }
      if (some.list != nullptr) {
        counted.matching += count_listed(space, *some.list, wanted, some.size());
      } else if (some.single != kNoSlot && wanted.matches(space.slab[some.single].tuple)) {
        ++counted.matching;
      }
    }
  }
  return counted;
}

}  // namespace tuplespace
