// What a script says, as the C++ client understands it, and back.
//
// Threads: any (functions of their arguments).
#pragma once

#include <span>
#include <vector>

#include "tests/conformance/backend.h"
#include "tuplespace/client.h"

namespace tuplespace::conformance {

client::OutOptions out_options(const Call& call);
// The options refer to the call and to `further`.
client::TakeOptions take_options(const Call& call,
                                 std::span<const client::TemplateArgument> further);
client::Policy policy_of(const Policy& policy);
client::Atomic atomic_of(const std::vector<Steps>& alternatives);
client::Settlement settlement_of(const Call& call);

Result<std::chrono::milliseconds> renew(client::Connection& connection, const Call& call);
Status end_lease(client::Connection& connection, const Call& call);

Outcome placed_of(const Result<client::Placed>& placed);
Outcome::Match match_of(const client::Match& match);
// A wait that ended is an error in this language; the scripts call it by its name. False: it is
// something else.
bool is_ended(const Status& status, std::optional<Duration> wait, Outcome& outcome);

}  // namespace tuplespace::conformance
