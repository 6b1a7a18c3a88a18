// bench: what this server does for this machine, in a space of its own that is dropped afterwards.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "clients/cli/commands.h"
#include "clients/cli/quantity.h"
#include "clients/cli/terminal.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace::cli {
namespace {

using Clock = std::chrono::steady_clock;

// Chains are callers side by side: each puts its own tuple in and takes it out again, until the
// time is over.
class Chains {
 public:
  Chains(client::Space space, const Settings& settings, const Interrupt& interrupt)
      : space_(std::move(space)), settings_(settings), interrupt_(interrupt) {}

  // Returns pairs of out and in a second.
  Result<double> run() {
    const Clock::time_point begin = Clock::now();
    end_ = begin + settings_.duration;
    running_ = settings_.callers;
    const std::string filler(settings_.tuple_bytes, 'x');
    for (int i = 0; i < settings_.callers; ++i) {
      Tuple tuple = Tuple::of({Value(int64_t{i}), Value(filler)}).value();
      std::string number;
      encode_int(i, number);
      Template wanted = Template::of({value_pattern(number), any_pattern()}, {}).value();
      put(std::make_shared<Chain>(Chain{std::move(tuple), std::move(wanted)}));
    }
    std::unique_lock lock(mutex_);
    over_.wait(lock, [this] { return running_ == 0; });
    if (!wrong_.ok()) return wrong_;
    return pairs_ / std::chrono::duration<double>(Clock::now() - begin).count();
  }

 private:
  struct Chain {
    Tuple tuple;
    Template wanted;
  };

  void put(std::shared_ptr<Chain> chain) {
    Chain& its = *chain;
    space_.out_then(its.tuple, {}, [this, chain](Result<client::Placed> placed) {
      if (placed.ok()) return take(chain);
      end(placed.status());
    });
  }

  void take(std::shared_ptr<Chain> chain) {
    Chain& its = *chain;
    space_.in_then(its.wanted, {}, [this, chain](Result<client::Match> match) {
      if (!match.ok()) return end(match.status());
      pairs_.fetch_add(1, std::memory_order_relaxed);
      if (Clock::now() >= end_ || interrupt_.came()) return end({});
      put(chain);
    });
  }

  void end(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (wrong_.ok()) wrong_ = status;
    if (--running_ == 0) over_.notify_one();
  }

  client::Space space_;
  const Settings& settings_;
  const Interrupt& interrupt_;
  Clock::time_point end_;
  std::atomic<uint64_t> pairs_ = 0;
  std::mutex mutex_;
  std::condition_variable over_;
  int running_ = 0;
  Status wrong_;
};

struct Latency {
  double p50_us = 0;
  double p99_us = 0;
};

Latency of(std::vector<double>& samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples[samples.size() * 99 / 100]};
}

// One caller, one operation at a time.
Status measure_alone(client::Space space, const Settings& settings, const Interrupt& interrupt,
                     Latency& out, Latency& in) {
  const Tuple tuple = Tuple::of({Value(std::string(settings.tuple_bytes, 'x'))}).value();
  const Template wanted = Template::of({any_pattern()}, {}).value();
  std::vector<double> outs;
  std::vector<double> ins;
  const Clock::time_point end = Clock::now() + settings.duration;
  while (Clock::now() < end && !interrupt.came()) {
    const Clock::time_point begin = Clock::now();
    const auto placed = space.out(tuple);
    const Clock::time_point between = Clock::now();
    if (!placed.ok()) return placed.status();
    const auto match = space.in(wanted);
    if (!match.ok()) return match.status();
    outs.push_back(std::chrono::duration<double, std::micro>(between - begin).count());
    ins.push_back(std::chrono::duration<double, std::micro>(Clock::now() - between).count());
  }
  out = of(outs);
  in = of(ins);
  return {};
}

int measure(client::Space space, const Settings& settings, const Interrupt& interrupt,
            const char* durability) {
  fmt::print("{} for {} ms each; tuples of {} bytes, durability {}\n", settings.server,
             settings.duration.count(), settings.tuple_bytes, durability);
  std::fflush(stdout);
  Latency out;
  Latency in;
  const Status alone = measure_alone(space, settings, interrupt, out, in);
  if (!alone.ok()) return fail(alone);
  fmt::print("1 caller    out p50 {:.0f} us, p99 {:.0f} us; in p50 {:.0f} us, p99 {:.0f} us\n",
             out.p50_us, out.p99_us, in.p50_us, in.p99_us);
  std::fflush(stdout);
  const Result<double> pairs = Chains(space, settings, interrupt).run();
  if (!pairs.ok()) return fail(pairs.status());
  fmt::print("{} callers  {} pairs of out and in a second\n", settings.callers,
             grouped(static_cast<uint64_t>(*pairs)));
  return interrupt.signalled() ? kInterrupted : kFound;
}

}  // namespace

int run_bench(client::Connection& connection, const Settings& settings, Interrupt& interrupt) {
  client::Policy policy = settings.policy;
  if (policy.durability == client::Durability::kDefault) {
    policy.durability = client::Durability::kMemory;
  }
  const char* const names[] = {"default", "sync", "async", "memory"};
  const std::string name = fmt::format("bench.{}", getpid());
  const auto created = connection.create(name, policy);
  if (!created.ok()) return fail(created.status());
  const int code = measure(connection.space(name), settings, interrupt,
                           names[static_cast<int>(policy.durability)]);
  const auto dropped = connection.drop(name);
  if (!dropped.ok()) return fail(dropped.status());
  return code;
}

}  // namespace tuplespace::cli
