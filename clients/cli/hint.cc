#include "clients/cli/hint.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::cli {
namespace {

constexpr size_t kNamesMax = 10;       // spaces named in a hint
constexpr size_t kValueBytesMax = 40;  // longer values are not shown

// How a tuple misses: at which field, by what type; -1: it has another number of fields.
struct Miss {
  int field = -1;
  Type type = Type::kAny;
  size_t arity = 0;
  auto operator<=>(const Miss&) const = default;
};

struct Missed {
  uint64_t tuples = 0;
  std::set<std::string> values;  // canonical; no more than two are needed
};

Template only(const Template& wanted, const Pattern& pattern) {
  return Template::of({pattern}, wanted.names()).value();
}

// Requires: `tuple` does not match.
std::optional<Miss> first_difference(const Tuple& tuple, const Template& wanted,
                                     const std::vector<Template>& fields, std::string& value) {
  const size_t arity = tuple.arity();
  if (arity < fields.size() || (arity > fields.size() && !wanted.rest())) {
    return Miss{-1, Type::kAny, arity};
  }
  std::string_view rest = tuple.bytes();
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string_view field = take_field(rest);
    if (fields[i].matches(field)) continue;
    value = field;
    return Miss{static_cast<int>(i), type_of(field), arity};
  }
  return std::nullopt;  // fields of one name differ
}

std::string typed(std::string_view field) {
  const Type type = type_of(field);
  if (type == Type::kNull) return "null";
  return fmt::format("{} {}", type_name(type), field_to_text(field));
}

// What a template asks of a field: "int 3", "?int", "3..9".
std::string asked(const Template& field) {
  const Pattern& pattern = field.fields().front();
  if (pattern.kind == Pattern::Kind::kValue) return typed(pattern.value);
  const std::string text = to_text(field);
  return text.substr(1, text.size() - 2);
}

std::string describe(const Miss& miss, const Missed& missed, const Template& wanted,
                     const std::vector<Template>& fields) {
  const std::string tuples =
      fmt::format("{} tuple{} ha{}", missed.tuples, missed.tuples == 1 ? "" : "s",
                  missed.tuples == 1 ? "s" : "ve");
  if (miss.field < 0) {
    return fmt::format("{} {} field{} where you asked {}{}", tuples, miss.arity,
                       miss.arity == 1 ? "" : "s", wanted.rest() ? "at least " : "", fields.size());
  }
  const std::string& value = *missed.values.begin();
  const bool shown = missed.values.size() == 1 && value.size() <= kValueBytesMax;
  return fmt::format("{} {} where you asked {}", tuples,
                     shown ? typed(value) : fmt::format("another {}", type_name(miss.type)),
                     asked(fields[miss.field]));
}

// Returns the most frequent way to miss, or "".
std::string near_miss(client::Space space, const Template& wanted) {
  std::vector<Template> fields;
  for (const Pattern& pattern : wanted.fields()) fields.push_back(only(wanted, pattern));
  std::map<Miss, Missed> misses;
  size_t looked_at = 0;
  const Template everything = Template::of({}, {}, true).value();
  const Status scanned = space.scan(everything, [&](const client::Match& match) {
    std::string value;
    if (const auto miss = first_difference(match.tuple(), wanted, fields, value)) {
      Missed& missed = misses[*miss];
      ++missed.tuples;
      if (missed.values.size() < 2) missed.values.insert(value);
    }
    return ++looked_at < kHintTuplesMax;
  });
  if (!scanned.ok() || misses.empty()) return "";
  // The nearest: the one that differs last; of those the most frequent.
  const auto nearest = std::max_element(misses.begin(), misses.end(), [](auto& a, auto& b) {
    return std::pair(a.first.field, a.second.tuples) < std::pair(b.first.field, b.second.tuples);
  });
  return describe(nearest->first, nearest->second, wanted, fields);
}

}  // namespace

std::string spaces_hint(client::Connection& connection) {
  const auto spaces = connection.list();
  if (!spaces.ok() || spaces->empty()) return "there are no spaces";
  std::string names;
  for (size_t i = 0; i < spaces->size() && i < kNamesMax; ++i) {
    names += (i == 0 ? "" : ", ") + (*spaces)[i].name;
  }
  if (spaces->size() > kNamesMax) names += fmt::format(" and {} more", spaces->size() - kNamesMax);
  return "spaces: " + names;
}

std::string waiting_hint(client::Connection& connection, const std::string& space,
                         const Template& wanted) {
  const auto there = connection.describe(space);
  if (there.ok() || there.status().code() != Code::kNotFound) {
    return fmt::format("waiting for {} in \"{}\". Ctrl-C ends.", to_text(wanted), space);
  }
  return fmt::format("waiting for {} in \"{}\", which does not exist; {}. Ctrl-C ends.",
                     to_text(wanted), space, spaces_hint(connection));
}

std::string nothing_hint(client::Connection& connection, const std::string& space,
                         const Template& wanted) {
  const auto counted = connection.space(space).count(wanted);
  if (counted.status().code() == Code::kNotFound) {
    return fmt::format("nothing matched; no space \"{}\"; {}", space, spaces_hint(connection));
  }
  std::string hint = "nothing matched";
  if (counted.ok() && counted->held > 0) {
    return hint + fmt::format("; {} that match are held: taken, not yet confirmed", counted->held);
  }
  if (counted.ok() && counted->delayed > 0) {
    return hint + fmt::format("; {} that match are delayed", counted->delayed);
  }
  const std::string miss = near_miss(connection.space(space), wanted);
  return miss.empty() ? hint : hint + "; " + miss;
}

}  // namespace tuplespace::cli
