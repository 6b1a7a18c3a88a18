// The failure story of each recipe: who has something dies (his session is ended, as its lease
// would end it), the server is killed and started again, a lease is lost.
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

struct RecipesSurvive : Everywhere {
  RecipesSurvive() {
    auto connected = connect(address_);
    EXPECT_TRUE(connected.ok()) << connected.status().to_string();
    other_.emplace(*connected);
  }

  // The other client dies: the server ends its session, as it does when it was not heard of for
  // the time of its lease.
  void other_dies() {
    const Status ended = connection_->end_session(other_->session());
    EXPECT_TRUE(ended.ok()) << ended.to_string();
    // It notices, and goes on in a new one; what it had in the old one it has no more.
    EXPECT_TRUE(other_->space("jobs").rdp("('nothing')").ok());
  }

  std::optional<Connection> other_;
};
TUPLESPACE_ON_SERVERS(RecipesSurvive);

// ---- locks ----

TEST_P(RecipesSurvive, AMutexOfADeadHolderGoesToTheNextWithAGreaterFence) {
  Mutex theirs(*other_, "locks", "printer");
  auto lost = theirs.lock("other");
  ASSERT_TRUE(lost.ok());
  Result<Lock> ours = Status(Code::kInternal, "not yet");
  std::thread waits([&] { ours = Mutex(*connection_, "locks", "printer").lock("me"); });
  until_waiting(*connection_, 1);
  other_dies();
  waits.join();
  ASSERT_TRUE(ours.ok()) << ours.status().to_string();
  EXPECT_GT(ours->fence(), lost->fence());
  EXPECT_FALSE(*lost->held()) << "the holder that was taken for dead is told when he asks";
  EXPECT_EQ(lost->release().code(), Code::kNotFound);
  EXPECT_TRUE(*ours->held());
}

TEST_P(RecipesSurvive, AMutexAndItsLineOutliveTheServer) {
  auto held = Mutex(*other_, "locks", "printer").lock("other");
  ASSERT_TRUE(held.ok());
  Result<Lock> ours = Status(Code::kInternal, "not yet");
  std::thread waits([&] { ours = Mutex(*connection_, "locks", "printer").lock("me"); });
  until_waiting(*connection_, 1);
  server_->restart();
  EXPECT_TRUE(*held->held());
  EXPECT_FALSE(Mutex(*other_, "locks", "printer").try_lock("third")->has_value());
  ASSERT_TRUE(held->release().ok());
  waits.join();
  ASSERT_TRUE(ours.ok());
}

TEST_P(RecipesSurvive, APermitOfADeadHolderIsFree) {
  auto lost = Semaphore(*other_, "locks", "seats", 1).acquire("other");
  ASSERT_TRUE(lost.ok());
  Result<Lock> ours = Status(Code::kInternal, "not yet");
  std::thread waits([&] { ours = Semaphore(*connection_, "locks", "seats", 1).acquire("me"); });
  until_waiting(*connection_, 1);
  other_dies();
  waits.join();
  EXPECT_TRUE(ours.ok());
}

TEST_P(RecipesSurvive, ADeadReaderLetsTheWriterInAndADeadWriterTheReaders) {
  ReadWriteLock theirs(*other_, "locks", "page");
  ReadWriteLock ours(*connection_, "locks", "page");
  auto reading = theirs.read("other");
  ASSERT_TRUE(reading.ok());
  Result<Lock> written = Status(Code::kInternal, "not yet");
  std::thread writer([&] { written = ours.write("me"); });
  until_waiting(*connection_, 1);
  other_dies();
  writer.join();
  ASSERT_TRUE(written.ok());
  ASSERT_TRUE(written->release().ok());

  // He goes on in a new session, writes, and dies again.
  auto writing = theirs.write("other");
  ASSERT_TRUE(writing.ok()) << writing.status().to_string();
  EXPECT_EQ(ours.read("me", 0ms).status().code(), Code::kDeadlineExceeded);
  other_dies();
  EXPECT_TRUE(ours.read("me", 0ms).ok());
}

