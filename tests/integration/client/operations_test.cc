// What a program does with spaces; the same for every kind of address.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <random>
#include <set>
#include <thread>

#include "tests/integration/client/everywhere.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::client {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

using Operations = Everywhere;
TUPLESPACE_EVERYWHERE(Operations);

TEST_P(Operations, TakeWhatWasPutAndOnlyOnce) {
  const auto placed = space().out("('job', 7)");
  ASSERT_TRUE(placed.ok()) << placed.status().to_string();
  const auto match = space().in("('job', ?id:int)");
  ASSERT_TRUE(match.ok()) << match.status().to_string();
  EXPECT_EQ(to_text(match->tuple()), "(\"job\", 7)");
  EXPECT_EQ(match->id(), placed->id);
  EXPECT_EQ(match->attempt(), 0u);
  EXPECT_EQ((*match)[1].as_int(), 7);
  EXPECT_EQ(match->bound("id")->as_int(), 7);
  EXPECT_FALSE(match->bound("other").has_value());

  const auto again = space().inp("('job', ?)");
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->has_value());
}

TEST_P(Operations, ReadWithoutTaking) {
  ASSERT_TRUE(space().out("('job', 7)").ok());
  EXPECT_TRUE(space().rd("('job', ?)").ok());
  const auto probe = space().rdp("('job', ?)");
  ASSERT_TRUE(probe.ok());
  EXPECT_TRUE(probe->has_value());
  EXPECT_EQ(space().count("(...)")->ready, 1u);
}

TEST_P(Operations, ChooseAsTheyAreTold) {
  for (const char* tuple : {"(2)", "(9)", "(1)"}) ASSERT_TRUE(space().out(tuple).ok());
  EXPECT_EQ((*space().rd("(?)"))[0].as_int(), 2);
  EXPECT_EQ((*space().rd("(?)", {.choice = {.order = Order::kNewest}}))[0].as_int(), 1);
  EXPECT_EQ((*space().rd("(?n:int)", {.choice = {.order = Order::kGreatest, .field_name = "n"}}))[0]
                .as_int(),
            9);
  EXPECT_EQ((*space().rd("(?)", {.choice = {.order = Order::kLeast, .field = 0}}))[0].as_int(), 1);
}

TEST_P(Operations, TakeSeveralAtOnceButNeverMoreThanThereAre) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(space().out("(" + std::to_string(i) + ")").ok());
  const auto three = space().in_many("(?)", 3);
  ASSERT_TRUE(three.ok());
  EXPECT_EQ(three->size(), 3u);
  EXPECT_EQ(space().rd_many("(?)", 100)->size(), 2u);
}

