#include "tests/bench/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace tuplespace::bench {

int64_t steady_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

Tally::Tally(const Load& load)
    : from_ns_(steady_ns() + static_cast<int64_t>(load.warm_up_s * 1e9)),
      until_ns_(from_ns_ + static_cast<int64_t>(load.seconds * 1e9)) {
  latencies_.reserve(1 << 20);
}

std::string Tally::json() {
  if (latencies_.empty()) give_up("no operation ended within the measured time");
  std::sort(latencies_.begin(), latencies_.end());
  auto quantile_us = [&](double q) {
    return static_cast<double>(latencies_[static_cast<size_t>(q * (latencies_.size() - 1))]) / 1e3;
  };
  const double seconds = static_cast<double>(until_ns_ - from_ns_) / 1e9;
  return fmt::format(R"({{"rate": {:.1f}, "p50_us": {:.2f}, "p99_us": {:.2f}, "max_us": {:.2f}}})",
                     static_cast<double>(operations_) / seconds, quantile_us(0.5),
                     quantile_us(0.99), quantile_us(1.0));
}

void give_up(std::string_view what) {
  fmt::print(stderr, "cannot measure: {}\n", what);
  std::exit(2);
}

}  // namespace tuplespace::bench
