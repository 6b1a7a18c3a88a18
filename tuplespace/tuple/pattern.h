// Pattern says what one field must be. It is plain data; the functions below build patterns that
// make sense, and templates (template.h) put them together.
//
// Two spellings of one pattern are one pattern: a list of values is a value, alternatives do not
// nest, regular expressions are in a normal form.
//
// Bounds:  kRegexBytesMax.
// Threads: any (immutable once built; copies share the compiled expression).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/status.h"
#include "tuplespace/tuple/value.h"

namespace re2 {
class RE2;
}

namespace tuplespace {

inline constexpr size_t kRegexBytesMax = 4096;  // source of one regular expression

struct Pattern {
  enum class Kind : uint8_t {
    kAny,        // ?
    kType,       // ?int
    kValue,      // 7
    kRange,      // 3..9  >5  <="m"
    kPrefix,     // "pre"*
    kChoice,     // "a"|"b"
    kRegex,      // /re/
    kList,       // [ patterns ]
    kMap,        // { "k": pattern }
    kReference,  // $name: what an earlier step of an atomic bound (reference.h)
  };

  Kind kind = Kind::kAny;
  Type type = Type::kAny;  // kType, kRange, kPrefix, kReference: the type of matching fields
  int name = -1;           // index in Template::names, -1: none

  std::string value;  // kValue: canonical bytes. kPrefix: code and escaped text, no end.
                      // kRegex: the source in normal form. kReference: the name.
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

// Returns true for [A-Za-z_][A-Za-z0-9_]* that is not the name of a type.
bool is_name(std::string_view name);

// Each builds one pattern; those that can be wrong say how.
Pattern any_pattern();
Pattern type_pattern(Type type);
Pattern value_pattern(std::string canonical);
Pattern reference_pattern(std::string name, Type type);
Result<Pattern> range_pattern(std::string low, bool low_included, std::string high,
                              bool high_included);  // canonical ends, "" for none
Pattern string_prefix_pattern(std::string_view prefix);
Pattern bytes_prefix_pattern(std::string_view prefix);
Result<Pattern> choice_pattern(std::vector<Pattern> alternatives);           // no names inside
Pattern list_pattern(std::vector<Pattern> items, bool rest, int rest_name);  // may be a kValue
Result<Pattern> regex_pattern(std::string_view source);                      // RE2

struct MapEntry {
  std::string key;  // canonical
  Pattern pattern;
};
Result<Pattern> map_pattern(std::vector<MapEntry> entries, bool rest);  // in any order

}  // namespace tuplespace
