// Transactions: who sees what meanwhile, what the end makes of it, who is woken.
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

// ---- the end ----

TEST_F(Transactions, WhatWaitsUnderOneEndsWithIt) {
  for (const bool commits : {true, false}) {
    const TransactionId x = rig.begin();
    const Ask waits = rig.in_under(x, "s", "('a')");
    rig.end(x, commits);
    EXPECT_EQ(rig.said(waits), "ABORTED");
    rig.out("s", "('a')");
    EXPECT_EQ(inp(), "(\"a\")");
  }
}

TEST_F(Transactions, NothingMayBeDoneUnderOneThatHasEnded) {
  const TransactionId x = rig.begin();
  rig.commit(x);
  EXPECT_EQ(rig.said(rig.out_under(x, "s", "('a')")), "ABORTED");
  EXPECT_EQ(rig.said(rig.in_under(x, "s", "('a')")), "ABORTED");
  EXPECT_EQ(rig.said(rig.abort(x)), "ABORTED");
  EXPECT_EQ(rdp(), "NONE");
}

TEST_F(Transactions, AnAbandonedOneEndsWithItsLease) {
  rig.out("s", "('a')");
  const TransactionId x = rig.begin(kSecond);
  rig.in_under(x, "s", kAny);
  rig.out_under(x, "s", "('b')");
  const Ask waits = rig.in("s", kAny);
  rig.advance(kSecond - 1);
  EXPECT_EQ(rig.said(waits), "");
  rig.advance(1);
  EXPECT_EQ(rig.said(waits), "(\"a\")");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");
  EXPECT_EQ(rdp(), "NONE");
}

TEST_F(Transactions, ARenewedOneLivesOn) {
  const auto renew = [&](TransactionId x, Duration ttl) {
    Operation operation;
    operation.what = Renew{{"", 0, 0, x}, ttl};
    return rig.said(rig.ask(std::move(operation)));
  };
  const TransactionId x = rig.begin(kSecond);
  const TransactionId y = rig.begin(kSecond);
  rig.out_under(x, "s", "('a')");
  EXPECT_EQ(renew(x, 10 * kSecond), "OK");
  rig.advance(5 * kSecond);
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
  EXPECT_EQ(rig.said(rig.commit(y)), "ABORTED");
  EXPECT_EQ(renew(y, kSecond), "NOT_FOUND");

  const TransactionId z = rig.begin(10 * kSecond);
  EXPECT_EQ(renew(z, kSecond), "OK");  // also to a shorter one
  rig.advance(kSecond);
  EXPECT_EQ(rig.said(rig.commit(z)), "ABORTED");
}

TEST_F(Transactions, TheLeaseMayBeEnded) {
  rig.out("s", "('a')");
  const TransactionId x = rig.begin();
  rig.in_under(x, "s", kAny);
  Operation operation;
  operation.what = EndLease{{"", 0, 0, x}};
  EXPECT_EQ(rig.said(rig.ask(std::move(operation))), "OK");
  EXPECT_EQ(inp(), "(\"a\")");
}

TEST_F(Transactions, OneEndsWithTheSessionThatBeganIt) {
  rig.out("s", "('a')");
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin(0, &client);
  EXPECT_EQ(rig.said(rig.in_under(x, "s", kAny, &client)), "(\"a\")");
  rig.close(client);
  EXPECT_EQ(inp(), "(\"a\")");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");
}

TEST_F(Transactions, ADetachedOneOutlivesIt) {
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin(0, &client, true);
  rig.out_under(x, "s", "('a')", &client);
  rig.close(client);
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
  EXPECT_EQ(rdp(), "(\"a\")");
}

TEST_F(Transactions, ADroppedSpaceAbortsThoseThatHaveToDoWithIt) {
  rig.out("s", "('a')");
  rig.out("other", "('b')");
  const TransactionId x = rig.begin();
  const TransactionId y = rig.begin();
  rig.rd_under(x, "s", kAny);
  rig.in_under(x, "other", kAny);
  rig.out_under(y, "other", "('c')");
  rig.drop("s");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");
  EXPECT_EQ(rig.said(rig.rdp("other", "('b')")), "(\"b\")");
  EXPECT_EQ(rig.said(rig.commit(y)), "OK");
}

TEST_F(Transactions, OneMovesATupleBetweenTwoSpaces) {
  rig.out("s", "('a')");
  for (const bool commits : {false, true}) {
    const TransactionId x = rig.begin();
    rig.in_under(x, "s", "('a')");
    rig.out_under(x, "there", "('a')");
    rig.end(x, commits);
    EXPECT_EQ(rig.said(rig.rdp("s", "('a')")), commits ? "NONE" : "(\"a\")");
    EXPECT_EQ(rig.said(rig.rdp("there", "('a')")), commits ? "(\"a\")" : "NONE");
  }
}

TEST_F(Transactions, AllOfACommitIsThereBeforeATakerIsServed) {
  const Ask both = rig.atomic("in s ('a'); in s ('b')");
  const Ask one = rig.in("s", "('b')");
  const TransactionId x = rig.begin();
  rig.out_under(x, "s", "('b')");
  rig.out_under(x, "s", "('a')");
  rig.commit(x);
  EXPECT_EQ(rig.said(both), "(\"a\") (\"b\")");
  EXPECT_EQ(rig.said(one), "");
}

