// Plan is what the operation fuzzer does: a list of steps, each eight bytes of which every value
// means something. So random bytes, a fuzzer's input and a plan with steps left out are all plans.
//
// Threads: any (values).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/space/operation.h"

namespace tuplespace {

struct PlanStep {
  uint8_t action;
  uint8_t who;
  uint8_t space;
  uint8_t shape;  // of the tuple or template
  uint8_t first;  // its fields
  uint8_t second;
  uint8_t option;  // choice, ttl, delay
  uint8_t time;    // wait, or how far time passes
};
static_assert(sizeof(PlanStep) == 8);

using StepPlan = std::vector<PlanStep>;

StepPlan random_plan(uint64_t seed, size_t steps);
StepPlan plan_of_bytes(std::string_view bytes);

// The tuple, or the template, that a step is about.
Tuple tuple_of(const PlanStep& step);
Template template_of(const PlanStep& step);

// The steps of the atomic that it is about, on these spaces.
std::vector<Steps> steps_of(const PlanStep& step, const std::string& space,
                            const std::string& other);

}  // namespace tuplespace
