// simulate runs whole systems in virtual time, one seed after the other, until one breaks a
// promise.
//
//   simulate [--seeds N] [--seed S] [--operations M] [--print] [--lying-disk]
//
// Seed by seed from S on: M operations of clients on a server, with faults, then the verdict. A
// seed that fails is printed and replays exactly; --print shows everything that happens in it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>

#include "tests/simulation/world.h"
#include "tuplespace/log.h"

namespace tuplespace::simulation {
namespace {

struct Settings {
  uint64_t seeds = 1'000;
  uint64_t seed = 1;
  size_t operations = 150;
  bool print = false;
  bool lying_disk = false;
};

struct Figures {
  uint64_t seeds = 0;
  uint64_t operations = 0;
  uint64_t steps = 0;
  std::array<uint64_t, kFaults> faults{};
  uint64_t trace = 0;

  uint64_t all_faults() const {
    uint64_t sum = 0;
    for (const uint64_t count : faults) sum += count;
    return sum;
  }
};

void print(const Figures& figures, double seconds) {
  fmt::print("{} seeds, {} operations, {} faults, {} steps in {:.1f} s; trace {:016x}\n",
             figures.seeds, figures.operations, figures.all_faults(), figures.steps, seconds,
             figures.trace);
  for (size_t at = 0; at < kFaults; ++at) {
    fmt::print("  {:>8} {}\n", figures.faults[at], name_of(static_cast<Fault>(at)));
  }
}

int run(const Settings& settings) {
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  Figures figures;
  for (uint64_t seed = settings.seed; seed < settings.seed + settings.seeds; ++seed) {
    World world({seed, settings.operations, settings.print, settings.lying_disk});
    const std::string wrong = world.run();
    ++figures.seeds;
    figures.operations += world.operations();
    figures.steps += world.steps();
    figures.trace = figures.trace * 31 + world.trace_hash();
    for (size_t at = 0; at < kFaults; ++at) figures.faults[at] += world.faults()[at];
    if (wrong.empty()) continue;
    fmt::print("seed {} breaks a promise: {}\n", seed, wrong);
    fmt::print("replay: simulate --seed {} --seeds 1 --operations {} --print\n", seed,
               settings.operations);
    print(figures, seconds());
    return 1;
  }
  print(figures, seconds());
  fmt::print("no promise was broken\n");
  return 0;
}

}  // namespace
}  // namespace tuplespace::simulation

int main(int argc, char** argv) {
  tuplespace::simulation::Settings settings;
  CLI::App app{"Simulates servers, clients and faults in virtual time."};
  app.add_option("--seeds", settings.seeds, "how many");
  app.add_option("--seed", settings.seed, "the first one");
  app.add_option("--operations", settings.operations, "of clients, for each seed");
  app.add_flag("--print", settings.print, "everything that happens");
  app.add_flag("--lying-disk", settings.lying_disk, "one that syncs nothing and says it did");
  CLI11_PARSE(app, argc, argv);
  tuplespace::set_log_level(static_cast<tuplespace::Level>(99));
  return tuplespace::simulation::run(settings);
}