// ---- waiting for one another ----

TEST_P(RecipesSurvive, WhoArrivedAtALatchHasArrivedAlsoIfHeDies) {
  ASSERT_TRUE(*Latch(*other_, "jobs", "parts", 2).arrive("other"));
  other_dies();
  server_->restart();
  Latch latch(*connection_, "jobs", "parts", 2);
  EXPECT_FALSE(*latch.arrive("other")) << "who does his part again does not count twice";
  EXPECT_TRUE(*latch.arrive("me"));
  EXPECT_TRUE(latch.wait().ok());
}

TEST_P(RecipesSurvive, WhoWaitsAtAGateWaitsOverARestart) {
  Gate gate(space(), "start");
  std::thread waits([&] { EXPECT_TRUE(gate.pass().ok()); });
  until_waiting(*connection_, 1);
  server_->restart();
  ASSERT_TRUE(Gate(other_->space("jobs"), "start").open().ok());
  waits.join();
}

TEST_P(RecipesSurvive, ABarrierWaitsForWhoTakesTheDeadOnesPlaceAndNotForHimToLeave) {
  DoubleBarrier ours(*connection_, "jobs", "phase", 2);
  std::thread dies(
      [&] { EXPECT_TRUE(DoubleBarrier(*other_, "jobs", "phase", 2).enter(0, "other").ok()); });
  until_waiting(*connection_, 1);
  other_dies();
  EXPECT_EQ(space().count("('inside', ...)")->ready, 0u);
  std::thread enters([&] { EXPECT_TRUE(ours.enter(0, "me").ok()); });
  auto third = connect(address_);
  ASSERT_TRUE(third.ok());
  DoubleBarrier replacement(*third, "jobs", "phase", 2);
  EXPECT_TRUE(replacement.enter(0, "third").ok());
  enters.join();
  dies.join();  // the round has begun: he goes on as well, and is not inside

  ASSERT_TRUE(connection_->end_session(third->session()).ok());
  EXPECT_TRUE(ours.leave(0, "me").ok()) << "nobody waits for the dead";
}

// ---- leaders and services ----

TEST_P(RecipesSurvive, ADeadLeaderIsFollowedInALaterTerm) {
  auto lost = Election(*other_, "groups", "writers").campaign("other");
  ASSERT_TRUE(lost.ok());
  Election election(*connection_, "groups", "writers");
  Result<Lock> ours = Status(Code::kInternal, "not yet");
  std::thread waits([&] { ours = election.campaign("me"); });
  until_waiting(*connection_, 1);
  server_->restart();
  EXPECT_EQ(election.leader()->candidate, "other") << "the server's death elects nobody";
  other_dies();
  waits.join();
  ASSERT_TRUE(ours.ok());
  EXPECT_GT(ours->fence(), lost->fence());
  EXPECT_EQ(election.leader()->candidate, "me");
  EXPECT_FALSE(*lost->held());
}

TEST_P(RecipesSurvive, ADeadServiceIsGoneAndMayBeOfferedAgain) {
  Registry theirs(*other_, "services");
  Registry ours(*connection_, "services");
  ASSERT_TRUE(theirs.offer("mail", "one", "10.0.0.1:25").ok());
  server_->restart();
  EXPECT_EQ(ours.find("mail")->instance, "one");
  other_dies();
  EXPECT_TRUE(ours.find_all("mail")->empty());
  EXPECT_TRUE(theirs.offer("mail", "one", "10.0.0.1:25").ok()) << "in a new session";
  EXPECT_EQ(ours.find("mail")->instance, "one");
}

// ---- channels ----

TEST_P(RecipesSurvive, AValueOfADeadSenderThatNobodyReceivedIsWithdrawn) {
  std::thread sends([&] { EXPECT_FALSE(Rendezvous(other_->space("jobs"), "c").send(1).ok()); });
  ASSERT_TRUE(space().rd("('sent', 'c', ?)").ok());
  other_dies();
  sends.join();
  EXPECT_EQ(Rendezvous(space(), "c").receive(0ms).status().code(), Code::kDeadlineExceeded);
}

