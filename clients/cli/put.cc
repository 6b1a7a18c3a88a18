// out: one tuple, or one for every line of standard input.
#include <fmt/format.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "clients/cli/commands.h"
#include "clients/cli/format.h"
#include "clients/cli/line_reader.h"
#include "clients/cli/terminal.h"

namespace tuplespace::cli {
namespace {

// Pipe sends tuples without waiting for each, and remembers the first that failed.
class Pipe {
 public:
  Pipe(client::Space space, const client::OutOptions& options)
      : space_(std::move(space)), options_(options) {}

  // Sends a tuple; waits while too much is under way. False once one has failed.
  bool send(Tuple tuple, uint64_t line) {
    const size_t bytes = tuple.bytes().size();
    {
      std::unique_lock lock(mutex_);
      if (under_way_ >= kUnderWayMax || bytes_ >= kBytesMax) {
        room_.wait(lock, [this] { return is_half_empty() || !failure_.ok(); });
      }
      if (!failure_.ok()) return false;
      ++under_way_;
      bytes_ += bytes;
    }
    space_.out_then(tuple, options_, [this, bytes, line](Result<client::Placed> placed) {
      on_answer(bytes, line, placed.status());
    });
    return true;
  }

  // Waits for all answers.
  void finish() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return under_way_ == 0; });
  }

  uint64_t stored() const {
    const std::lock_guard lock(mutex_);
    return stored_;
  }
  // Of the line that failed first, if any did.
  Status failure() const { return failure_; }
  uint64_t failed_line() const { return failed_line_; }

 private:
  static constexpr size_t kUnderWayMax = 4'096;
  static constexpr size_t kBytesMax = size_t{16} << 20;

  void on_answer(size_t bytes, uint64_t line, const Status& status) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    bytes_ -= bytes;
    if (status.ok()) {
      ++stored_;
    } else if (failure_.ok() || line < failed_line_) {
      failure_ = status;
      failed_line_ = line;
    }
    if (is_half_empty() || !failure_.ok()) room_.notify_one();
  }

  bool is_half_empty() const { return under_way_ <= kUnderWayMax / 2 && bytes_ <= kBytesMax / 2; }

  client::Space space_;
  const client::OutOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  size_t under_way_ = 0;
  size_t bytes_ = 0;
  uint64_t stored_ = 0;
  Status failure_;
  uint64_t failed_line_ = 0;
};

}  // namespace

int run_out(client::Connection& connection, const Settings& settings) {
  const Result<Tuple> tuple = read_tuple(settings);
  if (!tuple.ok()) return fail_text(tuple.status(), settings);
  const auto placed = connection.space(settings.space).out(*tuple, settings.out);
  return placed.ok() ? kFound : fail(placed.status());
}

int run_out_from_pipe(client::Connection& connection, const Settings& settings,
                      Interrupt& interrupt) {
  LineReader lines(STDIN_FILENO, interrupt.fd());
  Pipe pipe(connection.space(settings.space), settings.out);
  Progress progress(true);
  Status wrong;
  while (!interrupt.came() && lines.next()) {
    if (settings.form == Form::kJson && lines.line().empty()) continue;
    Result<Tuple> tuple = read_line(lines.line(), settings);
    if (!tuple.ok()) {
      wrong = {tuple.status().code(),
               fmt::format("line {}: {}", lines.number(), tuple.status().message())};
      break;
    }
    if (!pipe.send(*std::move(tuple), lines.number())) break;
    progress.at(pipe.stored());
  }
  pipe.finish();
  if (wrong.ok()) wrong = lines.status();
  if (!pipe.failure().ok()) {
    wrong = {pipe.failure().code(),
             fmt::format("line {}: {}", pipe.failed_line(), pipe.failure().message())};
  }
  if (!wrong.ok()) {
    progress.clear();
    complain(
        fmt::format("{}; {} tuples are in \"{}\"", wrong.message(), pipe.stored(), settings.space));
    return kError;
  }
  if (interrupt.came()) {
    progress.clear();
    complain(fmt::format("interrupted; {} tuples are in \"{}\"", pipe.stored(), settings.space));
    return kInterrupted;
  }
  progress.finish(pipe.stored());
  return kFound;
}

}  // namespace tuplespace::cli
