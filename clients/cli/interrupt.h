// Interrupt notices that the command is no longer wanted: Ctrl-C, SIGTERM or SIGHUP, or the reader
// of standard output has gone. Whoever waits is told at once; a second signal ends the process.
//
// Order:   must be made before any other thread: they inherit the blocked signals.
// Threads: any; `stop` of while_on() runs on a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace tuplespace::cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();

  bool signalled() const { return signalled_; }
  bool reader_gone() const { return reader_gone_; }
  bool came() const { return signalled_ || reader_gone_; }

  // Readable from the moment it came on.
  int fd() const { return told_fd_; }

  // While one lives, `stop` is called when the interrupt comes, or at once if it has come.
  class Guard {
   public:
    Guard(Interrupt& interrupt, std::function<void()> stop);
    ~Guard();

   private:
    Interrupt& interrupt_;
  };

 private:
  void watch();
  void tell();

  std::atomic<bool> signalled_ = false;
  std::atomic<bool> reader_gone_ = false;
  int signal_fd_ = -1;
  int told_fd_ = -1;
  int end_fd_ = -1;
  std::mutex mutex_;
  std::function<void()> stop_;
  std::thread watcher_;
};

}  // namespace tuplespace::cli
