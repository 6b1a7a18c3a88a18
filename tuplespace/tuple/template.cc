#include "tuplespace/tuple/template.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <iterator>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

// Walks one template over one tuple. Names are bound to views first seen; a second use compares.
class Matcher {
 public:
  explicit Matcher(size_t names) : bound_(names) {}

  bool fields(const std::vector<Pattern>& patterns, bool rest, int rest_name,
              std::string_view bytes) {
    for (const Pattern& pattern : patterns) {
      if (bytes.empty()) return false;
      if (!field(pattern, take_field(bytes))) return false;
    }
    if (!rest) return bytes.empty();
    return rest_name < 0 || bind_rest(rest_name, bytes);
  }

  const std::vector<std::string_view>& bound() const { return bound_; }

 private:
  bool field(const Pattern& pattern, std::string_view bytes) {
    return accepts(pattern, bytes) && (pattern.name < 0 || bind(pattern.name, bytes));
  }

  bool accepts(const Pattern& pattern, std::string_view bytes) {
    switch (pattern.kind) {
      case Pattern::Kind::kAny: return true;
      case Pattern::Kind::kType: return type_of(bytes) == pattern.type;
      case Pattern::Kind::kValue: return bytes == pattern.value;
      case Pattern::Kind::kRange: return in_range(pattern, bytes);
      case Pattern::Kind::kPrefix: return bytes.starts_with(pattern.value);
      case Pattern::Kind::kChoice:
        return std::any_of(pattern.items.begin(), pattern.items.end(),
                           [&](const Pattern& item) { return accepts(item, bytes); });
      case Pattern::Kind::kRegex: {
        if (type_of(bytes) != Type::kString) return false;
        std::string scratch;
        const std::string_view text = decode_text(bytes, scratch);
        return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern.regex);
      }
      case Pattern::Kind::kList:
        return type_of(bytes) == Type::kList &&
               fields(pattern.items, pattern.rest, pattern.rest_name,
                      bytes.substr(1, bytes.size() - 2));
      case Pattern::Kind::kMap:
        return type_of(bytes) == Type::kMap && map(pattern, bytes.substr(1, bytes.size() - 2));
    }
    return false;
  }

  static bool in_range(const Pattern& pattern, std::string_view bytes) {
    if (type_of(bytes) != pattern.type) return false;
    if (!pattern.low.empty()) {
      const int order = bytes.compare(pattern.low);
      if (order < 0 || (order == 0 && !pattern.low_included)) return false;
    }
    if (!pattern.high.empty()) {
      const int order = bytes.compare(pattern.high);
      if (order > 0 || (order == 0 && !pattern.high_included)) return false;
    }
    return true;
  }

  // Both sides are in ascending order of their keys.
  bool map(const Pattern& pattern, std::string_view bytes) {
    for (size_t i = 0; i < pattern.keys.size(); ++i) {
      while (true) {
        if (bytes.empty()) return false;
        const std::string_view key = take_field(bytes);
        const std::string_view item = take_field(bytes);
        if (key == pattern.keys[i]) {
          if (!field(pattern.items[i], item)) return false;
          break;
        }
        if (!pattern.rest) return false;
      }
    }
    return pattern.rest || bytes.empty();
  }

  bool bind(int name, std::string_view bytes) {
    std::string_view& slot = bound_[name];
    if (slot.data() == nullptr) {
      slot = bytes;
      return true;
    }
    return slot == bytes;
  }

  bool bind_rest(int name, std::string_view bytes) {
    rests_.push_back(std::make_unique<std::string>());
    std::string& list = *rests_.back();
    list += static_cast<char>(code::kList);
    list += bytes;
    list += static_cast<char>(code::kEnd);
    return bind(name, list);
  }

  std::vector<std::string_view> bound_;
  std::vector<std::unique_ptr<std::string>> rests_;
};

// Gives the names of a template numbers in the order of their first use.
class Numbering {
 public:
  explicit Numbering(std::vector<std::string> given)
      : given_(std::move(given)), number_(given_.size(), -1) {}

  Status number(std::vector<Pattern>& patterns, size_t depth, const Limits& limits) {
    for (Pattern& pattern : patterns) {
      TS_RETURN_IF_ERROR(number(pattern.name));
      if (!pattern.items.empty()) {
        const bool nests = pattern.kind != Pattern::Kind::kChoice;
        if (nests && depth == limits.depth_max) {
          return invalid(fmt::format("a template is nested deeper than depth_max {}", depth),
                         "depth_max");
        }
        TS_RETURN_IF_ERROR(number(pattern.items, depth + nests, limits));
      }
      TS_RETURN_IF_ERROR(number(pattern.rest_name));
    }
    return {};
  }

  Status number(int& name) {
    if (name < 0) return {};
    if (static_cast<size_t>(name) >= given_.size()) return invalid("a pattern has an unknown name");
    int& number = number_[name];
    if (number >= 0) {
      twice_ = true;
    } else {
      if (!is_name(given_[name])) {
        return invalid(fmt::format("\"{}\" is no name: a letter or _, then letters, digits and _; "
                                   "not a type",
                                   given_[name]));
      }
      number = static_cast<int>(names_.size());
      names_.push_back(given_[name]);
    }
    name = number;
    return {};
  }

  std::vector<std::string> take_names() { return std::move(names_); }
  bool twice() const { return twice_; }

 private:
  std::vector<std::string> given_;
  std::vector<int> number_;  // of each given name, -1: not used so far
  std::vector<std::string> names_;
  bool twice_ = false;
};

