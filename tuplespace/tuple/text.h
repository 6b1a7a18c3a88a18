// The text form of tuples and templates: what people type and logs show.
//
//   ("job", 7, 3.5, true, null, b"\x00\xff", ["a", 1], {"k": 1})      a tuple
//   ("job", ?id:int, >3.0, "a"|"b", /^x/, ...)                        a template
//
// The grammar is in docs/language.md. Errors point at the column and say what would be right.
//
// Bounds:  Limits.
// Threads: any (functions of their arguments).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/status.h"
#include "tuplespace/tuple/reference.h"
#include "tuplespace/tuple/template.h"
#include "tuplespace/tuple/tuple.h"

namespace tuplespace {

// What $name stands for: text, which $name:int and so on parse; without a type it is a string. The
// text of $name:bytes and $name:space is taken as it is, without quotes.
using Arguments = std::map<std::string, std::string, std::less<>>;

Result<Tuple> parse_tuple(std::string_view text, const Arguments& arguments = {},
                          const Limits& limits = {});
// In a step of an atomic, `bound` are the names that earlier steps bind: `$name` refers to one of
// them, unless there is an argument of that name.
Result<Template> parse_template(std::string_view text, const Arguments& arguments = {},
                                const Limits& limits = {},
                                const std::vector<std::string>& bound = {});
// What a step of an atomic puts: ("n", $n+1).
Result<std::vector<Expression>> parse_expressions(std::string_view text,
                                                  const std::vector<std::string>& bound,
                                                  const Arguments& arguments = {},
                                                  const Limits& limits = {});

// The printed form; parsing it gives an equal tuple or template.
std::string to_text(const Tuple& tuple);
std::string to_text(const Template& wanted);
std::string to_text(const std::vector<Expression>& fields);

// One canonical field, for instance a name's binding.
std::string field_to_text(std::string_view canonical_field);

}  // namespace tuplespace
