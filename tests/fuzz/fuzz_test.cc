// The fuzzers' checks on a fixed number of inputs from fixed seeds: what every build can do.
#include <gtest/gtest.h>

#include "tests/fuzz/checks.h"
#include "tests/unit/tuple/random_tuples.h"

namespace tuplespace {
namespace {

constexpr int kRounds = 10'000;

// Bytes, and pieces of text, that make another input out of one.
std::string mutated(const std::vector<std::string>& seeds, RandomTuples& random) {
  static const std::vector<std::string> kPieces = {"(",         ")",
                                                   "[",         "]",
                                                   "{",         "}",
                                                   ",",         ":",
                                                   "|",         "..",
                                                   "...",       "?",
                                                   "?x:",       "$x",
                                                   "*",         "/",
                                                   "\\",        "\"",
                                                   "-",         "0",
                                                   "7.5",       "1e",
                                                   "null",      "inf",
                                                   "int",       ">=",
                                                   "<",         "@",
                                                   "\\u",       "\\ud800",
                                                   "b\"",       "\"$map\":",
                                                   "\"$as\":",  "\"$rest\":true",
                                                   "\"$int\":", std::string(1, '\0'),
                                                   "\xff",      std::string("\x0a\x02\x18", 3),
                                                   "\x12",      "\x3a",
                                                   "\x42",      "\x19",
                                                   "\x16",      "\x18"};
  std::string input = seeds[random.below(seeds.size())];
  for (size_t changes = 1 + random.below(4); changes > 0; --changes) {
    const size_t at = random.below(input.size() + 1);
    const size_t length = random.below(std::min<size_t>(input.size() - at, 8) + 1);
    switch (random.below(5)) {
      case 0: input.replace(at, length, kPieces[random.below(kPieces.size())]); break;
      case 1: input.erase(at, length); break;
      case 2: input.insert(at, input.substr(at, length)); break;
      case 3: {
        const std::string& other = seeds[random.below(seeds.size())];
        input = input.substr(0, at) + other.substr(random.below(other.size() + 1));
        break;
      }
      default:
        if (at < input.size()) input[at] = static_cast<char>(random.bits());
    }
  }
  return input;
}

class Fuzz : public testing::TestWithParam<FuzzCheck> {};

TEST_P(Fuzz, FindsNothingInAFixedNumberOfInputs) {
  const std::vector<std::string> seeds = fuzz_seeds(GetParam().name);
  for (const std::string& seed : seeds) GetParam().run(seed);
  RandomTuples random(4);
  for (int round = 0; round < kRounds; ++round) GetParam().run(mutated(seeds, random));
}

INSTANTIATE_TEST_SUITE_P(Of, Fuzz, testing::ValuesIn(fuzz_checks()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tuplespace
