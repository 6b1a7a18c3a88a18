// RandomTemplates makes templates of all kinds of patterns out of a seed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/tuple/random_tuples.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/template.h"

namespace tuplespace {

class RandomTemplates {
 public:
  explicit RandomTemplates(uint64_t seed) : random_(seed) {}

  Template made() {
    std::vector<Pattern> fields;
    for (size_t left = random_.below(5); left > 0; --left) fields.push_back(pattern(0, true));
    const bool rest = random_.below(3) == 0;
    return *Template::of(std::move(fields), kNames, rest, rest ? name() : -1);
  }

 private:
  inline static const std::vector<std::string> kNames = {"a", "b2", "_c"};

  int name() { return static_cast<int>(random_.below(kNames.size() + 1)) - 1; }

  std::string canonical(const Value& value) {
    std::string bytes;
    TS_CHECK(encode(value, {}, bytes).ok());
    return bytes;
  }

  Pattern pattern(size_t depth, bool may_have_name) {
    Pattern made = unnamed(depth, may_have_name);
    if (may_have_name && random_.below(3) == 0) made.name = name();
    return made;
  }

  Pattern unnamed(size_t depth, bool may_have_name) {
    switch (random_.below(depth < 3 ? 9 : 6)) {
      case 0: return any_pattern();
      case 1: return type_pattern(static_cast<Type>(1 + random_.below(9)));
      case 2: return value_pattern(canonical(random_.value(2)));
      case 3: return range();
      case 4:
        return random_.below(2) == 0 ? string_prefix_pattern(random_.text())
                                     : bytes_prefix_pattern(random_.bytes());
      case 5: return regex();
      case 6: {
        std::vector<Pattern> alternatives;
        for (size_t left = 2 + random_.below(3); left > 0; --left) {
          alternatives.push_back(pattern(depth + 1, false));
        }
        return *choice_pattern(std::move(alternatives));
      }
      case 7: {
        std::vector<Pattern> items;
        for (size_t left = random_.below(4); left > 0; --left) {
          items.push_back(pattern(depth + 1, may_have_name));
        }
        const bool rest = random_.below(2) == 0;
        return list_pattern(std::move(items), rest, rest && may_have_name ? name() : -1);
      }
      default: {
        std::vector<MapEntry> entries;
        for (const std::string key : {"", "$a", "b", "c\n"}) {
          if (random_.below(2) == 0) continue;
          entries.push_back({canonical(key), pattern(depth + 1, may_have_name)});
        }
        return *map_pattern(std::move(entries), random_.below(2) == 0);
      }
    }
  }

  Pattern range() {
    std::string low;
    std::string high;
    switch (random_.below(4)) {
      case 0:
        low = canonical(random_.number());
        high = canonical(random_.number());
        break;
      case 1:
        low = canonical(random_.real());
        high = canonical(random_.real());
        break;
      case 2:
        low = canonical(random_.text());
        high = canonical(random_.text());
        break;
      default: low = canonical(Bytes{random_.bytes()}); high = canonical(Bytes{random_.bytes()});
    }
    if (high < low) std::swap(low, high);
    const bool point = low == high;
    const size_t ends = random_.below(3);
    if (ends == 1) low.clear();
    if (ends == 2) high.clear();
    const bool low_included = point || low.empty() || random_.below(2) == 0;
    const bool high_included = point || high.empty() || random_.below(2) == 0;
    return *range_pattern(low, low_included, high, high_included);
  }

  Pattern regex() {
    static const std::vector<std::string> kSources = {
        "^a",           "a/b",   R"(a\/b)", R"(\Q[/\E])", R"([^/\\]+\.)", "é|\n",
        R"(\x{1F600})", R"(\Q)", "[\x01/]", R"(\\/)",     R"(\Q\/\E)",    "\\\x07"};
    auto made = regex_pattern(kSources[random_.below(kSources.size())]);
    return made.ok() ? *made : any_pattern();
  }

  RandomTuples random_;
};

}  // namespace tuplespace
