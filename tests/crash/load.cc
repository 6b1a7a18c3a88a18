#include "tests/crash/load.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "tests/crash/historian.h"
#include "tests/crash/unary_caller.h"

namespace tuplespace::crash {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int kConnections = 4;   // each with two producers and two consumers a promise
constexpr int kUnaryCallers = 2;  // of each promise
constexpr size_t kHistorians = 9;
constexpr size_t kOutsAtOnceMax = 32;
constexpr size_t kTakesAtOnceMax = 16;
constexpr auto kSlice = 100ms;
constexpr int kStuckSlices = 300;
constexpr int kSilentSlices = 3'000;    // without any answer: the server itself is stuck
constexpr auto kAwaitServer = 20ms;     // at a time, by callers without a session
constexpr milliseconds kPatience = 1h;  // the server is always back; how soon is the machine's

const char* jobs(Promise promise) { return promise == Promise::kSync ? "jobs.sync" : "jobs.async"; }
const char* calls(Promise promise) {
  return promise == Promise::kSync ? "calls.sync" : "calls.async";
}

std::string tuple_of(TupleId id) { return fmt::format("(\"t\", {})", id); }

// One that places tuples and takes them again, each by itself.
class UnaryWorker {
 public:
  UnaryWorker(const std::string& address, History& history, Promise promise)
      : caller_(address), history_(history), promise_(promise) {}

  void turn(std::mt19937_64& random) {
    // Calls that cannot reach a server would only make what happened to tuples unknown.
    if (!caller_.reaches_server(kAwaitServer)) return;
    if (mine_.empty() || (mine_.size() < 50 && random() % 2 == 0)) {
      place();
    } else {
      std::swap(mine_[random() % mine_.size()], mine_.back());
      take(mine_.back());
      mine_.pop_back();
    }
  }

 private:
  void place() {
    const TupleId id = history_.out_sent(promise_);
    const UnaryAnswer answer = caller_.out(calls(promise_), id);
    if (answer.outcome == Outcome::kUnknown) {
      if (!answer.wrong.empty()) history_.wrong("an out of a caller: " + answer.wrong);
      return history_.out_unknown(id);
    }
    history_.out_done(id, answer.sequence);
    mine_.push_back(id);
  }
  void take(TupleId id) {
    history_.take_sent();
    const UnaryAnswer answer = caller_.inp(calls(promise_), id);
    if (answer.outcome == Outcome::kDone) return history_.take_done(id, answer.sequence);
    if (answer.outcome == Outcome::kUnknown) {
      if (!answer.wrong.empty()) history_.wrong("an in of a caller: " + answer.wrong);
      return history_.take_unknown(id);
    }
    history_.take_found_nothing(id, answer.sequence);
  }

  UnaryCaller caller_;
  History& history_;
  const Promise promise_;
  std::vector<TupleId> mine_;
};

}  // namespace

Result<std::unique_ptr<Load>> Load::open(const LoadSetup& setup, History& history) {
  std::unique_ptr<Load> load(new Load(history));
  for (int i = 0; i <= kConnections; ++i) {
    Result<client::Connection> connection =
        client::connect(setup.address, {.timeout = kPatience, .patience = kPatience});
    if (!connection.ok()) return connection.status();
    load->connections_.push_back(*connection);
  }
  load->observer_ = load->connections_.back();
  load->connections_.pop_back();
  if (!setup.only_historians) TS_RETURN_IF_ERROR(load->add_workers(setup));
  if (setup.chronicle != nullptr) TS_RETURN_IF_ERROR(load->add_historians(setup));
  return load;
}

Status Load::add_workers(const LoadSetup& setup) {
  uint64_t seed = setup.seed;
  for (const Promise promise : {Promise::kSync, Promise::kAsync}) {
    client::Policy policy;
    policy.durability =
        promise == Promise::kSync ? client::Durability::kSync : client::Durability::kAsync;
    policy.shard = promise == Promise::kSync ? 0 : setup.async_shard;
    for (const char* name : {jobs(promise), calls(promise)}) {
      const Result<bool> created = connections_[0].create(name, policy);
      if (!created.ok()) return created.status();
    }
    for (client::Connection& connection : connections_) {
      const client::Space space = connection.space(jobs(promise));
      for (int i = 0; i < 2; ++i) {
        add(promise, seed++,
            [this, space, promise](std::mt19937_64& random) { produce(space, promise, random); });
        add(promise, seed++, [this, space](std::mt19937_64& random) { consume(space, random); });
      }
    }
    for (int i = 0; i < kUnaryCallers; ++i) {
      auto worker = std::make_shared<UnaryWorker>(setup.address, history_, promise);
      add(promise, seed++, [worker](std::mt19937_64& random) { worker->turn(random); });
    }
  }
  return {};
}

// They work whenever there is load on sync spaces.
Status Load::add_historians(const LoadSetup& setup) {
  client::Policy policy;
  policy.durability = client::Durability::kSync;
  const Result<bool> created = connections_[0].create(kHistoriansSpace, policy);
  if (!created.ok()) return created.status();
  for (size_t i = 0; i < kHistorians; ++i) {
    auto historian = std::make_shared<Historian>(setup.address, *setup.chronicle, i, i % 3 != 2);
    add(Promise::kSync, setup.seed + 1'000 + i, [this, historian](std::mt19937_64& random) {
      const std::string wrong = historian->turn(random);
      if (!wrong.empty()) history_.wrong(wrong);
    });
  }
  return {};
}

