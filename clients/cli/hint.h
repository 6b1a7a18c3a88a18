// Hints for people at a terminal: what a command waits for, and why it found nothing.
//
// Bounds:  a hint looks at no more than kHintTuplesMax tuples.
// Threads: one.
#pragma once

#include <string>

#include "tuplespace/client.h"

namespace tuplespace::cli {

inline constexpr size_t kHintTuplesMax = 5'000;

// "waiting for (?) in "job", which does not exist; spaces: jobs, results. Ctrl-C ends."
std::string waiting_hint(client::Connection& connection, const std::string& space,
                         const Template& wanted);

// "nothing matched; 17 tuples have float 3.0 where you asked int 3"
std::string nothing_hint(client::Connection& connection, const std::string& space,
                         const Template& wanted);

// "spaces: jobs, results" or "there are no spaces".
std::string spaces_hint(client::Connection& connection);

}  // namespace tuplespace::cli
