// fuzz_space lets a shard and the oracle do random plans until they differ or time is over.
//
//   fuzz_space [--seconds N] [--plans N] [--steps N] [--seed S] [--replay]
//
// Plan i of seed S is random_plan(S + i). On a difference it prints the seed, the shortest plan it
// finds and what differed, and exits with 1. `--seed S --replay` does plan S alone, step by step.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "tests/model/duel.h"

namespace tuplespace {
namespace {

struct Settings {
  double seconds = std::numeric_limits<double>::infinity();
  uint64_t plans = std::numeric_limits<uint64_t>::max();
  size_t steps = 300;
  uint64_t seed = 1;
  bool replay = false;
};

void print_trace(const StepPlan& plan, uint64_t seed) {
  std::vector<std::string> trace;
  const std::string difference = duel(plan, seed, &trace);
  for (const std::string& line : trace) fmt::print("  {}\n", line);
  fmt::print("{}\n", difference.empty() ? "they agree" : difference);
}

int run(const Settings& settings) {
  using Clock = std::chrono::steady_clock;
  if (settings.replay) {
    print_trace(random_plan(settings.seed, settings.steps), settings.seed);
    return 0;
  }
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  uint64_t plans = 0;
  for (; plans < settings.plans && elapsed() < settings.seconds; ++plans) {
    const uint64_t seed = settings.seed + plans;
    const StepPlan plan = random_plan(seed, settings.steps);
    if (duel(plan, seed).empty()) continue;
    const StepPlan shorter = shortest(plan, seed);
    fmt::print("seed {} differs, after {} plans and {:.1f} s; {} steps of {} show it:\n", seed,
               plans, elapsed(), shorter.size(), plan.size());
    print_trace(shorter, seed);
    fmt::print("replay: fuzz_space --seed {} --steps {} --replay\n", seed, settings.steps);
    return 1;
  }
  fmt::print("{} plans of {} steps from seed {} in {:.1f} s: shard and oracle agree\n", plans,
             settings.steps, settings.seed, elapsed());
  return 0;
}

}  // namespace
}  // namespace tuplespace

int main(int argc, char** argv) {
  tuplespace::Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--replay") {
      settings.replay = true;
      continue;
    }
    if (i + 1 == argc) break;
    const char* value = argv[++i];
    if (name == "--seconds") settings.seconds = std::atof(value);
    if (name == "--plans") settings.plans = std::strtoull(value, nullptr, 10);
    if (name == "--steps") settings.steps = std::strtoull(value, nullptr, 10);
    if (name == "--seed") settings.seed = std::strtoull(value, nullptr, 10);
  }
  return tuplespace::run(settings);
}
