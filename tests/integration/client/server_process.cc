#include "tests/integration/client/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "tuplespace/status.h"

namespace tuplespace::client {

TemporaryDirectory::TemporaryDirectory() {
  std::string name = std::filesystem::temp_directory_path() / "tuplespace.XXXXXX";
  TS_CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Process::Process(const std::vector<std::string>& words, const std::string& errors) {
  int ends[2];
  TS_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const int error = open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  TS_CHECK(error >= 0);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  TS_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(error, STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  close(error);
  output_ = ends[0];
}

std::string Process::read_line() {
  std::string line;
  char next = 0;
  while (read(output_, &next, 1) == 1) {
    if (next == '\n') return line;
    line += next;
  }
  return line;
}

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Process::kill() {
  signal(SIGKILL);
  wait();
}

int Process::wait() {
  if (pid_ <= 0) return 0;
  int status = 0;
  TS_CHECK(waitpid(pid_, &status, 0) == pid_);
  close(output_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

ServerProcess::ServerProcess(std::string listen, std::vector<std::string> settings)
    : address_(std::move(listen)), settings_(std::move(settings)) {
  start();
}

ServerProcess::~ServerProcess() { kill(); }

void ServerProcess::kill() {
  delete process_;
  process_ = nullptr;
}

void ServerProcess::start() {
  std::vector<std::string> words{TUPLESPACED, "--listen", address_, "--data",
                                 directory() + "/data"};
  words.insert(words.end(), settings_.begin(), settings_.end());
  process_ = new Process(words, directory() + "/log");
  const std::string line = process_->read_line();
  const std::string expected = "listening on ";
  if (!line.starts_with(expected)) {
    std::fprintf(stderr, "the server did not start; see its log:\n");
    std::ignore = std::system(("cat " + directory() + "/log >&2").c_str());
  }
  TS_CHECK(line.starts_with(expected));
  address_ = line.substr(expected.size());
}

void ServerProcess::wipe() const { std::filesystem::remove_all(directory() + "/data"); }

}  // namespace tuplespace::client
