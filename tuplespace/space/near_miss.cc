#include "tuplespace/space/near_miss.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

constexpr size_t kValueBytesMax = 40;  // longer values are not shown

std::string typed(std::string_view field) {
  const Type type = type_of(field);
  if (type == Type::kNull || type == Type::kBool) return field_to_text(field);
  return fmt::format("{} {}", type_name(type), field_to_text(field));
}

// What a template asks of a field: "int 3", "?int", "3..9".
std::string asked(const Template& field) {
  const Pattern& pattern = field.fields().front();
  if (pattern.kind == Pattern::Kind::kValue) return typed(pattern.value);
  const std::string text = to_text(field);
  return text.substr(1, text.size() - 2);
}

std::string counted(uint64_t tuples) {
  return fmt::format("{} tuple{}", tuples, tuples == 1 ? " has" : "s have");
}

}  // namespace

NearMisses::NearMisses(const Template& wanted) : wanted_(wanted) {
  std::vector<Pattern> first;
  for (const Pattern& pattern : wanted.fields()) {
    fields_.push_back(Template::of({pattern}, wanted.names()).value());
    first.push_back(pattern);
    prefixes_.push_back(Template::of(first, wanted.names(), true).value());
  }
}

void NearMisses::add(const Tuple& tuple) {
  std::string_view rest = tuple.bytes();
  for (size_t i = 0; i < fields_.size(); ++i) {
    const std::string_view field = take_field(rest);
    if (fields_[i].matches(field)) continue;
    Missed& missed = misses_[{static_cast<int>(i), type_of(field), fields_.size()}];
    ++missed.tuples;
    if (field.size() > kValueBytesMax) {
      missed.too_long = true;
    } else if (missed.values.size() < 2) {
      missed.values.emplace(field);
    }
    return;
  }
  const auto differs = std::find_if(prefixes_.begin(), prefixes_.end(),
                                    [&](const Template& some) { return !some.matches(tuple); });
  const auto field = static_cast<int>(differs - prefixes_.begin());
  ++misses_[{field, Type::kAny, fields_.size()}].tuples;
}

void NearMisses::add_other_arity(size_t arity, uint64_t tuples) {
  if (tuples > 0) misses_[{-1, Type::kAny, arity}].tuples += tuples;
}

std::string NearMisses::text(const Miss& miss, const Missed& missed) const {
  const std::string tuples = counted(missed.tuples);
  if (miss.field < 0) {
    return fmt::format("asked {}{} field{}; {} {}", wanted_.rest() ? "at least " : "",
                       fields_.size(), fields_.size() == 1 ? "" : "s", tuples, miss.arity);
  }
  if (miss.type == Type::kAny) {
    return fmt::format("asked for equal values under one name; {} another", tuples);
  }
  const Template& field = fields_[static_cast<size_t>(miss.field)];
  if (missed.values.size() == 1 && !missed.too_long) {
    return fmt::format("asked {}; {} {}", asked(field), tuples, typed(*missed.values.begin()));
  }
  const Pattern& pattern = field.fields().front();
  const bool same = pattern.kind == Pattern::Kind::kValue && type_of(pattern.value) == miss.type;
  const char* article = same ? "another" : miss.type == Type::kInt ? "an" : "a";
  return fmt::format("asked {}; {} {} {}", asked(field), tuples, article, type_name(miss.type));
}

std::vector<ExplainAnswer::Near> NearMisses::most_frequent(size_t max) const {
  std::vector<std::pair<Miss, const Missed*>> ways;
  for (const auto& [miss, missed] : misses_) ways.emplace_back(miss, &missed);
  std::stable_sort(ways.begin(), ways.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->tuples, a.first.field) > std::pair(b.second->tuples, b.first.field);
  });
  if (ways.size() > max) ways.resize(max);
  std::vector<ExplainAnswer::Near> nearest;
  for (const auto& [miss, missed] : ways) {
    const auto field = static_cast<uint32_t>(miss.field < 0 ? fields_.size() : miss.field);
    nearest.push_back({text(miss, *missed), field, missed->tuples});
  }
  return nearest;
}

}  // namespace tuplespace
