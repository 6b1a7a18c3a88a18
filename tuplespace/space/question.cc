#include "tuplespace/space/question.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

constexpr size_t kHashesMax = 16;  // of a template whose fields are sets

uint64_t hash_of_value(std::string_view field, uint64_t seed) {
  return XXH3_64bits_withSeed(field.data(), field.size(), seed) | 1;  // 0 means not yet
}

uint64_t hash_of_type(Type type) {
  return 0x9e3779b97f4a7c15ull * (static_cast<uint64_t>(type) + 1);
}

uint64_t join(uint64_t hash, uint64_t more) {
  hash = (hash ^ more) * 0xff51afd7ed558ccdull;
  return hash ^ hash >> 32;
}

// Directories use the high bits, segments the low ones: both must depend on everything.
uint64_t finish(uint64_t hash) {
  hash *= 0xc4ceb9fe1a85ec53ull;
  return hash ^ hash >> 29;
}

bool is_set_of_values(const Pattern& pattern) {
  return pattern.kind == Pattern::Kind::kChoice &&
         std::all_of(pattern.items.begin(), pattern.items.end(),
                     [](const Pattern& item) { return item.kind == Pattern::Kind::kValue; });
}

// The type that all matches of `pattern` have, or kAny.
Type type_asked(const Pattern& pattern) {
  switch (pattern.kind) {
    case Pattern::Kind::kAny: return Type::kAny;
    case Pattern::Kind::kType:
    case Pattern::Kind::kRange:
    case Pattern::Kind::kPrefix:
    case Pattern::Kind::kReference: return pattern.type;
    case Pattern::Kind::kValue: return type_of(pattern.value);
    case Pattern::Kind::kRegex: return Type::kString;
    case Pattern::Kind::kList: return Type::kList;
    case Pattern::Kind::kMap: return Type::kMap;
    case Pattern::Kind::kChoice: break;
  }
  const Type first = type_asked(pattern.items[0]);
  const bool same = std::all_of(pattern.items.begin(), pattern.items.end(),
                                [&](const Pattern& item) { return type_asked(item) == first; });
  return same ? first : Type::kAny;
}