TEST_P(RecipesSurvive, ARendezvousWaitsThroughADeadReceiverAndADeadServer) {
  Rendezvous channel(space(), "c");
  std::thread sends([&] { EXPECT_TRUE(channel.send(7).ok()); });
  ASSERT_TRUE(other_->space("jobs").in("('sent', 'c', ?)", {.confirm = Confirm::kManual}).ok());
  // That match is gone without a word, and so is its holder.
  other_dies();
  server_->restart();
  EXPECT_EQ(channel.receive()->as_int(), 7);
  sends.join();
}

TEST_P(RecipesSurvive, ABufferIsThereAfterARestartWithThoseWhoWaitForRoom) {
  Buffer channel(space(), "c", 1);
  ASSERT_TRUE(channel.send(1).ok());
  std::thread sends([&] { EXPECT_TRUE(channel.send(2).ok()); });
  until_waiting(*connection_, 1);
  server_->restart();
  Buffer theirs(other_->space("jobs"), "c", 1);
  EXPECT_EQ(theirs.receive()->as_int(), 1);
  EXPECT_EQ(theirs.receive()->as_int(), 2);
  sends.join();
}

// ---- work ----

TEST_P(RecipesSurvive, AJobOfADeadWorkerIsDoneByAnotherAndItsResultIsThereOnce) {
  WorkQueue theirs(*other_, "work", "mails", 1h);
  WorkQueue ours(*connection_, "work", "mails", 1h);
  ASSERT_TRUE(ours.put(7).ok());
  auto lost = theirs.take();
  ASSERT_TRUE(lost.ok());
  other_dies();
  auto job = ours.take();
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(job->attempt(), 1u);
  EXPECT_GT(job->fence(), lost->fence());
  const Tuple result = Tuple::of({Value("square"), Value(49)}).value();
  EXPECT_EQ(lost->done({{"results", result}}).code(), Code::kFailedPrecondition);
  ASSERT_TRUE(job->done({{"results", result}}).ok());
  EXPECT_EQ(space("results").count("(...)")->ready, 1u);
}

TEST_P(RecipesSurvive, AJobThatIsHeldTooLongIsLostAndTheWorkerToldSo) {
  WorkQueue queue(*connection_, "work", "mails", 1ms);
  ASSERT_TRUE(queue.put(7).ok());
  auto slow = queue.take();
  ASSERT_TRUE(slow.ok());
  auto again = WorkQueue(*connection_, "work", "mails", 1h).take();  // when the lease has ended
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->attempt(), 1u);
  EXPECT_EQ(slow->done().code(), Code::kFailedPrecondition);
  EXPECT_EQ(slow->renew(1h).status().code(), Code::kNotFound);
}

TEST_P(RecipesSurvive, AJobThatKillsItsWorkersBecomesADeadLetter) {
  ASSERT_TRUE(connection_->create("work", {.deliveries_max = 2}).ok());
  WorkQueue theirs(*other_, "work", "mails", 1h);
  ASSERT_TRUE(theirs.put("poison").ok());
  for (int death = 0; death < 2; ++death) {
    ASSERT_TRUE(theirs.take().ok());
    other_dies();
  }
  EXPECT_EQ(WorkQueue(*connection_, "work", "mails").take(0ms).status().code(),
            Code::kDeadlineExceeded);
  EXPECT_EQ((*space("work.dead").rd("('dead', ...)"))[1].as_string(), "work");
}

