// Holds: work that may fail. What is settled, given back, buried, busy; and what survives.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

constexpr Duration kSecond = 1'000;

class Holds : public testing::Test {
 protected:
  struct How {
    Duration lease = 30 * kSecond;
    std::optional<Duration> wait = {};
    int group = -1;
  };
  Ask hold(const std::string& text, How how, Rig::Client* client = nullptr) {
    TakeExtras extras;
    extras.hold = how.lease;
    if (how.group >= 0) extras.group = FieldChoice{static_cast<uint32_t>(how.group), ""};
    Take take;
    take.space = "s";
    take.wanted = wanted(text);
    take.wait = how.wait;
    take.extras = std::make_shared<const TakeExtras>(std::move(extras));
    Operation operation;
    operation.what = std::move(take);
    return rig.ask(std::move(operation), client);
  }
  Ask hold(const std::string& text, Rig::Client* client = nullptr) {
    return hold(text, How(), client);
  }
  // Takes ('job', ...) of a group by its second field.
  Ask hold_group(Rig::Client* client = nullptr, std::optional<Duration> wait = {}) {
    return hold("('job', ?, ?)", {.wait = wait, .group = 1}, client);
  }

  Token token(Ask asked) const {
    const auto* take = std::get_if<TakeAnswer>(&rig.answer(asked)->what);
    return take == nullptr || take->tuples.empty() ? 0 : take->tuples[0].token;
  }

  Ask settle(Token token, Settlement settlement, Duration after = 0,
             Rig::Client* client = nullptr) {
    Operation operation;
    operation.what = Settle{"s", token, settlement, after,
                            settlement == Settlement::kDead ? "cannot be done" : ""};
    return rig.ask(std::move(operation), client);
  }
  Ask settle(Ask held, Settlement settlement, Duration after = 0) {
    return settle(token(held), settlement, after);
  }

  Ask renew(Token token, Duration ttl) {
    Operation operation;
    operation.what = Renew{{"s", token, 0, 0}, ttl};
    return rig.ask(std::move(operation));
  }
  Ask end(Token token) {
    Operation operation;
    operation.what = EndLease{{"s", token, 0, 0}};
    return rig.ask(std::move(operation));
  }

  void create(Policy policy) {
    Operation operation;
    operation.what = CreateSpace{"s", policy};
    ASSERT_EQ(rig.said(rig.ask(std::move(operation))), "OK");
  }

  Rig rig;
};

TEST_F(Holds, WhatIsHeldIsSeenByNobodyElse) {
  rig.out("s", "('job', 1)");
  const Ask held = hold("('job', ?)");

  EXPECT_EQ(rig.said(held), "(\"job\", 1)");
  EXPECT_GT(token(held), 0u);
  EXPECT_EQ(rig.said(rig.inp("s", "(...)")), "NONE");
  EXPECT_EQ(rig.count("s").held, 1u);
}

TEST_F(Holds, DoneIsGoneForGood) {
  rig.out("s", "('job', 1)");
  const Ask held = hold("('job', ?)");

  EXPECT_EQ(rig.said(settle(held, Settlement::kDone)), "OK");
  EXPECT_EQ(rig.count("s").held, 0u);
  rig.restart();
  EXPECT_EQ(rig.said(rig.inp("s", "(...)")), "NONE");
}

TEST_F(Holds, BackIsAvailableAtItsOldPlaceOneAttemptLater) {
  rig.out("s", "('job', 1)");
  rig.out("s", "('job', 2)");
  const Ask held = hold("('job', ?)");

  settle(held, Settlement::kBack);
  EXPECT_EQ(rig.said(rig.inp("s", "('job', ?)")), "(\"job\", 1) attempt 1");
}

TEST_F(Holds, TailIsBehindAllOthersUnderANewId) {
  rig.out("s", "('job', 1)");
  rig.out("s", "('job', 2)");
  const Ask held = hold("('job', ?)");

  const Ask settled = settle(held, Settlement::kTail);
  EXPECT_EQ(rig.said(rig.inp("s", "('job', ?)")), "(\"job\", 2)");
  const Ask last = rig.inp("s", "('job', ?)");
  EXPECT_EQ(rig.said(last), "(\"job\", 1) attempt 1");
  EXPECT_EQ(std::get<TakeAnswer>(rig.answer(last)->what).tuples[0].id,
            std::get<SettleAnswer>(rig.answer(settled)->what).id);
}

TEST_F(Holds, BackAfterIsUnseenUntilThenAlsoOverARestart) {
  rig.out("s", "('job', 1)");
  settle(hold("('job', ?)"), Settlement::kBack, 500);

  EXPECT_EQ(rig.said(rig.rdp("s", "(...)")), "NONE");
  rig.restart();
  rig.advance(499);
  EXPECT_EQ(rig.said(rig.rdp("s", "(...)")), "NONE");
  rig.advance(1);
  EXPECT_EQ(rig.said(rig.rdp("s", "(...)")), "(\"job\", 1) attempt 1");
}

