// Start, stop, bounds and threads of an engine with one shard.
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "tests/unit/engine/rig.h"
#include "tuplespace/store/memory_store.h"

namespace tuplespace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Status status_of_open(EngineConfig config, Store& store) {
  SystemClock clock;
  return Engine::open(std::move(config), store, clock).status();
}

// ---- start ----

TEST(Engine, IncarnationGrowsAtEveryStart) {
  auto records = std::make_shared<MemoryRecords>();
  for (uint64_t start = 1; start <= 3; ++start) {
    Rig rig({}, records);
    EXPECT_EQ(rig.engine->incarnation(), start);
  }
}

TEST(Engine, TheIncarnationIsSyncedBeforeAnybodyIsServed) {
  Rig rig;
  ASSERT_GT(rig.store.last(), 0u);
  EXPECT_EQ(rig.store.watermarks().synced, rig.store.last());
  EXPECT_EQ(rig.store.marks_of_commits().back(), Mark::kSynced);
}

TEST(Engine, TheClockNeverGoesBackAcrossRestarts) {
  auto records = std::make_shared<MemoryRecords>();
  const Time later = SystemClock().now() + 1'000'000'000;
  {
    HeldStore store(records);
    SystemClock clock(later);
    ASSERT_TRUE(Engine::open({}, store, clock).ok());
  }
  HeldStore store(records);
  SystemClock clock;
  ASSERT_LT(clock.now(), later);
  ASSERT_TRUE(Engine::open({}, store, clock).ok());
  EXPECT_GE(clock.now(), later);
}

TEST(Engine, TheTimeIsKeptWhileThereAreWrites) {
  auto records = std::make_shared<MemoryRecords>();
  Time written;
  {
    Rig rig({}, records);
    rig.turn();
    rig.clock.advance(100'000'000);
    rig.out(1, "jobs", "('a')");
    rig.turn();
    rig.clock.advance(1'000);
    rig.turn();
    written = rig.clock.now();
  }
  HeldStore store(records);
  TestClock unmoved;
  SystemClock clock;
  ASSERT_TRUE(Engine::open({}, store, clock).ok());
  EXPECT_GE(clock.now(), written);
}

TEST(Engine, WhatWasWrittenIsThereAfterARestart) {
  auto records = std::make_shared<MemoryRecords>();
  {
    Rig rig({}, records);
    rig.out(1, "jobs", "('a', 1)");
    rig.turn();
    ASSERT_EQ(rig.client.answers.size(), 1u);
  }
  Rig rig({}, records);
  rig.in(1, "jobs", "('a', ?)", 0);
  rig.turn();
  EXPECT_EQ(found(rig.client.answer(1)), R"(("a", 1))");
}

TEST(Engine, FewerShardsThanThereAreAreRefused) {
  auto records = std::make_shared<MemoryRecords>();
  EngineConfig three;
  three.shards = 3;
  { Rig rig(three, records); }
  HeldStore store(records);
  EngineConfig two;
  two.shards = 2;
  const Status refused = status_of_open(two, store);
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_EQ(refused.message(),
            "start with 2 shards: the data has 3, and a shard does not move; start with 3 or more");
  EngineConfig four;
  four.shards = 4;
  EXPECT_TRUE(status_of_open(four, store).ok());
  EXPECT_FALSE(status_of_open(three, store).ok());
}

TEST(Engine, CountsOutOfRangeAreRefused) {
  HeldStore store;
  EngineConfig config;
  config.shards = 0;
  EXPECT_EQ(status_of_open(config, store).code(), Code::kInvalidArgument);
  config.shards = 1;
  config.lanes = 257;
  EXPECT_EQ(status_of_open(config, store).code(), Code::kInvalidArgument);
}

// ---- rounds ----

TEST(Engine, OperationsOfOneThreadApplyInOrder) {
  Rig rig;
  rig.engine->start();
  for (int i = 0; i < 1'000; ++i) {
    rig.out(static_cast<uint64_t>(i), "jobs", "('a', " + std::to_string(i) + ")");
    rig.in(static_cast<uint64_t>(i), "jobs", "('a', ?)", 0);
  }
  rig.engine->stop(kNever);
  ASSERT_EQ(rig.client.answers.size(), 2'000u);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(found(&rig.client.answers[static_cast<size_t>(2 * i + 1)]),
              "(\"a\", " + std::to_string(i) + ")");
  }
}

