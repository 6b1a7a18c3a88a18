#include "tests/integration/server_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace tuplespace::integration {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tuplespace-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Process::Process(const std::vector<std::string>& command) {
  int out[2];
  EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
  std::string pattern = (std::filesystem::temp_directory_path() / "tuplespace-err-XXXXXX").string();
  const int error = ::mkstemp(pattern.data());
  error_path_ = pattern;
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(error, STDERR_FILENO);
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(error);
  out_ = out[0];
}

Process::~Process() {
  if (pid_ > 0) {
    signal(SIGKILL);
    (void)wait();
  }
  ::close(out_);
  ::unlink(error_path_.c_str());
}

std::string Process::read_line() {
  std::string line;
  char c = 0;
  while (::read(out_, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

std::string Process::read_all() {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::read(out_, buffer, sizeof buffer)) > 0;) text.append(buffer, got);
  return text;
}

void Process::signal(int number) { ::kill(pid_, number); }

int Process::wait() {
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Process::error() {
  std::ifstream file(error_path_);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string program(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

namespace {

std::vector<std::string> command_of(const std::vector<std::string>& settings) {
  std::vector<std::string> command = {program("tuplespaced"), "--listen", "127.0.0.1:0"};
  command.insert(command.end(), settings.begin(), settings.end());
  return command;
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& settings)
    : process_(command_of(settings)) {
  const std::string line = process_.read_line();
  const std::string begin = "listening on ";
  if (!line.starts_with(begin)) {
    ADD_FAILURE() << "the server said \"" << line << "\"\n" << process_.error();
    return;
  }
  address_ = line.substr(begin.size());
}

}  // namespace tuplespace::integration
