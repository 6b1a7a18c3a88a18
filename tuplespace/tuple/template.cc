#include "tuplespace/tuple/template.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

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

Status count_names(const std::vector<Pattern>& patterns, size_t depth, const Limits& limits,
                   std::vector<int>& uses) {
  if (depth > limits.depth_max) {
    return invalid(fmt::format("a template is nested deeper than depth_max {}", limits.depth_max),
                   "depth_max");
  }
  const auto use = [&](int name) -> Status {
    if (name < 0) return {};
    if (static_cast<size_t>(name) >= uses.size()) return invalid("a pattern has an unknown name");
    ++uses[name];
    return {};
  };
  for (const Pattern& pattern : patterns) {
    TS_RETURN_IF_ERROR(use(pattern.name));
    TS_RETURN_IF_ERROR(use(pattern.rest_name));
    TS_RETURN_IF_ERROR(count_names(pattern.items, depth + 1, limits, uses));
  }
  return {};
}

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
  std::vector<int> uses(names.size());
  TS_RETURN_IF_ERROR(count_names(fields, 0, limits, uses));
  if (rest_name >= 0) {
    if (static_cast<size_t>(rest_name) >= uses.size()) return invalid("the rest has an unknown name");
    ++uses[rest_name];
  }
  Template made;
  made.has_names_twice_ = std::any_of(uses.begin(), uses.end(), [](int n) { return n > 1; });
  made.plain_ = !made.has_names_twice_ &&
                std::all_of(fields.begin(), fields.end(), [](const Pattern& pattern) {
                  return pattern.kind == Pattern::Kind::kAny ||
                         pattern.kind == Pattern::Kind::kType ||
                         pattern.kind == Pattern::Kind::kValue;
                });
  made.fields_ = std::move(fields);
  made.names_ = std::move(names);
  made.rest_ = rest;
  made.rest_name_ = rest_name;
  return made;
}

Template Template::exactly(const Tuple& tuple) {
  Template made;
  for (std::string_view rest = tuple.bytes(); !rest.empty();) {
    made.fields_.push_back(value_pattern(std::string(take_field(rest))));
  }
  return made;
}

int Template::field_of_name(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name >= 0 && names_[fields_[i].name] == name) return static_cast<int>(i);
  }
  return -1;
}

bool Template::matches(std::string_view bytes) const {
  if (!plain_) return Matcher(names_.size()).fields(fields_, rest_, rest_name_, bytes);
  for (const Pattern& pattern : fields_) {
    if (bytes.empty()) return false;
    const std::string_view field = take_field(bytes);
    if (pattern.kind == Pattern::Kind::kValue) {
      if (field != pattern.value) return false;
    } else if (pattern.kind == Pattern::Kind::kType && type_of(field) != pattern.type) {
      return false;
    }
  }
  return rest_ || bytes.empty();
}

bool Template::bind(std::string_view bytes, Bindings& bindings) const {
  Matcher matcher(names_.size());
  if (!matcher.fields(fields_, rest_, rest_name_, bytes)) return false;
  bindings.assign(matcher.bound().begin(), matcher.bound().end());
  return true;
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
  pattern.items = std::move(alternatives);
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
