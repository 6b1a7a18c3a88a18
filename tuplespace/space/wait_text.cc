#include "tuplespace/space/wait_text.h"

#include <fmt/format.h>

#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

std::string field_text(const Expression& field) {
  if (!field.value.empty()) return field_to_text(field.value);
  return field.add == 0 ? field.name : fmt::format("{} {:+}", field.name, field.add);
}

struct StepText {
  std::string operator()(const TakeStep& take) const {
    return fmt::format("{} {} {}", take.remove ? "in" : "rd", take.space, to_text(take.wanted));
  }
  std::string operator()(const Settle& settle) const {
    return fmt::format("settle {} {}", settle.space, settle.token);
  }
  std::string operator()(const OutStep& out) const {
    std::string fields;
    for (const Expression& field : out.fields) {
      fields += (fields.empty() ? "" : ", ") + field_text(field);
    }
    return fmt::format("out {} ({})", out.space, fields);
  }
  std::string operator()(const CountStep& count) const {
    const char* comparison = count.comparison == Comparison::kLess    ? "<"
                             : count.comparison == Comparison::kEqual ? "="
                                                                      : ">";
    return fmt::format("count {} {} {} {}", count.space, to_text(count.wanted), comparison,
                       count.value);
  }
};

std::string text_of(const Atomic& atomic) {
  std::string text;
  for (const Steps& steps : *atomic.alternatives) {
    text += text.empty() ? "atomic " : " or ";
    for (size_t i = 0; i < steps.size(); ++i) {
      text += (i > 0 ? "; " : "") + std::visit(StepText(), steps[i]);
    }
  }
  return text;
}

}  // namespace

std::string to_text(const Wait& wait) {
  if (wait.kind == Wait::Kind::kAtomic) return text_of(wait.atomic);
  if (wait.kind == Wait::Kind::kFate) return to_text(wait.take.wanted) + " is to be taken";
  std::string text = wait.take.remove ? "in" : "rd";
  for (size_t i = 0; i < wait.templates(); ++i) {
    text += (i > 0 ? " or " : " ") + to_text(wait.wanted(i));
  }
  if (wait.take.max > 1) text += fmt::format(" max {}", wait.take.max);
  return text;
}

}  // namespace tuplespace
