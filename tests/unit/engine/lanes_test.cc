// Engines with several shards and lanes.
#include <array>
#include <atomic>
#include <thread>

#include "tests/unit/engine/rig.h"
#include "tuplespace/store/memory_store.h"

namespace tuplespace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct Shape {
  uint16_t shards;
  size_t lanes;
};

class SeveralLanes : public ::testing::TestWithParam<Shape> {
 protected:
  static EngineConfig config() {
    EngineConfig config;
    config.shards = GetParam().shards;
    config.lanes = GetParam().lanes;
    return config;
  }

  std::vector<std::string> names_of_spaces() {
    Operation list;
    list.what = ListSpaces{};
    rig.client.answers.clear();
    rig.submit(1'000, std::move(list));
    rig.turn();
    EXPECT_THAT(rig.client.tokens(), ElementsAre(1'000));
    std::vector<std::string> names;
    for (const SpaceInfo& space : std::get<ListAnswer>(rig.client.answers.at(0).what).spaces) {
      names.push_back(space.name + "@" + std::to_string(space.policy.shard));
    }
    rig.client.answers.clear();
    return names;
  }

  Status status(uint64_t token) {
    const Answer* answer = rig.client.answer(token);
    return answer ? answer->status : Status(Code::kInternal, "no answer");
  }

  Rig rig{config()};
};

std::string name_of_shape(const ::testing::TestParamInfo<Shape>& info) {
  return std::to_string(info.param.shards) + "ShardsOn" + std::to_string(info.param.lanes) +
         "Lanes";
}

INSTANTIATE_TEST_SUITE_P(, SeveralLanes,
                         ::testing::Values(Shape{2, 1}, Shape{2, 2}, Shape{3, 2}, Shape{2, 3}),
                         name_of_shape);

TEST_P(SeveralLanes, ServeSpacesOfAllShards) {
  rig.create(1, "far", kept(Durability::kSync, 1));
  rig.out(2, "near", "('n')");
  rig.turn();
  rig.out(3, "far", "('f')");
  rig.in(4, "near", "(?)");
  rig.in(5, "far", "(?)");
  rig.turn();
  EXPECT_EQ(found(rig.client.answer(4)), R"(("n"))");
  EXPECT_EQ(found(rig.client.answer(5)), R"(("f"))");
  EXPECT_THAT(names_of_spaces(), ElementsAre("far@1", "near@0"));
}

TEST_P(SeveralLanes, ShareOneLogSoASyncChangeComesAfterWhatOtherShardsHaveAnswered) {
  rig.create(1, "far", kept(Durability::kAsync, 1));
  rig.create(2, "near", kept(Durability::kSync));
  rig.turn();
  rig.client.answers.clear();
  rig.store.hold();
  rig.out(3, "far", "('f')");
  rig.turn();
  rig.store.write_all();
  rig.turn();
  ASSERT_THAT(rig.client.tokens(), ElementsAre(3));
  const uint64_t answered = rig.store.last();
  rig.out(4, "near", "('n')");
  rig.turn();
  rig.store.sync_to(answered);
  rig.turn();
  EXPECT_THAT(rig.client.tokens(), ElementsAre(3));
  rig.store.sync_all();
  rig.turn();
  EXPECT_THAT(rig.client.tokens(), ElementsAre(3, 4));
}

TEST_P(SeveralLanes, AnswerOnTheLaneOfTheReceiver) {
  Client elsewhere;
  const size_t lane = rig.engine->lanes() - 1;
  rig.receiver = rig.engine->add_receiver(lane, &elsewhere);
  rig.out(1, "jobs", "('a')");
  rig.turn();
  EXPECT_THAT(elsewhere.tokens(), ElementsAre(1));
}

TEST_P(SeveralLanes, KeepANameInOneShard) {
  rig.out(1, "jobs", "('a')");
  rig.turn();
  rig.create(2, "jobs", kept(Durability::kSync, 1));
  rig.create(3, "far", kept(Durability::kSync, 1));
  rig.create(4, "far", kept(Durability::kMemory, 0));
  rig.create(5, "far", kept(Durability::kSync, 1));
  rig.turn();
  EXPECT_EQ(status(4).code(), Code::kAlreadyExists);
  EXPECT_TRUE(status(5).ok()) << status(5).to_string();
  EXPECT_THAT(names_of_spaces(), ElementsAre("far@1", "jobs@0"));
}

TEST_P(SeveralLanes, CreateInAShardThatIsNotThereIsRefused) {
  rig.create(1, "jobs", kept(Durability::kSync, 9));
  rig.turn();
  EXPECT_EQ(status(1).code(), Code::kInvalidArgument);
  EXPECT_THAT(status(1).message(), HasSubstr("create space \"jobs\": there is no shard 9"));
  EXPECT_THAT(names_of_spaces(), IsEmpty());
}

TEST_P(SeveralLanes, ASpaceThatWasDroppedMayBeCreatedElsewhere) {
  for (const uint16_t shard : {1, 0, 1}) {
    rig.create(1, "jobs", kept(Durability::kSync, shard));
    rig.turn();
    rig.out(2, "jobs", "('a')");
    rig.turn();
    EXPECT_TRUE(status(2).ok());
    EXPECT_THAT(names_of_spaces(), ElementsAre("jobs@" + std::to_string(shard)));
    Operation drop;
    drop.what = DropSpace{"jobs"};
    rig.submit(3, std::move(drop));
    rig.turn();
    EXPECT_TRUE(status(3).ok()) << status(3).to_string();
    EXPECT_THAT(names_of_spaces(), IsEmpty());
  }
}

TEST_P(SeveralLanes, ACreateThatFailsLeavesTheNameFree) {
  rig.create(1, "no such name!", kept(Durability::kSync, 1));
  rig.turn();
  EXPECT_EQ(status(1).code(), Code::kInvalidArgument);
  Policy odd = kept(Durability::kSync, 1);
  odd.order = Order::kLeast;
  rig.create(2, "jobs", odd);
  rig.turn();
  EXPECT_EQ(status(2).code(), Code::kInvalidArgument);
  rig.out(3, "jobs", "('a')");
  rig.turn();
  EXPECT_THAT(names_of_spaces(), ElementsAre("jobs@0"));
}

TEST_P(SeveralLanes, AWaitForASpaceCreatedInAnotherShardIsToldToAskAgain) {
  rig.in(1, "far", "(?)");
  rig.in(2, "other", "(?)");
  rig.turn();
  rig.create(3, "far", kept(Durability::kSync, 1));
  rig.turn();
  EXPECT_EQ(status(1).code(), Code::kUnavailable);
  EXPECT_TRUE(status(1).problem().retry);
  EXPECT_EQ(found(rig.client.answer(2)), "?");
  rig.in(4, "far", "(?)");
  rig.out(5, "far", "('a')");
  rig.turn();
  EXPECT_EQ(found(rig.client.answer(4)), R"(("a"))");
}

TEST_P(SeveralLanes, OperationsOnASpaceThatIsBeingCreatedFindItsShard) {
  rig.create(1, "far", kept(Durability::kSync, 1));
  for (uint64_t token = 2; token < 10; ++token) rig.out(token, "far", "('a')");
  rig.turn(16);
  for (uint64_t token = 1; token < 10; ++token) EXPECT_TRUE(status(token).ok()) << token;
  EXPECT_THAT(names_of_spaces(), ElementsAre("far@1"));
}

TEST_P(SeveralLanes, StatisticsOfAllShardsAreOneSum) {
  rig.create(1, "far", kept(Durability::kSync, 1));
  rig.turn();
  rig.out(2, "far", "('a')");
  rig.out(3, "near", "('a')");
  Operation stats;
  stats.what = Stats{};
  rig.submit(4, std::move(stats));
  rig.turn();
  ASSERT_TRUE(status(4).ok());
  uint64_t outs = 0;
  for (const auto& [name, count] : std::get<StatsAnswer>(rig.client.answer(4)->what).counters) {
    if (name == "outs") outs += count;
  }
  EXPECT_EQ(outs, 2u);
}

TEST_P(SeveralLanes, ACancelReachesTheShardOfTheWait) {
  rig.create(1, "far", kept(Durability::kSync, 1));
  rig.turn();
  rig.in(2, "far", "(?)");
  rig.turn();
  Operation cancel;
  cancel.what = Cancel{.session = 0, .number = 0, .reply = {rig.receiver, 2}};
  rig.engine->submit(std::move(cancel));
  rig.turn();
  EXPECT_EQ(status(2).code(), Code::kCancelled);
}

TEST_P(SeveralLanes, AreFoundAgainAfterARestart) {
  rig.create(1, "far", kept(Durability::kSync, 1));
  rig.turn();
  rig.out(2, "far", "('a')");
  rig.turn();
  Rig again(config(), rig.store.records());
  again.in(1, "far", "(?)", 0);
  again.turn();
  EXPECT_EQ(found(again.client.answer(1)), R"(("a"))");
}

// A session that took the only tuple of "far", in shard 1, and did not confirm it.
class SeveralLanesAndASession : public SeveralLanes {
 protected:
  SeveralLanesAndASession() {
    rig.create(1, "far", kept(Durability::kSync, 1));
    rig.turn();
    rig.out(2, "far", "('a')");
    Operation open;
    open.what = OpenSession{.ttl = 5'000, .secret = "s", .stream = true};
    rig.submit(3, std::move(open));
    rig.turn();
    session = std::get<SessionAnswer>(rig.client.answer(3)->what);
    Operation in = take_of("far", "(?)", 0, true);
    in.caller = {.session = session.session, .number = 5, .hash = 1, .secret = ""};
    rig.submit(5, std::move(in));
    rig.rd(6, "far", "(?)", 0);
    rig.turn();
    EXPECT_EQ(found(rig.client.answer(5)), R"(("a"))");
    EXPECT_EQ(found(rig.client.answer(6)), "-");
  }

  void suspend_until_it_ends() {
    Operation suspend;
    suspend.what = SuspendSession{.session = session.session, .epoch = session.epoch};
    rig.engine->submit_to(0, Operation(suspend));
    rig.turn();
    rig.clock.advance(5'001);
  }

  SessionAnswer session;
};

INSTANTIATE_TEST_SUITE_P(, SeveralLanesAndASession,
                         ::testing::Values(Shape{2, 1}, Shape{2, 2}, Shape{3, 2}), name_of_shape);

TEST_P(SeveralLanesAndASession, ItsEndIsToldToEveryShard) {
  suspend_until_it_ends();
  rig.turn();
  rig.rd(7, "far", "(?)", 0);
  rig.turn();
  EXPECT_EQ(found(rig.client.answer(7)), R"(("a"))");
}

TEST_P(SeveralLanesAndASession, ItsEndIsToldAgainWhenACrashCameBetween) {
  suspend_until_it_ends();
  rig.store.hold();
  MemoryRecords before = *rig.store.records();
  rig.engine->run_once(0, rig.clock.now());
  // Only what shard 0 wrote has survived.
  const std::string other = Shard::key_prefix(1);
  for (const auto& [key, value] : *rig.store.records()) {
    if (!key.starts_with(other)) before[key] = value;
  }
  std::erase_if(before, [&](const auto& record) {
    return !record.first.starts_with(other) && !rig.store.records()->contains(record.first);
  });

  Rig again(config(), std::make_shared<MemoryRecords>(std::move(before)));
  again.rd(1, "far", "(?)", 0);
  again.turn();
  EXPECT_EQ(found(again.client.answer(1)), R"(("a"))");
}

TEST_P(SeveralLanesAndASession, ItLivesOnAfterARestart) {
  Rig again(config(), rig.store.records());
  again.rd(1, "far", "(?)", 0);
  again.turn();
  EXPECT_EQ(found(again.client.answer(1)), "-");
}

// ---- with threads ----

// Counts from its lane's thread, read from any.
class Counter : public Receiver {
 public:
  void on_answer(Answer&& answer) override {
    if (!answer.status.ok()) ++failed;
    if (const auto* take = std::get_if<TakeAnswer>(&answer.what)) taken += take->tuples.size();
    ++answered;
    answered.notify_all();
  }
  void wait_for(size_t count) {
    for (size_t seen = answered; seen < count; seen = answered) answered.wait(seen);
  }
  std::atomic<size_t> answered = 0;
  std::atomic<size_t> taken = 0;
  std::atomic<size_t> failed = 0;
};

TEST_P(SeveralLanes, ManyThreadsLoseNothingAndDoubleNothing) {
  constexpr size_t kThreads = 4;
  constexpr size_t kEach = 500;
  MemoryStore store;
  SystemClock clock;
  auto opened = Engine::open(config(), store, clock);
  ASSERT_TRUE(opened.ok());
  Engine& engine = **opened;
  Counter created;
  Operation create = create_of("far", kept(Durability::kSync, 1));
  create.reply = {engine.add_receiver(0, &created), 0};
  std::array<Counter, kThreads> counters;
  std::array<uint64_t, kThreads> receivers;
  for (size_t i = 0; i < kThreads; ++i) {
    receivers[i] = engine.add_receiver(i % engine.lanes(), &counters[i]);
  }
  engine.start();
  engine.submit(std::move(create));
  created.wait_for(1);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const std::string space = i % 2 == 0 ? "far" : "near";
      for (size_t n = 0; n < kEach; ++n) {
        Operation out = out_of(space, "('a')");
        out.reply = {receivers[i], n};
        engine.submit(std::move(out));
        Operation in = take_of(space, "('a')", {}, true);
        in.reply = {receivers[i], n};
        engine.submit(std::move(in));
      }
      counters[i].wait_for(2 * kEach);
    });
  }
  for (std::thread& thread : threads) thread.join();
  engine.stop(kNever);
  for (const Counter& counter : counters) {
    EXPECT_EQ(counter.failed, 0u);
    EXPECT_EQ(counter.answered, 2 * kEach);
    EXPECT_EQ(counter.taken, kEach);
  }
}

TEST_P(SeveralLanes, StopAnswersTheWaitsOfEveryLane) {
  rig.create(1, "far", kept(Durability::kSync, 1));
  rig.turn();
  rig.client.answers.clear();
  rig.engine->start();
  rig.in(2, "far", "('never')");
  rig.in(3, "near", "('never')");
  rig.engine->stop(kNever);
  EXPECT_THAT(rig.client.tokens(), UnorderedElementsAre(2, 3));
  EXPECT_EQ(status(2).code(), Code::kUnavailable);
  EXPECT_EQ(status(3).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace tuplespace
