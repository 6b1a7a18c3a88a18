// What is shown to people only: messages on standard error when that is a terminal, and progress
// on work that takes longer than a second.
//
// Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tuplespace::cli {

// True if somebody reads standard error as it comes.
bool on_terminal();

// Writes "tuplespace: ..." to standard error.
void complain(std::string_view message);

// A line that grows old in place: "12,345 tuples, 98,700 a second".
class Progress {
 public:
  explicit Progress(bool shown);
  ~Progress() { clear(); }

  // Says how many are done; draws now and then.
  void at(uint64_t done);
  // Removes the line. finish() leaves a summary in its place, if there was one.
  void clear();
  void finish(uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;
  std::string line(uint64_t done, Clock::time_point now) const;

  const bool shown_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point next_;
  bool drawn_ = false;
};

}  // namespace tuplespace::cli
