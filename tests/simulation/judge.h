// The judge says whether what clients saw fits the promises (docs/semantics.md): at most one owner,
// nothing acknowledged lost, no number executed twice, true absences, the oldest first, groups,
// all or nothing, deliveries, nobody left waiting. It knows only what clients know (deed.h), and
// where a fault excuses something, it excuses it: what it says is wrong, is.
//
// Threads: any (a function of its argument).
#pragma once

#include <string>

#include "tests/simulation/deed.h"

namespace tuplespace::simulation {

// Returns "" or the first broken promise.
std::string judge(const Past& past);

}  // namespace tuplespace::simulation