TEST(Engine, ARoundTakesNoMoreThanItsBound) {
  EngineConfig config;
  config.round_max = 2;
  Rig rig(config);
  for (uint64_t token = 1; token <= 5; ++token) rig.out(token, "jobs", "('a')");
  rig.turn(1);
  EXPECT_EQ(rig.client.answers.size(), 2u);
  rig.turn(2);
  EXPECT_THAT(rig.client.tokens(), ElementsAre(1, 2, 3, 4, 5));
}

TEST(Engine, AWaitEndsInTimeThoughOperationsFlood) {
  EngineConfig config;
  config.round_max = 1;
  Rig rig(config);
  rig.in(1, "jobs", "('never')", 5);
  rig.turn(1);
  for (uint64_t token = 2; token < 100; ++token) rig.out(token, "jobs", "('a')");
  rig.clock.advance(5);
  rig.turn(1);
  EXPECT_EQ(found(rig.client.answer(1)), "-");
}

TEST(Engine, ALaneSleepsUntilTheNextWaitIsDue) {
  Rig rig;
  rig.turn();
  rig.in(1, "jobs", "('never')", 7);
  EXPECT_EQ(rig.turn(1), rig.clock.now() + 7);
  EXPECT_EQ(rig.turn(1), rig.clock.now() + 7);
}

