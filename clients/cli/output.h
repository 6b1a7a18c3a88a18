// Output collects lines for standard output and writes them; it knows which of them were accepted
// whole when the reader goes away.
//
// Threads: one.
#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace tuplespace::cli {

class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  // Adds a line; the newline is added here.
  void add(std::string_view line);
  // Writes all that was added. Returns how many of those lines are written whole; fewer than were
  // added only if the output failed: then ok() is false, and the rest is dropped.
  size_t flush();

  bool ok() const { return error_ == 0; }
  bool closed() const;        // it failed because the reader has gone
  std::string error() const;  // what the system said
  size_t bytes() const { return buffer_.size(); }
  bool empty() const { return buffer_.empty(); }

 private:
  const int fd_;
  std::string buffer_;
  std::deque<size_t> ends_;  // of the lines in buffer_
  int error_ = 0;
};

}  // namespace tuplespace::cli
