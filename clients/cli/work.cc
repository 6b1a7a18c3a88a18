// work: takes under a hold, runs a program for each tuple, and settles by its exit code.
#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "clients/cli/child.h"
#include "clients/cli/commands.h"
#include "clients/cli/format.h"
#include "clients/cli/terminal.h"

namespace tuplespace::cli {
namespace {

class Workers {
 public:
  Workers(client::Connection& connection, const Settings& settings, Interrupt& interrupt,
          const Template& wanted)
      : connection_(connection),
        settings_(settings),
        interrupt_(interrupt),
        wanted_(wanted),
        space_(connection.space(settings.space)),
        options_(settings.take) {
    options_.hold = settings.lease;
  }

  int run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < settings_.callers; ++i) threads.emplace_back([this] { work(); });
    {
      const Interrupt::Guard guard(interrupt_, [this] { stop(); });
      for (std::thread& thread : threads) thread.join();
    }
    if (!wrong_.ok()) return fail(wrong_);
    if (interrupt_.signalled()) return kInterrupted;
    return done_ > 0 ? kFound : kNothing;
  }

 private:
  void work() {
    while (!stopped_ && begun_.fetch_add(1) < settings_.max) {
      auto call = std::make_shared<client::Call<client::Match>>(space_.in_async(wanted_, options_));
      note(call);
      Result<client::Match> match = call->get();
      forget(call);
      if (match.ok()) {
        do_one(*match);
        continue;
      }
      const bool over = match.status().code() == Code::kDeadlineExceeded || stopped_;
      if (!over) give_up(match.status());
      return;
    }
  }

  void do_one(client::Match& match) {
    Child child;
    Child::How how;
    how.words = settings_.words;
    how.setting = {{"TUPLE_ATTEMPT", std::to_string(match.attempt())},
                   {"TUPLE_TOKEN", std::to_string(match.token())}};
    how.given = to_json(match.tuple(), settings_.numbers) + "\n";
    how.keeps_output = !settings_.into.empty();
    if (const Status started = child.start(how); !started.ok()) {
      (void)match.back();
      return give_up(started);
    }
    if (!keep_until_end(match, child)) {
      complain(
          fmt::format("{}: its hold was lost; it is somebody else's now", to_text(match.tuple())));
      return;
    }
    const Status settled = child.exit_code() == 0 ? finish(match, child) : fail_one(match, child);
    if (!settled.ok()) {
      complain(fmt::format("{}: {}", to_text(match.tuple()), settled.message()));
      if (settled.code() != Code::kFailedPrecondition) (void)match.back();
    }
  }

  // Renews the hold while the program runs. False: it was lost, and the program was told to end.
  bool keep_until_end(client::Match& match, Child& child) {
    const client::milliseconds period = match.hold() / 3;
    bool held = true;
    bool told = false;
    while (!child.wait(period, told ? -1 : interrupt_.fd())) {
      if (held && interrupt_.came() && !told) {
        child.terminate();
        told = true;
      } else if (held && match.renew(match.hold()).status().code() == Code::kNotFound) {
        child.terminate();
        held = false;
        told = true;
      }
    }
    return held;
  }

  // The results and the settling are one instant.
  Status finish(client::Match& match, const Child& child) {
    client::Atomic atomic;
    atomic.settle(settings_.space, match.token());
    const std::string output = child.output();
    for (size_t at = 0; at < output.size();) {
      const size_t end = std::min(output.find('\n', at), output.size());
      const Result<Tuple> result =
          read_line(std::string_view(output).substr(at, end - at), settings_);
      if (!result.ok()) return result.status();
      atomic.out(settings_.into, *result);
      at = end + 1;
    }
    const Status status = connection_.atomic(atomic).status();
    if (status.ok()) ++done_;
    return status;
  }

  Status fail_one(client::Match& match, const Child& child) {
    if (!interrupt_.came()) {
      complain(fmt::format("{}: {} ended with {}; it goes back", to_text(match.tuple()),
                           settings_.words[0], child.exit_code()));
    }
    return match.back().status();
  }

  using CallOfOne = std::shared_ptr<client::Call<client::Match>>;
  void note(const CallOfOne& call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
    if (stopped_) call->cancel();
  }
  void forget(const CallOfOne& call) {
    const std::lock_guard lock(mutex_);
    std::erase(calls_, call);
  }
  // Nobody takes any more.
  void stop() {
    stopped_ = true;
    const std::lock_guard lock(mutex_);
    for (const CallOfOne& call : calls_) call->cancel();
  }
  void give_up(const Status& status) {
    {
      const std::lock_guard lock(mutex_);
      if (wrong_.ok()) wrong_ = status;
    }
    stop();
  }

  client::Connection& connection_;
  const Settings& settings_;
  Interrupt& interrupt_;
  const Template& wanted_;
  client::Space space_;
  client::TakeOptions options_;
  std::atomic<uint64_t> begun_ = 0;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::vector<CallOfOne> calls_;
  Status wrong_;
};

}  // namespace

int run_work(client::Connection& connection, const Settings& settings, Interrupt& interrupt) {
  const Result<Template> wanted = read_template(settings);
  if (!wanted.ok()) return fail_text(wanted.status(), settings);
  return Workers(connection, settings, interrupt, *wanted).run();
}

}  // namespace tuplespace::cli
