// The JSON form of tuples and templates: a tuple is an array; ints and floats are told apart by
// their text (7 and 7.0), and what JSON lacks is an object with one "$" key. The mapping is in
// docs/language.md.
//
// Bounds:  Limits. Errors give the position.
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/status.h"
#include "tuplespace/tuple/template.h"
#include "tuplespace/tuple/tuple.h"

namespace tuplespace {

enum class JsonNumbers {
  kPlain,   // 7, 7.0, {"$int": "9007199254740993"}
  kTagged,  // every int {"$int": "7"}, every float {"$float": "7.0"}
};

std::string to_json(const Tuple& tuple, JsonNumbers numbers = JsonNumbers::kPlain);
std::string to_json(const Template& wanted, JsonNumbers numbers = JsonNumbers::kPlain);
std::string field_to_json(std::string_view canonical_field,
                          JsonNumbers numbers = JsonNumbers::kPlain);

// A JSON string in place of the array holds the text form (text.h).
Result<Tuple> tuple_from_json(std::string_view json, const Limits& limits = {});
// In a step of an atomic, `bound` are the names that earlier steps bind, for {"$ref": name}.
Result<Template> template_from_json(std::string_view json, const Limits& limits = {},
                                    const std::vector<std::string>& bound = {});

}  // namespace tuplespace