TEST_P(Operations, SayThatNothingCameInTime) {
  const auto match = space().in("('job', ?)", {.wait = 5ms});
  EXPECT_EQ(match.status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(match.status().message(), "in \"jobs\": nothing matched within 5 ms");
}

TEST_P(Operations, WaitUntilSomebodyPuts) {
  Call<Match> waits = space().in_async("('job', ?)");
  EXPECT_FALSE(waits.wait_for(2ms));
  ASSERT_TRUE(space().out("('job', 1)").ok());
  const auto match = waits.get();
  ASSERT_TRUE(match.ok());
  EXPECT_EQ((*match)[1].as_int(), 1);
}

TEST_P(Operations, PointAtWhatIsWrongInTheText) {
  EXPECT_THAT(space().out("('job' 7)").status().message(), HasSubstr("column 8"));
  EXPECT_THAT(space().in("(?strng)").status().message(), HasSubstr("column 2"));
  EXPECT_EQ(connection_->space("a space").out("(1)").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(space().in_async("(").get().status().code(), Code::kInvalidArgument);
}

TEST_P(Operations, ScanEveryTupleOnce) {
  std::vector<Call<Placed>> outs;
  for (int i = 0; i < 2'000; ++i) outs.push_back(space().out_async("(" + std::to_string(i) + ")"));
  for (Call<Placed>& out : outs) ASSERT_TRUE(out.get().ok());
  std::multiset<int64_t> seen;
  ASSERT_TRUE(space()
                  .scan("(?int)",
                        [&](const Match& match) {
                          seen.insert(match[0].as_int());
                          return true;
                        })
                  .ok());
  EXPECT_EQ(seen.size(), 2'000u);
  EXPECT_EQ(std::set<int64_t>(seen.begin(), seen.end()).size(), 2'000u);
}

TEST_P(Operations, OfManyThreadsGetTheirOwnAnswers) {
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      Space mine = space();
      for (int i = 0; i < 100; ++i) {
        const Tuple tuple = Tuple::of({Value(thread), Value(i)}).value();
        if (!mine.out(tuple).ok()) return;
        const auto match = mine.in(Template::exactly(tuple));
        if (match.ok() && match->tuple() == tuple) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 800);
}

TEST_P(Operations, CallBackFromChainsSideBySide) {
  struct Chain {
    Space space;
    Tuple tuple;
    Template wanted;
    int left = 50;
  };
  constexpr int kChains = 64;
  std::latch over(kChains);
  std::atomic<int> pairs = 0;
  const std::function<void(std::shared_ptr<Chain>)> put = [&](std::shared_ptr<Chain> chain) {
    chain->space.out_then(chain->tuple, {}, [&, chain](Result<Placed> placed) {
      ASSERT_TRUE(placed.ok());
      chain->space.in_then(chain->wanted, {}, [&, chain](Result<Match> match) {
        ASSERT_TRUE(match.ok());
        ++pairs;
        if (--chain->left > 0) return put(chain);
        over.count_down();
      });
    });
  };
  for (int i = 0; i < kChains; ++i) {
    const Tuple tuple = Tuple::of({Value(i), Value(std::string(80, 'x'))}).value();
    put(std::make_shared<Chain>(Chain{space(), tuple, Template::exactly(tuple)}));
  }
  over.wait();
  EXPECT_EQ(pairs, kChains * 50);
}

// A coroutine that runs by itself and says when it is over.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Detached echo(Space space, std::atomic<int64_t>& seen, std::latch& over) {
  for (int i = 0; i < 10; ++i) {
    const auto match = co_await space.in_async("('ping', ?int)");
    if (match.ok()) seen += (*match)[1].as_int();
    (void)co_await space.out_async("('pong')");
  }
  over.count_down();
}

TEST_P(Operations, AreAwaitedByCoroutines) {
  std::atomic<int64_t> seen = 0;
  std::latch over(1);
  echo(space(), seen, over);
  for (int i = 1; i <= 10; ++i) {
    ASSERT_TRUE(space().out("('ping', " + std::to_string(i) + ")").ok());
    const auto match = space().in("('pong')");
    ASSERT_TRUE(match.ok()) << match.status().to_string();
  }
  over.wait();
  EXPECT_EQ(seen, 55);
}

Detached put_and_take(Space space, Tuple tuple, std::latch& over) {
  (void)co_await space.out_async(tuple);
  const auto match = co_await space.in_async(Template::exactly(tuple));
  EXPECT_TRUE(match.ok());
  over.count_down();
}

// Who waits outside of the client's calls drives nothing: somebody else must.
TEST_P(Operations, OfEveryFormSideBySideAllEnd) {
  constexpr int kThreads = 6;
  constexpr int kTurns = 200;
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(seed + i);
      Space mine = space();
      for (int turn = 0; turn < kTurns; ++turn) {
        const Tuple tuple = Tuple::of({Value(i), Value(turn)}).value();
        const Template wanted = Template::exactly(tuple);
        std::latch over(1);
        switch (random() % 4) {
          case 0:
            EXPECT_TRUE(mine.out(tuple).ok());
            EXPECT_TRUE(mine.in(wanted).ok());
            break;
          case 1: {
            Call<Match> waits = mine.in_async(wanted);
            EXPECT_TRUE(mine.out(tuple).ok());
            EXPECT_TRUE(waits.get().ok());
            break;
          }
          case 2:
            mine.in_then(wanted, {}, [&](Result<Match>) { over.count_down(); });
            mine.out_then(tuple, {}, [](Result<Placed>) {});
            over.wait();
            break;
          default: put_and_take(mine, tuple, over); over.wait();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(space().inp("(...)")->has_value());
}

TEST_P(Operations, ThatWaitAreRefusedInsideACallback) {
  std::latch over(1);
  Status refused;
  space().out_then("(1)", {}, [&](Result<Placed>) {
    refused = space().in("(2)").status();
    over.count_down();
  });
  over.wait();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
}

TEST_P(Operations, EndWithADefiniteAnswerWhenCancelled) {
  Call<Match> call = space().in_async("('never')");
  call.cancel();
  EXPECT_EQ(call.get().status().code(), Code::kCancelled);
  EXPECT_FALSE(space().inp("('never')")->has_value());
}

TEST_P(Operations, CreateListDescribeAndDropSpaces) {
  ASSERT_TRUE(*connection_->create("fast", {.durability = Durability::kMemory}));
  EXPECT_FALSE(*connection_->create("fast", {.durability = Durability::kMemory}));
  EXPECT_EQ(connection_->create("fast", {.durability = Durability::kSync}).status().code(),
            Code::kAlreadyExists);
  ASSERT_TRUE(connection_->space("fast").out("(1)").ok());

  const auto spaces = connection_->list();
  ASSERT_TRUE(spaces.ok());
  ASSERT_EQ(spaces->size(), 1u);
  EXPECT_EQ(spaces->front().name, "fast");
  EXPECT_EQ(connection_->describe("fast")->ready, 1u);
  EXPECT_EQ(connection_->describe("fast")->policy.durability, Durability::kMemory);
  EXPECT_EQ(connection_->describe("slow").status().code(), Code::kNotFound);
  EXPECT_EQ(*connection_->drop("fast"), 1u);
  EXPECT_EQ(connection_->drop("fast").status().code(), Code::kNotFound);
  EXPECT_EQ(connection_->space("fast").count("(...)").status().code(), Code::kNotFound);
}

TEST_P(Operations, TellTheServersFigures) {
  ASSERT_TRUE(space().out("(1)").ok());
  const auto stats = connection_->stats();
  ASSERT_TRUE(stats.ok());
  EXPECT_FALSE(stats->version.empty());
  EXPECT_GT(stats->incarnation, 0u);
  EXPECT_FALSE(stats->counters.empty());
}

TEST_P(Operations, EndWithTheConnection) {
  Call<Match> waits = space().in_async("('never')");
  ASSERT_TRUE(connection_->close().ok());
  EXPECT_EQ(waits.get().status().code(), Code::kCancelled);
  EXPECT_EQ(space().out("(1)").status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(connection_->close().ok());
}

}  // namespace
}  // namespace tuplespace::client
