// How transactions end: who is woken, what a restart and a lost answer do, what watchers are told.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

constexpr Duration kSecond = 1'000;

class TransactionEnds : public testing::Test {
 protected:
  static constexpr const char* kAny = "(...)";
  std::string rdp() { return rig.said(rig.rdp("s", kAny)); }
  std::string inp() { return rig.said(rig.inp("s", kAny)); }
  uint64_t held_by(Ask probe) { return std::get<TakeAnswer>(rig.answer(probe)->what).held; }

  Rig rig;
};

// ---- the end ----

TEST_F(TransactionEnds, WhatWaitsUnderOneEndsWithIt) {
  for (const bool commits : {true, false}) {
    const TransactionId x = rig.begin();
    const Ask waits = rig.in_under(x, "s", "('a')");
    rig.end(x, commits);
    EXPECT_EQ(rig.said(waits), "ABORTED");
    rig.out("s", "('a')");
    EXPECT_EQ(inp(), "(\"a\")");
  }
}

TEST_F(TransactionEnds, NothingMayBeDoneUnderOneThatHasEnded) {
  const TransactionId x = rig.begin();
  rig.commit(x);
  EXPECT_EQ(rig.said(rig.out_under(x, "s", "('a')")), "ABORTED");
  EXPECT_EQ(rig.said(rig.in_under(x, "s", "('a')")), "ABORTED");
  EXPECT_EQ(rig.said(rig.abort(x)), "ABORTED");
  EXPECT_EQ(rdp(), "NONE");
}

TEST_F(TransactionEnds, AnAbandonedOneEndsWithItsLease) {
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

TEST_F(TransactionEnds, ARenewedOneLivesOn) {
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

TEST_F(TransactionEnds, TheLeaseMayBeEnded) {
  rig.out("s", "('a')");
  const TransactionId x = rig.begin();
  rig.in_under(x, "s", kAny);
  Operation operation;
  operation.what = EndLease{{"", 0, 0, x}};
  EXPECT_EQ(rig.said(rig.ask(std::move(operation))), "OK");
  EXPECT_EQ(inp(), "(\"a\")");
}

TEST_F(TransactionEnds, OneEndsWithTheSessionThatBeganIt) {
  rig.out("s", "('a')");
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin(0, &client);
  EXPECT_EQ(rig.said(rig.in_under(x, "s", kAny, &client)), "(\"a\")");
  rig.close(client);
  EXPECT_EQ(inp(), "(\"a\")");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");
}

TEST_F(TransactionEnds, ADetachedOneOutlivesIt) {
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin(0, &client, true);
  rig.out_under(x, "s", "('a')", &client);
  rig.close(client);
  EXPECT_EQ(rig.said(rig.commit(x)), "OK");
  EXPECT_EQ(rdp(), "(\"a\")");
}

TEST_F(TransactionEnds, ADroppedSpaceAbortsThoseThatHaveToDoWithIt) {
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

TEST_F(TransactionEnds, OneMovesATupleBetweenTwoSpaces) {
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

TEST_F(TransactionEnds, AllOfACommitIsThereBeforeATakerIsServed) {
  const Ask both = rig.atomic("in s ('a'); in s ('b')");
  const Ask one = rig.in("s", "('b')");
  const TransactionId x = rig.begin();
  rig.out_under(x, "s", "('b')");
  rig.out_under(x, "s", "('a')");
  rig.commit(x);
  EXPECT_EQ(rig.said(both), "(\"a\") (\"b\")");
  EXPECT_EQ(rig.said(one), "");
}

TEST_F(TransactionEnds, AHundredAreTakenAndPutAgain) {
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

TEST_F(TransactionEnds, AnOpenOneDoesNotOutliveARestart) {
  rig.out("s", "('a')");
  const TransactionId x = rig.begin();
  rig.in_under(x, "s", kAny);
  rig.out_under(x, "s", "('b')");
  rig.restart();
  EXPECT_EQ(rdp(), "(\"a\")");
  EXPECT_EQ(rig.said(rig.commit(x)), "ABORTED");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST_F(TransactionEnds, ARepeatedNumberGetsTheFirstAnswer) {
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

TEST_F(TransactionEnds, ARepeatedBeginIsTheSameOne) {
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin(0, &client);
  rig.suspend(client);
  const SessionAnswer resumed = rig.resume(client, {{1, 1}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(std::get<BeginAnswer>(resumed.answers[0].second.what).transaction, x);
}

TEST_F(TransactionEnds, WhatAClosedSessionTookWithoutConfirmingIsTheTransactionsAffair) {
  rig.out("s", "('a')");
  Rig::Client client = rig.open();
  const TransactionId x = rig.begin();  // of nobody: it outlives the session
  rig.in_under(x, "s", kAny, &client);
  rig.close(client);
  EXPECT_EQ(rdp(), "NONE");
  rig.abort(x);
  EXPECT_EQ(rdp(), "(\"a\")");
}

TEST_F(TransactionEnds, AWaitUnderOneIsSuspendedWithItsSession) {
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

TEST_F(TransactionEnds, WatchersLearnOfThemWhenTheyCommit) {
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

TEST_F(TransactionEnds, ASnapshotShowsWhatAnOpenOneHasTaken) {
  for (int i = 1; i <= 3; ++i) rig.out("s", fmt::format("({})", i));
  const TransactionId x = rig.begin();
  rig.in_under(x, "s", "(2)");
  const Ask watches = rig.watch("s", "(?int)", {.snapshot = true});
  EXPECT_EQ(rig.told(watches), "out (1), out (2), out (3), shown");
  rig.commit(x);
  EXPECT_EQ(rig.told(watches), "in (2)");
}

TEST_F(TransactionEnds, HoldsAreListedWithTheTransactionThatHasThem) {
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

}  // namespace
}  // namespace tuplespace
