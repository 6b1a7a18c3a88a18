#include "tuplespace/space/wait.h"

#include <algorithm>

#include <fmt/format.h>

#include "tuplespace/space/space.h"

namespace tuplespace {
namespace {

constexpr size_t kShapesMax = 64;  // different questions; further ones are filed under (?, ...)

}  // namespace

bool may_be_offered(Space& space, const Wait& wait, Sequence place, std::string_view bytes,
                    Fingerprint& print) {
  if (wait.suspended) return false;
  if (wait.group >= 0 && static_cast<size_t>(wait.group) < print.arity()) {
    const auto field = static_cast<uint32_t>(wait.group);
    if (space.is_busy(print.arity(), field, print.field(field))) return false;
  }
  return !wait.searching || !is_ahead(wait.cursor, wait.order, wait.field, place, bytes);
}

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

uint32_t Waiters::shape_of(const Template& wanted, const Question& asked) {
  const bool rest = wanted.rest();
  const auto find = [&](const Question& question) {
    return std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& shape) {
      return shape.rest == rest && shape.question == question;
    });
  };
  auto found = find(asked);
  if (found == shapes_.end() && shapes_.size() >= kShapesMax) {
    // A shape that nobody uses any more makes room.
    const auto unused = std::find_if(shapes_.begin(), shapes_.end(),
                                     [](const Shape& shape) { return shape.lists.empty(); });
    if (unused != shapes_.end()) {
      *unused = Shape{asked, rest, {}};
      return static_cast<uint32_t>(unused - shapes_.begin());
    }
    const Question nothing(asked.fields());
    found = find(nothing);
    if (found == shapes_.end()) {
      shapes_.push_back({nothing, rest, {}});
      return static_cast<uint32_t>(shapes_.size() - 1);
    }
  } else if (found == shapes_.end()) {
    shapes_.push_back({asked, rest, {}});
    return static_cast<uint32_t>(shapes_.size() - 1);
  }
  return static_cast<uint32_t>(found - shapes_.begin());
}

Status Waiters::add(Wait& wait) {
  for (size_t i = 0; i < wait.templates(); ++i) {
    if (Status status = add(wait, i); !status.ok()) {
      while (i > 0) remove(wait, --i);
      return status;
    }
  }
  if (wait.group >= 0) grouped_.emplace(wait.id, &wait);
  ++size_;
  return {};
}

Status Waiters::add(Wait& wait, size_t which) {
  const Template& wanted = wait.wanted(which);
  Filing& filing = wait.filed(which);
  Plan& plan = filing.plan;
  filing.shape = shape_of(wanted, plan.question);
  Shape& shape = shapes_[filing.shape];
  if (shape.question != plan.question) {  // filed more widely than it asks
    plan.hashes = hashes_under(wanted, shape.question, seed_);
    plan.question = shape.question;
    plan.exact = false;
  }
  if (!plan.exact) {
    for (const uint64_t hash : plan.hashes) {
      const auto lists = shape.lists.find(hash);
      if (lists == shape.lists.end() || lists->second.residual < residual_max_) continue;
      return exhausted(
          fmt::format("{} waits need a look at each tuple like this one's; residual_waiters_max is "
                      "{}; bind a field by value",
                      lists->second.residual, residual_max_),
          "residual_waiters_max");
    }
  }
  filing.links.assign(plan.hashes.size(), WaitLink{&wait, &wanted, nullptr, nullptr});
  for (size_t i = 0; i < filing.links.size(); ++i) {
    Lists& lists = shape.lists[plan.hashes[i]];
    (wait.take.remove ? lists.takers : lists.readers).append(filing.links[i]);
    if (!plan.exact) ++lists.residual;
  }
  return {};
}

void Waiters::remove(Wait& wait) {
  for (size_t i = 0; i < wait.templates(); ++i) remove(wait, i);
  if (wait.group >= 0) grouped_.erase(wait.id);
  --size_;
}

void Waiters::remove(Wait& wait, size_t which) {
  Filing& filing = wait.filed(which);
  Shape& shape = shapes_[filing.shape];
  for (size_t i = 0; i < filing.links.size(); ++i) {
    const auto found = shape.lists.find(filing.plan.hashes[i]);
    Lists& lists = found->second;
    (wait.take.remove ? lists.takers : lists.readers).remove(filing.links[i]);
    if (!filing.plan.exact) --lists.residual;
    if (lists.readers.first == nullptr && lists.takers.first == nullptr) shape.lists.erase(found);
  }
  filing.links.clear();
}

void Waiters::offer(Space& space, std::string_view bytes, Sequence place, Fingerprint& print,
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
      if (may_be_offered(space, wait, place, bytes, print) && link->wanted->matches(bytes)) {
        served.readers.push_back(&wait);
      }
    }
    for (WaitLink* link = found->second.takers.first; link != nullptr; link = link->next) {
      Wait& wait = *link->wait;
      if (served.taker != nullptr && served.taker->id < wait.id) break;
      if (may_be_offered(space, wait, place, bytes, print) && link->wanted->matches(bytes)) {
        served.taker = &wait;
        break;
      }
    }
  }
  if (served.readers.size() > 1) {
    std::sort(served.readers.begin(), served.readers.end(),
              [](const Wait* a, const Wait* b) { return a->id < b->id; });
    // One that asks for any of several may match by more than one of them.
    const auto end = std::unique(served.readers.begin(), served.readers.end());
    served.readers.erase(end, served.readers.end());
  }
}

}  // namespace tuplespace
