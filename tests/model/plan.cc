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

// A template whose names are not those that steps bind.
Template nameless(PlanStep step) {
  step.shape %= 240;
  return template_of(step);
}

// (?v, ...) binds what the first field is.
Template binding(const PlanStep& step, Type type) {
  Pattern named = type_pattern(type);
  named.name = 0;
  std::vector<Pattern> fields = {named};
  if (step.shape % 2 == 0) fields.push_back(any_pattern());
  return Template::of(std::move(fields), {"v"}, step.shape % 4 == 3).value();
}

// ($v, ...)
Template referring(const PlanStep& step) {
  std::vector<Pattern> fields = {
      reference_pattern("v", step.option % 16 == 9 ? Type::kInt : Type::kAny)};
  if (step.shape % 2 == 0) fields.push_back(pattern_of(step.second, step.first));
  return Template::of(std::move(fields), {}, step.shape % 4 == 3).value();
}

std::vector<Expression> fields_of(const Tuple& tuple) {
  std::vector<Expression> fields;
  for (std::string_view rest = tuple.bytes(); !rest.empty();) {
    fields.push_back({std::string(take_field(rest)), {}, Type::kAny, 0});
  }
  return fields;
}

}  // namespace

std::vector<Steps> steps_of(const PlanStep& step, const std::string& space,
                            const std::string& other) {
  PlanStep second = step;  // of the same kind, and not the same
  second.first = uint8_t(step.first * 7 + step.option);
  second.second = uint8_t(step.second * 5 + step.time);
  const TakeStep in{space, nameless(step), true, {}};
  const TakeStep rd{space, nameless(step), false, {}};
  const TakeStep in_second{other, nameless(second), true, {}};
  const OutStep out{other, fields_of(tuple_of(second)), {}, {}, false};
  const auto count = [&](Comparison comparison, uint64_t value) {
    return CountStep{space, nameless(step), comparison, value};
  };
  const uint64_t few = step.second / 16 % 4;
  switch (step.option % 12) {
    case 0: return {{in, out}};
    case 1: return {{count(Comparison::kLess, few + 1), OutStep{space, out.fields, {}, {}, false}}};
    case 2: return {{count(Comparison::kEqual, few)}};
    case 3: return {{count(Comparison::kGreater, few), in}};
    case 4: return {{in, in_second}};
    case 5: return {{rd, in_second, out}, {in_second, count(Comparison::kEqual, 0)}};
    case 6: return {{in, TakeStep{space, nameless(step), false, {}}}};
    case 7: return {{in, count(Comparison::kEqual, few), out, out}};
    case 8:  // count up
      return {{TakeStep{space, binding(step, Type::kInt), true, {}},
               OutStep{other, {{{}, "v", Type::kAny, step.time - 100}}, {}, {}, false}}};
    case 9:  // join
      return {{TakeStep{space, binding(step, Type::kAny), step.time % 2 == 0, {}},
               TakeStep{other, referring(second), true, {}},
               OutStep{space, {{{}, "v", Type::kAny, 0}}, {}, {}, false}}};
    case 10:  // count what was found
      return {{TakeStep{space, binding(step, Type::kAny), true, {}},
               CountStep{other, referring(step), Comparison::kEqual, few % 2}},
              {out}};
    default: return {{in, in, rd}};
  }
}

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
