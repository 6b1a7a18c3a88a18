// References: how the steps of an atomic speak of what earlier steps have found. A step that takes
// or reads binds the names of its template; a later template asks for `$name`, and what is put
// may be `$name`, or `$n+1` for an int.
//
// Errors:  INVALID_ARGUMENT, naming the reference.
// Threads: any (functions of their arguments; values).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuplespace/status.h"
#include "tuplespace/tuple/template.h"
#include "tuplespace/tuple/value.h"

namespace tuplespace {

// What names stand for: a name, and the canonical bytes of its value. Each name once.
using NameValues = std::vector<std::pair<std::string, std::string>>;

// Returns the value of `name`, or null.
const std::string* value_of(const NameValues& values, std::string_view name);

// A field that an atomic puts: a value, or what a name stands for, plus a number.
struct Expression {
  std::string value;  // canonical bytes; empty: `name`
  std::string name;
  Type type = Type::kAny;  // of the named value
  int64_t add = 0;

  bool operator==(const Expression&) const = default;
};

// The names that `wanted` refers to, each once, in the order of their first use.
std::vector<std::string> references_of(const Template& wanted);

// OK if `wanted` refers to nothing; what every operation but atomic asks for.
Status refuse_references(const Template& wanted);

// Returns `wanted` with values in place of its references, or nothing if one is of another type
// than the reference asks for, so that no tuple matches. Requires: every reference has a value.
std::optional<Template> instantiate(const Template& wanted, const NameValues& values);

// Returns `wanted` with a wildcard of its type in place of each reference: whatever the names
// will stand for, what matches then matches this.
Template widened(const Template& wanted);

// Appends what the names of `wanted` stand for in a tuple. Requires: the tuple matches.
void bind_names(const Template& wanted, std::string_view tuple_bytes, NameValues& values);

// Returns the canonical bytes of a field that is put. Refuses a value of another type than is
// asked for, a sum of what is no int, and one beyond 64 bits. Requires: its name has a value.
Result<std::string> evaluate(const Expression& field, const NameValues& values);

// Returns `canonical`, an int, plus `add`; or why there is no such int. `name` is for the error.
Result<std::string> sum_of(std::string_view canonical, int64_t add, std::string_view name);

}  // namespace tuplespace
