// Watching, and what administrators ask, of an engine in this process.
#include "clients/cpp/match.h"
#include "clients/cpp/operations.h"

namespace tuplespace::client {

namespace engine = ::tuplespace;

namespace {

system_clock::time_point time_of(Time milliseconds_since_1970) {
  return system_clock::time_point(milliseconds(milliseconds_since_1970));
}

std::optional<system_clock::time_point> end_of(Time milliseconds_since_1970) {
  if (milliseconds_since_1970 == kNever) return std::nullopt;
  return time_of(milliseconds_since_1970);
}

}  // namespace

static_assert(static_cast<int>(EventKind::kPulse) == static_cast<int>(engine::EventKind::kPulse));

engine::Watch watch_of(const WatchAsk& ask) {
  const uint32_t kinds = ask.options.kinds.bits();
  return {ask.space, ask.wanted, kinds == 0 ? ~0u : kinds, ask.options.snapshot, ask.options.after};
}

Event event_of(engine::SpaceEvent& event) {
  FoundTuple found{event.found.id, std::move(event.found.tuple), event.found.attempt};
  return {static_cast<EventKind>(event.kind), Builder::plain(found, event.sequence), event.sequence,
          0};
}

Blocked blocked_of(const engine::BlockedAnswer& answer) {
  Blocked blocked;
  blocked.deadlock = answer.deadlock;
  for (const engine::BlockedAnswer::Wait& wait : answer.waits) {
    blocked.waits.push_back({wait.space, wait.what, time_of(wait.since), end_of(wait.deadline),
                             wait.session, wait.session_name, wait.suspended, wait.searching});
  }
  return blocked;
}

std::vector<HoldInfo> holds_of(const engine::HoldsAnswer& answer) {
  std::vector<HoldInfo> holds;
  for (const engine::HoldsAnswer::Hold& hold : answer.holds) {
    holds.push_back({hold.space, hold.found.tuple, hold.found.id, hold.found.attempt,
                     hold.found.token, hold.session, hold.session_name, time_of(hold.since),
                     end_of(hold.until), hold.transaction});
  }
  return holds;
}

Explanation explanation_of(const engine::ExplainAnswer& answer) {
  Explanation explanation{answer.index, answer.building, answer.candidates,
                          answer.ready, answer.held,     answer.delayed,
                          {},           answer.examined};
  for (const engine::ExplainAnswer::Near& near : answer.near) {
    explanation.near.push_back({near.text, near.field, near.tuples});
  }
  return explanation;
}

std::vector<SessionInfo> sessions_of(const engine::SessionsAnswer& answer) {
  std::vector<SessionInfo> sessions;
  for (const engine::SessionsAnswer::Info& info : answer.sessions) {
    sessions.push_back({info.session, info.name, info.epoch, info.connected, end_of(info.lease_end),
                        info.waits, info.unconfirmed, info.holds});
  }
  return sessions;
}

}  // namespace tuplespace::client