// True if a name of the top level stands twice, so that fields must be equal.
bool repeats_a_name(const Template& wanted) {
  std::vector<int> names;
  for (const Pattern& pattern : wanted.fields()) {
    if (pattern.name >= 0) names.push_back(pattern.name);
  }
  if (wanted.rest_name() >= 0) names.push_back(wanted.rest_name());
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// The values of a set, each once: "a"|"a" is one hash, or a waiter would be filed twice in one
// place.
std::vector<std::string_view> values_of(const Pattern& pattern) {
  std::vector<std::string_view> values;
  for (const Pattern& item : pattern.items) values.push_back(item.value);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

// Every type that matches of `pattern` have, once: the values of a set may have several.
std::vector<Type> types_of(const Pattern& pattern) {
  if (!is_set_of_values(pattern)) return {type_asked(pattern)};
  std::vector<Type> types;
  for (const Pattern& item : pattern.items) types.push_back(type_of(item.value));
  std::sort(types.begin(), types.end());
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return types;
}

}  // namespace

size_t Question::bound() const {
  size_t count = asked_.size();
  while (count > 0 && asked_[count - 1] == static_cast<char>(Asked::kNothing)) --count;
  return count;
}

bool Question::is_within(const Question& other) const {
  for (size_t i = 0; i < fields(); ++i) {
    if (asked(i) == Asked::kNothing) continue;
    if (i >= other.fields() || other.asked(i) == Asked::kNothing) return false;
    if (asked(i) == Asked::kValue && other.asked(i) != Asked::kValue) return false;
  }
  return true;
}

int Question::closeness() const {
  int sum = 0;
  for (size_t i = 0; i < fields(); ++i) {
    if (asked(i) == Asked::kValue) sum += 100;
    if (asked(i) == Asked::kType) sum += 1;
  }
  return sum;
}

Question Question::widened(size_t fields) const {
  Question wider(fields);
  std::copy(asked_.begin(), asked_.end(), wider.asked_.begin());
  return wider;
}

std::string Question::to_text() const {
  std::string text = "(";
  for (size_t i = 0; i < fields(); ++i) {
    if (i > 0) text += ", ";
    switch (asked(i)) {
      case Asked::kNothing: text += "?"; break;
      case Asked::kType: text += "type"; break;
      case Asked::kValue: text += "value"; break;
    }
  }
  return text + ")";
}

void Fingerprint::split() {
  split_ = true;
  fields_.clear();
  for (std::string_view left = bytes_; !left.empty();) fields_.push_back(take_field(left));
  hashes_.assign(fields_.size(), 0);
}

uint64_t Fingerprint::compute(const Question& question) {
  if (!split_) split();
  uint64_t hash = seed_;
  for (size_t i = 0; i < question.fields(); ++i) {
    switch (question.asked(i)) {
      case Asked::kNothing: break;
      case Asked::kType: hash = join(hash, hash_of_type(type_of(fields_[i]))); break;
      case Asked::kValue:
        if (hashes_[i] == 0) hashes_[i] = hash_of_value(fields_[i], seed_);
        hash = join(hash, hashes_[i]);
        break;
    }
  }
  return finish(hash);
}

std::vector<uint64_t> hashes_under(const Template& wanted, const Question& question,
                                   uint64_t seed) {
  std::vector<uint64_t> hashes{seed};
  for (size_t i = 0; i < question.fields() && i < wanted.fields().size(); ++i) {
    const Pattern& pattern = wanted.fields()[i];
    if (question.asked(i) == Asked::kNothing) continue;
    const bool by_type = question.asked(i) == Asked::kType;
    if (pattern.kind != Pattern::Kind::kChoice) {  // one answer: no new hashes
      const uint64_t more =
          by_type ? hash_of_type(type_asked(pattern)) : hash_of_value(pattern.value, seed);
      for (uint64_t& hash : hashes) hash = join(hash, more);
      continue;
    }
    std::vector<uint64_t> longer;
    if (by_type) {
      for (const Type type : types_of(pattern)) {
        for (const uint64_t hash : hashes) longer.push_back(join(hash, hash_of_type(type)));
      }
    } else {
      for (const std::string_view value : values_of(pattern)) {
        const uint64_t more = hash_of_value(value, seed);
        for (const uint64_t hash : hashes) longer.push_back(join(hash, more));
      }
    }
    hashes = std::move(longer);
  }
  for (uint64_t& hash : hashes) hash = finish(hash);
  return hashes;
}

Plan plan_of(const Template& wanted, uint64_t seed, int apart) {
  Plan plan;
  bool exact = true;
  plan.question = Question(wanted.fields().size());
  size_t combinations = 1;
  for (size_t i = 0; i < wanted.fields().size(); ++i) {
    if (static_cast<int>(i) == apart) continue;
    const Pattern& pattern = wanted.fields()[i];
    const bool set = is_set_of_values(pattern);
    if (pattern.kind == Pattern::Kind::kValue) {
      plan.question.ask(i, Asked::kValue);
    } else if (set && combinations * pattern.items.size() <= kHashesMax) {
      combinations *= pattern.items.size();
      plan.question.ask(i, Asked::kValue);
    } else {
      if (type_asked(pattern) != Type::kAny) plan.question.ask(i, Asked::kType);
      exact =
          exact && (pattern.kind == Pattern::Kind::kAny || pattern.kind == Pattern::Kind::kType);
    }
  }
  plan.exact = exact && apart < 0 && (wanted.plain() || !repeats_a_name(wanted));
  plan.hashes = hashes_under(wanted, plan.question, seed);
  return plan;
}

const Plan& Plans::of(const Template& wanted, int apart) {
  Kept& kept = kept_[wanted.identity_hash() % kKept];
  if (kept.apart != apart || !kept.wanted.is(wanted)) {
    kept.plan = plan_of(wanted, seed_, apart);
    kept.wanted = Template::Identity(wanted);
    kept.apart = apart;
  }
  return kept.plan;
}

}  // namespace tuplespace
