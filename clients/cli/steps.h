// The steps of `tuplespace atomic`, one word of the command line each:
//
//   in SPACE TEMPLATE [hold TIME]     rd SPACE TEMPLATE
//   out SPACE FIELDS [ttl TIME]       $name and $n+1 are what earlier steps have bound
//   count SPACE TEMPLATE < N          or = N, > N
//   settle SPACE TOKEN done           or back, back TIME, tail, dead REASON
//   or                                begins another alternative
//
// Errors:  INVALID_ARGUMENT, naming the step.
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <vector>

#include "tuplespace/client.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::cli {

Result<client::Atomic> parse_steps(const std::vector<std::string>& steps,
                                   const Arguments& arguments);

}  // namespace tuplespace::cli
