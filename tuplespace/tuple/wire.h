// The protobuf form of tuples and templates (proto/tuplespace/v1/tuple.proto), converted to and
// from canonical bytes in one pass, without the protobuf library.
//
// Everything is checked on the way in: exactly one kind per value, UTF-8, unique keys (sorted
// here), no NaN, -0.0 made 0.0, Limits. Unknown fields are skipped, as protobuf does.
//
// Bounds:  Limits.
// Threads: any (functions of their arguments).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tuplespace/status.h"
#include "tuplespace/tuple/reference.h"
#include "tuplespace/tuple/template.h"
#include "tuplespace/tuple/tuple.h"

namespace tuplespace {

// `bytes` is a serialized tuplespace.v1.Tuple.
Result<Tuple> tuple_from_wire(std::string_view bytes, const Limits& limits = {});
// `bytes` is a serialized tuplespace.v1.Template.
Result<Template> template_from_wire(std::string_view bytes, const Limits& limits = {});

// `bytes` is a serialized tuplespace.v1.Expression.
Result<Expression> expression_from_wire(std::string_view bytes, const Limits& limits = {});

// Each appends the serialized message, without a length in front.
void append_wire(const Tuple& tuple, std::string& out);
void append_wire(const Template& wanted, std::string& out);
void append_wire(const Expression& field, std::string& out);

// WireForm converts one tuple into memory of its own, on the stack while it is small: for who has
// to know the length of the message before it is appended.
class WireForm {
 public:
  // Valid as long as this, and until the next call.
  std::string_view of(const Tuple& tuple);

 private:
  char small_[2048];  // not initialized
  std::unique_ptr<char[]> large_;
};

// Returns the canonical bytes of a serialized tuplespace.v1.Value that stands inside `depth` lists
// and maps.
Result<std::string> value_from_wire(std::string_view bytes, size_t depth, const Limits& limits);
// Appends one canonical field as the message field `field` (below 16) of type Value.
void append_value_field(uint32_t field, std::string_view canonical, std::string& out);

}  // namespace tuplespace
