// Deadlock: every participant that has joined a space waits without bound, at least one of them
// there, and nothing is due in the shard that could make a tuple available.
//
// A participant is a session opened as such; it joins a space with its first operation on it.
// Looked for when a participant is parked, and when something that was due is over.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "tuplespace/space/shard_parts.h"

namespace tuplespace {
namespace {

// Calls visit(name) for each space that an operation is about.
template <typename Visit>
void for_each_space(const Operation& operation, const Visit& visit) {
  std::visit(
      [&](const auto& what) {
        using What = std::decay_t<decltype(what)>;
        if constexpr (requires { what.space; }) visit(what.space);
        if constexpr (requires { what.into; }) visit(what.into);
        if constexpr (std::is_same_v<What, Atomic>) {
          if (what.alternatives == nullptr) return;
          for (const Steps& steps : *what.alternatives) {
            for (const Step& step : steps) {
              std::visit([&](const auto& one) { visit(one.space); }, step);
            }
          }
        }
      },
      operation.what);
}

}  // namespace

// What the spaces of an operation remember of its caller.
void Shard::Parts::note_use(Session& session, const Operation& operation) {
  for_each_space(operation, [&](const std::string& name) {
    Space* space = find_space(name);
    if (space == nullptr || !space->exists) return;
    if (session.participant) join(session, *space);
    use_space(session, *space);
  });
}

void Shard::Parts::join(Session& session, Space& space) {
  if (space.participants == nullptr) return;
  if (space.participants->joined.insert(session.id).second) session.tied.push_back(space.id());
}

// Who waited for the space to be created has joined it.
void Shard::Parts::begin_deadlocks(Space& space) {
  space.participants = std::make_unique<Participants>();
  guarded.push_back(space.id());
  space.waiters.for_each([&](const Wait& wait) {
    Session* session = session_of(wait.caller);
    if (wait.caller.number != 0 && session != nullptr && session->participant) {
      join(*session, space);
    }
  });
}

// Which spaces a participant had joined before a restart is not known: it may have been any.
void Shard::Parts::recovered_participants() {
  for (const auto& [id, session] : sessions) {
    if (!session->participant) continue;
    for (const uint32_t space : guarded) join(*session, *spaces.at(space));
  }
}

// A session waits without bound if all that it has under way does.
bool Shard::Parts::waits_without_bound(const Session& session) const {
  return !session.waits.empty() &&
         std::all_of(session.waits.begin(), session.waits.end(), [&](const auto& numbered) {
           const Wait& wait = *waits.at(numbered.second);
           return wait.deadline == kNever && !wait.suspended && !wait.searching &&
                  !waits_for_index(wait);
         });
}

bool Shard::Parts::waits_at(const Wait& wait, const Space& space) const {
  if (wait.kind != Wait::Kind::kAtomic) return wait.space == space.id();
  const std::vector<uint32_t>& named = groups.at(wait.line)->spaces;
  return std::find(named.begin(), named.end(), space.id()) != named.end();
}

bool Shard::Parts::waits_for_index(const Wait& wait) const {
  return wait.kind == Wait::Kind::kAtomic && groups.at(wait.line)->building;
}

// A tuple that ends by its time helps who counts how few there are.
bool Shard::Parts::something_may_leave() const {
  for (const auto& [id, group] : groups) {
    const bool counts = std::any_of(group->interests.begin(), group->interests.end(),
                                    [](const auto& interest) { return interest.leaving; });
    for (const uint32_t space : group->spaces) {
      if (counts && spaces.at(space)->slab.has_dues()) return true;
    }
  }
  return false;
}

// Costs as much as there are spaces and sessions; asked only when all participants wait.
bool Shard::Parts::something_is_due() const {
  if (!holds.empty() || !transactions.empty()) return true;  // each has a lease
  for (const auto& [id, space] : spaces) {
    if (space->delayed.size() > 0) return true;
  }
  for (const auto& [id, session] : sessions) {
    if (session->lease_end == kNever) continue;
    if (session->answers.size() > 0 || !session->bound.empty()) return true;
  }
  return something_may_leave();
}

uint64_t Shard::Parts::deadlocked_wait(const Space& space) const {
  uint64_t youngest = 0;
  for (const SessionId id : space.participants->joined) {
    const Session& session = *sessions.at(id);
    if (!waits_without_bound(session)) return 0;
    for (const auto& [number, wait] : session.waits) {
      const Wait& waiting = *waits.at(wait);
      if (waiting.kind != Wait::Kind::kFate && waits_at(waiting, space)) {
        youngest = std::max(youngest, wait);
      }
    }
  }
  return youngest != 0 && !something_is_due() ? youngest : 0;
}

void Shard::Parts::find_deadlocks() {
  look_for_deadlock = false;
  for (const uint32_t id : std::vector<uint32_t>(guarded)) {
    Space& space = *spaces.at(id);
    const uint64_t youngest = deadlocked_wait(space);
    const bool new_one = youngest != 0 && youngest != space.participants->reported;
    space.participants->reported = youngest;
    if (!new_one) continue;
    ++figures.deadlocks;
    if (space.policy.deadlock != Deadlock::kFail) continue;
    Wait& wait = *waits.at(youngest);
    answer_nothing(wait, Ended::kDeadlock);
    end_wait(wait);
  }
}

bool Shard::Parts::has_deadlock(std::string_view name) const {
  return std::any_of(guarded.begin(), guarded.end(), [&](uint32_t id) {
    const Space& space = *spaces.at(id);
    return (name.empty() || space.name() == name) && deadlocked_wait(space) != 0;
  });
}

}  // namespace tuplespace
