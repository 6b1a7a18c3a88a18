#include "tests/crash/server_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

namespace tuplespace::crash {
namespace {

constexpr std::string_view kListening = "listening on ";

// What becomes of the child between fork and exec.
[[noreturn]] void become(char* const* words, int output, const char* log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  const int errors = ::open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (errors >= 0) ::dup2(errors, STDERR_FILENO);
  ::execv(words[0], words);
  ::_exit(127);
}

}  // namespace

ServerProcess::ServerProcess(std::string program, std::vector<std::string> settings,
                             std::string log)
    : program_(std::move(program)), settings_(std::move(settings)), log_(std::move(log)) {}

ServerProcess::~ServerProcess() {
  if (running()) kill();
}

Status ServerProcess::begin() {
  int output[2];
  if (::pipe2(output, O_CLOEXEC) != 0) return {Code::kInternal, "no pipe for the server"};
  std::vector<std::string> words{program_, "--listen", address_.empty() ? "127.0.0.1:0" : address_};
  words.insert(words.end(), settings_.begin(), settings_.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) become(arguments.data(), output[1], log_.c_str());
  ::close(output[1]);
  output_ = output[0];
  return {};
}

Status ServerProcess::await_listening() {
  std::FILE* lines = ::fdopen(std::exchange(output_, -1), "r");
  char line[256];
  while (std::fgets(line, sizeof line, lines) != nullptr) {
    std::string_view text(line);
    if (!text.starts_with(kListening)) continue;
    text.remove_prefix(kListening.size());
    address_ = text.substr(0, text.find_last_not_of('\n') + 1);
    std::fclose(lines);
    return {};
  }
  std::fclose(lines);
  const int code = wait();
  return {Code::kUnavailable,
          fmt::format("{} ended with {} instead of listening: {}", program_, code, end_of_log())};
}

Status ServerProcess::start() {
  TS_RETURN_IF_ERROR(begin());
  return await_listening();
}

void ServerProcess::freeze() {
  ::kill(pid_, SIGSTOP);
  const auto is_still = [](const std::filesystem::path& task) {
    std::string text;
    std::getline(std::ifstream(task / "stat"), text);
    const size_t state = text.rfind(") ");  // behind the name, which may be anything
    return state == std::string::npos ||
           std::string_view("TtDZX").find(text[state + 2]) != std::string_view::npos;
  };
  const std::string tasks = fmt::format("/proc/{}/task", pid_);
  for (bool all_still = false; !all_still; std::this_thread::yield()) {
    std::error_code gone;
    const std::filesystem::directory_iterator each(tasks, gone);
    if (gone) return;  // it has ended by itself
    all_still = std::all_of(std::filesystem::begin(each), std::filesystem::end(each),
                            [&](const auto& task) { return is_still(task.path()); });
  }
}

int ServerProcess::kill() {
  ::kill(pid_, SIGKILL);
  return wait();
}

Status ServerProcess::stop() {
  ::kill(pid_, SIGTERM);
  const int code = wait();
  if (code == 0) return {};
  return {Code::kInternal, fmt::format("the server ended with {}: {}", code, end_of_log())};
}

// Returns the exit code, or minus the signal.
int ServerProcess::wait() {
  int status = 0;
  ::waitpid(std::exchange(pid_, 0), &status, 0);
  if (output_ >= 0) ::close(std::exchange(output_, -1));
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string ServerProcess::end_of_log() const {
  std::ostringstream text;
  text << std::ifstream(log_).rdbuf();
  const std::string all = text.str();
  return all.substr(all.size() > 2000 ? all.size() - 2000 : 0);
}

}  // namespace tuplespace::crash
