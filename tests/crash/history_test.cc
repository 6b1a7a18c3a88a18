// The oracle is only worth something if it can fail: histories that are wrong, made by hand.
#include "tests/crash/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tuplespace::crash {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The n-th number of a life.
constexpr uint64_t at(uint64_t life, uint64_t n) { return life * kNumbersOfALife + n; }

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
  void missed(TupleId id, uint64_t sequence) {
    history_.take_sent();
    history_.take_found_nothing(id, sequence);
  }
  std::vector<std::string> check(const std::set<TupleId>& present, uint64_t now) {
    return history_.check(present, {now, now});
  }
  std::vector<std::string> killed(const std::set<TupleId>& present, uint64_t life = 1) {
    history_.crashed(Crash::kKill);
    return check(present, at(life, 1000));
  }
  std::vector<std::string> cut(const std::set<TupleId>& present, uint64_t life = 1) {
    history_.crashed(Crash::kPowerCut);
    return check(present, at(life, 1000));
  }

  History history_;
};

TEST_F(HistoryTest, AcceptsWhatWasPlacedAndNotTaken) {
  const TupleId stays = placed(Promise::kSync, 1);
  const TupleId goes = placed(Promise::kAsync, 2);
  taken(goes, 3);
  EXPECT_THAT(killed({stays}), IsEmpty());
  EXPECT_THAT(killed({stays}, 2), IsEmpty());
}