TEST_P(RecipesSurvive, HoldsDelaysAndResultsOutliveTheServer) {
  WorkQueue queue(*connection_, "work", "mails", 1h);
  ASSERT_TRUE(queue.put("now").ok());
  ASSERT_TRUE(queue.put("tomorrow", {.delay = 24h}).ok());
  auto job = queue.take();
  ASSERT_TRUE(job.ok());
  server_->restart();
  EXPECT_EQ(queue.count()->held, 1u);
  EXPECT_EQ(queue.count()->delayed, 1u);
  EXPECT_TRUE(job->done({{"results", Tuple::of({Value("sent")}).value()}}).ok());
  server_->restart();
  EXPECT_EQ(space("results").count("(...)")->ready, 1u);
  EXPECT_EQ(queue.count()->held, 0u);
}

TEST_P(RecipesSurvive, ManyJobsAreEachDoneOnceWhileTheServerIsKilled) {
  constexpr int kJobs = 200;
  WorkQueue queue(*connection_, "work", "mails", 1h);
  for (int i = 0; i < kJobs; ++i) ASSERT_TRUE(queue.put(i).ok());
  std::vector<std::thread> workers;
  std::atomic<int> done = 0;
  for (Connection* const connection : {&*connection_, &*other_}) {
    workers.emplace_back([&, connection] {
      WorkQueue mine(*connection, "work", "mails", 1h);
      while (true) {
        auto job = mine.take(0ms);
        if (!job.ok()) break;
        const Tuple result = Tuple::of({Value("did"), job->payload()}).value();
        ASSERT_TRUE(job->done({{"results", result}}).ok());
        ++done;
      }
    });
  }
  for (int kill = 0; kill < 4; ++kill) {
    while (done < (kill + 1) * kJobs / 6) std::this_thread::yield();
    server_->restart();
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(done, kJobs);
  EXPECT_EQ(space("results").count("(...)")->ready, static_cast<uint64_t>(kJobs));
  for (int i = 0; i < kJobs; ++i) {
    EXPECT_EQ(space("results").count("('did', " + std::to_string(i) + ")")->ready, 1u) << i;
  }
}

TEST_P(RecipesSurvive, WhatARateLimiterLetPassIsUsedAlsoOverARestart) {
  ASSERT_TRUE(RateLimiter(*other_, "limits", "mails", 1, 24h).pass("other").ok());
  other_dies();
  server_->restart();
  EXPECT_EQ(RateLimiter(*connection_, "limits", "mails", 1, 24h).pass("me", 0ms).code(),
            Code::kDeadlineExceeded);
}

TEST_P(RecipesSurvive, ATaskOfADeadWorkerIsBackInTheBag) {
  MapReduce ours(*connection_, "bag", "squares", 1h);
  ASSERT_TRUE(ours.split({Value(3), Value(4)}).ok());
  const auto dies = [&](const Value& input) {
    other_dies();
    return input;
  };
  EXPECT_EQ(MapReduce(*other_, "bag", "squares", 1h).work(dies).code(), Code::kFailedPrecondition);
  server_->restart();
  const auto square = [](const Value& input) { return Value(input.as_int() * input.as_int()); };
  ASSERT_TRUE(ours.work(square).ok());
  ASSERT_TRUE(ours.work(square).ok());
  const auto outputs = ours.collect(2);
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ((*outputs)[0].as_int(), 9);
  EXPECT_EQ((*outputs)[1].as_int(), 16);
}

TEST_P(RecipesSurvive, TheForksOfADeadPhilosopherAreBackOnTheTable) {
  Table theirs(*other_, "hall", "round", 3, 1h);
  Table ours(*connection_, "hall", "round", 3, 1h);
  ASSERT_TRUE(ours.lay().ok());
  auto lost = theirs.take(0);
  ASSERT_TRUE(lost.ok());
  Result<Table::Forks> forks = Status(Code::kInternal, "not yet");
  std::thread waits([&] { forks = ours.take(1); });
  until_waiting(*connection_, 1);
  server_->restart();
  EXPECT_EQ(ours.take(2, 0ms).status().code(), Code::kDeadlineExceeded) << "held over the restart";
  other_dies();
  waits.join();
  ASSERT_TRUE(forks.ok());
  EXPECT_EQ(lost->put_back().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(forks->put_back().ok());
}

}  // namespace
}  // namespace tuplespace::client::recipes
