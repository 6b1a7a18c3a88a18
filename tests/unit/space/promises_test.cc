// The promises of the space, each by its number.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

using testing::ElementsAre;

TEST(Promise1, EveryAnswerCarriesAnInstantAndInstantsAscend) {
  Rig rig;
  const Ask first = rig.out("s", "(1)");
  const Ask taken = rig.in("s", "(1)");
  const Ask none = rig.inp("s", "(1)");
  const Ask last = rig.out("s", "(2)");

  EXPECT_LT(rig.sequence(first), rig.sequence(taken));
  EXPECT_LE(rig.sequence(taken), rig.sequence(none));
  EXPECT_LT(rig.sequence(none), rig.sequence(last));
}

TEST(Promise1, NoneMeansNoneAtItsInstant) {
  Rig rig;
  rig.out("s", "(1)");

  EXPECT_EQ(rig.said(rig.inp("s", "(2)")), "NONE");
  EXPECT_EQ(rig.said(rig.inp("s", "(1)")), "(1)");
  EXPECT_EQ(rig.said(rig.inp("s", "(1)")), "NONE");
}

TEST(Promise2, ATupleHasOneOwnerHoweverManyAsk) {
  Rig rig;
  Rig::Client ann = rig.open();
  Rig::Client bob = rig.open();
  rig.out("s", "(1)");

  EXPECT_EQ(rig.said(rig.in("s", "(1)", &ann)), "(1)");
  EXPECT_EQ(rig.said(rig.inp("s", "(1)", &bob)), "NONE");
  EXPECT_EQ(rig.said(rig.rdp("s", "(1)")), "NONE");
}

TEST(Promise2, TwoEqualTuplesAreTwoTuples) {
  Rig rig;
  rig.out("s", "(1)");
  rig.out("s", "(1)");

  EXPECT_EQ(rig.said(rig.inp("s", "(1)")), "(1)");
  EXPECT_EQ(rig.said(rig.inp("s", "(1)")), "(1)");
  EXPECT_EQ(rig.said(rig.inp("s", "(1)")), "NONE");
}

// Every way in which a tuple becomes available must run the one rule.
class Promise3 : public testing::Test {
 protected:
  // Two takers and a reader wait; `arrive` makes ('x') available.
  template <typename Arrive>
  void expect_the_rule(Arrive arrive) {
    const Ask first = rig.in("s", "('x')");
    const Ask second = rig.in("s", "(?string)");
    const Ask reader = rig.rd("s", "('x')");
    ASSERT_EQ(rig.said(first), "");
    arrive();
    EXPECT_THAT(rig.said(reader), testing::StartsWith("(\"x\")"));
    EXPECT_THAT(rig.said(first), testing::StartsWith("(\"x\")"));
    EXPECT_EQ(rig.said(second), "");
  }

  Rig rig;
};

TEST_F(Promise3, AnOutServesReadersThenTheLongestWaitingTaker) {
  expect_the_rule([&] { rig.out("s", "('x')"); });
}

TEST_F(Promise3, ADelayThatEndsServesThem) {
  rig.out("s", "('x')", {.ttl = {}, .delay = 100});
  expect_the_rule([&] { rig.advance(100); });
}

TEST_F(Promise3, ASessionThatClosesServesThem) {
  Rig::Client holder = rig.open();
  rig.out("s", "('x')");
  rig.in("s", "('x')", &holder);
  expect_the_rule([&] { rig.close(holder); });
}

