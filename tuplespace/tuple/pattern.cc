#include "tuplespace/tuple/pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/literal.h"

namespace tuplespace {
namespace {

bool names_anything(const Pattern& pattern) {
  return pattern.name >= 0 || pattern.rest_name >= 0 ||
         std::any_of(pattern.items.begin(), pattern.items.end(), names_anything);
}

bool refers_to_anything(const Pattern& pattern) {
  return pattern.kind == Pattern::Kind::kReference ||
         std::any_of(pattern.items.begin(), pattern.items.end(), refers_to_anything);
}

}  // namespace

bool Pattern::operator==(const Pattern& other) const {
  return kind == other.kind && type == other.type && name == other.name && value == other.value &&
         low == other.low && high == other.high && low_included == other.low_included &&
         high_included == other.high_included && items == other.items && keys == other.keys &&
         rest == other.rest && rest_name == other.rest_name;
}

bool is_name(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), is_word) && !type_of_name(name);
}

Pattern any_pattern() { return {}; }

Pattern type_pattern(Type type) {
  Pattern pattern;
  pattern.kind = type == Type::kAny ? Pattern::Kind::kAny : Pattern::Kind::kType;
  pattern.type = type;
  return pattern;
}

Pattern value_pattern(std::string canonical) {
  Pattern pattern;
  pattern.kind = Pattern::Kind::kValue;
  pattern.value = std::move(canonical);
  return pattern;
}

Pattern reference_pattern(std::string name, Type type) {
  Pattern pattern;
  pattern.kind = Pattern::Kind::kReference;
  pattern.type = type;
  pattern.value = std::move(name);
  return pattern;
}

Result<Pattern> range_pattern(std::string low, bool low_included, std::string high,
                              bool high_included) {
  if (low.empty() && high.empty()) return invalid("a range has no end");
  const Type type = type_of(low.empty() ? high : low);
  if (type != Type::kInt && type != Type::kFloat && type != Type::kString && type != Type::kBytes) {
    return invalid(
        fmt::format("a range is of int, float, string or bytes, not of {}", type_name(type)));
  }
  if (!low.empty() && !high.empty()) {
    if (type_of(high) != type) {
      return invalid(fmt::format("a range has ends of one type, not {} and {}", type_name(type),
                                 type_name(type_of(high))));
    }
    if (low > high || (low == high && !(low_included && high_included))) {
      return invalid("a range is empty");
    }
  }
  Pattern pattern;
  pattern.kind = Pattern::Kind::kRange;
  pattern.type = type;
  pattern.low_included = low_included || low.empty();
  pattern.high_included = high_included || high.empty();
  pattern.low = std::move(low);
  pattern.high = std::move(high);
  return pattern;
}

namespace {

Pattern prefix_pattern(Type type, uint8_t code, std::string_view prefix) {
  Pattern pattern;
  pattern.kind = Pattern::Kind::kPrefix;
  pattern.type = type;
  pattern.value += static_cast<char>(code);
  encode_escaped(prefix, pattern.value);
  return pattern;
}

}  // namespace

Pattern string_prefix_pattern(std::string_view prefix) {
  return prefix_pattern(Type::kString, code::kString, prefix);
}

Pattern bytes_prefix_pattern(std::string_view prefix) {
  return prefix_pattern(Type::kBytes, code::kBytes, prefix);
}

Result<Pattern> choice_pattern(std::vector<Pattern> alternatives) {
  if (alternatives.empty()) return invalid("a choice has no alternative");
  if (std::any_of(alternatives.begin(), alternatives.end(), names_anything)) {
    return invalid("there are no names inside alternatives; name the whole: ?x:1|2");
  }
  if (std::any_of(alternatives.begin(), alternatives.end(), refers_to_anything)) {
    return invalid("there are no references inside alternatives; refer to the whole field: $x");
  }
  if (alternatives.size() == 1) return std::move(alternatives[0]);
  Pattern pattern;
  pattern.kind = Pattern::Kind::kChoice;
  for (Pattern& alternative : alternatives) {
    if (alternative.kind == Pattern::Kind::kChoice) {  // a|(b|c) is a|b|c
      std::move(alternative.items.begin(), alternative.items.end(),
                std::back_inserter(pattern.items));
    } else {
      pattern.items.push_back(std::move(alternative));
    }
  }
  return pattern;
}

namespace {

bool is_plain_value(const Pattern& pattern) {
  return pattern.kind == Pattern::Kind::kValue && pattern.name < 0;
}

}  // namespace

