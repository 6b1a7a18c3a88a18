// in, inp: taken tuples are confirmed only after their line was written. rd, rdp: nothing to
// confirm.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "clients/cli/commands.h"
#include "clients/cli/format.h"
#include "clients/cli/hint.h"
#include "clients/cli/output.h"
#include "clients/cli/terminal.h"

namespace tuplespace::cli {
namespace {

constexpr size_t kAheadMax = 64;               // takes under way beyond the one that is printed
constexpr size_t kBufferMax = 64 << 10;        // bytes printed before they are written
constexpr client::milliseconds kQuiet(1'000);  // before a wait is explained

// Waits for the answer; after a quiet second says what it waits for, if somebody reads it.
template <typename T>
Result<T> get(client::Call<T>& call, client::Connection& connection, const Settings& settings,
              const Template& wanted, Interrupt& interrupt) {
  const Interrupt::Guard guard(interrupt, [&call] { call.cancel(); });
  if (on_terminal() && !call.wait_for(kQuiet) && !interrupt.came()) {
    fmt::print(stderr, "{}\n", waiting_hint(connection, settings.space, wanted));
  }
  return call.get();
}

// Says how a wait ended that brought nothing, and returns the exit code.
int end_without(const Status& status, client::Connection& connection, const Settings& settings,
                const Template& wanted, const Interrupt& interrupt) {
  if (interrupt.signalled()) return kInterrupted;
  if (interrupt.reader_gone()) return kError;
  if (status.code() != Code::kDeadlineExceeded) return fail(status);
  if (on_terminal()) {
    fmt::print(stderr, "{}\n", nothing_hint(connection, settings.space, wanted));
  }
  return kNothing;
}

// Taker prints what is taken and confirms what is written.
class Taker {
 public:
  Taker(client::Connection& connection, const Settings& settings, Interrupt& interrupt,
        const Template& wanted)
      : connection_(connection),
        settings_(settings),
        interrupt_(interrupt),
        wanted_(wanted),
        space_(connection.space(settings.space)),
        output_(STDOUT_FILENO),
        progress_(settings.max > 1 && isatty(STDOUT_FILENO) == 0) {
    options_ = settings.take;
    options_.confirm = client::Confirm::kManual;
  }

  int run() {
    client::Call<client::Match> first = space_.in_async(wanted_, options_);
    Result<client::Match> match = get(first, connection_, settings_, wanted_, interrupt_);
    if (!match.ok())
      return end_without(match.status(), connection_, settings_, wanted_, interrupt_);
    print_one(*std::move(match));
    options_.wait = client::milliseconds(0);
    take_the_rest();
    write();
    return finish();
  }

 private:
  // Asks ahead while there is something; every tuple is its own take, so that each goes back or
  // is confirmed by itself.
  void take_the_rest() {
    bool more = true;
    std::deque<client::Call<client::Match>> ahead;
    while (is_well() && (more || !ahead.empty())) {
      const uint64_t asked = printed_ + ahead.size();
      if (more && ahead.size() < kAheadMax && asked < settings_.max) {
        ahead.push_back(space_.in_async(wanted_, options_));
        continue;
      }
      if (ahead.empty()) return;
      if (!ahead.front().ready()) write();  // what is printed is shown before we wait
      Result<client::Match> match = ahead.front().get();
      ahead.pop_front();
      if (match.ok()) {
        print_one(*std::move(match));
      } else if (match.status().code() == Code::kDeadlineExceeded) {
        more = false;
      } else {
        wrong_ = match.status();
      }
    }
  }

  bool is_well() const { return wrong_.ok() && output_.ok() && !interrupt_.came(); }

  void print_one(client::Match match) {
    if (interrupt_.came()) return;  // it goes back
    const Result<std::string> line = print(match.tuple(), settings_);
    if (!line.ok()) {
      wrong_ = line.status();
      return;
    }
    output_.add(*line);
    unconfirmed_.push_back(std::move(match));
    ++printed_;
    progress_.at(printed_);
    if (output_.bytes() >= kBufferMax) write();
  }

  // Writes what is printed and confirms what was written whole; the rest goes back.
  void write() {
    const size_t written = output_.flush();
    for (size_t i = 0; i < written; ++i) {
      if (const Status status = unconfirmed_[i].confirm(); !status.ok() && wrong_.ok()) {
        wrong_ = status;
      }
    }
    written_ += written;
    unconfirmed_.clear();
  }

  int finish() {
    progress_.finish(written_);
    if (!wrong_.ok()) return fail(wrong_);
    if (interrupt_.signalled()) return kInterrupted;
    if (interrupt_.reader_gone() || output_.closed()) return kError;
    if (!output_.ok()) {
      complain(fmt::format("standard output: {}; what was not written went back", output_.error()));
      return kError;
    }
    return kFound;
  }

  client::Connection& connection_;
  const Settings& settings_;
  Interrupt& interrupt_;
  const Template& wanted_;
  client::Space space_;
  client::TakeOptions options_;
  Output output_;
  Progress progress_;
  std::vector<client::Match> unconfirmed_;
  uint64_t printed_ = 0;
  uint64_t written_ = 0;
  Status wrong_;
};

}  // namespace

int run_in(client::Connection& connection, const Settings& settings, Interrupt& interrupt) {
  const Result<Template> wanted = read_template(settings);
  if (!wanted.ok()) return fail_text(wanted.status(), settings);
  return Taker(connection, settings, interrupt, *wanted).run();
}

int run_rd(client::Connection& connection, const Settings& settings, Interrupt& interrupt) {
  const Result<Template> wanted = read_template(settings);
  if (!wanted.ok()) return fail_text(wanted.status(), settings);
  const auto max = static_cast<uint32_t>(std::min<uint64_t>(settings.max, UINT32_MAX));
  auto call = connection.space(settings.space).rd_many_async(*wanted, max, settings.take);
  const auto matches = get(call, connection, settings, *wanted, interrupt);
  if (!matches.ok()) {
    return end_without(matches.status(), connection, settings, *wanted, interrupt);
  }
  Output output(STDOUT_FILENO);
  for (const client::Match& match : *matches) {
    const Result<std::string> line = print(match.tuple(), settings);
    if (!line.ok()) return fail(line.status());
    output.add(*line);
  }
  output.flush();
  return output.ok() ? kFound : kError;
}

}  // namespace tuplespace::cli