TEST_F(Promise3, ASessionWhoseLeaseEndsServesThem) {
  Rig::Client holder = rig.open(1'000);
  rig.out("s", "('x')");
  rig.in("s", "('x')", &holder);
  rig.suspend(holder);
  expect_the_rule([&] { rig.advance(1'000); });
}

TEST_F(Promise3, ARestartMakesADelayEndThatWasOverMeanwhile) {
  rig.out("s", "('x')", {.ttl = {}, .delay = 100});
  rig.restart();
  expect_the_rule([&] { rig.advance(100); });
}

TEST_F(Promise3, ATakerThatWantsAnotherShapeIsPassedOver) {
  const Ask other = rig.in("s", "('y')");
  expect_the_rule([&] { rig.out("s", "('x')"); });
  EXPECT_EQ(rig.said(other), "");
}

TEST(Promise4, TheOldestPlaceIsChosenAlsoAfterAGiveBackAndADelay) {
  Rig rig;
  Rig::Client holder = rig.open();
  rig.out("s", "('n', 1)");
  rig.out("s", "('n', 2)", {.ttl = {}, .delay = 50});
  rig.out("s", "('n', 3)");
  rig.in("s", "('n', 1)", &holder);
  EXPECT_EQ(rig.said(rig.rdp("s", "('n', ?)")), "(\"n\", 3)");
  rig.advance(50);
  EXPECT_EQ(rig.said(rig.rdp("s", "('n', ?)")), "(\"n\", 2)");
  rig.close(holder);
  EXPECT_EQ(rig.said(rig.rdp("s", "('n', ?)")), "(\"n\", 1) attempt 1");
}

TEST(Promise4, TheCallMaySayOtherwise) {
  Rig rig;
  for (const char* text : {"('b', 2)", "('c', 1)", "('a', 3)"}) rig.out("s", text);

  const auto chosen = [&](Order order, uint32_t field) {
    return rig.said(rig.take(false, "s", "(?string, ?int)", {0, order, field, 1}));
  };
  EXPECT_EQ(chosen(Order::kNewest, 0), "(\"a\", 3)");
  EXPECT_EQ(chosen(Order::kLeast, 1), "(\"c\", 1)");
  EXPECT_EQ(chosen(Order::kGreatest, 0), "(\"c\", 1)");
  EXPECT_EQ(chosen(Order::kDefault, 0), "(\"b\", 2)");
}

struct DurabilityCase {
  Durability durability;
  Mark mark;
};

class Promise5 : public testing::TestWithParam<DurabilityCase> {};

TEST_P(Promise5, AnAnswerWaitsForWhatItsSpacePromises) {
  Rig rig;
  const auto [durability, mark] = GetParam();
  rig.create("s", durability);

  const Answer* out = rig.answer(rig.out("s", "(1)"));
  EXPECT_EQ(out->mark, mark);
  if (mark != Mark::kNone) {
    EXPECT_EQ(out->batch, rig.host.batches());
  }
  const uint64_t written = out->batch;
  const Answer* read = rig.answer(rig.rd("s", "(1)"));
  EXPECT_EQ(read->mark, mark);
  if (mark != Mark::kNone) {
    EXPECT_EQ(read->batch, written);
  }
  const Answer* taken = rig.answer(rig.in("s", "(1)"));
  EXPECT_EQ(taken->mark, mark);
  if (mark != Mark::kNone) {
    EXPECT_GT(taken->batch, written);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryClass, Promise5,
                         testing::Values(DurabilityCase{Durability::kSync, Mark::kSynced},
                                         DurabilityCase{Durability::kAsync, Mark::kWritten},
                                         DurabilityCase{Durability::kMemory, Mark::kNone}));

TEST(Promise5, ATakerWhoMeetsANumberedOutWaitsForItsRecord) {
  Rig rig;
  rig.create("s", Durability::kSync);
  Rig::Client sender = rig.open();
  const Ask taker = rig.in("s", "(1)");
  const Ask sent = rig.out("s", "(1)", &sender);

  EXPECT_EQ(rig.answer(taker)->batch, rig.answer(sent)->batch);
  EXPECT_EQ(rig.answer(taker)->mark, Mark::kSynced);
}

TEST(Promise6, ARepeatedNumberGetsTheFirstAnswer) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  rig.in("s", "(?int)", &ann);
  const SessionAnswer resumed = rig.resume(ann, {{1, 1}});

  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(Rig::said(resumed.answers[0].second), "(1)");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST(Promise6, ARepeatedNumberGetsTheFirstAnswerAlsoAfterARestart) {
  Rig rig;
  Rig::Client ann = rig.open();
  const Ask placed = rig.out("s", "(1)", &ann);
  rig.in("s", "(?int)", &ann);
  rig.restart();
  const SessionAnswer resumed = rig.resume(ann, {{1, 3}});

  ASSERT_EQ(resumed.answers.size(), 2u);
  EXPECT_EQ(resumed.answers[0].second.sequence, rig.sequence(placed));
  EXPECT_EQ(Rig::said(resumed.answers[1].second), "(1)");
  EXPECT_THAT(resumed.not_executed, ElementsAre(3u));
  EXPECT_EQ(rig.count("s").held, 1u);
}

TEST(Promise6, ANumberUsedForSomethingElseIsRefused) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)", &ann);
  Operation other;
  other.what = Out{"s", tuple("(2)"), {}, {}, false};
  other.caller = {ann.session, 1, 999, ""};
  other.reply = {Rig::kAlone, 1'000};
  rig.host.apply(other);

  EXPECT_EQ(Rig::said(rig.host.take_answers().at(0)), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST(Promise6, AConfirmedNumberIsStale) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)", &ann);
  rig.confirm(ann, {1, 1});
  ann.last = 0;
  ann.receiver = 7;

  EXPECT_EQ(rig.said(rig.out("s", "(1)", &ann)), "FAILED_PRECONDITION");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST(Promise6, WhatWasConfirmedIsGoneAndTheRestGoesBackMarked) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  rig.in("s", "(?int)", &ann);
  rig.in("s", "(?int)", &ann);
  rig.confirm(ann, {1, 1});
  rig.close(ann);

  EXPECT_EQ(rig.said(rig.inp("s", "(?int)")), "(2) attempt 1");
  EXPECT_EQ(rig.said(rig.inp("s", "(?int)")), "NONE");
}

TEST(Promise6, WithoutASessionATakeIsFinalAtOnce) {
  Rig rig;
  rig.out("s", "(1)");
  rig.in("s", "(1)");
  rig.restart();

  EXPECT_EQ(rig.count("s").held, 0u);
  EXPECT_EQ(rig.said(rig.inp("s", "(1)")), "NONE");
}

TEST(Promise7, ASuspendedWaitIsOfferedNothingAndKeepsItsPlaceInLine) {
  Rig rig;
  Rig::Client ann = rig.open();
  const Ask first = rig.in("s", "(?int)", &ann);
  const Ask second = rig.in("s", "(?int)");
  rig.suspend(ann);
  rig.out("s", "(1)");
  EXPECT_EQ(rig.said(second), "(1)");
  const Ask third = rig.in("s", "(?int)");
  EXPECT_THAT(rig.resume(ann, {{1, 1}}).waiting, ElementsAre(1u));
  rig.out("s", "(2)");

  EXPECT_EQ(rig.said(first), "");
  EXPECT_EQ(rig.said(Ask(ann.receiver, 1)), "(2)");
  EXPECT_EQ(rig.said(third), "");
}

TEST(Promise7, AWaitThatEndedWhileItsStreamWasBrokenIsToldAtItsResume) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.take(true, "s", "(?int)", {100, Order::kDefault, 0, 1}, &ann);
  rig.suspend(ann);
  rig.advance(200);
  const SessionAnswer resumed = rig.resume(ann, {{1, 1}});

  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(Rig::said(resumed.answers[0].second), "TIMEOUT");
}

TEST(Promise7, AnEndedSessionsWaitsAreGone) {
  Rig rig;
  Rig::Client ann = rig.open(1'000);
  rig.in("s", "(?int)", &ann);
  rig.suspend(ann);
  rig.advance(1'000);
  rig.out("s", "(1)");

  EXPECT_EQ(rig.figures().waiters, 0u);
  EXPECT_EQ(rig.said(rig.inp("s", "(1)")), "(1)");
}

TEST(Promise8, AWaitEndsAtItsMillisecond) {
  Rig rig;
  const Ask asked = rig.take(true, "s", "(1)", {250, Order::kDefault, 0, 1});
  rig.advance(249);
  EXPECT_EQ(rig.said(asked), "");
  EXPECT_EQ(rig.host.next(), rig.host.now() + 1);
  rig.advance(1);
  EXPECT_EQ(rig.said(asked), "TIMEOUT");
}

TEST(Promise8, ATtlEndsAtItsMillisecond) {
  Rig rig;
  rig.out("s", "(1)", {.ttl = 250, .delay = {}});
  rig.advance(249);
  EXPECT_EQ(rig.count("s").ready, 1u);
  rig.advance(1);
  EXPECT_EQ(rig.count("s").ready, 0u);
  EXPECT_EQ(rig.figures().expired, 1u);
}

TEST(Promise8, AWaitGetsWhatComesInTheMillisecondInWhichItEnds) {
  Rig rig;
  const Ask asked = rig.take(true, "s", "(1)", {204, Order::kDefault, 0, 1});
  rig.out("s", "(1)", {.ttl = {}, .delay = 204});
  for (const Duration by : {11, 72, 30, 24, 16, 25, 26}) rig.advance(by);

  EXPECT_EQ(rig.said(asked), "(1)");
}

}  // namespace
}  // namespace tuplespace