Pattern list_pattern(std::vector<Pattern> items, bool rest, int rest_name) {
  if (!rest && std::all_of(items.begin(), items.end(), is_plain_value)) {
    std::string list(1, static_cast<char>(code::kList));
    for (const Pattern& item : items) list += item.value;
    list += static_cast<char>(code::kEnd);
    return value_pattern(std::move(list));
  }
  Pattern pattern;
  pattern.kind = Pattern::Kind::kList;
  pattern.type = Type::kList;
  pattern.items = std::move(items);
  pattern.rest = rest;
  pattern.rest_name = rest_name;
  return pattern;
}

Result<Pattern> map_pattern(std::vector<MapEntry> entries, bool rest) {
  std::sort(entries.begin(), entries.end(),
            [](const MapEntry& a, const MapEntry& b) { return a.key < b.key; });
  const auto twice =
      std::adjacent_find(entries.begin(), entries.end(),
                         [](const MapEntry& a, const MapEntry& b) { return a.key == b.key; });
  if (twice != entries.end()) {
    std::string scratch;
    return invalid(fmt::format("a map has the key \"{}\" twice", decode_text(twice->key, scratch)));
  }
  if (!rest && std::all_of(entries.begin(), entries.end(),
                           [](const MapEntry& entry) { return is_plain_value(entry.pattern); })) {
    std::string map(1, static_cast<char>(code::kMap));
    for (const MapEntry& entry : entries) map += entry.key + entry.pattern.value;
    map += static_cast<char>(code::kEnd);
    return value_pattern(std::move(map));
  }
  Pattern pattern;
  pattern.kind = Pattern::Kind::kMap;
  pattern.type = Type::kMap;
  pattern.rest = rest;
  for (MapEntry& entry : entries) {
    pattern.keys.push_back(std::move(entry.key));
    pattern.items.push_back(std::move(entry.pattern));
  }
  return pattern;
}

namespace {

Result<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view source) {
  if (source.empty()) return invalid("a regular expression is empty; any value is ?");
  if (source.size() > kRegexBytesMax) {
    return invalid(fmt::format("a regular expression is {} bytes, at most {} are allowed",
                               source.size(), kRegexBytesMax));
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto regex = std::make_shared<re2::RE2>(re2::StringPiece(source.data(), source.size()), options);
  if (!regex->ok()) {
    return invalid(fmt::format("/{}/ is no regular expression: {}", source, regex->error()));
  }
  return std::shared_ptr<const re2::RE2>(std::move(regex));
}

void append_literal(uint32_t point, std::string_view bytes, std::string& out) {
  if (is_invisible(point)) {
    fmt::format_to(std::back_inserter(out), "\\x{{{:x}}}", point);
  } else {
    out += bytes;
  }
}

// The normal form: what can be written between slashes and shown on a terminal. A slash has no
// backslash, \Q...\E is written out, and invisible characters are \x{...}. Same meaning as
// `source`, which compiles.
std::string normal_regex(std::string_view source) {
  std::string out;
  bool quoted = false;  // between \Q and \E
  while (!source.empty()) {
    if (quoted && source.starts_with("\\E")) {
      quoted = false;
      source.remove_prefix(2);
      continue;
    }
    if (!quoted && source.starts_with("\\Q")) {
      quoted = true;
      source.remove_prefix(2);
      continue;
    }
    const bool escaped = !quoted && source.starts_with('\\') && source.size() > 1;
    if (escaped) source.remove_prefix(1);
    const std::string_view here = source;
    const uint32_t point = take_point(source);
    const std::string_view bytes = here.substr(0, here.size() - source.size());
    const bool word = point >= 0x80 || std::isalnum(static_cast<int>(point)) || point == '_';
    if ((escaped || (quoted && !word)) && point != '/' && !is_invisible(point)) out += '\\';
    append_literal(point, bytes, out);
  }
  return out;
}

}  // namespace

Result<Pattern> regex_pattern(std::string_view source) {
  if (!is_utf8(source)) return invalid("a regular expression is not UTF-8");
  auto regex = compile_regex(source);
  if (!regex.ok()) return regex.status();
  Pattern pattern;
  pattern.kind = Pattern::Kind::kRegex;
  pattern.type = Type::kString;
  pattern.value = normal_regex(source);
  if (pattern.value != source) {
    regex = compile_regex(pattern.value);
    if (!regex.ok()) return regex.status();
  }
  pattern.regex = *regex;
  return pattern;
}

}  // namespace tuplespace
