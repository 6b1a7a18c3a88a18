#include "tuplespace/tuple/parsed.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace {

void ParsedItems::add(Pattern pattern) {
  const bool value = pattern.kind == Pattern::Kind::kValue && pattern.name < 0;
  if (value && patterns_.empty()) {
    values_ += pattern.value;
  } else {
    spread();
    patterns_.push_back(std::move(pattern));
  }
}

void ParsedItems::add_rest(int name) {
  rest_ = true;
  rest_name_ = name;
}

void ParsedItems::spread() {
  for (std::string_view rest = values_; !rest.empty();) {
    patterns_.push_back(value_pattern(std::string(take_field(rest))));
  }
  values_.clear();
}

std::vector<Pattern> ParsedItems::take_patterns() {
  spread();
  return std::move(patterns_);
}

Pattern ParsedItems::take_list() {
  if (!patterns_.empty() || rest_) return list_pattern(take_patterns(), rest_, rest_name_);
  std::string list(1, static_cast<char>(code::kList));
  list += values_;
  list += static_cast<char>(code::kEnd);
  return value_pattern(std::move(list));
}

int ParsedNames::index_of(std::string_view name) {
  const auto found = std::find(names_.begin(), names_.end(), name);
  const auto index = static_cast<int>(found - names_.begin());
  if (found == names_.end()) {
    names_.emplace_back(name);
    named_.push_back(false);
  }
  return index;
}

int ParsedNames::name_field(std::string_view name) {
  const int index = index_of(name);
  named_[index] = true;
  return index;
}

int ParsedNames::refer_to(std::string_view name, size_t at) {
  const int index = index_of(name);
  references_.push_back({index, at});
  return index;
}

const ParsedNames::Reference* ParsedNames::unresolved() const {
  const auto found =
      std::find_if(references_.begin(), references_.end(),
                   [&](const Reference& reference) { return !named_[reference.name]; });
  return found == references_.end() ? nullptr : &*found;
}

Result<Tuple> tuple_of(ParsedItems fields, const ParsedNames& names, const Limits& limits) {
  const auto refuse = [](size_t field, std::string_view text) {
    return invalid(fmt::format("out needs values; field {} is the template {}", field, text));
  };
  const std::vector<Pattern> patterns = fields.take_patterns();
  std::string bytes;
  for (size_t i = 0; i < patterns.size(); ++i) {
    const Pattern& field = patterns[i];
    if (field.kind != Pattern::Kind::kValue || field.name >= 0) {
      return refuse(i + 1, pattern_to_text(field, names.names()));
    }
    bytes += field.value;
  }
  if (fields.rest()) {
    const int name = fields.rest_name();
    return refuse(patterns.size() + 1,
                  name < 0 ? "..." : fmt::format("?{}:...", names.names()[name]));
  }
  TS_RETURN_IF_ERROR(check_size(patterns.size(), bytes.size(), limits));
  return Tuple::from_canonical(bytes, patterns.size());
}

Result<Template> template_of(ParsedItems fields, const ParsedNames& names, const Limits& limits) {
  return Template::of(fields.take_patterns(), names.names(), fields.rest(), fields.rest_name(),
                      limits);
}

}  // namespace tuplespace
