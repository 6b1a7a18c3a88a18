// Template says which tuples are wanted: per field a pattern, at the end perhaps "..." for any
// further fields. A tuple matches when every pattern does and fields of one name are equal.
//
// Patterns are compared with canonical bytes; nothing is decoded except text for regular
// expressions.
//
// Bounds:  Limits, kRegexBytesMax, kPatternsMax; checked where templates are parsed (text, json,
//          wire).
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
inline constexpr size_t kPatternsMax = 4096;    // patterns of one template, nested ones included

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
  Template() : rep_(empty()) {}  // matches only ()

  // Builds a template, or says what is wrong with it: limits, a name that is none.
  // Patterns refer to `names` by index; a name used twice means equal. Names come out in the
  // order of their first use, so that templates of one meaning are equal.
  static Result<Template> of(std::vector<Pattern> fields, std::vector<std::string> names,
                             bool rest = false, int rest_name = -1, const Limits& limits = {});

  // The template that only `tuple` itself matches.
  static Template exactly(const Tuple& tuple);

  const std::vector<Pattern>& fields() const { return rep_->fields; }
  const std::vector<std::string>& names() const { return rep_->names; }
  bool rest() const { return rep_->rest; }
  int rest_name() const { return rep_->rest_name; }

  // True if nothing but equality and type decides (no names used twice): an index on those
  // fields answers exactly.
  bool plain() const { return rep_->plain; }

  // Returns the top-level field that binds `name`, or -1.
  int field_of_name(std::string_view name) const;

  bool matches(std::string_view tuple_bytes) const;
  bool matches(const Tuple& tuple) const { return matches(tuple.bytes()); }

  // As matches(); fills `bindings` with the canonical bytes of each name when it is true.
  bool bind(std::string_view tuple_bytes, Bindings& bindings) const;

  bool operator==(const Template& other) const { return *rep_ == *other.rep_; }

 private:
  struct Rep {
    std::vector<Pattern> fields;
    std::vector<std::string> names;
    bool rest = false;
    int rest_name = -1;
    bool plain = true;

    bool operator==(const Rep&) const = default;
  };
  explicit Template(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}
  static const std::shared_ptr<const Rep>& empty();

  std::shared_ptr<const Rep> rep_;
};

// Returns true for [A-Za-z_][A-Za-z0-9_]* that is not the name of a type.
bool is_name(std::string_view name);

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
Pattern list_pattern(std::vector<Pattern> items, bool rest, int rest_name);  // may be a kValue
Result<Pattern> regex_pattern(std::string_view source);

struct MapEntry {
  std::string key;  // canonical
  Pattern pattern;
};
Result<Pattern> map_pattern(std::vector<MapEntry> entries, bool rest);  // in any order

}  // namespace tuplespace
