// Child is a program that a command runs: it reads what it is given, and what it writes can be
// kept.
//
// Threads: one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tuplespace/status.h"

namespace tuplespace::cli {

class Child {
 public:
  struct How {
    std::vector<std::string> words;                            // the program and its arguments
    std::vector<std::pair<std::string, std::string>> setting;  // added to the environment
    std::optional<std::string> given;                          // its standard input; else ours
    bool keeps_output = false;                                 // else it writes where we do
  };

  Child() = default;
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Errors: NOT_FOUND (no such program) and what the system says.
  Status start(const How& how);

  // Waits until it has ended, at most so long, or until `interrupt_fd` is readable.
  bool wait(std::chrono::milliseconds at_most, int interrupt_fd);
  void terminate();  // SIGTERM

  // Once it has ended: its exit code, or 128 + the signal's number.
  int exit_code() const { return exit_code_; }
  std::string output() const;

 private:
  pid_t pid_ = 0;  // 0: there is none, or it has ended
  int pid_fd_ = -1;
  int output_fd_ = -1;
  int exit_code_ = 0;
};

}  // namespace tuplespace::cli
