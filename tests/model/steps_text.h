// The steps of an atomic as text, for tests and scripts:
//
//   in s ("n", ?n:int) ; out s ("n", $n+1) or count s ("n", ?) = 0 ; out s ("n", 1)
//
//   alternatives = steps { "or" steps }
//   steps        = step { ";" step }
//   step         = ( "in" | "rd" ) SPACE TEMPLATE [ "hold" D ]
//                | "out" SPACE FIELDS [ "ttl" D ] [ "delay" D ] [ "bound" ]
//                | "count" SPACE TEMPLATE ( "<" | "=" | ">" ) N
//                | "settle" SPACE TOKEN ( "done" | "back" [ D ] | "tail" | "dead" REASON )
//   D            = milliseconds
//
// Errors:  INVALID_ARGUMENT.
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/space/operation.h"

namespace tuplespace {

Result<std::vector<Steps>> parse_steps(std::string_view text);

std::string to_text(const std::vector<Steps>& alternatives);

}  // namespace tuplespace
