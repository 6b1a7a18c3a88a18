// bench_engine: the engine without a network. Prints one line of JSON.
//
//   pairs     outs and ins of 100-byte tuples, --outstanding at once; rate is operations a second
//   numbered  the same in a session: every operation has a number, answers are confirmed
//   groups    gives back and takes again one of --tuples groups, of which all are held
//   rd        reads by one bound field among --tuples
//   waiting   outs while --tuples other templates wait
//   memory    bytes of resident memory per tuple with one question, and per further question
//   fill      writes --tuples tuples and kills its own process (SIGKILL)
//   recover   opens what `fill` left; rate is tuples a second, the first `rd` by a field included
#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <string>

#include "tests/bench/callers.h"
#include "tuplespace/engine/engine.h"
#include "tuplespace/log.h"
#include "tuplespace/store/memory_store.h"
#include "tuplespace/store/rocksdb_store.h"
#include "tuplespace/tuple/encoding.h"

namespace {

using namespace tuplespace;
using namespace tuplespace::bench;

constexpr size_t kTupleBytes = 100;
constexpr char kSpace[] = "bench";
constexpr size_t kMadeBefore = 1 << 16;  // tuples or templates that a load goes round

struct Settings {
  Load load;
  std::string data;  // "": no store on disk
  std::string durability = "memory";
  uint64_t tuples = 1'000'000;
};

// An engine with its store and one space.
struct Bench {
  explicit Bench(const Settings& settings);
  ~Bench();

