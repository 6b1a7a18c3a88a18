// ServerProcess is a real tuplespaced that can be killed and started again on the same port. It
// ends with the process that started it.
//
// Threads: the one that made it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tuplespace/status.h"

namespace tuplespace::crash {

class ServerProcess {
 public:
  // `log` gets what the servers write to standard error.
  ServerProcess(std::string program, std::vector<std::string> settings, std::string log);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // begin() starts it; await_listening() returns when it listens. start() does both.
  // Errors: UNAVAILABLE, with the end of the log, if it ended instead.
  Status begin();
  Status await_listening();
  Status start();
  // Stops it in the middle of what it does: from here on it runs no instruction of its own, only
  // the system calls that it is in go on.
  void freeze();
  // SIGKILL, and waits for the end. Returns the exit code if it had ended by itself, or minus the
  // signal that ended it.
  int kill();
  // SIGTERM, and waits. Errors: INTERNAL if it did not end with success.
  Status stop();

  bool running() const { return pid_ > 0; }
  std::string end_of_log() const;
  const std::string& address() const { return address_; }  // once it has started

 private:
  int wait();

  const std::string program_;
  const std::vector<std::string> settings_;
  const std::string log_;
  std::string address_;
  pid_t pid_ = 0;
  int output_ = -1;  // the server's standard output
};

}  // namespace tuplespace::crash
