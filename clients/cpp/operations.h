// Translation between what the client says and what an engine understands, for spaces in this
// process.
//
// Threads: any (functions of their arguments).
#pragma once

#include <vector>

#include "clients/cpp/backend.h"
#include "tuplespace/space/answer.h"

namespace tuplespace::client {

::tuplespace::Operation operation_of(const Ask& ask);

// Moves what `answer` says of tuples and counts into a reply.
Reply reply_of(::tuplespace::Answer& answer, Ticket ticket);

::tuplespace::Durability durability_of(Durability durability);  // requires: not kDefault
::tuplespace::Policy policy_of(const Policy& policy);
Policy policy_of(const ::tuplespace::Policy& policy);
std::vector<SpaceInfo> spaces_of(const ::tuplespace::ListAnswer& answer);

// ---- operations_look.cc ----

::tuplespace::Watch watch_of(const WatchAsk& ask);
Event event_of(::tuplespace::SpaceEvent& event);
Blocked blocked_of(const ::tuplespace::BlockedAnswer& answer);
std::vector<HoldInfo> holds_of(const ::tuplespace::HoldsAnswer& answer);
Explanation explanation_of(const ::tuplespace::ExplainAnswer& answer);
std::vector<SessionInfo> sessions_of(const ::tuplespace::SessionsAnswer& answer);

}  // namespace tuplespace::client
