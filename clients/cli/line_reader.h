// LineReader reads standard input line by line. A last line without newline counts.
//
// Threads: one.
// Bounds:  kLineMax bytes a line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tuplespace/status.h"

namespace tuplespace::cli {

class LineReader {
 public:
  static constexpr size_t kLineMax = size_t{64} << 20;

  // Reading ends early, as at the end of input, when `stop_fd` becomes readable.
  LineReader(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd) {}

  // Moves to the next line. False at the end, or when something went wrong: see status().
  bool next();
  std::string_view line() const { return line_; }  // without newline; until the next next()
  uint64_t number() const { return number_; }      // from 1
  const Status& status() const { return status_; }

 private:
  bool fill();

  const int fd_;
  const int stop_fd_;
  std::string buffer_;
  size_t begin_ = 0;  // of what was not handed out yet
  bool over_ = false;
  std::string_view line_;
  uint64_t number_ = 0;
  Status status_;
};

}  // namespace tuplespace::cli
