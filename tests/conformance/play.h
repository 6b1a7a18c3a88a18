// play() runs a script on a backend and says where, if anywhere, it went otherwise.
//
// Threads: one.
#pragma once

#include "tests/conformance/backend.h"
#include "tests/conformance/script.h"

namespace tuplespace::conformance {

// Returns OK, or the line that failed with what was expected and what was seen.
Status play(const Script& script, Backend& backend);

// True if the backend serves all tags of the script.
bool can_play(const Script& script, const Backend& backend);

// Each reads what a script writes; "big:N" is the tuple of one string of N letters.
Result<Tuple> read_tuple(const std::string& word);
Result<Call> read_call(const Words& command);

}  // namespace tuplespace::conformance