Load::~Load() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    mix_ = {false, false};
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Load::add(Promise promise, uint64_t seed, std::function<void(std::mt19937_64&)> turn) {
  threads_.emplace_back([this, promise, seed, turn = std::move(turn)] {
    std::mt19937_64 random(seed);
    while (await_work(promise)) {
      turn(random);
      std::lock_guard lock(mutex_);
      --working_;
      changed_.notify_all();
    }
  });
}

// Returns when there is work, or false at the end.
bool Load::await_work(Promise promise) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [&] { return ending_ || (promise == Promise::kSync ? mix_.sync : mix_.async); });
  if (ending_) return false;
  ++working_;
  return true;
}

bool Load::paused() {
  std::lock_guard lock(mutex_);
  return !mix_.sync && !mix_.async;
}

void Load::resume(Mix mix) {
  {
    std::lock_guard lock(mutex_);
    mix_ = mix;
  }
  changed_.notify_all();
}

Status Load::pause() {
  resume({false, false});
  std::optional<client::Call<client::Counted>> probe;
  uint64_t ended = 0;
  int stuck = 0;
  int silent = 0;
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kSlice, [&] { return working_ == 0; })) {
    const size_t working = working_;
    lock.unlock();
    if (answers(probe)) {
      silent = 0;
      const uint64_t before = std::exchange(ended, history_.figures().ended());
      stuck = before == ended ? stuck + 1 : 0;
    } else {
      ++silent;
    }
    if (silent == kSilentSlices) return {Code::kDeadlineExceeded, "the server does not answer"};
    if (stuck == kStuckSlices) {
      return {Code::kDeadlineExceeded,
              fmt::format("{} clients wait in vain, while the server answers others", working)};
    }
    lock.lock();
  }
  return {};
}

// True if the observer has got an answer, at most a slice after it asked.
bool Load::answers(std::optional<client::Call<client::Counted>>& probe) {
  if (!probe) probe = observer_->space(jobs(Promise::kAsync)).count_async("(\"no such tuple\")");
  if (!probe->wait_for(kSlice)) return false;
  const bool answered = probe->get().ok();
  probe.reset();
  return answered;
}

void Load::produce(client::Space space, Promise promise, std::mt19937_64& random) {
  if (history_.tuples() > kTuplesMax) {
    std::this_thread::sleep_for(1ms);  // let the consumers catch up
    return;
  }
  std::vector<std::pair<TupleId, client::Call<client::Placed>>> calls;
  for (size_t left = 1 + random() % kOutsAtOnceMax; left > 0; --left) {
    const TupleId id = history_.out_sent(promise);
    calls.emplace_back(id, space.out_async(tuple_of(id)));
  }
  for (auto& [id, call] : calls) {
    const Result<client::Placed> placed = call.get();
    if (placed.ok()) {
      history_.out_done(id, placed->id);
      continue;
    }
    history_.wrong("an out of a session was not done: " + placed.status().to_string());
    if (placed.status().problem().outcome_unknown) {
      history_.out_unknown(id);
    } else {
      history_.out_refused(id);
    }
  }
}

void Load::consume(client::Space space, std::mt19937_64& random) {
  std::vector<client::Call<client::Match>> calls;
  for (size_t left = 1 + random() % kTakesAtOnceMax; left > 0; --left) {
    history_.take_sent();
    calls.push_back(space.in_async("(\"t\", ?int)"));
  }
  for (client::Call<client::Match>& call : calls) {
    while (!call.wait_for(5ms) && !paused()) continue;
    if (paused()) call.cancel();
    const Result<client::Match> match = call.get();
    if (match.ok()) {
      history_.take_done(static_cast<TupleId>((*match)[1].as_int()), match->sequence());
      continue;
    }
    history_.take_refused();
    if (match.status().code() == Code::kCancelled) continue;  // as asked
    history_.wrong("an in of a session was not done: " + match.status().to_string());
  }
}

Result<Load::Present> Load::present() {
  // What is found must still be there after the next power cut: a sync answer says that everything
  // answered before it was asked for is synced, too.
  Present found;
  for (const Promise promise : {Promise::kAsync, Promise::kSync}) {
    client::Space space = observer_->space(jobs(promise));
    if (const auto placed = space.out("(\"pin\")"); !placed.ok()) return placed.status();
    const auto pin = space.in("(\"pin\")");
    if (!pin.ok()) return pin.status();
    (promise == Promise::kSync ? found.now.sync : found.now.async) = pin->sequence();
  }
  for (const Promise promise : {Promise::kSync, Promise::kAsync}) {
    for (const char* name : {jobs(promise), calls(promise)}) {
      const Status scanned =
          observer_->space(name).scan("(\"t\", ?int)", [&](const client::Match& match) {
            const auto id = static_cast<TupleId>(match[1].as_int());
            if (!found.tuples.insert(id).second) {
              history_.wrong(fmt::format("tuple {} is there twice", id));
            }
            return true;
          });
      // A space that is gone has no tuples: the oracle knows whether that may be.
      if (!scanned.ok() && scanned.code() != Code::kNotFound) return scanned;
    }
  }
  return found;
}

}  // namespace tuplespace::crash
