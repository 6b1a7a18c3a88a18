// Transactions: who sees what meanwhile, and what a none is. How they end: transaction_end_test.cc.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

constexpr Duration kSecond = 1'000;

class Transactions : public testing::Test {
 protected:
  static constexpr const char* kAny = "(...)";
  std::string rdp() { return rig.said(rig.rdp("s", kAny)); }
  std::string inp() { return rig.said(rig.inp("s", kAny)); }
  uint64_t held_by(Ask probe) { return std::get<TakeAnswer>(rig.answer(probe)->what).held; }

  Rig rig;
};

// ---- what it puts ----

TEST_F(Transactions, WhatIsPutIsSeenByItAloneUntilItCommits) {
  const TransactionId x = rig.begin();
  const Ask waits = rig.rd("s", "('a')");
  rig.out_under(x, "s", "('a')");

  EXPECT_EQ(rdp(), "NONE");
  EXPECT_EQ(rig.said(waits), "");
  EXPECT_EQ(rig.count("s").ready, 0u);
  EXPECT_EQ(rig.said(rig.rdp_under(x, "s", kAny)), "(\"a\")");

  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
  EXPECT_EQ(rig.said(waits), "(\"a\")");
  EXPECT_EQ(rdp(), "(\"a\")");
}

TEST_F(Transactions, WhatItPutsAndTakesWasNeverThere) {
  rig.out("s", "('first')");
  const Ask watches = rig.watch("s", "(...)");
  const TransactionId x = rig.begin();
  rig.out_under(x, "s", "('a')");
  EXPECT_EQ(rig.said(rig.in_under(x, "s", "('a')")), "(\"a\")");
  EXPECT_EQ(rig.said(rig.inp_under(x, "s", "('a')")), "NONE");
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");

  EXPECT_EQ(rig.said(rig.rdp("s", "('a')")), "NONE");
  EXPECT_EQ(rig.told(watches), "");
  EXPECT_EQ(rig.host.shard().figures().ready, 1u);
}

TEST_F(Transactions, AnAbortForgetsWhatItPut) {
  const TransactionId x = rig.begin();
  rig.out_under(x, "s", "('a')");
  EXPECT_EQ(rig.said(rig.abort(x)), "OK");
  EXPECT_EQ(rdp(), "NONE");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");
}

TEST_F(Transactions, ItsOwnTuplesStandInTheOrderAmongTheOthers) {
  rig.out("s", "(3)");
  const TransactionId x = rig.begin();
  rig.out_under(x, "s", "(1)");
  rig.out("s", "(2)");
  const auto chosen = [&](Order order) {
    return rig.said(rig.take_under(x, false, "s", "(?int)", {.wait = 0, .order = order}));
  };
  EXPECT_EQ(chosen(Order::kOldest), "(3)");
  EXPECT_EQ(chosen(Order::kNewest), "(2)");
  EXPECT_EQ(chosen(Order::kLeast), "(1)");
  EXPECT_EQ(chosen(Order::kGreatest), "(3)");
  EXPECT_EQ(rig.said(rig.take_under(x, true, "s", "(?int)", {.max = 5})), "(3) (1) (2)");
}

TEST_F(Transactions, AWaitOfItsOwnIsServedByWhatItPuts) {
  const TransactionId x = rig.begin();
  const Ask reads = rig.rd_under(x, "s", "('a')");
  const Ask takes = rig.in_under(x, "s", "('a')");
  EXPECT_EQ(rig.said(takes), "");
  rig.out_under(x, "s", "('a')");
  EXPECT_EQ(rig.said(reads), "(\"a\")");
  EXPECT_EQ(rig.said(takes), "(\"a\")");
}

TEST_F(Transactions, WhatEndsMeanwhileIsNotThereAtCommit) {
  const TransactionId x = rig.begin();
  rig.out_under(x, "s", "('short')", {.ttl = kSecond});
  rig.out_under(x, "s", "('late')", {.delay = 5 * kSecond});
  EXPECT_EQ(rig.said(rig.rdp_under(x, "s", "('late')")), "NONE");
  rig.advance(2 * kSecond);
  EXPECT_EQ(rig.said(rig.rdp_under(x, "s", "('short')")), "NONE");
  const TransactionId y = rig.begin();
  rig.out_under(y, "s", "('later')", {.delay = 5 * kSecond});
  EXPECT_EQ(rig.said(rig.commit(y)), "OK");
  EXPECT_EQ(rig.count("s").delayed, 1u);
  rig.advance(5 * kSecond);
  EXPECT_EQ(rdp(), "(\"later\")");
}

// ---- what it reads and takes ----