TEST_F(HistoryTest, CatchesALostTuple) {
  placed(Promise::kSync, 1);
  EXPECT_THAT(check({}, 2), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, CatchesALostTupleOfAnAsyncSpaceAfterAKill) {
  placed(Promise::kAsync, 1);
  EXPECT_THAT(killed({}), ElementsAre(HasSubstr("is lost")));
  EXPECT_EQ(history_.figures().lost, 1u);
}

TEST_F(HistoryTest, CatchesATupleTakenTwice) {
  const TupleId id = placed(Promise::kSync, 1);
  taken(id, 2);
  taken(id, at(1, 3));
  EXPECT_THAT(killed({}), ElementsAre(HasSubstr("taken again")));
}

TEST_F(HistoryTest, CatchesATupleTakenTwiceInOneLifeAlsoIfItsPowerWasCut) {
  const TupleId id = placed(Promise::kAsync, 1);
  taken(id, 2);
  taken(id, 3);
  EXPECT_THAT(cut({}), ElementsAre(HasSubstr("taken again")));
}

TEST_F(HistoryTest, CatchesATupleTakenAgainAfterACheck) {
  const TupleId id = placed(Promise::kSync, 1);
  taken(id, 2);
  EXPECT_THAT(check({}, 3), IsEmpty());
  taken(id, 4);
  EXPECT_THAT(check({}, 5), ElementsAre(HasSubstr("gone already")));
}

TEST_F(HistoryTest, CatchesATakenTupleThatIsBack) {
  const TupleId id = placed(Promise::kSync, 1);
  taken(id, 2);
  EXPECT_THAT(cut({id}), ElementsAre(HasSubstr("there again")));
}

TEST_F(HistoryTest, CatchesATupleTakenBeforeItWasPlaced) {
  const TupleId id = placed(Promise::kAsync, 2);
  taken(id, 1);
  EXPECT_THAT(cut({id}), ElementsAre(HasSubstr("placed again")));
}

TEST_F(HistoryTest, CatchesATupleThatNobodyPlaced) {
  EXPECT_THAT(check({77}, 1), ElementsAre(HasSubstr("never placed")));
  const TupleId refused = history_.out_sent(Promise::kSync);
  history_.out_refused(refused);
  EXPECT_THAT(check({refused}, 2), ElementsAre(HasSubstr("never placed")));
}

TEST_F(HistoryTest, CatchesAProbeThatMissedATupleThatIsThere) {
  const TupleId id = placed(Promise::kSync, 1);
  missed(id, 2);
  EXPECT_THAT(check({id}, 3), ElementsAre(HasSubstr("told that it is not")));
}

TEST_F(HistoryTest, CatchesAProbeThatMissedATupleBeforeThePowerCutTookIt) {
  missed(placed(Promise::kAsync, 1), 2);
  missed(placed(Promise::kAsync, 3), at(1, 1));  // lost with the tail: that is allowed
  EXPECT_THAT(cut({}), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, SaysWhatClientsFoundWrong) {
  history_.wrong("told so");
  EXPECT_THAT(check({}, 1), ElementsAre("told so"));
  EXPECT_THAT(check({}, 2), IsEmpty());
}

TEST_F(HistoryTest, AnUnknownOutcomeMayBeEither) {
  const TupleId there = history_.out_sent(Promise::kSync);
  const TupleId gone = history_.out_sent(Promise::kSync);
  history_.out_unknown(there);
  history_.out_unknown(gone);
  const TupleId maybe_taken = placed(Promise::kSync, 3);
  history_.take_sent();
  history_.take_unknown(maybe_taken);
  EXPECT_THAT(killed({there}), IsEmpty());
  EXPECT_THAT(killed({}, 2), ElementsAre(HasSubstr("is lost"))) << "it was there by then";
}

TEST_F(HistoryTest, APowerCutMayTakeTheTailOfAsyncSpaces) {
  const TupleId first = placed(Promise::kAsync, 1);
  const TupleId second = placed(Promise::kAsync, 2);
  taken(first, 3);
  placed(Promise::kAsync, 4);
  EXPECT_THAT(cut({first, second}), IsEmpty()) << "3 and 4 are lost";
  EXPECT_EQ(history_.figures().tail_lost, 2u);
  EXPECT_EQ(history_.figures().lost, 0u);
}

TEST_F(HistoryTest, CatchesAHoleBeforeWhatSurvivedThePowerCut) {
  placed(Promise::kAsync, 1);
  const TupleId second = placed(Promise::kAsync, 2);
  EXPECT_THAT(cut({second}), ElementsAre(HasSubstr("no tail")));
}

TEST_F(HistoryTest, CatchesAHoleBeforeWhatWasTakenAfterThePowerCut) {
  placed(Promise::kAsync, 1);
  taken(placed(Promise::kAsync, 2), at(1, 1));
  EXPECT_THAT(cut({}), ElementsAre(HasSubstr("no tail")));
}

TEST_F(HistoryTest, CatchesAnUndoneTakeBeforeWhatSurvivedThePowerCut) {
  const TupleId first = placed(Promise::kAsync, 1);
  taken(first, 2);
  const TupleId third = placed(Promise::kAsync, 3);
  EXPECT_THAT(cut({first, third}), ElementsAre(HasSubstr("no tail")));
}

// Promise 5: a sync answer implies that everything durable answered before it is synced.
TEST_F(HistoryTest, CatchesAnAsyncLossBeforeASyncAnswer) {
  placed(Promise::kAsync, 1);
  const TupleId synced = placed(Promise::kSync, 2);
  taken(synced, 3);
  EXPECT_THAT(cut({}), ElementsAre(HasSubstr("no tail")));
}

TEST_F(HistoryTest, CatchesALossOfWhatACheckRestedOn) {
  const TupleId id = placed(Promise::kAsync, 1);
  EXPECT_THAT(check({id}, 2), IsEmpty());
  EXPECT_THAT(cut({}), ElementsAre(HasSubstr("no tail")));
}

TEST_F(HistoryTest, CatchesASyncLossAfterAPowerCut) {
  placed(Promise::kSync, 1);
  EXPECT_THAT(cut({}), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, ATakeThatThePowerCutUndidMayBeDoneAgainButNotTwice) {
  const TupleId id = placed(Promise::kAsync, 1);
  taken(id, 2);
  taken(id, at(1, 1));
  EXPECT_THAT(cut({}), IsEmpty());

  const TupleId other = placed(Promise::kAsync, at(1, 2000));
  taken(other, at(1, 2001));
  taken(other, at(2, 1));
  taken(other, at(2, 2));
  EXPECT_THAT(cut({}, 2), ElementsAre(HasSubstr("taken again")));
}

TEST_F(HistoryTest, EveryLifeLosesATailOfItsOwn) {
  const TupleId id = placed(Promise::kAsync, at(0, 5));
  taken(id, at(0, 6));
  placed(Promise::kAsync, at(1, 1));
  taken(id, at(1, 2));
  history_.crashed(Crash::kPowerCut);
  EXPECT_THAT(cut({id}, 2), IsEmpty()) << "6 of life 0 and all of life 1 are lost";
  EXPECT_EQ(history_.figures().tail_lost, 3u);
}

TEST_F(HistoryTest, CatchesALossOfWhatALaterLifeHasShown) {
  const TupleId id = placed(Promise::kAsync, at(0, 5));
  taken(placed(Promise::kAsync, at(0, 7)), at(1, 1));
  history_.crashed(Crash::kPowerCut);
  EXPECT_THAT(cut({}, 2), ElementsAre(HasSubstr("no tail"))) << "7 survived, so did " << id;
}

TEST_F(HistoryTest, AnOutThatIsLostWithItsTakerBeforeItsAnswerMayBeSentAgain) {
  const TupleId id = history_.out_sent(Promise::kAsync);
  taken(id, at(0, 6));
  history_.out_done(id, at(1, 1));
  EXPECT_THAT(cut({id}), IsEmpty());

  const TupleId gone = history_.out_sent(Promise::kAsync);
  taken(gone, at(1, 2000));
  history_.out_done(gone, at(2, 1));
  EXPECT_THAT(cut({id}, 2), ElementsAre(HasSubstr("is lost"))) << "who took it took the lost one";
}

TEST(HistoryOfTwoShards, EachHasATailOfItsOwn) {
  History history(1);
  const TupleId first = history.out_sent(Promise::kSync);
  history.out_done(first, at(0, 9));
  const TupleId second = history.out_sent(Promise::kAsync);
  history.out_done(second, at(0, 5));
  history.crashed(Crash::kPowerCut);
  EXPECT_THAT(history.check({first}, {at(1, 1), at(2, 1)}), IsEmpty());
  EXPECT_EQ(history.figures().tail_lost, 1u);

  const TupleId third = history.out_sent(Promise::kAsync);
  history.out_done(third, at(2, 5));
  const TupleId fourth = history.out_sent(Promise::kAsync);
  history.out_done(fourth, at(2, 6));
  history.crashed(Crash::kPowerCut);
  EXPECT_THAT(history.check({first, fourth}, {at(2, 1), at(3, 1)}),
              ElementsAre(HasSubstr("no tail")));
}

TEST_F(HistoryTest, WhatIsPlacedAfterThePowerCutMayNotBeLost) {
  placed(Promise::kAsync, at(1, 1));
  EXPECT_THAT(cut({}), ElementsAre(HasSubstr("is lost")));
}

TEST_F(HistoryTest, SaysWhenLivesCanNoLongerBeToldApart) {
  EXPECT_THAT(history_.check({}, {kNumbersOfALife - 1, 1}), ElementsAre(HasSubstr("too late")));
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
