// bench_client: a server under load from our own client. Prints one line of JSON.
//
//   create       makes a memory, async and sync space: bench-memory, bench-async, bench-sync
//   fill         writes --tuples tuples ("job", id, padding); prints nothing to compare
//   pairs        --outstanding callers, each out, then in; rate is operations a second
//   pair-rounds  --outstanding threads that wait for each answer: out, in; rate is rounds a second
//   held-rounds  the same, taken under a hold that is settled
//   atomic-rounds       out, out, an atomic that takes both and puts one, in
//   transaction-rounds  the same, with a transaction in the atomic's place
//   watch        is told all that happens; prints "ready", ends with standard input
//   single       one caller that waits for each answer: out, in, out, ...
//   handover     from an out to the answer of another client's `in` that waits already
//   rd           --outstanding reads by one bound field among --tuples
//   late         how much later than asked a wait ends; a call at a time
//   outs         --outstanding outs of tuples that nobody waits for
//   connections  --connections with --waits waits each; prints "ready", ends with standard input
#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/load.h"
#include "tuplespace/client.h"
#include "tuplespace/tuple/encoding.h"

namespace {

using namespace tuplespace;
using namespace tuplespace::bench;
using client::Connection;
using client::Space;

constexpr size_t kTupleBytes = 100;
constexpr std::chrono::milliseconds kLateWait{50};

struct Settings {
  Load load;
  std::string address;
  std::string space = "bench-memory";
  uint64_t tuples = 1'000;
  uint64_t connections = 1;
  uint64_t waits = 1;  // of a connection
};

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) give_up(result.status().to_string());
  return std::move(result).value();
}

// ("job", id, padding): 100 canonical bytes.
Tuple job(uint64_t id) {
  const int64_t number = static_cast<int64_t>(id) + 1'000'000'000;
  return must(Tuple::of({"job", number, std::string(kTupleBytes - 12, 'p')}));
}

Template template_of(std::string_view name, Pattern second) {
  std::string canonical;
  encode_string(name, canonical);
  return must(Template::of({value_pattern(canonical), std::move(second), any_pattern()}, {}));
}

Template any_job() { return template_of("job", type_pattern(Type::kInt)); }

