// Requests that are read as messages: those that come seldom.
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "tuplespace/server/wire_parts.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {

template <typename Message>
Status parse(std::string_view bytes, Message& message) {
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  return malformed(message.GetTypeName());
}

// `field` is what the request calls it.
inline Status check_space_name(const std::string& name, std::string_view field) {
  if (is_space_name(name)) return {};
  return invalid(
      fmt::format("\"{}\" is no name for a space; names are [A-Za-z0-9._/-]{{1,128}}", name),
      std::string(field));
}

}  // namespace tuplespace
