// The oracle is only worth something if it can fail: histories that are wrong, made by hand.
#include "tests/crash/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tuplespace::crash {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HistoryTest : public ::testing::Test {
 protected:
  TupleId placed(Promise promise, uint64_t sequence) {
    const TupleId id = history_.out_sent(promise);
    history_.out_done(id, sequence);
    return id;
  }
  void taken(TupleId id, uint64_t sequence) {
    history_.take_sent();
    history_.take_done(id, sequence);
  }

  History history_;
};

TEST_F(HistoryTest, AcceptsWhatWasPlacedAndNotTaken) {
  const TupleId stays = placed(Promise::kSync, 1);
  const TupleId goes = placed(Promise::kAsync, 2);
  taken(goes, 3);
  history_.crashed(Crash::kKill);
  EXPECT_THAT(history_.check({stays}), IsEmpty());
  EXPECT_THAT(history_.check({stays}), IsEmpty());
}

TEST_F(HistoryTest, CatchesALostTuple) {
  placed(Promise::kSync, 1);
  EXPECT_THAT(history_.check({}), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, CatchesALostTupleOfAnAsyncSpaceAfterAKill) {
  placed(Promise::kAsync, 1);
  history_.crashed(Crash::kKill);
  EXPECT_THAT(history_.check({}), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, CatchesATupleTakenTwice) {
  const TupleId id = placed(Promise::kSync, 1);
  taken(id, 2);
  history_.crashed(Crash::kKill);
  taken(id, 3);
  EXPECT_THAT(history_.check({}), ElementsAre(HasSubstr("taken 2 times")));
}

TEST_F(HistoryTest, CatchesATupleTakenAgainAfterACheck) {
  const TupleId id = placed(Promise::kSync, 1);
  taken(id, 2);
  EXPECT_THAT(history_.check({}), IsEmpty());
  taken(id, 3);
  EXPECT_THAT(history_.check({}), ElementsAre(HasSubstr("gone already")));
}

TEST_F(HistoryTest, CatchesATakenTupleThatIsBack) {
  const TupleId id = placed(Promise::kSync, 1);
  taken(id, 2);
  history_.crashed(Crash::kPowerCut);
  EXPECT_THAT(history_.check({id}), ElementsAre(HasSubstr("there again")));
}

TEST_F(HistoryTest, CatchesATupleThatNobodyPlaced) {
  EXPECT_THAT(history_.check({77}), ElementsAre(HasSubstr("never placed")));
  const TupleId refused = history_.out_sent(Promise::kSync);
  history_.out_refused(refused);
  EXPECT_THAT(history_.check({refused}), ElementsAre(HasSubstr("never placed")));
}

TEST_F(HistoryTest, AnUnknownOutcomeMayBeEither) {
  const TupleId there = history_.out_sent(Promise::kSync);
  const TupleId gone = history_.out_sent(Promise::kSync);
  history_.out_unknown(there);
  history_.out_unknown(gone);
  const TupleId maybe_taken = placed(Promise::kSync, 3);
  history_.take_sent();
  history_.take_unknown(maybe_taken);
  history_.crashed(Crash::kKill);
  EXPECT_THAT(history_.check({there}), IsEmpty());
  EXPECT_THAT(history_.check({}), ElementsAre(HasSubstr("is lost"))) << "it was there by then";
}

TEST_F(HistoryTest, APowerCutMayTakeTheTailOfAsyncSpaces) {
  const TupleId first = placed(Promise::kAsync, 1);
  const TupleId second = placed(Promise::kAsync, 2);
  taken(first, 3);
  placed(Promise::kAsync, 4);
  history_.crashed(Crash::kPowerCut);
  EXPECT_THAT(history_.check({first, second}), IsEmpty()) << "3 and 4 are lost";
  EXPECT_EQ(history_.figures().tail_lost, 2u);
}

TEST_F(HistoryTest, CatchesAHoleBeforeWhatSurvivedThePowerCut) {
  placed(Promise::kAsync, 1);
  const TupleId second = placed(Promise::kAsync, 2);
  history_.crashed(Crash::kPowerCut);
  EXPECT_THAT(history_.check({second}), ElementsAre(HasSubstr("no tail")));
}

TEST_F(HistoryTest, CatchesAnUndoneTakeBeforeWhatSurvivedThePowerCut) {
  const TupleId first = placed(Promise::kAsync, 1);
  taken(first, 2);
  const TupleId third = placed(Promise::kAsync, 3);
  history_.crashed(Crash::kPowerCut);
  EXPECT_THAT(history_.check({first, third}), ElementsAre(HasSubstr("no tail")));
}

TEST_F(HistoryTest, CatchesAnAsyncLossBeforeASyncAnswer) {
  placed(Promise::kAsync, 1);
  const TupleId synced = placed(Promise::kSync, 2);
  taken(synced, 3);
  history_.crashed(Crash::kPowerCut);
  EXPECT_THAT(history_.check({}), ElementsAre(HasSubstr("no tail")));
}

TEST_F(HistoryTest, CatchesASyncLossAfterAPowerCut) {
  placed(Promise::kSync, 1);
  history_.crashed(Crash::kPowerCut);
  EXPECT_THAT(history_.check({}), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, ATakeThatThePowerCutUndidMayBeDoneAgainButNotTwice) {
  const TupleId id = placed(Promise::kAsync, 1);
  taken(id, 2);
  history_.crashed(Crash::kPowerCut);
  taken(id, 100);
  EXPECT_THAT(history_.check({}), IsEmpty());

  const TupleId other = placed(Promise::kAsync, 101);
  taken(other, 102);
  history_.crashed(Crash::kPowerCut);
  taken(other, 200);
  taken(other, 201);
  EXPECT_THAT(history_.check({}), ElementsAre(HasSubstr("taken 2 times")));
}

TEST_F(HistoryTest, WhatIsPlacedAfterThePowerCutMayNotBeLost) {
  history_.crashed(Crash::kPowerCut);
  placed(Promise::kAsync, 100);
  EXPECT_THAT(history_.check({}), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, CountsWhatWasPendingWhenTheCrashCame) {
  history_.out_sent(Promise::kSync);
  history_.take_sent();
  history_.crashed(Crash::kKill);
  EXPECT_EQ(history_.figures().pending, 2u);
  EXPECT_EQ(history_.figures().sent, 2u);
}

}  // namespace
}  // namespace tuplespace::crash
