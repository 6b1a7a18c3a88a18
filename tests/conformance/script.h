// Script is a conformance script taken apart: what clients do, line by line, and what must come
// of it. The grammar is in README.md; here nothing is known of tuples except where they end.
//
// Errors:  INVALID_ARGUMENT, naming file and line.
// Threads: any (values).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/status.h"

namespace tuplespace::conformance {

using Words = std::vector<std::string>;

struct Step {
  int line = 0;
  std::string text;    // as written, for messages
  std::string client;  // "" for those of the server and the clock
  Words command;       // empty: the answer of what is blocked
  Words expected;      // empty: nothing is
};

struct Script {
  std::string name;
  std::set<std::string, std::less<>> tags;
  std::vector<Step> steps;  // loops are written out
};

// Splits a line at its blanks; what stands in brackets or quotes stays together.
Words split(std::string_view line);

Result<Script> parse_script(std::string name, std::string_view text);

// Reads "250ms", "-1s", "2h".
Result<Duration> parse_duration(std::string_view text);

}  // namespace tuplespace::conformance
