// Literals: how strings and numbers are spelled in the text form and in JSON, which agree on
// nearly all of it, and where in a text something stands.
//
// Threads: any (functions of their arguments).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tuplespace/tuple/value.h"

namespace tuplespace {

// Returns "column 8", or "line 2 column 8" where there are several lines. Columns count
// characters from 1.
std::string place_of(std::string_view text, size_t offset);

enum class Quoting {
  kText,  // "..." or '...', \' is an escape
  kJson,  // "..." without control characters
};

// Reads the string whose opening quote is text[at] into `out`. Returns "", and `at` is behind the
// closing quote; or what is wrong, and `at` is where. Requires: `text` is UTF-8.
std::string read_quoted(std::string_view text, size_t& at, Quoting quoting, std::string& out);

// Appends `text` in double quotes; control and bidirectional characters as \u. Legal in both.
void append_quoted(std::string_view text, std::string& out);

// Returns true for characters that change how a terminal shows others: control characters and
// those that turn the direction of writing.
bool is_invisible(uint32_t point);

// Removes and returns the first character of `text`. Requires: UTF-8 and not empty.
uint32_t take_point(std::string_view& text);

// The number that a text begins with: kInt -?(0|[1-9][0-9]*), kFloat the same with a fraction or
// an exponent.
struct NumberText {
  size_t length = 0;  // 0: there is none
  Type type = Type::kInt;
};
NumberText scan_number(std::string_view text);

// Each reads a whole text that scan_number() accepts. Returns false if the number is out of range.
// What is too small for a float is 0.0.
bool parse_int(std::string_view text, int64_t& value);
bool parse_float(std::string_view text, double& value);

// Appends the shortest text that reads as `value`, with "." or an exponent; "inf" and "-inf".
void append_float(double value, std::string& out);

// Returns the value of a hexadecimal digit, or -1.
int hex_digit(char c);

}  // namespace tuplespace
