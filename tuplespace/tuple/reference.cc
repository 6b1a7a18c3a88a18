#include "tuplespace/tuple/reference.h"

#include <algorithm>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

void add_references(const std::vector<Pattern>& patterns, std::vector<std::string>& names) {
  for (const Pattern& pattern : patterns) {
    if (pattern.kind == Pattern::Kind::kReference &&
        std::find(names.begin(), names.end(), pattern.value) == names.end()) {
      names.push_back(pattern.value);
    }
    add_references(pattern.items, names);
  }
}

// Rebuilds patterns with `replace` applied to every reference. Lists and maps are built again, so
// that one whose items have all become values is a value. False: `replace` gave nothing.
template <typename Replace>
bool replace_references(std::vector<Pattern>& patterns, const Replace& replace) {
  for (Pattern& pattern : patterns) {
    if (pattern.kind == Pattern::Kind::kReference) {
      std::optional<Pattern> made = replace(pattern);
      if (!made) return false;
      made->name = pattern.name;
      pattern = std::move(*made);
      continue;
    }
    const bool list = pattern.kind == Pattern::Kind::kList;
    if (!list && pattern.kind != Pattern::Kind::kMap) continue;  // none inside alternatives
    if (!replace_references(pattern.items, replace)) return false;
    const int name = pattern.name;
    if (list) {
      pattern = list_pattern(std::move(pattern.items), pattern.rest, pattern.rest_name);
    } else {
      std::vector<MapEntry> entries;
      for (size_t i = 0; i < pattern.keys.size(); ++i) {
        entries.push_back({std::move(pattern.keys[i]), std::move(pattern.items[i])});
      }
      pattern = map_pattern(std::move(entries), pattern.rest).value();
    }
    pattern.name = name;
  }
  return true;
}

template <typename Replace>
std::optional<Template> rebuilt(const Template& wanted, const Replace& replace) {
  std::vector<Pattern> fields = wanted.fields();
  if (!replace_references(fields, replace)) return std::nullopt;
  // It was within the limits, and has not grown.
  Limits limits;
  limits.fields_max = SIZE_MAX;
  limits.depth_max = SIZE_MAX;
  return Template::of(std::move(fields), wanted.names(), wanted.rest(), wanted.rest_name(), limits)
      .value();
}

}  // namespace

const std::string* value_of(const NameValues& values, std::string_view name) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const auto& value) { return value.first == name; });
  return found == values.end() ? nullptr : &found->second;
}

std::vector<std::string> references_of(const Template& wanted) {
  std::vector<std::string> names;
  if (wanted.has_references()) add_references(wanted.fields(), names);
  return names;
}

Status refuse_references(const Template& wanted) {
  if (!wanted.has_references()) return {};
  return invalid(fmt::format("the template refers to ${0}, and nothing binds it: only the steps of "
                             "an atomic refer to earlier ones; write ?{0}: to name a field",
                             references_of(wanted)[0]),
                 "reference");
}

std::optional<Template> instantiate(const Template& wanted, const NameValues& values) {
  if (!wanted.has_references()) return wanted;
  return rebuilt(wanted, [&](const Pattern& reference) -> std::optional<Pattern> {
    const std::string* value = value_of(values, reference.value);
    TS_CHECK(value != nullptr);
    if (reference.type != Type::kAny && type_of(*value) != reference.type) return std::nullopt;
    return value_pattern(*value);
  });
}

Template widened(const Template& wanted) {
  if (!wanted.has_references()) return wanted;
  return *rebuilt(wanted, [](const Pattern& reference) -> std::optional<Pattern> {
    return type_pattern(reference.type);
  });
}

void bind_names(const Template& wanted, std::string_view tuple_bytes, NameValues& values) {
  if (wanted.names().empty()) return;
  Bindings bindings;
  TS_CHECK(wanted.bind(tuple_bytes, bindings));
  for (size_t i = 0; i < bindings.size(); ++i) {
    values.emplace_back(wanted.names()[i], std::move(bindings[i]));
  }
}

Result<std::string> evaluate(const Expression& field, const NameValues& values) {
  if (!field.value.empty()) return field.value;
  const std::string* value = value_of(values, field.name);
  TS_CHECK(value != nullptr);
  if (field.type != Type::kAny && type_of(*value) != field.type) {
    return invalid(fmt::format("${0}:{1} is to be put, and {0} is of type {2}", field.name,
                               type_name(field.type), type_name(type_of(*value))),
                   "reference");
  }
  if (field.add == 0) return *value;
  return sum_of(*value, field.add, field.name);
}

Result<std::string> sum_of(std::string_view canonical, int64_t add, std::string_view name) {
  if (type_of(canonical) != Type::kInt) {
    return invalid(fmt::format("${}{:+} needs an int, and {} is of type {}", name, add, name,
                               type_name(type_of(canonical))),
                   "reference");
  }
  int64_t sum = 0;
  const int64_t value = decode_int(canonical);
  if (__builtin_add_overflow(value, add, &sum)) {
    return invalid(
        fmt::format("${0}{1:+} is beyond int, -2^63 to 2^63-1: {0} is {2}", name, add, value),
        "reference");
  }
  std::string bytes;
  encode_int(sum, bytes);
  return bytes;
}

}  // namespace tuplespace
