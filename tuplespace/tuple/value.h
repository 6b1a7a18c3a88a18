// Value is one field of a tuple, in memory: null, bool, int, float, string, bytes, list, map or
// space. It is what programs build and read; tuples are stored and compared as canonical bytes
// (encoding.h).
//
// Bounds:  Limits (nesting depth); checked where values are encoded.
// Threads: any (a value).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tuplespace {

// The order of the types is the order of their canonical bytes.
enum class Type : uint8_t {
  kAny = 0,  // in templates only
  kNull,
  kBool,
  kInt,
  kFloat,
  kString,
  kBytes,
  kList,
  kMap,
  kSpace,
};

// Returns "int" for kInt and so on.
const char* type_name(Type type);

// Returns the type that is called `name`, "any" included, or nothing.
std::optional<Type> type_of_name(std::string_view name);

// Bounds on what a tuple or a template may be. Each is named in the errors it causes.
struct Limits {
  size_t tuple_bytes_max = 1 << 20;  // canonical bytes of one tuple
  size_t fields_max = 64;            // fields of a tuple or template, top level
  size_t depth_max = 16;             // nesting of lists and maps
};

struct Bytes {
  std::string data;
  bool operator==(const Bytes&) const = default;
};

struct SpaceHandle {
  std::string name;
  bool operator==(const SpaceHandle&) const = default;
};

class Value {
 public:
  using List = std::vector<Value>;
  using Map = std::map<std::string, Value>;

  Value() = default;  // null
  Value(std::nullptr_t) {}
  Value(bool v) : held_(v) {}
  Value(int v) : held_(static_cast<int64_t>(v)) {}
  Value(int64_t v) : held_(v) {}
  Value(double v) : held_(v) {}
  Value(const char* v) : held_(std::string(v)) {}
  Value(std::string_view v) : held_(std::string(v)) {}
  Value(std::string v) : held_(std::move(v)) {}
  Value(Bytes v) : held_(std::move(v)) {}
  Value(List v) : held_(std::move(v)) {}
  Value(Map v) : held_(std::move(v)) {}
  Value(SpaceHandle v) : held_(std::move(v)) {}

  Type type() const { return static_cast<Type>(held_.index() + 1); }
  bool is_null() const { return type() == Type::kNull; }

  // Each requires: type() is that type.
  bool as_bool() const { return std::get<bool>(held_); }
  int64_t as_int() const { return std::get<int64_t>(held_); }
  double as_float() const { return std::get<double>(held_); }
  const std::string& as_string() const { return std::get<std::string>(held_); }
  const std::string& as_bytes() const { return std::get<Bytes>(held_).data; }
  const List& as_list() const { return std::get<List>(held_); }
  const Map& as_map() const { return std::get<Map>(held_); }
  const std::string& as_space() const { return std::get<SpaceHandle>(held_).name; }

  bool operator==(const Value&) const = default;

 private:
  // In the order of Type, so that index() + 1 is the type.
  std::variant<std::monostate, bool, int64_t, double, std::string, Bytes, List, Map, SpaceHandle>
      held_;
};

}  // namespace tuplespace
