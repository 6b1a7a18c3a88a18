// Handles are the space values of a tuple, at any depth: how tuples refer to spaces.
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace {

// Calls visit(name) for each handle in canonical fields, in order, also if a name repeats.
template <typename Visit>
void for_each_handle(std::string_view fields, const Visit& visit) {
  if (fields.find(static_cast<char>(code::kSpace)) == std::string_view::npos) return;
  std::string scratch;
  while (!fields.empty() && static_cast<uint8_t>(fields[0]) != code::kEnd) {
    const std::string_view field = take_field(fields);
    switch (type_of(field)) {
      case Type::kSpace: visit(decode_text(field, scratch)); break;
      case Type::kList:
      case Type::kMap: for_each_handle(field.substr(1), visit); break;  // keys are strings
      default: break;
    }
  }
}

}  // namespace tuplespace
