#include "tuplespace/engine/gather.h"

#include <algorithm>
#include <map>
#include <optional>

namespace tuplespace {
namespace {

void merge(ListAnswer& into, ListAnswer from) {
  for (SpaceInfo& space : from.spaces) into.spaces.push_back(std::move(space));
  std::ranges::sort(into.spaces, {}, &SpaceInfo::name);
}

// Counters add up, by name, in the order in which the first shard names them.
void merge(StatsAnswer& into, const StatsAnswer& from) {
  std::map<std::string_view, size_t> places;
  for (size_t at = 0; at < into.counters.size(); ++at) places[into.counters[at].first] = at;
  StatsAnswer sum = into;
  for (const auto& [name, count] : from.counters) {
    const auto place = places.find(name);
    if (place == places.end()) {
      sum.counters.emplace_back(name, count);
    } else {
      sum.counters[place->second].second += count;
    }
  }
  into = std::move(sum);
}

void merge(BlockedAnswer& into, BlockedAnswer from) {
  for (BlockedAnswer::Wait& wait : from.waits) into.waits.push_back(std::move(wait));
  std::ranges::stable_sort(into.waits, {}, &BlockedAnswer::Wait::since);
  into.deadlock = into.deadlock || from.deadlock;
}

void merge(HoldsAnswer& into, HoldsAnswer from) {
  for (HoldsAnswer::Hold& hold : from.holds) into.holds.push_back(std::move(hold));
  std::ranges::stable_sort(into.holds, {}, &HoldsAnswer::Hold::since);
}

// One failure makes the whole a failure: a list without some spaces would be a lie.
void merge(Answer& into, Answer from) {
  into.sequence = std::max(into.sequence, from.sequence);
  if (!into.status.ok()) return;
  if (!from.status.ok()) {
    into.status = from.status;
    into.what = std::monostate();
  } else if (std::holds_alternative<std::monostate>(into.what)) {
    into.what = std::move(from.what);
  } else if (auto* list = std::get_if<ListAnswer>(&from.what)) {
    merge(std::get<ListAnswer>(into.what), std::move(*list));
  } else if (auto* stats = std::get_if<StatsAnswer>(&from.what)) {
    merge(std::get<StatsAnswer>(into.what), *stats);
  } else if (auto* blocked = std::get_if<BlockedAnswer>(&from.what)) {
    merge(std::get<BlockedAnswer>(into.what), std::move(*blocked));
  } else if (auto* holds = std::get_if<HoldsAnswer>(&from.what)) {
    merge(std::get<HoldsAnswer>(into.what), std::move(*holds));
  }
}

}  // namespace

uint64_t Gather::begin(ReplyTo reply, size_t shards) {
  const std::lock_guard lock(mutex_);
  Question& question = questions_[++last_token_];
  question.missing = shards;
  question.merged.reply = reply;
  return last_token_;
}

void Gather::on_answer(Answer&& answer) {
  std::optional<Answer> whole;
  {
    const std::lock_guard lock(mutex_);
    const auto at = questions_.find(answer.reply.token);
    if (at == questions_.end()) return;
    Question& question = at->second;
    merge(question.merged, std::move(answer));
    if (--question.missing > 0) return;
    whole = std::move(question.merged);
    questions_.erase(at);
  }
  deliver_(std::move(*whole));
}

}  // namespace tuplespace
