// Transactions through the client; the same for every kind of address.
#include <gtest/gtest.h>

#include "tests/integration/client/everywhere.h"

namespace tuplespace::client {
namespace {

using namespace std::chrono_literals;

struct Transactions : Everywhere {
  Transaction begin(milliseconds lease = 1h) {
    auto begun = connection_->begin("jobs", lease);
    EXPECT_TRUE(begun.ok()) << begun.status().to_string();
    return begun.ok() ? *begun : connection_->transaction(1);
  }
};
TUPLESPACE_EVERYWHERE(Transactions);

TEST_P(Transactions, AreSeenWhenTheyCommit) {
  ASSERT_TRUE(space().out("('account', 1, 100)").ok());
  Transaction moves = begin();
  Space inside = moves.space("jobs");
  EXPECT_EQ((*inside.in("('account', 1, ?)"))[2].as_int(), 100);
  ASSERT_TRUE(inside.out("('account', 1, 70)").ok());
  ASSERT_TRUE(inside.out_async("('account', 2, 30)").get().ok());
  EXPECT_TRUE(inside.rdp("('account', 2, ?)")->has_value());
  EXPECT_FALSE(space().rdp("('account', ?, ?)")->has_value());
  EXPECT_EQ(space().rdp("('account', ?, ?)")->held, 1u);

  ASSERT_TRUE(moves.commit().ok());
  EXPECT_EQ(space().count("('account', ?, ?)")->ready, 2u);
  EXPECT_EQ(moves.commit().code(), Code::kAborted);
}

TEST_P(Transactions, ThatAreAbortedHaveNotHappened) {
  ASSERT_TRUE(space().out("('job', 1)").ok());
  Transaction ends = begin();
  ASSERT_TRUE(ends.space("jobs").in("('job', ?)").ok());
  ASSERT_TRUE(ends.space("jobs").out("('job', 2)").ok());
  ASSERT_TRUE(ends.abort().ok());
  const auto match = space().rdp("('job', ?)");
  ASSERT_TRUE(match->has_value());
  EXPECT_EQ((**match)[1].as_int(), 1);
  EXPECT_EQ((*match)->attempt(), 0u);
  EXPECT_EQ(ends.space("jobs").out("('job', 3)").status().code(), Code::kAborted);
}

TEST_P(Transactions, KeepWhatTheyReadFromThoseWhoTake) {
  ASSERT_TRUE(space().out("('rate', 3)").ok());
  Transaction reads = begin();
  ASSERT_TRUE(reads.space("jobs").rd("('rate', ?)").ok());
  EXPECT_TRUE(space().rdp("('rate', ?)")->has_value());
  EXPECT_FALSE(space().inp("('rate', ?)")->has_value());
  Call<Match> takes = space().in_async("('rate', ?)");
  until_waiting(*connection_, 1);
  ASSERT_TRUE(reads.commit().ok());
  EXPECT_TRUE(takes.get().ok());
}

TEST_P(Transactions, AreAbortedIfAProbeWouldFindSomethingNow) {
  Transaction first = begin();
  EXPECT_FALSE(first.space("jobs").rdp("('unique')")->has_value());
  ASSERT_TRUE(first.space("jobs").out("('unique')").ok());
  ASSERT_TRUE(space().out("('unique')").ok());
  EXPECT_EQ(first.commit().code(), Code::kAborted);
  EXPECT_EQ(space().count("('unique')")->ready, 1u);
}

TEST_P(Transactions, HaveALease) {
  Transaction renewed = begin(10min);
  EXPECT_EQ(renewed.lease(), 10min);
  EXPECT_EQ(*renewed.renew(30min), 30min);
  Transaction short_one = begin(1ms);
  (void)short_one.space("jobs").out("('never')");  // it may be too late
  // A wait under it ends when it does.
  EXPECT_EQ(short_one.space("jobs").in("('nothing')").status().code(), Code::kAborted);
  EXPECT_EQ(short_one.commit().code(), Code::kAborted);
  EXPECT_FALSE(space().rdp("('never')")->has_value());
}

using TransactionsOnServers = Transactions;
TUPLESPACE_ON_SERVERS(TransactionsOnServers);

TEST_P(TransactionsOnServers, AreAbortedByARestart) {
  ASSERT_TRUE(space().out("('job', 1)").ok());
  Transaction open = begin();
  ASSERT_TRUE(open.space("jobs").in("('job', ?)").ok());
  server_->restart();
  EXPECT_EQ(open.commit().code(), Code::kAborted);
  EXPECT_TRUE(space().rdp("('job', 1)")->has_value());
}

TEST_P(TransactionsOnServers, ThatHaveCommittedAreThereAfterARestart) {
  for (int i = 0; i < 20; ++i) {
    Transaction moves = begin();
    ASSERT_TRUE(moves.space("jobs").out("('in', " + std::to_string(i) + ")").ok());
    ASSERT_TRUE(moves.space("jobs").out("('and', " + std::to_string(i) + ")").ok());
    if (i % 5 == 0) {
      Call<Placed> side = space().out_async("('aside')");
      ASSERT_TRUE(moves.commit().ok());
      server_->restart();
      ASSERT_TRUE(side.get().ok());
    } else {
      ASSERT_TRUE(moves.commit().ok());
    }
  }
  EXPECT_EQ(space().count("('in', ?)")->ready, 20u);
  EXPECT_EQ(space().count("('and', ?)")->ready, 20u);
}

}  // namespace
}  // namespace tuplespace::client
