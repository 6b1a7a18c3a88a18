#include "tuplespace/space/watcher.h"

#include <algorithm>

#include <fmt/format.h>

namespace tuplespace {
namespace {

constexpr size_t kShapesMax = 64;  // different questions; further ones are filed under (?, ...)

}  // namespace

bool Watcher::is_told_now(const SpaceEvent& event) const {
  if (!is_kind_wanted(event.kind) || phase == Phase::kReplaying) return false;
  if (phase == Phase::kLive || event.found.id > until) return true;
  return cursor.started && event.found.id <= cursor.place;
}

uint32_t Watchers::shape_of(const Watcher& watcher) {
  const bool rest = watcher.watch.wanted.rest();
  const auto find = [&](const Question& question) {
    return std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& shape) {
      return shape.rest == rest && shape.question == question;
    });
  };
  const auto number = [&](auto at) { return static_cast<uint32_t>(at - shapes_.begin()); };
  const Question& asked = watcher.plan.question;
  if (const auto same = find(asked); same != shapes_.end()) return number(same);
  if (shapes_.size() < kShapesMax) {
    shapes_.push_back({asked, rest, {}});
    return static_cast<uint32_t>(shapes_.size() - 1);
  }
  // A shape that nobody uses any more makes room.
  const auto unused = std::find_if(shapes_.begin(), shapes_.end(),
                                   [](const Shape& shape) { return shape.filed.empty(); });
  if (unused != shapes_.end()) {
    *unused = Shape{asked, rest, {}};
    return number(unused);
  }
  const Question nothing(asked.fields());
  if (const auto widest = find(nothing); widest != shapes_.end()) return number(widest);
  shapes_.push_back({nothing, rest, {}});
  return static_cast<uint32_t>(shapes_.size() - 1);
}

Status Watchers::add(Watcher& watcher) {
  watcher.shape = shape_of(watcher);
  Shape& shape = shapes_[watcher.shape];
  Plan& plan = watcher.plan;
  if (shape.question != plan.question) {  // filed more widely than it asks
    plan.hashes = hashes_under(watcher.watch.wanted, shape.question, seed_);
    plan.question = shape.question;
    plan.exact = false;
  }
  if (!plan.exact) {
    for (const uint64_t hash : plan.hashes) {
      const auto filed = shape.filed.find(hash);
      if (filed == shape.filed.end() || filed->second.size() < residual_max_) continue;
      return exhausted(fmt::format("watch of space \"{}\": {} watchers are filed with this one and "
                                   "need a look at each tuple; residual_waiters_max is {}; bind a "
                                   "field by value",
                                   watcher.watch.space, filed->second.size(), residual_max_),
                       "residual_waiters_max");
    }
  }
  for (const uint64_t hash : plan.hashes) shape.filed[hash].emplace(watcher.id, &watcher);
  ++size_;
  return {};
}

void Watchers::remove(Watcher& watcher) {
  Shape& shape = shapes_[watcher.shape];
  for (const uint64_t hash : watcher.plan.hashes) {
    const auto filed = shape.filed.find(hash);
    if (filed == shape.filed.end()) continue;  // two of its hashes are equal
    filed->second.erase(watcher.id);
    if (filed->second.empty()) shape.filed.erase(filed);
  }
  --size_;
}

size_t Watchers::find(std::string_view bytes, Fingerprint& print,
                      std::vector<Watcher*>& found) const {
  found.clear();
  size_t looked_at = 0;
  for (const Shape& shape : shapes_) {
    if (shape.filed.empty()) continue;
    const size_t fields = shape.question.fields();
    if (shape.rest ? fields > print.arity() : fields != print.arity()) continue;
    const auto filed = shape.filed.find(print.hash(shape.question));
    if (filed == shape.filed.end()) continue;
    looked_at += filed->second.size();
    for (const auto& [id, watcher] : filed->second) {
      if (watcher->watch.wanted.matches(bytes)) found.push_back(watcher);
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Watcher* a, const Watcher* b) { return a->id < b->id; });
  return looked_at;
}

std::vector<uint64_t> Watchers::ids() const {
  std::vector<uint64_t> ids;
  for (const Shape& shape : shapes_) {
    for (const auto& [hash, filed] : shape.filed) {
      for (const auto& [id, watcher] : filed) ids.push_back(id);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace tuplespace