Template job_number(uint64_t id) {
  std::string canonical;
  encode_int(static_cast<int64_t>(id) + 1'000'000'000, canonical);
  return template_of("job", value_pattern(canonical));
}

// What several callers share: it ends when the last of them has.
class Finish {
 public:
  explicit Finish(size_t callers) : left_(callers) {}
  void one_ended() {
    std::lock_guard lock(mutex_);
    if (--left_ == 0) ended_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  size_t left_;
};

// Callers of a connection. They continue on the thread that drives it, one at a time.
struct Callers {
  Space space;
  Tally tally;
  Finish finish;

  // Counts an operation that ended now; returns when that was, or 0 when the time is over.
  int64_t count(int64_t begun_ns) {
    const int64_t now = steady_ns();
    tally.add(begun_ns, now);
    return tally.over(now) ? 0 : now;
  }
};

void out_then_in(Callers& all, const Tuple& tuple, const Template& wanted, int64_t out_ns) {
  all.space.out_then(tuple, {}, [&, out_ns](Result<client::Placed> placed) {
    if (!placed.ok()) give_up(placed.status().to_string());
    const int64_t in_ns = all.count(out_ns);
    all.space.in_then(wanted, {}, [&, in_ns](Result<client::Match> match) {
      if (!match.ok()) give_up(match.status().to_string());
      const int64_t next_ns = in_ns == 0 ? 0 : all.count(in_ns);
      if (next_ns == 0) return all.finish.one_ended();
      out_then_in(all, tuple, wanted, next_ns);
    });
  });
}

std::string pairs(const Settings& settings) {
  Connection connection = must(client::connect(settings.address));
  const Tuple tuple = job(0);
  const Template wanted = any_job();
  Callers all{connection.space(settings.space), Tally(settings.load),
              Finish(settings.load.outstanding)};
  for (size_t i = 0; i < settings.load.outstanding; ++i) {
    out_then_in(all, tuple, wanted, steady_ns());
  }
  all.finish.wait();
  return all.tally.json();
}

// One round of a caller on a thread of its own; `who` makes its tuples unlike those of others.
using Round = void (*)(Connection& connection, Space& space, int64_t who);

Tuple note(const char* name, int64_t who) {
  return must(Tuple::of({name, who, std::string(kTupleBytes - 12, 'p')}));
}

Template note_of(const char* name, int64_t who) {
  std::string canonical;
  encode_int(who, canonical);
  return template_of(name, value_pattern(canonical));
}

void pair_round(Connection&, Space& space, int64_t who) {
  must(space.out(note("a", who)));
  must(space.in(note_of("a", who)));
}

void held_round(Connection&, Space& space, int64_t who) {
  must(space.out(note("a", who)));
  must(must(space.in(note_of("a", who), {.hold = std::chrono::seconds(60)})).done());
}

// Two are put, both are taken and a third is put at one instant, that is taken.
void atomic_round(Connection& connection, Space& space, int64_t who) {
  must(space.out(note("a", who)));
  must(space.out(note("b", who)));
  must(connection.atomic(client::Atomic()
                             .in(space.name(), note_of("a", who))
                             .in(space.name(), note_of("b", who))
                             .out(space.name(), note("c", who))));
  must(space.in(note_of("c", who)));
}

void transaction_round(Connection& connection, Space& space, int64_t who) {
  must(space.out(note("a", who)));
  must(space.out(note("b", who)));
  client::Transaction transaction = must(connection.begin(space.name()));
  Space inside = transaction.space(space.name());
  must(inside.in(note_of("a", who)));
  must(inside.in(note_of("b", who)));
  must(inside.out(note("c", who)));
  if (const Status done = transaction.commit(); !done.ok()) give_up(done.to_string());
  must(space.in(note_of("c", who)));
}

template <Round kRound>
std::string rounds(const Settings& settings) {
  Connection connection = must(client::connect(settings.address));
  Tally tally(settings.load);
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < settings.load.outstanding; ++i) {
    threads.emplace_back([&, who = static_cast<int64_t>(i)] {
      Space space = connection.space(settings.space);
      for (bool over = false; !over;) {
        const int64_t begun = steady_ns();
        kRound(connection, space, who);
        const int64_t now = steady_ns();
        const std::lock_guard lock(mutex);
        tally.add(begun, now);
        over = tally.over(now);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return tally.json();
}

// Hears all that happens until standard input ends.
std::string watch(const Settings& settings) {
  Connection connection = must(client::connect(settings.address));
  client::Watch watch = must(connection.space(settings.space).watch("(...)"));
  fmt::print("ready\n");
  std::fflush(stdout);
  std::thread([&watch] {
    while (watch.next().ok()) {
    }
  }).detach();
  while (std::getchar() != EOF) {
  }
  std::_Exit(0);
}

std::string single(const Settings& settings) {
  Connection connection = must(client::connect(settings.address));
  Space space = connection.space(settings.space);
  const Tuple tuple = job(0);
  const Template wanted = any_job();
  Tally tally(settings.load);
  for (bool out = true;; out = !out) {
    const int64_t begun = steady_ns();
    if (out) {
      must(space.out(tuple));
    } else {
      must(space.in(wanted));
    }
    const int64_t now = steady_ns();
    if (out && tally.over(now)) break;
    tally.add(begun, now);
  }
  must(space.in(wanted));
  return tally.json();
}

// The waiting side of a hand-over: says through `pipe` when its `in` waits at the server, then
// when it was answered.
[[noreturn]] void wait_for_handovers(const Settings& settings, int pipe) {
  Connection connection = must(client::connect(settings.address));
  Space space = connection.space(settings.space);
  const Template wanted = any_job();
  const Template nothing = template_of("nothing", any_pattern());
  while (true) {
    client::Call<client::Match> waiting = space.in_async(wanted);
    must(space.rdp(nothing));  // behind it in the stream: when this is answered, it waits
    const int64_t none = 0;
    if (write(pipe, &none, sizeof none) != sizeof none) std::_Exit(0);
    must(waiting.get());
    const int64_t came_ns = steady_ns();
    if (write(pipe, &came_ns, sizeof came_ns) != sizeof came_ns) std::_Exit(0);
  }
}

// Two processes: all connections of one share a poller inside gRPC.
std::string handover(const Settings& settings) {
  int ends[2];
  if (pipe(ends) != 0) give_up("no pipe");
  const pid_t taker = fork();  // before gRPC has threads
  if (taker == 0) wait_for_handovers(settings, ends[1]);
  const auto next = [&] {
    int64_t told = 0;
    if (read(ends[0], &told, sizeof told) != sizeof told) give_up("the waiting client ended");
    return told;
  };
  close(ends[1]);
  Connection connection = must(client::connect(settings.address));
  Space space = connection.space(settings.space);
  const Tuple tuple = job(0);
  Tally tally(settings.load);
  while (true) {
    next();  // it waits
    const int64_t begun = steady_ns();
    must(space.out(tuple));
    const int64_t came_ns = next();
    tally.add(begun, came_ns);
    if (tally.over(came_ns)) break;
  }
  kill(taker, SIGKILL);
  waitpid(taker, nullptr, 0);
  return tally.json();
}

void read_one(Callers& all, const std::vector<Template>& templates, size_t at, int64_t rd_ns) {
  all.space.rd_then(templates[at], {}, [&, rd_ns, at](Result<client::Match> match) {
    if (!match.ok()) give_up(match.status().to_string());
    const int64_t next_ns = all.count(rd_ns);
    if (next_ns == 0) return all.finish.one_ended();
    read_one(all, templates, (at + 1) % templates.size(), next_ns);
  });
}

void put_one(Callers& all, const Tuple& tuple, int64_t out_ns) {
  all.space.out_then(tuple, {}, [&, out_ns](Result<client::Placed> placed) {
    if (!placed.ok()) give_up(placed.status().to_string());
    const int64_t next_ns = all.count(out_ns);
    if (next_ns == 0) return all.finish.one_ended();
    put_one(all, tuple, next_ns);
  });
}

std::string outs(const Settings& settings) {
  Connection connection = must(client::connect(settings.address));
  const Tuple tuple = job(0);
  Callers all{connection.space(settings.space), Tally(settings.load),
              Finish(settings.load.outstanding)};
  for (size_t i = 0; i < settings.load.outstanding; ++i) put_one(all, tuple, steady_ns());
  all.finish.wait();
  return all.tally.json();
}

std::string rd(const Settings& settings) {
  Connection connection = must(client::connect(settings.address));
  std::mt19937_64 random(7);
  std::vector<Template> templates;
  for (size_t i = 0; i < 1'000; ++i) templates.push_back(job_number(random() % settings.tuples));
  Callers all{connection.space(settings.space), Tally(settings.load),
              Finish(settings.load.outstanding)};
  for (size_t i = 0; i < settings.load.outstanding; ++i) {
    read_one(all, templates, i * templates.size() / settings.load.outstanding, steady_ns());
  }
  all.finish.wait();
  return all.tally.json();
}

std::string fill(const Settings& settings) {
  Connection connection = must(client::connect(settings.address));
  Space space = connection.space(settings.space);
  constexpr uint64_t kAtOnce = 4'096;
  for (uint64_t from = 0; from < settings.tuples; from += kAtOnce) {
    const uint64_t until = std::min(from + kAtOnce, settings.tuples);
    Finish finish(until - from);
    for (uint64_t id = from; id < until; ++id) {
      space.out_then(job(id), {}, [&](Result<client::Placed> placed) {
        if (!placed.ok()) give_up(placed.status().to_string());
        finish.one_ended();
      });
    }
    finish.wait();
  }
  return fmt::format(R"({{"tuples": {}}})", settings.tuples);
}

std::string late(const Settings& settings) {
  Connection connection = must(client::connect(settings.address));
  Space space = connection.space("bench-nothing-here");
  Tally tally(settings.load);
  const Template wanted = any_job();
  client::TakeOptions options;
  options.wait = kLateWait;
  while (true) {
    const int64_t due = steady_ns() + std::chrono::nanoseconds(kLateWait).count();
    const auto match = space.in(wanted, options);
    if (match.ok()) give_up("a tuple came where none was put");
    const int64_t now = steady_ns();
    if (tally.over(now)) break;
    tally.add(due, now);
  }
  return tally.json();
}

std::string create(const Settings& settings) {
  Connection connection = must(client::connect(settings.address));
  const std::pair<const char*, client::Durability> spaces[] = {
      {"bench-memory", client::Durability::kMemory},
      {"bench-async", client::Durability::kAsync},
      {"bench-sync", client::Durability::kSync}};
  for (const auto& [name, durability] : spaces) {
    (void)connection.drop(name);  // NOT_FOUND the first time
    client::Policy policy;
    policy.durability = durability;
    must(connection.create(name, policy));
  }
  return R"({"created": 3})";
}

// Every wait is for another number, below those of job(0) and its like.
std::string connections(const Settings& settings) {
  std::vector<Connection> open;
  int64_t number = 0;
  for (uint64_t i = 0; i < settings.connections; ++i) {
    open.push_back(must(client::connect(settings.address)));
    Space space = open.back().space(settings.space);
    for (uint64_t wait = 0; wait < settings.waits; ++wait) {
      std::string canonical;
      encode_int(number++, canonical);
      space.in_then(template_of("job", value_pattern(canonical)), {}, [](Result<client::Match>) {});
    }
    must(space.rdp(any_job()));  // behind the waits in their stream: they are there
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A server under load from the C++ client."};
  Settings settings;
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--address", settings.address)->required();
  app.add_option("--space", settings.space);
  app.add_option("--tuples", settings.tuples);
  app.add_option("--connections", settings.connections);
  app.add_option("--waits", settings.waits);
  app.add_option("--outstanding", settings.load.outstanding);
  app.add_option("--seconds", settings.load.seconds);
  app.add_option("--warm-up", settings.load.warm_up_s);
  std::string (*run)(const Settings&) = nullptr;
  const std::pair<const char*, std::string (*)(const Settings&)> commands[] = {
      {"create", create},
      {"fill", fill},
      {"pairs", pairs},
      {"single", single},
      {"handover", handover},
      {"rd", rd},
      {"pair-rounds", rounds<pair_round>},
      {"held-rounds", rounds<held_round>},
      {"atomic-rounds", rounds<atomic_round>},
      {"transaction-rounds", rounds<transaction_round>},
      {"watch", watch},
      {"outs", outs},
      {"late", late},
      {"connections", connections}};
  for (const auto& [name, function] : commands) {
    app.add_subcommand(name)->callback([&run, f = function] { run = f; });
  }
  CLI11_PARSE(app, argc, argv);
  fmt::print("{}\n", run(settings));
}
