// What each recipe does, for every kind of address; what becomes of it when somebody dies is in
// recipes_survival_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/client/everywhere.h"
#include "tuplespace/recipes/barrier.h"
#include "tuplespace/recipes/channel.h"
#include "tuplespace/recipes/election.h"
#include "tuplespace/recipes/lock.h"
#include "tuplespace/recipes/map_reduce.h"
#include "tuplespace/recipes/rate_limiter.h"
#include "tuplespace/recipes/registry.h"
#include "tuplespace/recipes/table.h"
#include "tuplespace/recipes/work_queue.h"

namespace tuplespace::client::recipes {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

using Recipes = Everywhere;
TUPLESPACE_EVERYWHERE(Recipes);

// ---- locks ----

TEST_P(Recipes, AMutexIsHeldByOneAndItsFencesAscend) {
  Mutex mutex(*connection_, "locks", "printer");
  auto first = mutex.lock("ann");
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  EXPECT_TRUE(*first->held());
  EXPECT_FALSE(mutex.try_lock("bob")->has_value());
  EXPECT_EQ(mutex.lock("bob", 1ms).status().code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(Mutex(*connection_, "locks", "scanner").try_lock("bob")->has_value());

  const uint64_t fence = first->fence();
  ASSERT_TRUE(first->release().ok());
  EXPECT_FALSE(*first->held());
  auto second = mutex.lock("bob");
  ASSERT_TRUE(second.ok());
  EXPECT_GT(second->fence(), fence);
}

TEST_P(Recipes, AMutexCountsWhatSeveralThreadsDo) {
  int counted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Mutex mutex(*connection_, "locks", "counter");
      for (int turn = 0; turn < 50; ++turn) {
        const auto lock = mutex.lock("somebody");
        ASSERT_TRUE(lock.ok());
        ++counted;  // guarded by the mutex alone
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counted, 200);
  EXPECT_EQ(space("locks").count("(...)")->ready, 0u);
}

TEST_P(Recipes, ASemaphoreHasSoManyPermits) {
  Semaphore semaphore(*connection_, "locks", "seats", 2);
  auto one = semaphore.acquire("ann");
  auto two = semaphore.acquire("ann");
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(semaphore.acquire("bob", 0ms).status().code(), Code::kDeadlineExceeded);
  ASSERT_TRUE(one->release().ok());
  EXPECT_FALSE(*one->held());
  EXPECT_TRUE(*two->held()) << "an equal tuple is another permit";
  EXPECT_TRUE(semaphore.acquire("bob", 0ms).ok());
}

TEST_P(Recipes, AReadWriteLockLetsReadersInUntilSomebodyWantsToWrite) {
  ReadWriteLock lock(*connection_, "locks", "page");
  auto ann = lock.read("ann");
  auto bob = lock.read("bob");
  ASSERT_TRUE(ann.ok() && bob.ok());
  EXPECT_EQ(lock.write("eve", 0ms).status().code(), Code::kDeadlineExceeded);

  Result<Lock> written = Status(Code::kInternal, "not yet");
  std::thread writer([&] { written = lock.write("eve"); });
  until_waiting(*connection_, 1);
  EXPECT_EQ(lock.read("dan", 0ms).status().code(), Code::kDeadlineExceeded)
      << "a writer who waits keeps readers out";
  ASSERT_TRUE(ann->release().ok());
  ASSERT_TRUE(bob->release().ok());
  writer.join();
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(lock.read("dan", 0ms).status().code(), Code::kDeadlineExceeded);
  ASSERT_TRUE(written->release().ok());
  EXPECT_TRUE(lock.read("dan", 0ms).ok());
  EXPECT_EQ(space("locks").count("(...)")->ready, 0u);
}

// ---- waiting for one another ----

TEST_P(Recipes, AGateIsPassedWhenItIsOpen) {
  Gate gate(space(), "start");
  EXPECT_EQ(gate.pass(0ms).code(), Code::kDeadlineExceeded);
  std::thread waits([&] { EXPECT_TRUE(gate.pass().ok()); });
  until_waiting(*connection_, 1);
  ASSERT_TRUE(gate.open().ok());
  waits.join();
  EXPECT_TRUE(gate.pass(0ms).ok());
  ASSERT_TRUE(gate.close().ok());
  EXPECT_EQ(gate.pass(0ms).code(), Code::kDeadlineExceeded);
}

TEST_P(Recipes, ALatchOpensWhenAllHaveArrivedAndCountsEachOnce) {
  Latch latch(*connection_, "jobs", "parts", 3);
  std::thread waits([&] { EXPECT_TRUE(latch.wait().ok()); });
  EXPECT_TRUE(*latch.arrive("ann"));
  EXPECT_FALSE(*latch.arrive("ann"));
  EXPECT_TRUE(*latch.arrive("bob"));
  EXPECT_EQ(latch.wait(0ms).code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(*latch.arrive("eve"));
  waits.join();
  EXPECT_TRUE(*latch.arrive("dan"));
  EXPECT_TRUE(latch.wait(0ms).ok()) << "more than enough";
}

TEST_P(Recipes, ADoubleBarrierIsEnteredAndLeftTogether) {
  constexpr int kSize = 3;
  constexpr int kRounds = 5;
  std::atomic<int> inside = 0;
  std::atomic<int> outside = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kSize; ++i) {
    threads.emplace_back([&, i] {
      DoubleBarrier barrier(*connection_, "jobs", "phase", kSize);
      const std::string who = "p" + std::to_string(i);
      for (int round = 0; round < kRounds; ++round) {
        ++inside;
        ASSERT_TRUE(barrier.enter(round, who).ok());
        EXPECT_GE(inside, kSize * (round + 1)) << "all have come";
        ++outside;
        ASSERT_TRUE(barrier.leave(round, who).ok());
        EXPECT_GE(outside, kSize * (round + 1)) << "all have left";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  DoubleBarrier alone(*connection_, "jobs", "other", 2);
  EXPECT_EQ(alone.enter(0, "ann", 1ms).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(space().count("('inside', ...)")->ready, 0u) << "who gave up is not inside";
}

// ---- leaders and services ----

TEST_P(Recipes, AnElectionHasOneLeaderWhomEverybodyKnows) {
  Election election(*connection_, "groups", "writers");
  EXPECT_EQ(election.leader(0ms).status().code(), Code::kDeadlineExceeded);
  auto watch = election.watch();
  ASSERT_TRUE(watch.ok());
  EXPECT_EQ(watch->next()->kind, EventKind::kSnapshotEnd);
  auto ann = election.campaign("ann");
  ASSERT_TRUE(ann.ok());
  EXPECT_EQ(election.campaign("bob", 0ms).status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(election.leader()->candidate, "ann");
  EXPECT_EQ(election.leader()->term, ann->fence());
  const uint64_t term = ann->fence();
  ASSERT_TRUE(ann->release().ok());
  auto bob = election.campaign("bob");
  ASSERT_TRUE(bob.ok());
  EXPECT_GT(bob->fence(), term);
  EXPECT_EQ(watch->next()->kind, EventKind::kOut);
  EXPECT_EQ(watch->next()->kind, EventKind::kExpire);
  EXPECT_EQ(watch->next()->match[2].as_string(), "bob");
}

TEST_P(Recipes, ARegistryKnowsServicesAndRefusesDuplicates) {
  Registry registry(*connection_, "services");
  EXPECT_TRUE(registry.find_all("mail")->empty());
  Result<Registry::Service> found = Status(Code::kInternal, "not yet");
  std::thread looks([&] { found = registry.find("mail"); });
  until_waiting(*connection_, 1);
  const auto first = registry.offer("mail", "one", "10.0.0.1:25");
  ASSERT_TRUE(first.ok());
  looks.join();
  EXPECT_EQ(found->address.as_string(), "10.0.0.1:25");

  EXPECT_EQ(registry.offer("mail", "one", "10.0.0.9:25").status().code(), Code::kAlreadyExists);
  ASSERT_TRUE(registry.offer("mail", "two", "10.0.0.2:25").ok());
  EXPECT_EQ(registry.find_all("mail")->size(), 2u);
  ASSERT_TRUE(registry.withdraw(*first).ok());
  EXPECT_EQ(registry.withdraw(*first).code(), Code::kNotFound);
  EXPECT_EQ(registry.find("mail")->instance, "two");
  EXPECT_EQ(registry.find("news", 0ms).status().code(), Code::kDeadlineExceeded);
  auto watch = registry.watch("mail");
  ASSERT_TRUE(watch.ok());
  EXPECT_EQ(watch->next()->match[2].as_string(), "two");
}

// ---- channels ----

TEST_P(Recipes, ARendezvousIsOverWhenTheValueWasReceived) {
  Rendezvous channel(space(), "letters");
  EXPECT_EQ(channel.send("nobody", 1ms).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(channel.receive(0ms).status().code(), Code::kDeadlineExceeded);
  std::thread sends([&] { EXPECT_TRUE(channel.send("hello").ok()); });
  EXPECT_EQ(channel.receive()->as_string(), "hello");
  sends.join();
}

TEST_P(Recipes, ABufferKeepsSoManyInOrder) {
  Buffer channel(space(), "letters", 2);
  ASSERT_TRUE(channel.send(1).ok());
  ASSERT_TRUE(channel.send(2).ok());
  EXPECT_EQ(channel.send(0, 0ms).code(), Code::kDeadlineExceeded);
  std::thread sends([&] { EXPECT_TRUE(channel.send(3).ok()); });
  until_waiting(*connection_, 1);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(channel.receive()->as_int(), i);
  sends.join();
  EXPECT_EQ(channel.receive(0ms).status().code(), Code::kDeadlineExceeded);
}

// ---- work ----

TEST_P(Recipes, AWorkQueueGivesTheMostUrgentFirstAndTheOldestOfThese) {
  WorkQueue queue(*connection_, "work", "mails");
  ASSERT_TRUE(queue.put("later", {.priority = 5}).ok());
  ASSERT_TRUE(queue.put("first").ok());
  ASSERT_TRUE(queue.put("second").ok());
  ASSERT_TRUE(queue.put("urgent", {.priority = -1}).ok());
  ASSERT_TRUE(queue.put("tomorrow", {.priority = -9, .delay = 24h}).ok());
  EXPECT_EQ(queue.count()->delayed, 1u);
  for (const char* expected : {"urgent", "first", "second", "later"}) {
    auto job = queue.take();
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    EXPECT_EQ(job->payload().as_string(), expected);
    ASSERT_TRUE(job->done().ok());
  }
  EXPECT_EQ(queue.take(0ms).status().code(), Code::kDeadlineExceeded);
}

TEST_P(Recipes, AWorkQueueGivesADelayedJobWhenItIsTime) {
  WorkQueue queue(*connection_, "work", "mails");
  ASSERT_TRUE(queue.put("soon", {.delay = 20ms}).ok());
  EXPECT_EQ(queue.take()->payload().as_string(), "soon");
}

TEST_P(Recipes, AJobIsDoneWithItsResultsOrTriedAgainOrDead) {
  WorkQueue queue(*connection_, "work", "mails");
  ASSERT_TRUE(queue.put(7).ok());
  auto job = queue.take();
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(*job->renew(1h), 1h);
  ASSERT_TRUE(job->again().ok());
  auto second = queue.take();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->attempt(), 1u);
  EXPECT_GT(second->fence(), job->fence());

  const Tuple result = Tuple::of({Value("square"), Value(49)}).value();
  EXPECT_EQ(job->done({{"results", result}}).code(), Code::kFailedPrecondition);
  ASSERT_TRUE(second->done({{"results", result}}).ok());
  EXPECT_EQ(space("results").count("(...)")->ready, 1u);

  ASSERT_TRUE(queue.put(8).ok());
  ASSERT_TRUE(queue.take()->failed("no paper").ok());
  EXPECT_EQ((*space("work.dead").rd("(...)"))[2].as_string(), "no paper");
}

TEST_P(Recipes, ARateLimiterLetsSoManyPassInAStretch) {
  RateLimiter strict(*connection_, "limits", "mails", 2, 24h);
  EXPECT_TRUE(strict.pass("ann").ok());
  EXPECT_TRUE(strict.pass("bob").ok());
  EXPECT_EQ(strict.pass("eve", 0ms).code(), Code::kDeadlineExceeded);
  RateLimiter quick(*connection_, "limits", "calls", 1, 20ms);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(quick.pass("ann").ok()) << "who waits passes at last";
}

TEST_P(Recipes, MapReduceDoesEachTaskOnce) {
  constexpr int kTasks = 40;
  MapReduce job(*connection_, "bag", "squares");
  std::vector<Value> inputs;
  for (int i = 0; i < kTasks; ++i) inputs.emplace_back(i);
  ASSERT_TRUE(job.split(inputs).ok());
  EXPECT_EQ(job.collect(kTasks, 0ms).status().code(), Code::kDeadlineExceeded);
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      MapReduce mine(*connection_, "bag", "squares");
      const auto square = [](const Value& input) { return Value(input.as_int() * input.as_int()); };
      while (mine.work(square, 0ms).ok()) {
      }
    });
  }
  const auto outputs = job.collect(kTasks);
  for (std::thread& worker : workers) worker.join();
  ASSERT_TRUE(outputs.ok()) << outputs.status().to_string();
  ASSERT_EQ(outputs->size(), static_cast<size_t>(kTasks));
  for (int i = 0; i < kTasks; ++i) EXPECT_EQ((*outputs)[i].as_int(), i * i);
  EXPECT_EQ(space("bag").count("(...)")->ready, 0u);
}

TEST_P(Recipes, PhilosophersWhoTakeBothForksAtOnceAllEat) {
  constexpr int kSeats = 5;
  Table table(*connection_, "hall", "round", kSeats);
  ASSERT_TRUE(table.lay().ok());
  ASSERT_TRUE(table.lay().ok());
  EXPECT_EQ(space("hall").count("(...)")->ready, 5u);
  std::atomic<int> meals = 0;
  std::vector<std::thread> philosophers;
  for (int seat = 0; seat < kSeats; ++seat) {
    philosophers.emplace_back([&, seat] {
      Table mine(*connection_, "hall", "round", kSeats);
      for (int meal = 0; meal < 20; ++meal) {
        auto forks = mine.take(seat);
        ASSERT_TRUE(forks.ok());
        ++meals;
        ASSERT_TRUE(forks->put_back().ok());
      }
    });
  }
  for (std::thread& philosopher : philosophers) philosopher.join();
  EXPECT_EQ(meals, kSeats * 20);
  EXPECT_EQ(space("hall").count("(...)")->ready, 5u);
}

}  // namespace
}  // namespace tuplespace::client::recipes
