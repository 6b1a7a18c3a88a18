// expect() compares what came of a call with the words behind "=>" (README.md).
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>

#include "tests/conformance/backend.h"
#include "tests/conformance/script.h"

namespace tuplespace::conformance {

// Returns OK, or what was seen instead.
Status expect(const Words& expected, const Outcome& outcome);

// One line.
std::string describe(const Outcome& outcome);

}  // namespace tuplespace::conformance
