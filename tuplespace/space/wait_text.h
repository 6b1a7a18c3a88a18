// What a wait waits for, for people: `in ("job", ?int)`, `atomic in s ("a"); out s ("b")`.
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>

#include "tuplespace/space/wait.h"

namespace tuplespace {

std::string to_text(const Wait& wait);

}  // namespace tuplespace
