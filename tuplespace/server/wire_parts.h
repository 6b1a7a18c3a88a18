// What the files that speak for wire.h share.
//
// Threads: any (functions of their arguments).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tuplespace/clock.h"
#include "tuplespace/space/answer.h"
#include "tuplespace/status.h"

namespace tuplespace {

inline constexpr uint32_t kCallerField = 15;  // of every request that may be numbered

// `what` is the name of a message.
Status malformed(std::string_view what);
Status set_wait(uint64_t varint, std::optional<Duration>& wait);

// Appends a Found as the message field `field`.
void append_found(uint32_t field, const Found& found, std::string& out);

// A Lease message.
Result<Lease> decode_lease(std::string_view bytes);

// ---- wire_coordination.cc: answers that wire.cc does not know ----

// The field of message Answer that holds an answer like this, 0 if it is no answer to a Verb.
uint32_t coordination_field(const Answer& answer);
// Appends the response message. Requires: coordination_field() is not 0.
void append_coordination_response(const Answer& answer, std::string& out);

}  // namespace tuplespace
