// Tuples that are bound to a session, those whose fate somebody waits for, and their leases.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

constexpr Duration kSecond = 1'000;

class Bound : public testing::Test {
 protected:
  Ask out(const std::string& text, Rig::Client* client, bool until_taken = false,
          std::optional<Duration> ttl = {}) {
    OutExtras extras;
    extras.bound = true;
    extras.until_taken = until_taken;
    Operation operation;
    operation.what =
        Out{"s", tuple(text), ttl, {}, false, std::make_shared<const OutExtras>(std::move(extras))};
    return rig.ask(std::move(operation), client);
  }
  Fate fate(Ask asked) const {
    const Answer* answer = rig.answer(asked);
    return answer == nullptr ? Fate::kNone : std::get<OutAnswer>(answer->what).fate;
  }

  Rig rig;
};

TEST_F(Bound, TheyVanishWithTheirSession) {
  Rig::Client ann = rig.open();
  out("('service', 1)", &ann);
  rig.out("s", "('service', 2)");
  EXPECT_EQ(rig.count("s").ready, 2u);

  rig.close(ann);
  EXPECT_EQ(rig.count("s").ready, 1u);
  rig.restart();
  EXPECT_EQ(rig.said(rig.rdp("s", "(...)")), "(\"service\", 2)");
}

TEST_F(Bound, TheyVanishWithASessionThatEndsAfterARestart) {
  Rig::Client ann = rig.open(2 * kSecond);
  out("('service', 1)", &ann);
  rig.restart();
  EXPECT_EQ(rig.count("s").ready, 1u);

  rig.advance(2 * kSecond);
  EXPECT_EQ(rig.count("s").ready, 0u);
}

TEST_F(Bound, WhatSomebodyHoldsVanishesWhenItIsGivenBack) {
  Rig::Client ann = rig.open();
  Rig::Client bob = rig.open();
  out("('service', 1)", &ann);
  rig.in("s", "(...)", &bob);
  rig.close(ann);
  EXPECT_EQ(rig.count("s").held, 1u);

  rig.close(bob);
  EXPECT_EQ(rig.count("s").ready, 0u);
}

TEST_F(Bound, WithoutASessionTheyAreRefused) {
  EXPECT_EQ(rig.said(out("(1)", nullptr)), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.said(out("(1)", nullptr, true)), "INVALID_ARGUMENT");
}

TEST_F(Bound, AnOutOfManyWaitsForNoTaker) {
  Rig::Client ann = rig.open();
  OutExtras extras;
  extras.until_taken = true;
  extras.more = {tuple("(2)")};
  Operation operation;
  operation.what =
      Out{"s", tuple("(1)"), {}, {}, false, std::make_shared<const OutExtras>(std::move(extras))};

  EXPECT_EQ(rig.said(rig.ask(std::move(operation), &ann)), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.count("s").ready, 0u);
}

TEST_F(Bound, AnOutUntilTakenIsAnsweredWhenItsTakerHasConfirmed) {
  Rig::Client sender = rig.open();
  Rig::Client taker = rig.open();
  const Ask sent = out("('message')", &sender, true);
  rig.in("s", "('message')", &taker);
  EXPECT_EQ(rig.answer(sent), nullptr);

  rig.confirm(taker, {1, 1});
  EXPECT_EQ(fate(sent), Fate::kTaken);
}

TEST_F(Bound, ItWaitsThroughGiveBacks) {
  Rig::Client sender = rig.open();
  Rig::Client first = rig.open();
  Rig::Client second = rig.open();
  const Ask sent = out("('message')", &sender, true);
  rig.in("s", "('message')", &first);
  const Ask next = rig.in("s", "('message')", &second);
  rig.close(first);
  EXPECT_EQ(rig.said(next), "(\"message\") attempt 1");
  EXPECT_EQ(rig.answer(sent), nullptr);

  rig.confirm(second, {1, 1});
  EXPECT_EQ(fate(sent), Fate::kTaken);
}

TEST_F(Bound, ItIsAnsweredAtOnceWhenATakerWithoutASessionWaits) {
  Rig::Client sender = rig.open();
  const Ask taken = rig.in("s", "('message')");

  EXPECT_EQ(fate(out("('message')", &sender, true)), Fate::kTaken);
  EXPECT_EQ(rig.said(taken), "(\"message\")");
}

TEST_F(Bound, ItSaysWhenItExpired) {
  Rig::Client sender = rig.open();
  const Ask sent = out("('message')", &sender, true, kSecond);
  rig.advance(kSecond);

  EXPECT_EQ(fate(sent), Fate::kExpired);
}

TEST_F(Bound, ACancelWithdrawsItIfNobodyHasIt) {
  Rig::Client sender = rig.open();
  const Ask sent = out("('message')", &sender, true);
  Operation cancel;
  cancel.what = Cancel{sender.session, 1, {}};
  rig.host.apply(std::move(cancel));
  rig.advance(0);

  EXPECT_EQ(fate(sent), Fate::kWithdrawn);
  EXPECT_EQ(rig.count("s").ready, 0u);
}

TEST_F(Bound, ItsFateIsToldAlsoAfterARestart) {
  Rig::Client sender = rig.open();
  Rig::Client taker = rig.open();
  out("('message')", &sender, true);
  rig.restart();
  const SessionAnswer waiting = rig.resume(sender, {{1, 1}});
  ASSERT_THAT(waiting.waiting, testing::ElementsAre(1u));
  rig.resume(taker);
  rig.in("s", "('message')", &taker);
  rig.confirm(taker, {1, 1});

  EXPECT_EQ(fate({sender.receiver, 1}), Fate::kTaken);
}

TEST_F(Bound, AFateThatNobodyHeardIsToldWhenTheSessionResumes) {
  Rig::Client sender = rig.open();
  out("('message')", &sender, true);
  rig.suspend(sender);
  EXPECT_EQ(rig.said(rig.in("s", "('message')")), "(\"message\")");
  rig.restart();

  const SessionAnswer resumed = rig.resume(sender, {{1, 1}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(std::get<OutAnswer>(resumed.answers[0].second.what).fate, Fate::kTaken);
}

// ---- leases of tuples ----

TEST(TupleLease, ARenewedTupleLivesLonger) {
  Rig rig;
  const Ask put = rig.out("s", "(1)", {.ttl = kSecond, .delay = {}});
  Operation renew;
  renew.what = Renew{{"s", 0, rig.sequence(put), 0}, 3 * kSecond};
  EXPECT_EQ(rig.said(rig.ask(std::move(renew))), "OK");

  rig.advance(2 * kSecond);
  rig.restart();
  EXPECT_EQ(rig.count("s").ready, 1u);
  rig.advance(kSecond);
  EXPECT_EQ(rig.count("s").ready, 0u);
}

TEST(TupleLease, AnEndedOneIsGone) {
  Rig rig;
  const Ask put = rig.out("s", "(1)", {.ttl = kSecond, .delay = {}});
  Operation end;
  end.what = EndLease{{"s", 0, rig.sequence(put), 0}};
  EXPECT_EQ(rig.said(rig.ask(Operation(end))), "OK");
  EXPECT_EQ(rig.count("s").ready, 0u);
  EXPECT_EQ(rig.said(rig.ask(std::move(end))), "NOT_FOUND");
}

}  // namespace
}  // namespace tuplespace