TEST_F(Holds, DeadBecomesALetterThatSaysWhy) {
  rig.out("s", "('job', [1, 2])");
  settle(hold("('job', ?)"), Settlement::kDead);

  EXPECT_EQ(rig.count("s").ready, 0u);
  EXPECT_EQ(rig.said(rig.rdp("s.dead", "(...)")),
            "(\"dead\", \"s\", \"cannot be done\", 0, [\"job\", [1, 2]])");
  rig.restart();
  EXPECT_EQ(rig.count("s.dead").ready, 1u);
}

TEST_F(Holds, BeyondDeliveriesMaxATupleIsALetter) {
  Policy policy;
  policy.deliveries_max = 2;
  create(policy);
  rig.out("s", "('job', 1)");
  settle(hold("('job', ?)"), Settlement::kBack);
  EXPECT_EQ(rig.count("s").ready, 1u);
  hold("('job', ?)", {.lease = kSecond});
  rig.advance(kSecond);

  EXPECT_EQ(rig.count("s").ready, 0u);
  EXPECT_EQ(rig.said(rig.rdp("s.dead", "(...)")),
            "(\"dead\", \"s\", \"the lease of its hold ended\", 2, [\"job\", 1])");
}

TEST_F(Holds, ALateSettleIsRefusedAndChangesNothing) {
  rig.out("s", "('job', 1)");
  const Ask late = hold("('job', ?)", {.lease = kSecond});
  rig.advance(kSecond);
  const Ask next = hold("('job', ?)");

  for (const Settlement how :
       {Settlement::kDone, Settlement::kBack, Settlement::kTail, Settlement::kDead}) {
    EXPECT_EQ(rig.said(settle(late, how)), "FAILED_PRECONDITION");
  }
  EXPECT_EQ(rig.count("s").held, 1u);
  EXPECT_GT(token(next), token(late));  // it fences
  EXPECT_EQ(rig.said(settle(next, Settlement::kDone)), "OK");
  EXPECT_EQ(rig.said(settle(next, Settlement::kDone)), "FAILED_PRECONDITION");
}

TEST_F(Holds, ATokenIsGoodInItsOwnSpaceOnly) {
  rig.out("s", "(1)");
  rig.out("other", "(1)");
  const Token of_s = token(hold("(1)"));
  Operation operation;
  operation.what = Settle{"other", of_s, Settlement::kDone, 0, ""};

  EXPECT_EQ(rig.said(rig.ask(std::move(operation))), "FAILED_PRECONDITION");
  EXPECT_EQ(rig.count("s").held, 1u);
}

TEST_F(Holds, ALeaseThatEndsGivesBackAndServesWhoWaits) {
  rig.out("s", "('job', 1)");
  hold("('job', ?)", {.lease = kSecond});
  const Ask waiting = rig.in("s", "('job', ?)");

  rig.advance(kSecond - 1);
  EXPECT_EQ(rig.said(waiting), "");
  rig.advance(1);
  EXPECT_EQ(rig.said(waiting), "(\"job\", 1) attempt 1");
}

TEST_F(Holds, RenewingProlongsFromNow) {
  rig.out("s", "('job', 1)");
  const Token held = token(hold("('job', ?)", {.lease = kSecond}));
  rig.advance(900);

  EXPECT_EQ(rig.said(renew(held, kSecond)), "OK");
  rig.advance(999);
  EXPECT_EQ(rig.count("s").held, 1u);
  rig.advance(1);
  EXPECT_EQ(rig.count("s").ready, 1u);
  EXPECT_EQ(rig.said(renew(held, kSecond)), "NOT_FOUND");
}

TEST_F(Holds, NoLeaseIsLongerThanHoldMax) {
  ShardConfig config;
  config.hold_max = kSecond;
  Rig bounded(config);
  bounded.out("s", "(1)");
  TakeExtras extras;
  extras.hold = 5 * kSecond;
  Operation operation;
  Take take;
  take.space = "s";
  take.wanted = wanted("(1)");
  take.extras = std::make_shared<const TakeExtras>(extras);
  operation.what = take;
  const Ask held = bounded.ask(std::move(operation));

  EXPECT_EQ(std::get<TakeAnswer>(bounded.answer(held)->what).hold, kSecond);
  bounded.advance(kSecond);
  EXPECT_EQ(bounded.count("s").ready, 1u);
}

