#include "clients/cli/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 does not say that it is C
}

extern char** environ;

namespace tuplespace::cli {
namespace {

// A file in memory: neither side waits for the other, however much it is.
int memory_file(const std::string& content) {
  const int fd = memfd_create("tuplespace", MFD_CLOEXEC);
  TS_CHECK(fd >= 0);
  for (size_t at = 0; at < content.size();) {
    const ssize_t written = write(fd, content.data() + at, content.size() - at);
    TS_CHECK(written > 0);
    at += static_cast<size_t>(written);
  }
  lseek(fd, 0, SEEK_SET);
  return fd;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace

Child::~Child() {
  if (pid_ != 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  for (const int fd : {pid_fd_, output_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

Status Child::start(const How& how) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  int input_fd = -1;
  if (how.given) {
    input_fd = memory_file(*how.given);
    posix_spawn_file_actions_adddup2(&files, input_fd, STDIN_FILENO);
  }
  if (how.keeps_output) {
    output_fd_ = memory_file("");
    posix_spawn_file_actions_adddup2(&files, output_fd_, STDOUT_FILENO);
  }
  // Our own signals are blocked or ignored; it begins as everybody does.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, ignored;
  sigemptyset(&none);
  sigemptyset(&ignored);
  sigaddset(&ignored, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &ignored);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  for (const auto& [name, value] : how.setting) environment.push_back(name + "=" + value);
  const int error = posix_spawnp(&pid_, how.words[0].c_str(), &files, &attributes,
                                 pointers(how.words).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (input_fd >= 0) ::close(input_fd);
  if (error != 0) {
    pid_ = 0;
    return {error == ENOENT ? Code::kNotFound : Code::kInternal,
            fmt::format("cannot run {}: {}", how.words[0], std::strerror(error))};
  }
  pid_fd_ = pidfd_open(pid_, 0);
  TS_CHECK(pid_fd_ >= 0);
  return {};
}

bool Child::wait(std::chrono::milliseconds at_most, int interrupt_fd) {
  if (pid_ == 0) return true;
  pollfd watched[2] = {{pid_fd_, POLLIN, 0}, {interrupt_fd, POLLIN, 0}};
  poll(watched, 2, static_cast<int>(at_most.count()));
  if (watched[0].revents == 0) return false;
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

void Child::terminate() {
  if (pid_ != 0) kill(pid_, SIGTERM);
}

std::string Child::output() const {
  std::string all;
  char buffer[4096];
  for (off_t at = 0; output_fd_ >= 0;) {
    const ssize_t got = pread(output_fd_, buffer, sizeof buffer, at);
    if (got <= 0) break;
    all.append(buffer, static_cast<size_t>(got));
    at += got;
  }
  return all;
}

}  // namespace tuplespace::cli
