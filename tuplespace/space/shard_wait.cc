// Waits of a shard: parked, continued, ended, cancelled.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"

namespace tuplespace {
namespace {

// For people: "in of space "jobs"".
std::string what_waits(const Wait& wait) {
  if (wait.kind == Wait::Kind::kAtomic) return "atomic";
  return fmt::format("{} of space \"{}\"", wait.take.remove ? "in" : "rd", wait.take.space);
}

}  // namespace

void Shard::Parts::park(Space& space, std::unique_ptr<Wait> wait) {
  wait->id = next_wait++;
  wait->space = space.id();
  if (Status status = space.waiters.add(*wait); !status.ok()) {
    refuse(wait->reply, std::move(status));
    return forget_if_unused(space);
  }
  enroll(std::move(wait));
}

// From now on it is known by its id, to its session, and to whoever cancels it.
void Shard::Parts::enroll(std::unique_ptr<Wait> wait) {
  if (wait->caller.number != 0) {
    session_of(wait->caller)->waits[wait->caller.number] = wait->id;
  } else if (wait->reply.receiver != 0) {
    waits_by_reply[{wait->reply.receiver, wait->reply.token}] = wait->id;
  }
  if (wait->deadline != kNever) wheel.add({wait->deadline, Timer::Kind::kWait, wait->id, 0, 0});
  if (wait->searching) unfinished.push_back(wait->id);
  if (const TransactionId under = wait->take.transaction(); under != 0) {
    transactions.at(under)->waits.insert(wait->id);
  }
  waits.emplace(wait->id, std::move(wait));
  may_be_deadlock();
}

void Shard::Parts::end_wait(Wait& wait) {
  if (wait.kind == Wait::Kind::kAtomic) return end_atomic(wait);
  Space& space = *spaces.at(wait.space);
  if (wait.kind == Wait::Kind::kTake) space.waiters.remove(wait);
  if (wait.kind == Wait::Kind::kFate) {
    if (const Slot slot = space.find(wait.tuple); slot != kNoSlot) {
      Due due = space.slab.due(space.slab[slot]);
      due.waiter = 0;
      space.slab.set_due(space.slab[slot], due);
    }
  }
  dismiss(wait);
  forget_if_unused(space);
}

// Undoes enroll().
void Shard::Parts::dismiss(Wait& wait) {
  if (const auto under = transactions.find(wait.take.transaction()); under != transactions.end()) {
    under->second->waits.erase(wait.id);
  }
  if (wait.caller.number != 0) {
    if (Session* session = session_of(wait.caller)) session->waits.erase(wait.caller.number);
  } else {
    waits_by_reply.erase({wait.reply.receiver, wait.reply.token});
  }
  waits.erase(wait.id);
}

void Shard::end_waits(std::string_view space, const Status& status, Effects& effects) {
  parts_->effects = &effects;
  std::vector<uint64_t> ending;
  if (Space* named = parts_->find_space(space); named != nullptr) {
    parts_->end_atomics_of(*named, status);
  }
  for (const auto& [id, wait] : parts_->waits) {
    if (wait->kind == Wait::Kind::kFate) continue;  // its session learns it when it resumes
    if (space.empty() || wait->take.space == space) ending.push_back(id);
  }
  std::sort(ending.begin(), ending.end());
  for (const uint64_t id : ending) {
    Wait& wait = *parts_->waits.at(id);
    parts_->refuse(wait.reply, status);
    parts_->end_wait(wait);
  }
  parts_->end_watchers(space, status);
}

void Shard::Parts::wait_due(uint64_t id) {
  const auto found = waits.find(id);
  if (found == waits.end() || found->second->deadline > now) return;
  Wait& wait = *found->second;
  if (wait.suspended) return;  // its session learns it when it resumes
  answer_nothing(wait, Ended::kTimeout);
  end_wait(wait);
}

// Returns how many tuples it looked at.
size_t Shard::Parts::continue_search(Wait& wait) {
  Space& space = *spaces.at(wait.space);
  const SearchResult result = search_for(space, Inquiry(wait), wait.cursor);
  if (!result.found.empty()) {
    complete(space, Asker(wait), result);
    end_wait(wait);
  } else if (result.no_room) {
    refuse(wait.reply, no_room(wait.take));
    end_wait(wait);
  } else if (!result.finished) {
    unfinished.push_back(wait.id);
  } else if (wait.probe()) {
    answer_nothing(wait, Ended::kNone);
    end_wait(wait);
  } else {
    wait.searching = false;
    may_be_deadlock();
  }
  return result.examined;
}

void Shard::Parts::cancel(const Cancel& cancel) {
  uint64_t id = 0;
  if (cancel.session != 0) {
    const auto session = sessions.find(cancel.session);
    if (session == sessions.end()) return;
    const auto wait = session->second->waits.find(cancel.number);
    if (wait == session->second->waits.end()) return;  // it has had its answer
    id = wait->second;
  } else {
    if (cancel_watch(cancel.reply)) return;
    const auto wait = waits_by_reply.find({cancel.reply.receiver, cancel.reply.token});
    if (wait == waits_by_reply.end()) return;
    id = wait->second;
  }
  Wait& wait = *waits.at(id);
  if (wait.kind == Wait::Kind::kFate) return withdraw(wait);
  refuse(wait.reply, {Code::kCancelled, what_waits(wait) + " was cancelled"});
  end_wait(wait);
}

}  // namespace tuplespace
