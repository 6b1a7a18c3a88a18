#include "tuplespace/space/wait.h"

#include <algorithm>

#include <fmt/format.h>

#include "tuplespace/space/space.h"

namespace tuplespace {
namespace {

constexpr size_t kShapesMax = 64;  // different questions; further ones are filed under (?, ...)

bool may_be_offered(const Space& space, const Wait& wait, Sequence place, std::string_view bytes,
                    Fingerprint& print) {
  if (wait.suspended) return false;
  if (wait.group >= 0 && static_cast<size_t>(wait.group) < print.arity()) {
    const auto field = static_cast<uint32_t>(wait.group);
    if (space.is_busy(print.arity(), field, print.field(field))) return false;
  }
  return !wait.searching || !is_ahead(wait.cursor, wait.order, wait.field, place, bytes);
}

}  // namespace

void Waiters::List::append(WaitLink& link) {
  link.previous = last;
  link.next = nullptr;
  (last != nullptr ? last->next : first) = &link;
  last = &link;
}

void Waiters::List::remove(WaitLink& link) {
  (link.previous != nullptr ? link.previous->next : first) = link.next;
  (link.next != nullptr ? link.next->previous : last) = link.previous;
}

uint32_t Waiters::shape_of(const Wait& wait) {
  const bool rest = wait.take.wanted.rest();
  const auto find = [&](const Question& question) {
    return std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& shape) {
      return shape.rest == rest && shape.question == question;
    });
  };
  auto found = find(wait.plan.question);
  if (found == shapes_.end() && shapes_.size() >= kShapesMax) {
    // A shape that nobody uses any more makes room.
    const auto unused = std::find_if(shapes_.begin(), shapes_.end(),
                                     [](const Shape& shape) { return shape.lists.empty(); });
    if (unused != shapes_.end()) {
      *unused = Shape{wait.plan.question, rest, {}};
      return static_cast<uint32_t>(unused - shapes_.begin());
    }
    const Question nothing(wait.plan.question.fields());
    found = find(nothing);
    if (found == shapes_.end()) {
      shapes_.push_back({nothing, rest, {}});
      return static_cast<uint32_t>(shapes_.size() - 1);
    }
  } else if (found == shapes_.end()) {
    shapes_.push_back({wait.plan.question, rest, {}});
    return static_cast<uint32_t>(shapes_.size() - 1);
  }
  return static_cast<uint32_t>(found - shapes_.begin());
}

Status Waiters::add(Wait& wait) {
  wait.shape = shape_of(wait);
  Shape& shape = shapes_[wait.shape];
  if (shape.question != wait.plan.question) {  // filed more widely than it asks
    wait.plan.hashes = hashes_under(wait.take.wanted, shape.question, seed_);
    wait.plan.question = shape.question;
    wait.plan.exact = false;
  }
  if (!wait.plan.exact) {
    for (const uint64_t hash : wait.plan.hashes) {
      const auto lists = shape.lists.find(hash);
      if (lists == shape.lists.end() || lists->second.residual < residual_max_) continue;
      return exhausted(
          fmt::format("{} waits need a look at each tuple like this one's; residual_waiters_max is "
                      "{}; bind a field by value",
                      lists->second.residual, residual_max_),
          "residual_waiters_max");
    }
  }
  wait.links.assign(wait.plan.hashes.size(), WaitLink{&wait, nullptr, nullptr});
  for (size_t i = 0; i < wait.links.size(); ++i) {
    Lists& lists = shape.lists[wait.plan.hashes[i]];
    (wait.take.remove ? lists.takers : lists.readers).append(wait.links[i]);
    if (!wait.plan.exact) ++lists.residual;
  }
  if (wait.group >= 0) grouped_.emplace(wait.id, &wait);
  ++size_;
  return {};
}

void Waiters::remove(Wait& wait) {
  Shape& shape = shapes_[wait.shape];
  for (size_t i = 0; i < wait.links.size(); ++i) {
    const auto found = shape.lists.find(wait.plan.hashes[i]);
    Lists& lists = found->second;
    (wait.take.remove ? lists.takers : lists.readers).remove(wait.links[i]);
    if (!wait.plan.exact) --lists.residual;
    if (lists.readers.first == nullptr && lists.takers.first == nullptr) shape.lists.erase(found);
  }
  wait.links.clear();
  if (wait.group >= 0) grouped_.erase(wait.id);
  --size_;
}

void Waiters::offer(const Space& space, std::string_view bytes, Sequence place, Fingerprint& print,
                    Served& served) const {
  served.readers.clear();
  served.taker = nullptr;
  for (const Shape& shape : shapes_) {
    if (shape.lists.empty()) continue;
    const size_t fields = shape.question.fields();
    if (shape.rest ? fields > print.arity() : fields != print.arity()) continue;
    const auto found = shape.lists.find(print.hash(shape.question));
    if (found == shape.lists.end()) continue;
    for (WaitLink* link = found->second.readers.first; link != nullptr; link = link->next) {
      Wait& wait = *link->wait;
      if (may_be_offered(space, wait, place, bytes, print) && wait.take.wanted.matches(bytes)) {
        served.readers.push_back(&wait);
      }
    }
    for (WaitLink* link = found->second.takers.first; link != nullptr; link = link->next) {
      Wait& wait = *link->wait;
      if (served.taker != nullptr && served.taker->id < wait.id) break;
      if (may_be_offered(space, wait, place, bytes, print) && wait.take.wanted.matches(bytes)) {
        served.taker = &wait;
        break;
      }
    }
  }
  if (served.readers.size() > 1) {
    std::sort(served.readers.begin(), served.readers.end(),
              [](const Wait* a, const Wait* b) { return a->id < b->id; });
  }
}

}  // namespace tuplespace
