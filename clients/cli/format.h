// Tuples and templates as the command line reads and prints them.
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>

#include "clients/cli/settings.h"

namespace tuplespace::cli {

// Reads the tuple or template of the command line: text, or JSON if it begins with "[".
Result<Tuple> read_tuple(const Settings& settings);
Result<Template> read_template(const Settings& settings);

// Reads a line of standard input.
Result<Tuple> read_line(std::string_view line, const Settings& settings);

// Returns the line to print, or why the tuple cannot be printed as asked.
Result<std::string> print(const Tuple& tuple, const Settings& settings);

// Returns an error about `text` with the text under it and a caret under the column it names:
//   column 8: expected "," or ")" before 7
//   ('job' 7)
//          ^
std::string with_caret(const std::string& message, const std::string& text);

}  // namespace tuplespace::cli
