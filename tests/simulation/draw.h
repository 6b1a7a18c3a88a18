// Draw makes every choice of a simulation: the same seed draws the same, on every machine.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace tuplespace::simulation {

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  // 0 to n - 1. Requires: n > 0.
  uint64_t below(uint64_t n) { return random_() % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  bool percent(uint64_t n) { return below(100) < n; }

  template <typename T>
  const T& of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

 private:
  std::mt19937_64 random_;  // its numbers are part of the standard, those of distributions are not
};

}  // namespace tuplespace::simulation
