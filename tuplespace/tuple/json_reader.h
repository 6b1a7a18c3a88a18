// read_json() reads a JSON text (RFC 8259) into a tree that remembers where everything stands.
//
// It is our own because the libraries at hand read numbers through doubles, and none tells where
// a key stands that comes twice. Here a number stays the text that it is.
//
// Bounds:  brackets in each other, given by the caller.
// Errors:  INVALID_ARGUMENT with the place.
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/status.h"

namespace tuplespace {

struct JsonNode {
  enum class Kind : uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  size_t begin = 0;  // offsets in the text
  size_t end = 0;
  std::vector<JsonNode> items;  // kArray: the items. kObject: key, value, key, value, ...

  std::string_view source(std::string_view text) const { return text.substr(begin, end - begin); }
};

// Keys of one object are all different.
Result<JsonNode> read_json(std::string_view text, size_t brackets_max);

// Returns what a kString stands for.
std::string string_of(const JsonNode& node, std::string_view text);

}  // namespace tuplespace
