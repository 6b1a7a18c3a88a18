#include "tests/model/plan.h"

#include <cstring>
#include <random>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

// Few values, so that they meet; of all kinds, and alike where kinds must be told apart.
Value value_of(uint8_t byte) {
  switch (byte % 16) {
    case 0: return Value(nullptr);
    case 1: return Value(1.0);
    case 2: return Value("1");
    case 3: return Value(Bytes{"1"});
    case 4: return Value(Value::List{Value(1), Value(byte / 16 % 2)});
    case 5: return Value(Value::Map{{"k", Value(byte / 16 % 2)}});
    case 6: return Value("ab");
    case 7: return Value("abc");
    default: return Value(byte % 16 - 8 + byte / 64);
  }
}

std::string canonical(const Value& value) {
  std::string bytes;
  TS_CHECK(encode(value, Limits{}, bytes).ok());
  return bytes;
}

Pattern list_of_ints() {
  Pattern pattern;
  pattern.kind = Pattern::Kind::kList;
  pattern.type = Type::kList;
  pattern.items = {type_pattern(Type::kInt)};
  pattern.rest = true;
  return pattern;
}

Pattern pattern_of(uint8_t byte, uint8_t how) {
  switch (how % 12) {
    case 0:
    case 1: return any_pattern();
    case 2: return type_pattern(static_cast<Type>(1 + byte % 9));
    case 3: return type_pattern(Type::kInt);
    case 4: return range_pattern(canonical(Value(byte % 4)), byte % 8 < 4, "", true).value();
    case 5:
      return range_pattern(canonical(Value(byte % 4)), true, canonical(Value(byte % 4 + 2)),
                           byte % 8 < 4)
          .value();
    case 6: return string_prefix_pattern(byte % 2 ? "ab" : "a");
    case 7:
      return choice_pattern({value_pattern(canonical(value_of(byte))),
                             value_pattern(canonical(value_of(uint8_t(byte + 1))))})
          .value();
    case 8: return byte % 4 == 0 ? regex_pattern("^ab?").value() : list_of_ints();
    default: return value_pattern(canonical(value_of(byte)));
  }
}

size_t arity_of(const PlanStep& step) {
  constexpr size_t kArities[] = {2, 2, 2, 2, 2, 1, 3, 0};
  return kArities[step.shape % 8];
}

}  // namespace

StepPlan random_plan(uint64_t seed, size_t steps) {
  std::mt19937_64 random(seed);
  StepPlan plan(steps);
  for (PlanStep& step : plan) {
    const uint64_t bits = random();
    std::memcpy(&step, &bits, sizeof step);
  }
  return plan;
}

StepPlan plan_of_bytes(std::string_view bytes) {
  StepPlan plan(bytes.size() / sizeof(PlanStep));
  if (!plan.empty()) std::memcpy(plan.data(), bytes.data(), plan.size() * sizeof(PlanStep));
  return plan;
}

Tuple tuple_of(const PlanStep& step) {
  std::vector<Value> values = {value_of(step.first), value_of(step.second), value_of(step.option)};
  values.resize(arity_of(step));
  return Tuple::of(values).value();
}

Template template_of(const PlanStep& step) {
  std::vector<Pattern> fields = {
      pattern_of(step.first, step.shape / 8),
      pattern_of(step.second, uint8_t(step.first / 16 + step.shape / 16)),
      pattern_of(step.option, step.second)};
  fields.resize(arity_of(step));
  std::vector<std::string> names;
  if (step.shape >= 240 && fields.size() == 2) {  // (?x:any, ?x:any)
    names = {"x"};
    fields = {any_pattern(), any_pattern()};
    fields[0].name = fields[1].name = 0;
  }
  const bool rest = step.shape % 32 >= 24;
  return Template::of(std::move(fields), std::move(names), rest).value();
}

}  // namespace tuplespace
