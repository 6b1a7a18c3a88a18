// Watches: the same for every kind of address, and over restarts of the server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/client/everywhere.h"
#include "tests/integration/client/proxy.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::client {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// The next `count` events in words: "out (1)".
std::vector<std::string> told(Watch& watch, size_t count) {
  std::vector<std::string> words;
  while (words.size() < count) {
    const auto event = watch.next();
    EXPECT_TRUE(event.ok()) << event.status().to_string();
    if (!event.ok()) break;
    const bool plain = event->kind < EventKind::kGap;
    words.push_back(event_name(event->kind) +
                    (plain ? " " + to_text(event->match.tuple()) : std::string()));
  }
  return words;
}

using Watches = Everywhere;
TUPLESPACE_EVERYWHERE(Watches);

TEST_P(Watches, TellWhatHappensInOrder) {
  auto watch = space().watch("(?int)");
  ASSERT_TRUE(watch.ok()) << watch.status().to_string();
  ASSERT_TRUE(space().out("(1)").ok());
  ASSERT_TRUE(space().out("('other')").ok());
  ASSERT_TRUE(space().in("(1)", {.hold = 30s})->back().ok());
  ASSERT_TRUE(space().out("(2)", {.pulse = true}).ok());
  EXPECT_THAT(told(*watch, 4), ElementsAre("out (1)", "in (1)", "return (1)", "pulse (2)"));
  EXPECT_EQ(watch->next(0ms).status().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(watch->next(1ms).status().code(), Code::kDeadlineExceeded);
}

TEST_P(Watches, BeginWithASnapshot) {
  ASSERT_TRUE(space().out_many({"(1)", "(2)"}).ok());
  auto watch = space().watch("(?int)", {.snapshot = true});
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE(space().out("(3)").ok());
  EXPECT_THAT(told(*watch, 4), ElementsAre("out (1)", "out (2)", "snapshot_end", "out (3)"));
}

TEST_P(Watches, TellOnlyTheKindsThatAreWanted) {
  auto watch = space().watch("(?int)", {.kinds = {EventKind::kIn, EventKind::kExpire}});
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE(space().out("(1)", {.ttl = 1h}).ok());
  ASSERT_TRUE(space().out("(2)").ok());
  ASSERT_TRUE(space().in("(2)").ok());
  ASSERT_TRUE(space().cancel(Lease::tuple(space().rd("(1)")->id())).ok());
  EXPECT_THAT(told(*watch, 2), ElementsAre("in (2)", "expire (1)"));
}

TEST_P(Watches, ResumeAfterANumber) {
  ASSERT_TRUE(connection_->create("jobs", {.history = 100}).ok());
  auto first = space().watch("(?int)");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(space().out("(1)").ok());
  EXPECT_THAT(told(*first, 1), ElementsAre("out (1)"));
  const uint64_t seen = first->sequence();
  EXPECT_EQ(seen, space().rd("(1)")->id());
  first->cancel();
  EXPECT_EQ(first->next().status().code(), Code::kCancelled);
  ASSERT_TRUE(space().out("(2)").ok());

  auto second = space().watch("(?int)", {.after = seen});
  ASSERT_TRUE(second.ok());
  EXPECT_THAT(told(*second, 1), ElementsAre("out (2)"));
}

TEST_P(Watches, AreCancelledWhileSomebodyWaits) {
  auto watch = space().watch("(?int)");
  ASSERT_TRUE(watch.ok());
  std::thread cancels([&] { watch->cancel(); });
  EXPECT_EQ(watch->next().status().code(), Code::kCancelled);
  cancels.join();
}

TEST_P(Watches, EndWithTheirSpace) {
  ASSERT_TRUE(space().out("(1)").ok());
  auto watch = space().watch("(?int)");
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE(connection_->drop("jobs").ok());
  Status end;
  while (end.ok()) end = watch->next().status();
  EXPECT_EQ(end.code(), Code::kAborted) << end.to_string();
  EXPECT_EQ(space("a space").watch("(1)").status().code(), Code::kInvalidArgument);
}

TEST(WatchSurvival, OfAKilledServerMissesNothingWhereThereIsAHistory) {
  ServerProcess server;
  auto connection = connect(server.address());
  ASSERT_TRUE(connection.ok());
  ASSERT_TRUE(connection->create("jobs", {.history = 1'000}).ok());
  Space jobs = connection->space("jobs");
  auto watch = jobs.watch("(?int)");
  ASSERT_TRUE(watch.ok());
  std::vector<std::string> expected;
  for (int i = 0; i < 10; ++i) {
    const std::string tuple = "(" + std::to_string(i) + ")";
    ASSERT_TRUE(jobs.out(tuple).ok());
    expected.push_back("out " + tuple);
    if (i % 3 == 1) server.restart();
  }
  EXPECT_EQ(told(*watch, 10), expected);
}

TEST(WatchSurvival, WithoutAHistorySaysThatThereIsAGapAndShowsWhatIsThere) {
  ServerProcess server;
  auto connection = connect(server.address());
  ASSERT_TRUE(connection.ok());
  Space jobs = connection->space("jobs");
  auto watch = jobs.watch("(?int)", {.snapshot = true});
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE(jobs.out("(1)").ok());
  EXPECT_THAT(told(*watch, 2), ElementsAre("snapshot_end", "out (1)"));
  server.restart();
  EXPECT_THAT(told(*watch, 3), ElementsAre("gap", "out (1)", "snapshot_end"));
  ASSERT_TRUE(jobs.out("(2)").ok());
  EXPECT_THAT(told(*watch, 1), ElementsAre("out (2)"));
}

TEST(WatchSurvival, OfACutConnectionGoesOnWhereItWas) {
  ServerProcess server;
  Proxy proxy(server.address());
  auto direct = connect(server.address());
  auto connection = connect(proxy.address());
  ASSERT_TRUE(direct.ok() && connection.ok());
  ASSERT_TRUE(direct->create("jobs", {.history = 1'000}).ok());
  auto watch = connection->space("jobs").watch("(?int)");
  ASSERT_TRUE(watch.ok());
  for (int i = 0; i < 5; ++i) {
    const std::string tuple = "(" + std::to_string(i) + ")";
    ASSERT_TRUE(direct->space("jobs").out(tuple).ok());
    if (i % 2 == 0) proxy.cut();
    EXPECT_THAT(told(*watch, 1), ElementsAre("out " + tuple));
  }
}

TEST(WatchSurvival, EndsWhenPatienceDoes) {
  ServerProcess server;
  auto connection = connect(server.address(), {.patience = 50ms});
  ASSERT_TRUE(connection.ok());
  auto watch = connection->space("jobs").watch("(?int)");
  ASSERT_TRUE(watch.ok());
  server.kill();
  EXPECT_EQ(watch->next().status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace tuplespace::client