bool names_anything(const Pattern& pattern) {
  return pattern.name >= 0 || pattern.rest_name >= 0 ||
         std::any_of(pattern.items.begin(), pattern.items.end(), names_anything);
}

}  // namespace

bool Pattern::operator==(const Pattern& other) const {
  return kind == other.kind && type == other.type && name == other.name && value == other.value &&
         low == other.low && high == other.high && low_included == other.low_included &&
         high_included == other.high_included && items == other.items && keys == other.keys &&
         rest == other.rest && rest_name == other.rest_name;
}

Result<Template> Template::of(std::vector<Pattern> fields, std::vector<std::string> names,
                              bool rest, int rest_name, const Limits& limits) {
  if (fields.size() > limits.fields_max) {
    return exhausted(
        fmt::format("template has {} fields, fields_max is {}", fields.size(), limits.fields_max),
        "fields_max", false);
  }
  Numbering numbering(std::move(names));
  TS_RETURN_IF_ERROR(numbering.number(fields, 0, limits));
  TS_RETURN_IF_ERROR(numbering.number(rest_name));
  auto made = std::make_shared<Rep>();
  made->plain = !numbering.twice() && std::all_of(fields.begin(), fields.end(), [](const Pattern& pattern) {
    return pattern.kind == Pattern::Kind::kAny || pattern.kind == Pattern::Kind::kType ||
           pattern.kind == Pattern::Kind::kValue;
  });
  made->fields = std::move(fields);
  made->names = numbering.take_names();
  made->rest = rest;
  made->rest_name = rest_name;
  return Template(std::move(made));
}

const std::shared_ptr<const Template::Rep>& Template::empty() {
  static const auto kEmpty = std::make_shared<const Rep>();
  return kEmpty;
}

Template Template::exactly(const Tuple& tuple) {
  auto made = std::make_shared<Rep>();
  for (std::string_view rest = tuple.bytes(); !rest.empty();) {
    made->fields.push_back(value_pattern(std::string(take_field(rest))));
  }
  return Template(std::move(made));
}

int Template::field_of_name(std::string_view name) const {
  for (size_t i = 0; i < fields().size(); ++i) {
    const int bound = fields()[i].name;
    if (bound >= 0 && names()[bound] == name) return static_cast<int>(i);
  }
  return -1;
}

bool Template::matches(std::string_view bytes) const {
  if (!plain()) return Matcher(names().size()).fields(fields(), rest(), rest_name(), bytes);
  for (const Pattern& pattern : fields()) {
    if (bytes.empty()) return false;
    if (pattern.kind == Pattern::Kind::kValue) {
      // Fields end where they end: what begins with the value's bytes is the value, except that
      // after the end mark of a text an ff makes it the escape of a zero.
      if (!bytes.starts_with(pattern.value)) return false;
      bytes.remove_prefix(pattern.value.size());
      if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) == 0xff) return false;
      continue;
    }
    if (pattern.kind == Pattern::Kind::kType && type_of(bytes) != pattern.type) return false;
    take_field(bytes);
  }
  return rest() || bytes.empty();
}

bool Template::bind(std::string_view bytes, Bindings& bindings) const {
  Matcher matcher(names().size());
  if (!matcher.fields(fields(), rest(), rest_name(), bytes)) return false;
  bindings.assign(matcher.bound().begin(), matcher.bound().end());
  return true;
}

bool is_name(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), is_word) && !type_of_name(name);
}

Result<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view source) {
  if (source.empty()) return invalid("a regular expression is empty; any value is ?");
  if (source.size() > kRegexBytesMax) {
    return invalid(fmt::format("a regular expression is {} bytes, at most {} are allowed",
                               source.size(), kRegexBytesMax));
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto regex =
      std::make_shared<re2::RE2>(re2::StringPiece(source.data(), source.size()), options);
  if (!regex->ok()) {
    return invalid(fmt::format("/{}/ is no regular expression: {}", source, regex->error()));
  }
  return std::shared_ptr<const re2::RE2>(std::move(regex));
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

Result<Pattern> range_pattern(std::string low, bool low_included, std::string high,
                              bool high_included) {
  if (low.empty() && high.empty()) return invalid("a range has no end");
  const Type type = type_of(low.empty() ? high : low);
  if (type != Type::kInt && type != Type::kFloat && type != Type::kString &&
      type != Type::kBytes) {
    return invalid(fmt::format("a range is of int, float, string or bytes, not of {}",
                               type_name(type)));
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
  pattern.low = std::move(low);
  pattern.high = std::move(high);
  pattern.low_included = low_included;
  pattern.high_included = high_included;
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
  const auto twice = std::adjacent_find(
      entries.begin(), entries.end(),
      [](const MapEntry& a, const MapEntry& b) { return a.key == b.key; });
  if (twice != entries.end()) {
    std::string scratch;
    return invalid(fmt::format("a map has the key \"{}\" twice", decode_text(twice->key, scratch)));
  }
  if (!rest && std::all_of(entries.begin(), entries.end(), [](const MapEntry& entry) {
        return is_plain_value(entry.pattern);
      })) {
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

Result<Pattern> regex_pattern(std::string_view source) {
  auto regex = compile_regex(source);
  if (!regex.ok()) return regex.status();
  Pattern pattern;
  pattern.kind = Pattern::Kind::kRegex;
  pattern.type = Type::kString;
  pattern.value = source;
  pattern.regex = *regex;
  return pattern;
}

}  // namespace tuplespace
