// ServerProcess is tuplespaced as people start it, with data in a directory of its own.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tuplespace::integration {

// A directory that is removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A program with its output caught.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command);
  ~Process();  // kills it if it still runs

  std::string read_line();  // of its standard output
  std::string read_all();   // until it closes it
  void signal(int number);
  int wait();           // its exit code, or 128 + the signal that ended it
  std::string error();  // its standard error; after wait()
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string error_path_;
};

// The path of a program that was built next to this one.
std::string program(const std::string& name);

class ServerProcess {
 public:
  // Starts it and waits until it listens.
  explicit ServerProcess(const std::vector<std::string>& settings);

  const std::string& address() const { return address_; }
  Process& process() { return process_; }

 private:
  Process process_;
  std::string address_;
};

}  // namespace tuplespace::integration
