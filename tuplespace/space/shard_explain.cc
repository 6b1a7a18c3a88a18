// Why a template finds nothing: where it would be looked for, and what comes near.
#include <algorithm>
#include <utility>

#include "tuplespace/space/counting.h"
#include "tuplespace/space/near_miss.h"
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {
namespace {

constexpr size_t kNearMax = 10;

}  // namespace

void Shard::Parts::explain(Operation& operation) {
  const Explain& explain = std::get<Explain>(operation.what);
  Space* space = find_space(explain.space);
  if (space == nullptr || !space->exists) return refuse(operation.reply, no_space(explain.space));
  ExplainAnswer explained;
  explain_search(*space, explain.wanted, explained);
  explained.held = count_listed(*space, space->held, explain.wanted, config.examine_max);
  explained.delayed = count_listed(*space, space->delayed, explain.wanted, config.examine_max);
  explain_misses(*space, explain.wanted, explained);
  Answer answer = about(*space);
  answer.what = std::move(explained);
  reply(operation.reply, std::move(answer));
}

// With an open arity there are several indexes: the one of the most tuples is named.
void Shard::Parts::explain_search(Space& space, const Template& wanted, ExplainAnswer& explained) {
  const Plan plan = plan_of(wanted, config.seed);
  size_t most = 0;
  for (Index* index : space.indexes_for(wanted)) {
    const Question question = plan.question.widened(index->arity());
    const HashIndex* hashes = index->ask(question, now, nullptr);
    for (const auto& other : index->questions()) {
      explained.building |= other->question() == question && !other->complete();
    }
    if (index->all().size() > most) {
      most = index->all().size();
      explained.index = hashes != nullptr ? hashes->question().to_text() : "";
    }
    if (hashes == nullptr) {
      explained.candidates += index->all().size();
      continue;
    }
    std::vector<uint64_t> under = hashes->question() == question
                                      ? plan.hashes
                                      : hashes_under(wanted, hashes->question(), index->seed());
    std::sort(under.begin(), under.end());
    under.erase(std::unique(under.begin(), under.end()), under.end());
    for (const uint64_t hash : under) explained.candidates += hashes->find(hash).size();
  }
  SearchRequest request;
  request.wanted = &wanted;
  request.plan = &plan;
  request.order = Order::kOldest;
  request.field = 0;
  request.max = config.examine_max;
  request.bytes_max = SIZE_MAX;
  request.candidates_max = config.examine_max;
  request.now = now;
  request.may_build = false;
  Cursor cursor;
  const SearchResult result = search(space, request, cursor, [](uint64_t) { return 0; });
  figures.candidates += result.examined;
  explained.ready = result.found.size();
}

void Shard::Parts::explain_misses(Space& space, const Template& wanted, ExplainAnswer& explained) {
  NearMisses misses(wanted);
  const size_t fields = wanted.fields().size();
  for (const Index* index : space.indexes()) {
    const bool may_match = wanted.rest() ? index->arity() >= fields : index->arity() == fields;
    if (!may_match) {
      misses.add_other_arity(index->arity(), index->all().size());
      continue;
    }
    const PlaceList& all = index->all();
    for (auto at = all.begin(); at != all.end() && explained.examined < config.examine_max;
         at = all.next(at)) {
      ++explained.examined;
      const Tuple& tuple = space.slab[all.at(at)].tuple;
      if (!wanted.matches(tuple)) misses.add(tuple);
    }
  }
  figures.candidates += explained.examined;
  explained.near = misses.most_frequent(kNearMax);
}

}  // namespace tuplespace