TEST_F(Transactions, WhatIsReadMayBeReadButNotTakenByOthers) {
  rig.out("s", "('a')");
  const TransactionId x = rig.begin();
  const TransactionId y = rig.begin();
  EXPECT_EQ(rig.said(rig.rd_under(x, "s", kAny)), "(\"a\")");
  EXPECT_EQ(rig.said(rig.rd_under(y, "s", kAny)), "(\"a\")");
  EXPECT_EQ(rdp(), "(\"a\")");
  const Ask late = rig.take_under(y, true, "s", kAny, {.wait = kSecond});
  const Ask outside = rig.take(true, "s", kAny, {.wait = kSecond});
  EXPECT_EQ(held_by(rig.inp("s", kAny)), 1u);
  rig.advance(kSecond);
  EXPECT_EQ(rig.said(late), "TIMEOUT");
  EXPECT_EQ(rig.said(outside), "TIMEOUT");

  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
  EXPECT_EQ(rig.said(rig.commit(y)), "OK");
  EXPECT_EQ(inp(), "(\"a\")");
}

TEST_F(Transactions, WhatIsTakenIsSeenByNobodyAndBackAtItsPlaceWhenItAborts) {
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  const TransactionId x = rig.begin();
  EXPECT_EQ(rig.said(rig.in_under(x, "s", "(?)")), "(1)");
  const Ask probe = rig.rdp("s", "(1)");
  EXPECT_EQ(rig.said(probe), "NONE");
  EXPECT_EQ(held_by(probe), 1u);
  EXPECT_EQ(rig.count("s").held, 1u);
  rig.abort(x);
  EXPECT_EQ(rig.said(rig.inp("s", "(?)")), "(1)");  // without "attempt 1": nobody had it
}

TEST_F(Transactions, WhatIsTakenIsGoneAfterACommit) {
  rig.out("s", "(1)");
  const TransactionId x = rig.begin();
  rig.in_under(x, "s", "(?)");
  EXPECT_EQ(rig.said(rig.rdp_under(x, "s", "(?)")), "NONE");
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
  EXPECT_EQ(rdp(), "NONE");
  EXPECT_EQ(rig.count("s").held, 0u);
}

TEST_F(Transactions, TwoTakesOfOneGetDifferentTuples) {
  rig.out("s", "('x')");
  rig.out("s", "('y')");
  const TransactionId x = rig.begin();
  EXPECT_EQ(rig.said(rig.in_under(x, "s", "(?)")), "(\"x\")");
  EXPECT_EQ(rig.said(rig.in_under(x, "s", "(?)")), "(\"y\")");
}

TEST_F(Transactions, WhoHasReadMayTakeWhenItAloneHasRead) {
  for (const bool commits : {true, false}) {
    rig.out("s", "('a')");
    const TransactionId x = rig.begin();
    const TransactionId y = rig.begin();
    rig.rd_under(x, "s", kAny);
    rig.rd_under(y, "s", kAny);
    const Ask takes = rig.in_under(x, "s", kAny);
    EXPECT_EQ(rig.said(takes), "");
    rig.end(y, commits);
    EXPECT_EQ(rig.said(takes), "(\"a\")");
    rig.commit(x);
  }
  EXPECT_EQ(rdp(), "NONE");
}

TEST_F(Transactions, TheLastLockThatEndsServesWhoeverWaits) {
  rig.out("s", "('a')");
  const TransactionId x = rig.begin();
  const TransactionId y = rig.begin();
  rig.rd_under(x, "s", kAny);
  rig.rd_under(y, "s", kAny);
  const Ask first = rig.in("s", kAny);
  const Ask second = rig.in("s", kAny);
  rig.commit(x);
  EXPECT_EQ(rig.said(first), "");
  rig.abort(y);
  EXPECT_EQ(rig.said(first), "(\"a\")");
  EXPECT_EQ(rig.said(second), "");
}

TEST_F(Transactions, AReaderThatWaitedUnderOneKeepsTheTupleFromTheTaker) {
  const TransactionId x = rig.begin();
  const Ask takes = rig.in("s", "('a')");
  const Ask reads = rig.rd_under(x, "s", "('a')");
  rig.out("s", "('a')");
  EXPECT_EQ(rig.said(reads), "(\"a\")");
  EXPECT_EQ(rig.said(takes), "");
  rig.commit(x);
  EXPECT_EQ(rig.said(takes), "(\"a\")");
}

TEST_F(Transactions, ALockedTupleIsPassedOverByEverybodyWhoTakes) {
  rig.out("s", "(1, 'a')");
  rig.out("s", "(2, 'b')");
  const TransactionId x = rig.begin();
  rig.rd_under(x, "s", "(1, ?)");
  EXPECT_EQ(rig.said(rig.atomicp("in s (?, ?)")), "(2, \"b\")");
  rig.out("s", "(3, 'c')");
  EXPECT_EQ(rig.said(rig.collect(true, "s", "(?, ?)", "other")), "1 tuples");
  EXPECT_EQ(rig.said(rig.collect(false, "s", "(?, ?)", "copies")), "1 tuples");
  EXPECT_EQ(rig.said(rig.rdp("s", "(?, ?)")), "(1, \"a\")");
}

