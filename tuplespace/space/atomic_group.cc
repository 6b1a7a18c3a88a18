#include "tuplespace/space/atomic_group.h"

#include <algorithm>
#include <cstring>

#include "tuplespace/tuple/wire.h"

namespace tuplespace {
namespace {

// Spells conditions: every part has its length or a fixed one.
class Speller {
 public:
  void number(uint64_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    spelled_.append(bytes, sizeof bytes);
  }
  void text(std::string_view text) {
    number(text.size());
    spelled_ += text;
  }
  void wanted(const Template& wanted) {
    std::string wire;
    append_wire(wanted, wire);
    text(wire);
  }

  void operator()(const TakeStep& take) {
    spelled_ += take.remove ? 'i' : 'r';
    text(take.space);
    wanted(take.wanted);
    number(static_cast<uint64_t>(take.hold.value_or(0)));
  }
  void operator()(const Settle& settle) {
    spelled_ += 's';
    text(settle.space);
    number(settle.token);
    number(static_cast<uint64_t>(settle.settlement));
    number(static_cast<uint64_t>(settle.after));
    text(settle.reason);
  }
  void operator()(const OutStep&) {}
  void operator()(const CountStep& count) {
    spelled_ += 'c';
    text(count.space);
    wanted(count.wanted);
    number(static_cast<uint64_t>(count.comparison));
    number(count.value);
  }

  void alternative() { spelled_ += '|'; }
  std::string take() { return std::move(spelled_); }

 private:
  std::string spelled_;
};

}  // namespace

std::string conditions_of(const std::vector<Steps>& alternatives) {
  Speller speller;
  for (const Steps& steps : alternatives) {
    speller.alternative();
    for (const Step& step : steps) std::visit(speller, step);
  }
  return speller.take();
}

std::vector<std::string> spaces_of_conditions(const std::vector<Steps>& alternatives) {
  std::vector<std::string> spaces;
  for (const Steps& steps : alternatives) {
    for (const Step& step : steps) {
      if (std::holds_alternative<OutStep>(step)) continue;
      std::visit([&](const auto& part) { spaces.push_back(part.space); }, step);
    }
  }
  std::sort(spaces.begin(), spaces.end());
  spaces.erase(std::unique(spaces.begin(), spaces.end()), spaces.end());
  return spaces;
}

std::vector<Concern> concerns_of(const std::vector<Steps>& alternatives) {
  std::vector<Concern> concerns;
  const auto add = [&](const std::string& space, const Template& wanted, bool leaving) {
    Concern concern{space, widened(wanted), leaving};
    const bool known = std::any_of(concerns.begin(), concerns.end(), [&](const Concern& other) {
      return other.space == concern.space && other.leaving == leaving &&
             other.wanted == concern.wanted;
    });
    if (!known) concerns.push_back(std::move(concern));
  };
  for (const Steps& steps : alternatives) {
    for (const Step& step : steps) {
      if (const auto* take = std::get_if<TakeStep>(&step)) add(take->space, take->wanted, false);
      const auto* count = std::get_if<CountStep>(&step);
      if (count == nullptr) continue;
      if (count->comparison != Comparison::kLess) add(count->space, count->wanted, false);
      if (count->comparison != Comparison::kGreater) add(count->space, count->wanted, true);
    }
  }
  return concerns;
}

}  // namespace tuplespace
