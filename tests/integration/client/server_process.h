// ServerProcess is a real tuplespaced with a data directory of its own; it can be killed and
// started again at the same address. Process is any program.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tuplespace::client {

// A directory that is removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Process {
 public:
  // Starts a program; its standard output can be read, its standard error goes to `errors`.
  Process(const std::vector<std::string>& words, const std::string& errors);
  ~Process() { kill(); }

  // Reads standard output up to a newline, which is left out; "" at the end.
  std::string read_line();
  void signal(int number) const;
  // SIGKILL, and waits for the end. wait() returns the exit code, or -signal.
  void kill();
  int wait();
  bool running() const { return pid_ > 0; }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

class ServerProcess {
 public:
  // Listens on a free port of 127.0.0.1, or on `listen`, with further settings.
  explicit ServerProcess(std::string listen = "127.0.0.1:0",
                         std::vector<std::string> settings = {});
  ~ServerProcess();

  const std::string& address() const { return address_; }
  const std::string& directory() const { return directory_.path(); }

  void kill();   // SIGKILL
  void start();  // again, where it was
  void restart() {
    kill();
    start();
  }
  // Forgets everything that was stored. Requires: killed.
  void wipe() const;

 private:
  const TemporaryDirectory directory_;
  std::string address_;
  const std::vector<std::string> settings_;
  Process* process_ = nullptr;
};

}  // namespace tuplespace::client