TEST_F(Holds, EndingTheLeaseGivesBackAtOnce) {
  rig.out("s", "('job', 1)");
  const Token held = token(hold("('job', ?)"));

  EXPECT_EQ(rig.said(end(held)), "OK");
  EXPECT_EQ(rig.said(rig.rdp("s", "(...)")), "(\"job\", 1) attempt 1");
  EXPECT_EQ(rig.said(end(held)), "NOT_FOUND");
}

TEST_F(Holds, TheyEndWithTheirSession) {
  Rig::Client worker = rig.open();
  rig.out("s", "('job', 1)");
  const Token held = token(hold("('job', ?)", &worker));
  rig.confirm(worker, {1, 1});
  EXPECT_EQ(rig.count("s").held, 1u);  // confirmed is not settled

  rig.close(worker);
  EXPECT_EQ(rig.said(rig.rdp("s", "(...)")), "(\"job\", 1) attempt 1");
  EXPECT_EQ(rig.said(settle(held, Settlement::kDone)), "FAILED_PRECONDITION");
}

TEST_F(Holds, TheySurviveARestartWithTheirFullLease) {
  Rig::Client worker = rig.open();
  rig.out("s", "('job', 1)");
  rig.out("s", "('job', 2)");
  const Token first = token(hold("('job', ?)", {.lease = kSecond}, &worker));
  const Token second = token(hold("('job', ?)", {.lease = kSecond}));
  rig.advance(900);
  rig.restart();

  rig.advance(999);
  EXPECT_EQ(rig.count("s").held, 2u);
  EXPECT_EQ(rig.said(settle(first, Settlement::kDone)), "OK");
  rig.advance(1);
  EXPECT_EQ(rig.said(settle(second, Settlement::kDone)), "FAILED_PRECONDITION");
  EXPECT_EQ(rig.said(rig.rdp("s", "(...)")), "(\"job\", 2) attempt 1");
}