TEST_F(Transactions, AHundredAreTakenAndPutAgain) {
  for (int i = 0; i < 100; ++i) rig.out("s", fmt::format("({})", i));
  const TransactionId x = rig.begin();
  for (int i = 0; i < 100; ++i) rig.in_under(x, "s", fmt::format("({})", i));
  for (int i = 0; i < 100; ++i) rig.out_under(x, "s", fmt::format("({}, 'again')", i));
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
  rig.restart();
  EXPECT_EQ(rig.count("s", "(?, 'again')").ready, 100u);
  EXPECT_EQ(rig.count("s", "(?)").ready, 0u);
}

// ---- exactly once, crashes ----

TEST_F(Transactions, AnOpenOneDoesNotOutliveARestart) {
  rig.out("s", "('a')");
  const TransactionId x = rig.begin();
  rig.in_under(x, "s", kAny);
  rig.out_under(x, "s", "('b')");
  rig.restart();
  EXPECT_EQ(rdp(), "(\"a\")");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST_F(Transactions, ARepeatedNumberGetsTheFirstAnswer) {
  rig.out("s", "('a')");
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin(0, &client);  // number 1
  rig.in_under(x, "s", kAny, &client);            // 2
  rig.out_under(x, "s", "('b')", &client);        // 3
  rig.commit(x, &client);                         // 4
  const auto again = [&](Number number) {
    rig.suspend(client);
    const SessionAnswer resumed = rig.resume(client, {{number, number}});
    return resumed.answers.empty() ? std::string("not executed")
                                   : Rig::said(resumed.answers[0].second);
  };
  EXPECT_EQ(again(1), "OK");
  EXPECT_EQ(again(2), "(\"a\")");
  EXPECT_EQ(again(3), "OK");
  EXPECT_EQ(again(4), "OK");
  rig.restart();
  EXPECT_EQ(again(4), "OK");
  EXPECT_EQ(again(2), "not executed");
  EXPECT_EQ(rdp(), "(\"b\")");
}

TEST_F(Transactions, ARepeatedBeginIsTheSameOne) {
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin(0, &client);
  rig.suspend(client);
  const SessionAnswer resumed = rig.resume(client, {{1, 1}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(std::get<BeginAnswer>(resumed.answers[0].second.what).transaction, x);
}

TEST_F(Transactions, WhatAClosedSessionTookWithoutConfirmingIsTheTransactionsAffair) {
  rig.out("s", "('a')");
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin();  // of nobody: it outlives the session
  rig.in_under(x, "s", kAny, &client);
  rig.close(client);
  EXPECT_EQ(rdp(), "NONE");
  rig.abort(x);
  EXPECT_EQ(rdp(), "(\"a\")");
}

TEST_F(Transactions, AWaitUnderOneIsSuspendedWithItsSession) {
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin(0, &client);
  rig.in_under(x, "s", "('a')", &client);
  rig.suspend(client);
  rig.out("s", "('a')");
  EXPECT_EQ(rdp(), "(\"a\")");
  const SessionAnswer resumed = rig.resume(client, {{2, 2}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(Rig::said(resumed.answers[0].second), "(\"a\")");
  rig.abort(x, &client);
  EXPECT_EQ(rdp(), "(\"a\")");
}

// ---- who looks ----

TEST_F(Transactions, WatchersLearnOfThemWhenTheyCommit) {
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  const Ask watches = rig.watch("s", "(?int)");
  const TransactionId x = rig.begin();
  rig.in_under(x, "s", "(1)");
  rig.rd_under(x, "s", "(2)");
  rig.out_under(x, "s", "(3)");
  EXPECT_EQ(rig.told(watches), "");
  rig.commit(x);
  EXPECT_EQ(rig.told(watches), "in (1), out (3)");
  const TransactionId y = rig.begin();
  rig.in_under(y, "s", "(2)");
  rig.out_under(y, "s", "(4)");
  rig.abort(y);
  EXPECT_EQ(rig.told(watches), "");
  EXPECT_EQ(rig.said(rig.inp("s", "(2)")), "(2)");
  EXPECT_EQ(rig.told(watches), "in (2)");
}

TEST_F(Transactions, ASnapshotShowsWhatAnOpenOneHasTaken) {
  for (int i = 1; i <= 3; ++i) rig.out("s", fmt::format("({})", i));
  const TransactionId x = rig.begin();
  rig.in_under(x, "s", "(2)");
  const Ask watches = rig.watch("s", "(?int)", {.snapshot = true});
  EXPECT_EQ(rig.told(watches), "out (1), out (2), out (3), shown");
  rig.commit(x);
  EXPECT_EQ(rig.told(watches), "in (2)");
}

TEST_F(Transactions, HoldsAreListedWithTheTransactionThatHasThem) {
  rig.out("s", "('a')");
  const TransactionId x = rig.begin(7 * kSecond);
  rig.in_under(x, "s", kAny);
  Operation operation;
  operation.what = ListHolds{"s", 0};
  const auto& holds = std::get<HoldsAnswer>(rig.answer(rig.ask(std::move(operation)))->what).holds;
  ASSERT_EQ(holds.size(), 1u);
  EXPECT_EQ(holds[0].transaction, x);
  EXPECT_EQ(holds[0].until, rig.host.now() + 7 * kSecond);
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