TEST(Engine, AnIdleLaneIsDueForTheDiskOnly) {
  Rig rig;
  EXPECT_EQ(rig.turn(), rig.clock.now() + 1'000);
}

TEST(Engine, OperationsBeyondTheInboxAreRefusedAndEndingsAreNot) {
  EngineConfig config;
  config.inbox_max = 2;
  Rig rig(config);
  rig.in(1, "jobs", "('never')");
  rig.turn();
  for (uint64_t token = 2; token <= 4; ++token) rig.out(token, "jobs", "('a')");
  Operation cancel;
  cancel.what = Cancel{.session = 0, .number = 0, .reply = {rig.receiver, 1}};
  rig.engine->submit(Operation(cancel));
  rig.turn();
  ASSERT_NE(rig.client.answer(4), nullptr);
  const Status& refused = rig.client.answer(4)->status;
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_EQ(refused.problem().bound, "inbox_max");
  EXPECT_THAT(refused.message(), HasSubstr("inbox_max is 2"));
  ASSERT_NE(rig.client.answer(1), nullptr);
  EXPECT_EQ(rig.client.answer(1)->status.code(), Code::kCancelled);
  EXPECT_TRUE(rig.client.answer(3)->status.ok());
}

TEST(Engine, AForgottenReceiverIsNotCalledNorIsItsSuccessor) {
  Rig rig;
  rig.in(1, "jobs", "('a')");
  rig.turn();
  rig.engine->forget_receiver(rig.receiver);
  Client successor;
  const uint64_t next = rig.engine->add_receiver(0, &successor);
  EXPECT_NE(next, rig.receiver);
  rig.out(2, "jobs", "('a')");
  rig.turn();
  EXPECT_THAT(rig.client.answers, IsEmpty());
  EXPECT_THAT(successor.answers, IsEmpty());
  EXPECT_GT(rig.figure("lane_answers_dropped"), 0u);
}

// Submits the next operation from within the answer of the last.
class Chain : public Receiver {
 public:
  Chain(Engine& engine, int length) : engine_(engine), left_(length) {
    id_ = engine.add_receiver(0, this);
  }
  void next() {
    Operation operation = out_of("chain", "('link')");
    operation.reply.receiver = id_;
    engine_.submit(std::move(operation));
  }
  void on_answer(Answer&& answer) override {
    EXPECT_TRUE(answer.status.ok());
    if (--left_ > 0) next();
  }
  int left() const { return left_; }

 private:
  Engine& engine_;
  int left_;
  uint64_t id_ = 0;
};

TEST(Engine, AnAnswerMaySubmitTheNextOperation) {
  Rig rig;
  Chain chain(*rig.engine, 100);
  chain.next();
  rig.turn(100);
  EXPECT_EQ(chain.left(), 0);
}

// ---- the disk ----

TEST(Engine, ADiskNearlyFullRefusesOutOnly) {
  EngineConfig config;
  config.disk_free_min = 1'000;
  Rig rig(config);
  rig.out(1, "jobs", "('a')");
  rig.turn();
  rig.store.set_free(999);
  rig.clock.advance(1'000);
  rig.turn();
  rig.out(2, "jobs", "('b')");
  rig.in(3, "jobs", "('a')", 0);
  rig.turn();
  const Status& refused = rig.client.answer(2)->status;
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_THAT(refused.message(),
              HasSubstr("999 bytes are free where the data is, disk_free_min is 1000"));
  EXPECT_EQ(found(rig.client.answer(3)), R"(("a"))");

  rig.store.set_free(1'000);
  rig.clock.advance(1'000);
  rig.turn();
  rig.out(4, "jobs", "('b')");
  rig.turn();
  EXPECT_TRUE(rig.client.answer(4)->status.ok());
}

// ---- threads ----

// Counts wakes, and tells when the lane sleeps.
class CountingPoller : public QuietPoller {
 public:
  struct Seen {
    std::atomic<int> wakes = 0;
    std::mutex mutex;
    std::condition_variable changed;
    uint64_t sleeps = 0;
    void wait_for_sleep() {
      std::unique_lock lock(mutex);
      const uint64_t before = sleeps;
      changed.wait(lock, [&] { return sleeps > before; });
    }
  };
  explicit CountingPoller(Seen& seen) : seen_(seen) {}

  void poll(Duration milliseconds) override {
    if (milliseconds > 0) {
      const std::lock_guard lock(seen_.mutex);
      ++seen_.sleeps;
      seen_.changed.notify_all();
    }
    QuietPoller::poll(milliseconds);
  }
  void wake() override {
    ++seen_.wakes;
    QuietPoller::wake();
  }

 private:
  Seen& seen_;
};

// A client that another thread waits for.
class WaitingClient : public Receiver {
 public:
  void on_answer(Answer&& answer) override {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
    arrived_.notify_all();
  }
  std::vector<Answer> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return answers_.size() >= count; });
    return answers_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Answer> answers_;
};

TEST(Engine, AGroupOfAnswersIsOneWake) {
  CountingPoller::Seen seen;
  EngineConfig config;
  config.poller = [&](size_t) { return std::make_unique<CountingPoller>(seen); };
  Rig rig(config);
  WaitingClient client;
  rig.receiver = rig.engine->add_receiver(0, &client);
  rig.store.hold();
  rig.engine->start();
  for (uint64_t token = 1; token <= 100; ++token) rig.out(token, "jobs", "('a')");
  std::promise<void> applied;
  rig.engine->run_on(0, [&] { applied.set_value(); });
  applied.get_future().wait();
  seen.wait_for_sleep();

  const int before = seen.wakes;
  rig.store.sync_all();
  EXPECT_EQ(client.wait_for(100).size(), 100u);
  EXPECT_LE(seen.wakes - before, 1);
  rig.store.let_go();
  rig.engine->stop(kNever);
}

TEST(Engine, AGroupThatNobodyWaitsForWakesNobody) {
  CountingPoller::Seen seen;
  EngineConfig config;
  config.shard.durability = Durability::kAsync;
  config.poller = [&](size_t) { return std::make_unique<CountingPoller>(seen); };
  Rig rig(config);
  WaitingClient client;
  rig.create(0, "jobs", {});
  rig.turn();
  rig.receiver = rig.engine->add_receiver(0, &client);
  rig.store.hold();
  rig.engine->start();
  rig.out(1, "jobs", "('a')");
  std::promise<void> applied;
  rig.engine->run_on(0, [&] { applied.set_value(); });
  applied.get_future().wait();
  seen.wait_for_sleep();
  rig.store.write_all();
  EXPECT_EQ(client.wait_for(1).size(), 1u);
  seen.wait_for_sleep();

  const int before = seen.wakes;
  rig.store.sync_all();  // it was answered when it was written
  EXPECT_EQ(seen.wakes, before);
  rig.store.let_go();
  rig.engine->stop(kNever);
}

TEST(Engine, AWaitOfASleepingLaneEndsByItself) {
  MemoryStore store;
  SystemClock clock;
  auto opened = Engine::open({}, store, clock);
  ASSERT_TRUE(opened.ok());
  Engine& engine = **opened;
  WaitingClient client;
  Operation in = take_of("jobs", "('never')", 20, true);
  in.reply = {engine.add_receiver(0, &client), 1};
  engine.start();
  const Time begin = clock.now();
  engine.submit(std::move(in));
  const std::vector<Answer> answers = client.wait_for(1);
  EXPECT_GE(clock.now(), begin + 20);
  EXPECT_EQ(std::get<TakeAnswer>(answers[0].what).ended, Ended::kTimeout);
  engine.stop(kNever);
}

// ---- stop ----

TEST(Engine, StopAnswersWaitsAndWhatIsCommitted) {
  Rig rig;
  rig.engine->start();
  rig.in(1, "jobs", "('never')");
  rig.in(2, "nowhere", "('never')", 1'000'000);
  rig.out(3, "jobs", "('a')");
  rig.engine->stop(kNever);
  ASSERT_EQ(rig.client.answers.size(), 3u);
  for (const uint64_t token : {1, 2}) {
    const Status& status = rig.client.answer(token)->status;
    EXPECT_EQ(status.to_string(), "UNAVAILABLE: the server is going down; ask again");
    EXPECT_TRUE(status.problem().retry);
  }
  EXPECT_TRUE(rig.client.answer(3)->status.ok());
  EXPECT_EQ(rig.store.watermarks().synced, rig.store.last());
}

TEST(Engine, StopAnswersAWaitThatComesMeanwhile) {
  Rig rig;
  rig.store.hold();
  rig.engine->start();
  rig.out(1, "jobs", "('a')");
  std::promise<void> stopping;
  std::thread stopper([&] {
    stopping.set_value();
    rig.engine->stop(kNever);
  });
  stopping.get_future().wait();
  for (uint64_t token = 2; token < 10; ++token) rig.in(token, "jobs", "('never')");
  std::promise<void> applied;
  rig.engine->run_on(0, [&] { applied.set_value(); });
  applied.get_future().wait();
  rig.store.let_go();
  stopper.join();
  EXPECT_EQ(rig.client.answers.size(), 9u);
}

TEST(Engine, StopGivesUpAtItsDeadline) {
  Rig rig;
  rig.store.hold();
  rig.engine->start();
  rig.out(1, "jobs", "('a')");
  rig.engine->stop(rig.clock.now());
  EXPECT_THAT(rig.client.answers, IsEmpty());
}

TEST(Engine, ARestartAfterAStopKnowsTheTimeOfTheStop) {
  auto records = std::make_shared<MemoryRecords>();
  Time stopped;
  {
    Rig rig({}, records);
    rig.engine->start();
    rig.clock.advance(50'000'000);
    stopped = rig.clock.now();
    rig.engine->stop(kNever);
  }
  HeldStore store(records);
  SystemClock clock;
  ASSERT_TRUE(Engine::open({}, store, clock).ok());
  EXPECT_GE(clock.now(), stopped);
}

// ---- a store that fails ----

TEST(EngineDeathTest, AFailedStoreEndsTheProcess) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        Rig rig;
        rig.engine->start();
        rig.store.fail(Status(Code::kDataLoss, "the disk is on fire"));
      },
      testing::ExitedWithCode(kExitStoreFailed), "store_failed.*the disk is on fire");
}

// Fails the first commit.
class FailingStore : public HeldStore {
 public:
  uint64_t commit(Batch batch, Mark mark) override {
    hold();
    const uint64_t number = HeldStore::commit(std::move(batch), mark);
    fail(Status(Code::kDataLoss, "no space left on device"));
    return number;
  }
};

TEST(Engine, AStoreThatFailsAtOpenIsAnErrorOfOpen) {
  FailingStore store;
  const Status status = status_of_open({}, store);
  EXPECT_EQ(status.to_string(), "DATA_LOSS: no space left on device");
}

}  // namespace
}  // namespace tuplespace
