#include "clients/cli/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/cli/settings.h"
#include "tuplespace/status.h"

namespace tuplespace::cli {
namespace {

// Only pipes and sockets say that their reader has gone.
bool has_reader(int fd) {
  struct stat what;
  return fstat(fd, &what) == 0 && (S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode));
}

void write_one(int fd) {
  const uint64_t one = 1;
  (void)!write(fd, &one, sizeof one);
}

}  // namespace

Interrupt::Interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
  told_fd_ = eventfd(0, EFD_CLOEXEC);
  end_fd_ = eventfd(0, EFD_CLOEXEC);
  TS_CHECK(signal_fd_ >= 0 && told_fd_ >= 0 && end_fd_ >= 0);
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  write_one(end_fd_);
  watcher_.join();
  for (const int fd : {signal_fd_, told_fd_, end_fd_}) ::close(fd);
}

void Interrupt::watch() {
  pollfd watched[3] = {{signal_fd_, POLLIN, 0},
                       {end_fd_, POLLIN, 0},
                       {has_reader(STDOUT_FILENO) ? STDOUT_FILENO : -1, 0, 0}};
  while (true) {
    if (poll(watched, 3, -1) < 0) continue;
    if (watched[1].revents != 0) return;
    if (watched[0].revents != 0) {
      if (signalled_.exchange(true)) _exit(kInterrupted);
      signalfd_siginfo taken;
      (void)!read(signal_fd_, &taken, sizeof taken);
      tell();
    }
    if (watched[2].revents != 0) {
      watched[2].fd = -1;
      reader_gone_ = true;
      tell();
    }
  }
}

void Interrupt::tell() {
  write_one(told_fd_);
  const std::lock_guard lock(mutex_);
  if (stop_) stop_();
}

Interrupt::Guard::Guard(Interrupt& interrupt, std::function<void()> stop) : interrupt_(interrupt) {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.stop_ = std::move(stop);
  if (interrupt_.came()) interrupt_.stop_();
}

Interrupt::Guard::~Guard() {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.stop_ = nullptr;
}

}  // namespace tuplespace::cli
