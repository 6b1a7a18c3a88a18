#include "clients/cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "clients/cli/quantity.h"

namespace tuplespace::cli {
namespace {

constexpr std::chrono::milliseconds kFirst(1'000);
constexpr std::chrono::milliseconds kEvery(200);

}  // namespace

bool on_terminal() { return isatty(STDERR_FILENO) != 0; }

void complain(std::string_view message) { fmt::print(stderr, "tuplespace: {}\n", message); }

Progress::Progress(bool shown) : shown_(shown && on_terminal()), next_(begin_ + kFirst) {}

std::string Progress::line(uint64_t done, Clock::time_point now) const {
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  return fmt::format("{} tuples in {:.1f} s, {} a second", grouped(done), seconds,
                     grouped(static_cast<uint64_t>(done / seconds)));
}

void Progress::at(uint64_t done) {
  if (!shown_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + kEvery;
  drawn_ = true;
  fmt::print(stderr, "\r\033[K{}", line(done, now));
  std::fflush(stderr);
}

void Progress::clear() {
  if (!drawn_) return;
  drawn_ = false;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

void Progress::finish(uint64_t done) {
  if (!drawn_) return;
  clear();
  fmt::print(stderr, "{}\n", line(done, Clock::now()));
}

}  // namespace tuplespace::cli
