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
  // Without names (0) the template's names bind nothing: enough where none is used twice.
  explicit Matcher(size_t names) : bound_(names) {}

  bool fields(const std::vector<Pattern>& patterns, bool rest, int rest_name,
              std::string_view bytes) {
    for (const Pattern& pattern : patterns) {
      if (bytes.empty()) return false;
      if (!field(pattern, take_field(bytes))) return false;
    }
    if (!rest) return bytes.empty();
    return rest_name < 0 || bound_.empty() || bind_rest(rest_name, bytes);
  }

  const std::vector<std::string_view>& bound() const { return bound_; }

 private:
  bool field(const Pattern& pattern, std::string_view bytes) {
    return accepts(pattern, bytes) &&
           (pattern.name < 0 || bound_.empty() || bind(pattern.name, bytes));
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
      case Pattern::Kind::kReference: return false;  // it stands for nothing yet
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
    patterns_ += patterns.size();
    if (patterns_ > kPatternsMax) {
      return exhausted(
          fmt::format("template has more patterns than {}; ask for less at once", kPatternsMax),
          "patterns_max", false);
    }
    for (Pattern& pattern : patterns) {
      TS_RETURN_IF_ERROR(number(pattern.name));
      if (pattern.kind == Pattern::Kind::kReference) {
        references_ = true;
        if (!is_name(pattern.value)) return no_name(pattern.value);
      }
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
      if (!is_name(given_[name])) return no_name(given_[name]);
      number = static_cast<int>(names_.size());
      names_.push_back(given_[name]);
    }
    name = number;
    return {};
  }

  std::vector<std::string> take_names() { return std::move(names_); }
  bool twice() const { return twice_; }
  bool references() const { return references_; }

 private:
  static Status no_name(std::string_view text) {
    return invalid(fmt::format(
        "\"{}\" is no name: a letter or _, then letters, digits and _; not a type", text));
  }

  std::vector<std::string> given_;
  std::vector<int> number_;  // of each given name, -1: not used so far
  std::vector<std::string> names_;
  size_t patterns_ = 0;
  bool twice_ = false;
  bool references_ = false;
};

}  // namespace

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
  made->names_twice = numbering.twice();
  made->references = numbering.references();
  made->plain =
      !numbering.twice() && std::all_of(fields.begin(), fields.end(), [](const Pattern& pattern) {
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
  if (!plain()) {
    Matcher matcher(rep_->names_twice ? names().size() : 0);
    return matcher.fields(fields(), rest(), rest_name(), bytes);
  }
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

}  // namespace tuplespace
