// Template says which tuples are wanted: per field a pattern, at the end perhaps "..." for any
// further fields. A tuple matches when every pattern does and fields of one name are equal.
//
// Patterns are compared with canonical bytes; nothing is decoded except text for regular
// expressions.
//
// Bounds:  Limits, kRegexBytesMax; checked where templates are parsed (text, json, wire).
// Threads: any (immutable once built; copies share).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/status.h"
#include "tuplespace/tuple/tuple.h"
#include "tuplespace/tuple/value.h"

namespace re2 {
class RE2;
}

namespace tuplespace {

inline constexpr size_t kRegexBytesMax = 4096;  // source of one regular expression

// What one field must be.
struct Pattern {
  enum class Kind : uint8_t {
    kAny,     // ?
    kType,    // ?int
    kValue,   // 7
    kRange,   // 3..9  >5  <="m"
    kPrefix,  // "pre"*
    kChoice,  // "a"|"b"
    kRegex,   // /re/
    kList,    // [ patterns ]
    kMap,     // { "k": pattern }
  };

  Kind kind = Kind::kAny;
  Type type = Type::kAny;  // kType, kRange, kPrefix: the type of matching fields
  int name = -1;           // index in Template::names, -1: none

  std::string value;  // kValue: canonical bytes. kPrefix: code and escaped text, no end.
                      // kRegex: the source.
  // kRange: canonical bytes of the ends, "" for none.
  std::string low, high;
  bool low_included = true, high_included = true;

  std::vector<Pattern> items;     // kChoice: alternatives. kList: items. kMap: one per key
  std::vector<std::string> keys;  // kMap: canonical strings, ascending
  bool rest = false;              // kList, kMap: further items are welcome
  int rest_name = -1;             // kList: index in names of a named rest

  std::shared_ptr<const re2::RE2> regex;

  bool operator==(const Pattern& other) const;  // same meaning; regex by source
};

// What the names of a template stand for after a match: parallel to names(). A named rest is
// the canonical bytes of a list.
using Bindings = std::vector<std::string>;

class Template {
 public:
  Template() = default;  // matches only ()

  // Builds a template, or says what is wrong with it: limits, unknown name index.
  // Patterns refer to `names` by index; a name used twice means equal.
  static Result<Template> of(std::vector<Pattern> fields, std::vector<std::string> names,
                             bool rest = false, int rest_name = -1, const Limits& limits = {});

  // The template that only `tuple` itself matches.
  static Template exactly(const Tuple& tuple);

  const std::vector<Pattern>& fields() const { return fields_; }
  const std::vector<std::string>& names() const { return names_; }
  bool rest() const { return rest_; }
  int rest_name() const { return rest_name_; }

  // True if nothing but equality and type decides (no names used twice): an index on those
  // fields answers exactly.
  bool plain() const { return plain_; }

  // Returns the top-level field that binds `name`, or -1.
  int field_of_name(std::string_view name) const;

  bool matches(std::string_view tuple_bytes) const;
  bool matches(const Tuple& tuple) const { return matches(tuple.bytes()); }

  // As matches(); fills `bindings` with the canonical bytes of each name when it is true.
  bool bind(std::string_view tuple_bytes, Bindings& bindings) const;

  bool operator==(const Template&) const = default;

 private:
  std::vector<Pattern> fields_;
  std::vector<std::string> names_;
  bool rest_ = false;
  int rest_name_ = -1;
  bool plain_ = true;
  bool has_names_twice_ = false;
};

// Compiles the source of a regular expression (RE2), or says why it is none.
Result<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view source);

// Each builds one pattern; those that can be wrong say how.
Pattern any_pattern();
Pattern type_pattern(Type type);
Pattern value_pattern(std::string canonical);
Result<Pattern> range_pattern(std::string low, bool low_included, std::string high,
                              bool high_included);  // canonical ends, "" for none
Pattern string_prefix_pattern(std::string_view prefix);
Pattern bytes_prefix_pattern(std::string_view prefix);
Result<Pattern> choice_pattern(std::vector<Pattern> alternatives);  // no names inside
Result<Pattern> regex_pattern(std::string_view source);

}  // namespace tuplespace