TEST_F(Holds, ARepeatedTakeGetsTheSameTokenAlsoAfterARestart) {
  Rig::Client worker = rig.open();
  rig.out("s", "('job', 1)");
  const Token held = token(hold("('job', ?)", &worker));
  rig.restart();

  const SessionAnswer resumed = rig.resume(worker, {{1, 1}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(std::get<TakeAnswer>(resumed.answers[0].second.what).tuples[0].token, held);
}

TEST_F(Holds, ARepeatedTakeWhoseHoldHasEndedIsToldSo) {
  Rig::Client worker = rig.open();
  rig.out("s", "('job', 1)");
  hold("('job', ?)", {.lease = kSecond}, &worker);
  rig.suspend(worker);
  rig.advance(kSecond);

  const SessionAnswer resumed = rig.resume(worker, {{1, 1}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(resumed.answers[0].second.status.code(), Code::kAborted);
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST_F(Holds, ARepeatedSettleIsAnsweredAgainNotDoneAgain) {
  Rig::Client worker = rig.open();
  rig.out("s", "('job', 1)");
  settle(token(hold("('job', ?)", &worker)), Settlement::kTail, 0, &worker);
  rig.restart();

  const SessionAnswer resumed = rig.resume(worker, {{1, 2}});
  ASSERT_EQ(resumed.answers.size(), 2u);
  const Sequence id = std::get<SettleAnswer>(resumed.answers[1].second.what).id;
  const Ask back = rig.rdp("s", "(...)");
  EXPECT_EQ(std::get<TakeAnswer>(rig.answer(back)->what).tuples[0].id, id);
  EXPECT_EQ(rig.said(back), "(\"job\", 1) attempt 1");
}

TEST_F(Holds, ATtlEndsWhileHeldWhenItIsGivenBack) {
  rig.out("s", "('job', 1)", {.ttl = kSecond, .delay = {}});
  const Ask held = hold("('job', ?)");
  rig.advance(2 * kSecond);
  EXPECT_EQ(rig.count("s").held, 1u);

  settle(held, Settlement::kBack);
  EXPECT_EQ(rig.count("s").ready, 0u);
  EXPECT_EQ(rig.figures().expired, 1u);
}

TEST_F(Holds, BadOnesAreRefusedAndTakeNothing) {
  rig.out("s", "('job', 1)");
  EXPECT_EQ(rig.said(hold("('job', ?)", {.lease = 0})), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.said(hold("('job', ?)", {.group = 2})), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.said(settle(Token{0}, Settlement::kDone)), "FAILED_PRECONDITION");
  EXPECT_EQ(rig.said(settle(hold("('job', ?)"), Settlement::kBack, -1)), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.count("s").held, 1u);
}

// ---- groups ----

TEST_F(Holds, OfABusyGroupNothingIsTaken) {
  rig.out("s", "('job', 'a', 1)");
  rig.out("s", "('job', 'a', 2)");
  rig.out("s", "('job', 'b', 3)");
  const Ask first = hold_group();
  const Ask second = hold_group();
  const Ask none = hold_group(nullptr, 0);

  EXPECT_EQ(rig.said(first), "(\"job\", \"a\", 1)");
  EXPECT_EQ(rig.said(second), "(\"job\", \"b\", 3)");
  EXPECT_EQ(rig.said(none), "NONE");
}

TEST_F(Holds, ASettledGroupServesWhoWaitsForOne) {
  rig.out("s", "('job', 'a', 1)");
  rig.out("s", "('job', 'a', 2)");
  const Ask first = hold_group();
  const Ask second = hold_group();
  EXPECT_EQ(rig.said(second), "");

  settle(first, Settlement::kDone);
  EXPECT_EQ(rig.said(second), "(\"job\", \"a\", 2)");
}

TEST_F(Holds, AGivenBackTupleComesBeforeTheOthersOfItsGroup) {
  rig.out("s", "('job', 'a', 1)");
  rig.out("s", "('job', 'a', 2)");
  const Ask first = hold_group();
  const Ask second = hold_group();

  settle(first, Settlement::kBack);
  EXPECT_EQ(rig.said(second), "(\"job\", \"a\", 1) attempt 1");
}

TEST_F(Holds, ADelayedGiveBackKeepsItsGroupBusy) {
  rig.out("s", "('job', 'a', 1)");
  rig.out("s", "('job', 'a', 2)");
  settle(hold_group(), Settlement::kBack, kSecond);
  const Ask waiting = hold_group();
  EXPECT_EQ(rig.said(waiting), "");

  rig.advance(kSecond);
  EXPECT_EQ(rig.said(waiting), "(\"job\", \"a\", 1) attempt 1");
}

TEST_F(Holds, AnArrivalOfABusyGroupIsNotOfferedToWhoWaitsForOne) {
  rig.out("s", "('job', 'a', 1)");
  const Ask first = hold_group();
  const Ask waiting = hold_group();
  rig.out("s", "('job', 'a', 2)");
  EXPECT_EQ(rig.said(waiting), "");
  rig.out("s", "('job', 'b', 3)");

  EXPECT_EQ(rig.said(waiting), "(\"job\", \"b\", 3)");
  EXPECT_EQ(rig.said(hold_group(nullptr, 0)), "NONE");
  settle(first, Settlement::kDone);
  EXPECT_EQ(rig.said(hold_group()), "(\"job\", \"a\", 2)");
}

TEST_F(Holds, OfAGroupThatComesToThoseWhoWaitOnlyOneIsTakenAtATime) {
  const Ask first = hold_group();  // before there is any tuple
  const Ask second = hold_group();
  rig.out("s", "('job', 'a', 1)");
  rig.out("s", "('job', 'a', 2)");
  EXPECT_EQ(rig.said(first), "(\"job\", \"a\", 1)");
  EXPECT_EQ(rig.said(second), "");

  settle(first, Settlement::kDone);
  EXPECT_EQ(rig.said(second), "(\"job\", \"a\", 2)");
}

TEST_F(Holds, WhoeverHoldsMakesAGroupBusyAlsoWithoutAGroup) {
  Rig::Client plain = rig.open();
  rig.out("s", "('job', 'a', 1)");
  rig.out("s", "('job', 'a', 2)");
  rig.in("s", "('job', 'a', 1)", &plain);  // held until confirmed
  const Ask waiting = hold_group();
  EXPECT_EQ(rig.said(waiting), "");

  rig.confirm(plain, {1, 1});
  EXPECT_EQ(rig.said(waiting), "(\"job\", \"a\", 2)");
}

TEST_F(Holds, BusyGroupsAreBusyAfterARestart) {
  rig.out("s", "('job', 'a', 1)");
  rig.out("s", "('job', 'a', 2)");
  const Ask first = hold_group();
  rig.restart();

  EXPECT_EQ(rig.said(hold_group(nullptr, 0)), "NONE");
  settle(first, Settlement::kDone);
  EXPECT_EQ(rig.said(hold_group(nullptr, 0)), "(\"job\", \"a\", 2)");
}

TEST_F(Holds, AGroupIsFoundAtOnceHoweverManyAreBusy) {
  constexpr int kGroups = 1'000;
  for (int i = 0; i < kGroups; ++i) {
    for (int copy = 0; copy < 2; ++copy) {
      rig.out("s", fmt::format("('job', {}, {})", i, copy));
    }
  }
  for (int i = 0; i < kGroups - 1; ++i) hold_group();

  EXPECT_LE(rig.examined_by([&] { EXPECT_EQ(rig.said(hold_group()), "(\"job\", 999, 0)"); }), 1u);
}

}  // namespace
}  // namespace tuplespace
