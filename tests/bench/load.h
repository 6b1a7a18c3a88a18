// Load is how long a benchmark drives its operations; Tally is what came of it: how many, how
// fast, how late. Every program here prints one Tally a run, as one line of JSON, and
// tests/bench/bench.py compares them.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tuplespace::bench {

struct Load {
  double warm_up_s = 0.2;  // not counted
  double seconds = 1.0;
  size_t outstanding = 1;  // operations side by side
};

// Nanoseconds of the steady clock.
int64_t steady_ns();

// Counts operations that end inside the measured part of a load.
class Tally {
 public:
  explicit Tally(const Load& load);

  // An operation that began at `begun_ns` has ended at `now_ns`.
  void add(int64_t begun_ns, int64_t now_ns) {
    if (now_ns < from_ns_ || now_ns >= until_ns_) return;
    ++operations_;
    if (latencies_.size() < kLatenciesMax) latencies_.push_back(now_ns - begun_ns);
  }

  bool over(int64_t now_ns) const { return now_ns >= until_ns_; }

  // {"rate": operations per second, "p50_us": .., "p99_us": .., "max_us": ..}
  std::string json();

 private:
  static constexpr size_t kLatenciesMax = 4'000'000;

  int64_t from_ns_;
  int64_t until_ns_;
  uint64_t operations_ = 0;
  std::vector<int64_t> latencies_;
};

// Prints what went wrong and ends the program with exit code 2: a benchmark that cannot measure
// has nothing else to say.
[[noreturn]] void give_up(std::string_view what);

}  // namespace tuplespace::bench