TEST_F(Transactions, WhatALockedTupleLeavesByItsTimeIsGoneForItsReaderToo) {
  rig.out("s", "('a')", {.ttl = kSecond});
  const TransactionId x = rig.begin();
  rig.rd_under(x, "s", kAny);
  rig.advance(kSecond);
  EXPECT_EQ(rig.said(rig.rdp_under(x, "s", kAny)), "NONE");
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
}

// ---- a none ----

TEST_F(Transactions, ANoneThatDoesNotHoldAtCommitAborts) {
  const TransactionId x = rig.begin();
  rig.out_under(x, "s", "('other')");
  EXPECT_EQ(rig.said(rig.inp_under(x, "s", "('a')")), "NONE");
  rig.out("s", "('a')");
  const Ask commit = rig.commit(x);
  EXPECT_EQ(rig.said(commit), "ABORTED");
  EXPECT_THAT(rig.answer(commit)->status.message(),
              testing::HasSubstr("nothing matches (\"a\") in \"s\", which does not hold any more"));
  EXPECT_EQ(rig.said(rig.rdp("s", "('other')")), "NONE");
}

TEST_F(Transactions, ANoneThatStillHoldsCommits) {
  const TransactionId x = rig.begin();
  rig.inp_under(x, "s", "('a')");
  rig.out("s", "('a')");
  rig.in("s", "('a')");
  rig.out_under(x, "s", "('a')");  // its own comes after the none
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
}

TEST_F(Transactions, ANoneIsNoneOnlyIfWhatOthersTookStaysTaken) {
  rig.out("s", "('a')");
  const TransactionId y = rig.begin();
  rig.in_under(y, "s", "('a')");
  const TransactionId x = rig.begin();
  EXPECT_EQ(rig.said(rig.inp_under(x, "s", "('a')")), "NONE");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");  // y may still give it back

  const TransactionId z = rig.begin();
  EXPECT_EQ(rig.said(rig.inp_under(z, "s", "('a')")), "NONE");
  rig.commit(y);
  EXPECT_EQ(rig.said(rig.commit(z)), "OK");
}

TEST_F(Transactions, ANoneDoesNotHoldIfAnotherHasReadSuchATuple) {
  const TransactionId x = rig.begin();
  const TransactionId y = rig.begin();
  rig.inp_under(x, "s", "('a')");
  rig.out("s", "('a')");
  rig.rd_under(y, "s", "('a')");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");
}

TEST_F(Transactions, ANoneDoesNotHoldIfItTookSuchATupleItselfAfterwards) {
  const TransactionId x = rig.begin();
  rig.inp_under(x, "s", "('a')");
  rig.out("s", "('a')");
  EXPECT_EQ(rig.said(rig.inp_under(x, "s", "('a')")), "(\"a\")");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");
  EXPECT_EQ(rdp(), "(\"a\")");
}

TEST_F(Transactions, ATimeoutIsNoNone) {
  const TransactionId x = rig.begin();
  const Ask late = rig.take_under(x, true, "s", "('a')", {.wait = kSecond});
  rig.advance(kSecond);
  EXPECT_EQ(rig.said(late), "TIMEOUT");
  rig.out("s", "('a')");
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
}

// ---- bounds and mistakes ----

TEST(TransactionBounds, AreNamed) {
  ShardConfig config;
  config.transactions_max = 2;
  config.effects_max = 3;
  Rig rig(config);
  const TransactionId x = rig.begin();
  EXPECT_NE(rig.begin(), 0u);
  EXPECT_EQ(rig.begin(), 0u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rig.said(rig.out_under(x, "s", "(1)")), "OK");
  const Ask fourth = rig.out_under(x, "s", "(1)");
  EXPECT_EQ(rig.said(fourth), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(rig.answer(fourth)->status.problem().bound, "effects_max");
  EXPECT_EQ(rig.said(rig.inp_under(x, "s", "('none')")), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
  EXPECT_EQ(rig.count("s").ready, 3u);
}

TEST_F(Transactions, WhatMakesNoSenseUnderOneIsRefused) {
  const TransactionId x = rig.begin();
  OutExtras until_taken;
  until_taken.transaction = x;
  until_taken.until_taken = true;
  Rig::Client client = rig.open();
  Operation out;
  out.what = Out{"s", tuple("(1)"), {}, {}, false, std::make_shared<const OutExtras>(until_taken)};
  EXPECT_EQ(rig.said(rig.ask(std::move(out), &client)), "INVALID_ARGUMENT");
  TakeExtras hold;
  hold.transaction = x;
  hold.hold = kSecond;
  Take take;
  take.space = "s";
  take.wanted = wanted("(?)");
  take.extras = std::make_shared<const TakeExtras>(hold);
  Operation in;
  in.what = std::move(take);
  EXPECT_EQ(rig.said(rig.ask(std::move(in))), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.begin(-1), 0u);
}

}  // namespace
}  // namespace tuplespace
