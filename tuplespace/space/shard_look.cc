// What people ask of a shard: who waits, who holds, which sessions there are.
#include <algorithm>
#include <utility>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/space/wait_text.h"

namespace tuplespace {
namespace {

// The `max` smallest, ascending.
template <typename Number>
void keep_smallest(std::vector<Number>& numbers, size_t max) {
  const size_t kept = std::min(max, numbers.size());
  const auto end = numbers.begin() + static_cast<std::ptrdiff_t>(kept);
  std::partial_sort(numbers.begin(), end, numbers.end());
  numbers.resize(kept);
}

}  // namespace

std::string Shard::Parts::name_of_session(SessionId id) const {
  const auto found = sessions.find(id);
  return found == sessions.end() ? "" : found->second->name;
}

void Shard::Parts::blocked(Operation& operation) {
  const Blocked& blocked = std::get<Blocked>(operation.what);
  const Space* const only = blocked.space.empty() ? nullptr : find_space(blocked.space);
  std::vector<uint64_t> ids;
  for (const auto& [id, wait] : waits) {
    if (blocked.space.empty() || (only != nullptr && waits_at(*wait, *only))) ids.push_back(id);
  }
  keep_smallest(ids, config.blocked_max);
  BlockedAnswer answered;
  for (const uint64_t id : ids) {
    const Wait& wait = *waits.at(id);
    const auto space = spaces.find(wait.space);  // an atomic says its spaces in its text
    answered.waits.push_back({space != spaces.end() ? space->second->name() : "", to_text(wait),
                              wait.since, wait.deadline, wait.caller.session,
                              name_of_session(wait.caller.session), wait.suspended,
                              wait.searching || waits_for_index(wait)});
  }
  answered.deadlock = has_deadlock(blocked.space);
  Answer answer;
  answer.sequence = last;
  answer.what = std::move(answered);
  reply(operation.reply, std::move(answer));
}

// Holds, what open transactions took, and what sessions took and have not confirmed, in order of
// the instants of taking.
void Shard::Parts::list_holds(Operation& operation) {
  const ListHolds& list = std::get<ListHolds>(operation.what);
  struct Taken {
    Sequence at;
    Sequence id;
    SessionId session;
    HeldTuple held;
    Time since;
    Time until;
    Token token;
    TransactionId transaction;
    bool operator<(const Taken& other) const {
      return std::pair(at, id) < std::pair(other.at, other.id);
    }
  };
  std::vector<Taken> taken;
  const auto wanted = [&](SessionId session, uint32_t in) {
    const auto space = spaces.find(in);
    return space != spaces.end() &&  // else it was dropped meanwhile
           (list.session == 0 || list.session == session) &&
           (list.space.empty() || list.space == space->second->name());
  };
  for (const auto& [id, session] : sessions) {
    if (list.session != 0 && list.session != id) continue;
    for (const Number number : session->answers.numbers()) {
      const KeptAnswer& kept = *session->answers.find(number);
      for (const HeldTuple& held : kept.tuples) {
        if (!wanted(id, held.space)) continue;
        taken.push_back({kept.sequence, held.id, id, held, 0, kNever, 0, 0});
      }
    }
  }
  for (const auto& [token, hold] : holds) {
    if (!wanted(hold.session, hold.space)) continue;
    taken.push_back({token,
                     hold.tuple,
                     hold.session,
                     {hold.space, hold.slot, hold.tuple},
                     hold.since,
                     hold.until,
                     token,
                     0});
  }
  for (const auto& [id, x] : transactions) {
    for (const auto& [tuple, one] : x->taken) {
      if (!wanted(x->session, one.space)) continue;
      taken.push_back(
          {one.at, tuple, x->session, {one.space, one.slot, tuple}, one.since, x->until, 0, id});
    }
  }
  keep_smallest(taken, config.blocked_max);
  HoldsAnswer answered;
  for (const Taken& one : taken) {
    const Space& space = *spaces.at(one.held.space);
    const Entry& entry = space.slab[one.held.slot];
    HoldsAnswer::Hold hold;
    hold.space = space.name();
    hold.found = {entry.id, entry.tuple, static_cast<uint32_t>(entry.attempt)};
    hold.found.token = one.token;
    hold.session = one.session;
    hold.session_name = name_of_session(one.session);
    hold.since = one.since;
    hold.until = one.until;
    hold.transaction = one.transaction;
    answered.holds.push_back(std::move(hold));
  }
  Answer answer;
  answer.sequence = last;
  answer.what = std::move(answered);
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::list_sessions(Operation& operation) {
  const ListSessions& list = std::get<ListSessions>(operation.what);
  std::vector<SessionId> ids;
  for (const auto& [id, session] : sessions) {
    if (id > list.after) ids.push_back(id);
  }
  keep_smallest(ids, config.blocked_max);
  SessionsAnswer answered;
  for (const SessionId id : ids) {
    const Session& session = *sessions.at(id);
    SessionsAnswer::Info info;
    info.session = id;
    info.name = session.name;
    info.epoch = session.epoch;
    info.connected = session.lease_end == kNever;
    info.lease_end = session.lease_end;
    info.waits = session.waits.size();
    info.unconfirmed = session.answers.size();
    info.holds = session.holds.size();
    answered.sessions.push_back(std::move(info));
  }
  Answer answer;
  answer.sequence = last;
  answer.what = std::move(answered);
  reply(operation.reply, std::move(answer));
}

}  // namespace tuplespace