  SystemClock clock;
  std::unique_ptr<Store> store;
  std::unique_ptr<Engine> engine;
};

Bench::Bench(const Settings& settings) {
  if (settings.data.empty()) {
    store = std::make_unique<MemoryStore>();
  } else {
    RocksDbOptions options;
    options.path = settings.data;
    auto opened = RocksDbStore::open(std::move(options));
    if (!opened.ok()) give_up(opened.status().to_string());
    store = std::move(opened).value();
  }
  auto opened = Engine::open({}, *store, clock);
  if (!opened.ok()) give_up(opened.status().to_string());
  engine = std::move(opened).value();
  engine->start();

  CreateSpace create{kSpace, {}};
  if (settings.durability == "sync") create.policy.durability = Durability::kSync;
  if (settings.durability == "async") create.policy.durability = Durability::kAsync;
  if (settings.durability == "memory") create.policy.durability = Durability::kMemory;
  ask_once(*engine, {create, {}, {}});
}

Bench::~Bench() {
  engine->stop(engine->now() + 10'000);
  (void)store->close();
}

Tuple tuple_of(std::vector<Value> values) {
  auto tuple = Tuple::of(values);
  if (!tuple.ok()) give_up(tuple.status().to_string());
  return std::move(tuple).value();
}

// ("job", id, another number, padding): 100 canonical bytes, both numbers unlike any other's.
Tuple job(uint64_t id) {
  const int64_t first = static_cast<int64_t>(id) + 1'000'000'000;
  const std::vector<Value> head = {"job", first, first * 7};
  const size_t padding = kTupleBytes - tuple_of(head).bytes().size() - 2;
  return tuple_of({"job", first, first * 7, std::string(padding, 'p')});
}

// The template that asks `field` (1 or 2) of job(id), and "job".
Template job_by(int field, uint64_t id) {
  const Tuple wanted = job(id);
  std::vector<Pattern> fields(4, any_pattern());
  for (int i : {0, field}) {
    std::string canonical;
    (void)encode(wanted.at(i), {}, canonical);
    fields[i] = value_pattern(canonical);
  }
  return std::move(Template::of(std::move(fields), {})).value();
}

Operation out(Tuple tuple) { return {Out{kSpace, std::move(tuple), {}, {}, false}, {}, {}}; }

Operation take(Template wanted, bool remove, std::optional<Duration> wait) {
  return {Take{kSpace, std::move(wanted), remove, wait, {}, 1}, {}, {}};
}

void fill(Engine& engine, uint64_t tuples) {
  uint64_t next = 0;
  Callers callers(engine, 1024, [&](size_t, uint64_t) { return out(job(next++)); });
  callers.run(tuples);
}

uint64_t counter(Engine& engine, std::string_view name) {
  const Answer answer = ask_once(engine, {Stats{}, {}, {}});
  for (const auto& [key, value] : std::get<StatsAnswer>(answer.what).counters) {
    if (key == name) return value;
  }
  give_up(fmt::format("no counter {}", name));
}

// Asks often enough that an index is worth it, and until it is built.
void ask_until_indexed(Engine& engine, Callers& callers) {
  callers.run(1'000);
  while (true) {
    const Answer answer = ask_once(engine, {ListSpaces{{}, kSpace}, {}, {}});
    bool building = false;
    for (const IndexInfo& index : std::get<ListAnswer>(answer.what).spaces.at(0).indexes) {
      building |= index.building;
    }
    if (!building) return;
  }
}

// ("job", ?int, ?int, ?)
Template any_job() {
  return std::move(Template::of({value_pattern(std::string("\x16job\0", 5)),
                                 type_pattern(Type::kInt), type_pattern(Type::kInt), any_pattern()},
                                {}))
      .value();
}

std::string pairs(const Settings& settings) {
  Bench bench(settings);
  const Template wanted = any_job();
  const Tuple tuple = job(0);
  Callers callers(*bench.engine, settings.load.outstanding, [&](size_t, uint64_t turn) {
    return turn % 2 == 0 ? out(tuple) : take(wanted, true, std::nullopt);
  });
  return callers.run(settings.load).json();
}

// What pairs() does, exactly once.
std::string numbered(const Settings& settings) {
  Bench bench(settings);
  Engine& engine = *bench.engine;
  OpenSession open;
  open.secret = "bench";
  open.stream = true;
  const Answer opened = ask_once(engine, {open, {}, {}});
  const SessionId session = std::get<SessionAnswer>(opened.what).session;
  constexpr size_t kConfirmedAtOnce = 64;  // as many as a frame of 64 callers brings
  const Template wanted = any_job();
  const Tuple tuple = job(0);
  std::vector<Number> asked(settings.load.outstanding, 0);  // by each caller, last
  std::vector<NumberRange> answered;
  Number last = 0;
  Callers callers(engine, settings.load.outstanding, [&](size_t caller, uint64_t turn) {
    if (asked[caller] != 0) answered.push_back({asked[caller], asked[caller]});
    if (answered.size() >= kConfirmedAtOnce) {
      engine.submit({Confirm{session, {}, true, std::exchange(answered, {})}, {}, {}});
    }
    Operation operation = turn % 2 == 0 ? out(tuple) : take(wanted, true, std::nullopt);
    asked[caller] = ++last;
    operation.caller = {session, last, last, {}};
    return operation;
  });
  return callers.run(settings.load).json();
}

// ("job", group, ...): takes the oldest of a group that nobody holds, under a hold.
Operation take_of_group() {
  Take take;
  take.space = kSpace;
  take.wanted = std::move(Template::of(std::vector<Pattern>(4, any_pattern()), {})).value();
  TakeExtras extras;
  extras.hold = 3'600'000;
  extras.group = FieldChoice{1, {}};
  take.extras = std::make_shared<const TakeExtras>(std::move(extras));
  return {std::move(take), {}, {}};
}

std::string groups(const Settings& settings) {
  Bench bench(settings);
  constexpr int kOfEach = 10;
  for (int i = 0; i < kOfEach; ++i) fill(*bench.engine, settings.tuples);
  const auto take_one = [&] {
    const Answer answer = ask_once(*bench.engine, take_of_group());
    const auto& found = std::get<TakeAnswer>(answer.what).tuples;
    if (found.empty()) give_up("no group is free");
    return found[0].token;
  };
  std::vector<Token> held;
  for (uint64_t i = 0; i < settings.tuples; ++i) held.push_back(take_one());
  std::mt19937_64 random(7);
  Tally tally(settings.load);
  while (true) {
    Token& token = held[random() % held.size()];
    const int64_t begun = steady_ns();
    ask_once(*bench.engine, {Settle{kSpace, token, Settlement::kBack, 0, {}}, {}, {}});
    token = take_one();
    const int64_t now = steady_ns();
    if (tally.over(now)) break;
    tally.add(begun, now);
  }
  return tally.json();
}

std::string rd(const Settings& settings) {
  Bench bench(settings);
  fill(*bench.engine, settings.tuples);
  std::mt19937_64 random(7);
  std::vector<Template> wanted;  // made before: what is measured is the engine
  for (size_t i = 0; i < kMadeBefore; ++i) {
    wanted.push_back(job_by(1, random() % settings.tuples));
  }
  uint64_t reads = 0;
  Callers callers(*bench.engine, settings.load.outstanding,
                  [&](size_t, uint64_t) { return take(wanted[reads++ % kMadeBefore], false, 0); });
  ask_until_indexed(*bench.engine, callers);
  const uint64_t examined = counter(*bench.engine, "candidates_examined");
  reads = 0;
  Tally tally = callers.run(settings.load);
  const double each =
      static_cast<double>(counter(*bench.engine, "candidates_examined") - examined) /
      static_cast<double>(reads);
  std::string json = tally.json();
  json.pop_back();
  return fmt::format(R"({}, "candidates": {:.4f}}})", json, each);
}

std::string waiting(const Settings& settings) {
  Bench bench(settings);
  Callers waiters(*bench.engine, 1,
                  [&](size_t, uint64_t turn) { return take(job_by(1, turn), true, {}); });
  waiters.leave(settings.tuples);
  while (counter(*bench.engine, "waiters") < settings.tuples) {
  }
  // Nobody waits for these: their numbers begin where those of the waiters end.
  std::vector<Tuple> tuples;
  for (size_t i = 0; i < kMadeBefore; ++i) tuples.push_back(job(settings.tuples + i));
  uint64_t next = 0;
  Callers callers(*bench.engine, settings.load.outstanding,
                  [&](size_t, uint64_t) { return out(tuples[next++ % kMadeBefore]); });
  callers.run(1'000);
  return callers.run(settings.load).json();
}

uint64_t resident_bytes() {
  malloc_trim(0);
  FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long size = 0, resident = 0;
  if (file == nullptr || std::fscanf(file, "%lu %lu", &size, &resident) != 2) {
    give_up("cannot read /proc/self/statm");
  }
  std::fclose(file);
  return uint64_t{resident} * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

std::string memory(const Settings& settings) {
  Bench bench(settings);
  auto ask = [&](int field) {
    uint64_t next = 0;
    Callers callers(*bench.engine, 1, [&](size_t, uint64_t) {
      return take(job_by(field, next++ % settings.tuples), false, 0);
    });
    ask_until_indexed(*bench.engine, callers);
  };
  const uint64_t empty = resident_bytes();
  fill(*bench.engine, settings.tuples);
  ask(1);
  const uint64_t one = resident_bytes();
  ask(2);
  const uint64_t two = resident_bytes();
  const double tuples = static_cast<double>(settings.tuples);
  return fmt::format(R"({{"one_question": {:.1f}, "further_question": {:.1f}}})",
                     static_cast<double>(one - empty) / tuples,
                     static_cast<double>(two - one) / tuples);
}

std::string fill_and_die(const Settings& settings) {
  Bench bench(settings);
  fill(*bench.engine, settings.tuples);
  fmt::print("{{\"tuples\": {}}}\n", settings.tuples);
  std::fflush(stdout);
  std::raise(SIGKILL);
  return {};
}

std::string recover(const Settings& settings) {
  const int64_t begun = steady_ns();
  Bench bench(settings);
  const double opened_s = static_cast<double>(steady_ns() - begun) / 1e9;
  const Answer answer = ask_once(*bench.engine, take(job_by(1, settings.tuples - 1), false, 0));
  if (std::get<TakeAnswer>(answer.what).tuples.empty()) give_up("a tuple is missing");
  const double seconds = static_cast<double>(steady_ns() - begun) / 1e9;
  return fmt::format(R"({{"rate": {:.1f}, "opened_s": {:.3f}, "seconds": {:.3f}}})",
                     static_cast<double>(settings.tuples) / seconds, opened_s, seconds);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The engine without a network."};
  Settings settings;
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--data", settings.data, "data directory; absent: none");
  app.add_option("--durability", settings.durability)
      ->check(CLI::IsMember({"memory", "async", "sync"}));
  app.add_option("--tuples", settings.tuples);
  app.add_option("--outstanding", settings.load.outstanding);
  app.add_option("--seconds", settings.load.seconds);
  app.add_option("--warm-up", settings.load.warm_up_s);
  std::string (*run)(const Settings&) = nullptr;
  const std::pair<const char*, std::string (*)(const Settings&)> commands[] = {
      {"pairs", pairs},     {"numbered", numbered}, {"groups", groups},     {"rd", rd},
      {"waiting", waiting}, {"memory", memory},     {"fill", fill_and_die}, {"recover", recover}};
  for (const auto& [name, function] : commands) {
    app.add_subcommand(name)->callback([&run, f = function] { run = f; });
  }
  CLI11_PARSE(app, argc, argv);
  set_log_level(Level::kWarning);
  fmt::print("{}\n", run(settings));
}
