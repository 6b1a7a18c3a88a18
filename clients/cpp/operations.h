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
std::vector<SpaceInfo> spaces_of(const ::tuplespace::ListAnswer& answer);

}  // namespace tuplespace::client
