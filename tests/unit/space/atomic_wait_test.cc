// Atomics that wait, and atomics of sessions: numbers, holding, restarts, marks.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

std::string contents(Rig& rig, const std::string& space) {
  Rig::How all;
  all.wait = 0;
  all.max = 10'000;
  return rig.said(rig.take(false, space, "(...)", all));
}

Operation atomic_of(const std::string& steps) {
  Operation operation;
  operation.what =
      Atomic{std::make_shared<const std::vector<Steps>>(parse_steps(steps).value()), {}};
  return operation;
}

TEST(AtomicWait, EndsWhenItsTimeIsOver) {
  Rig rig;
  const Ask asked = rig.atomic("in s (1) ; in t (2)", 50);
  rig.out("s", "(1)");
  rig.advance(49);
  EXPECT_EQ(rig.said(asked), "");
  rig.advance(1);
  EXPECT_EQ(rig.said(asked), "TIMEOUT");
  EXPECT_EQ(rig.figures().waiters, 0u);
  rig.out("t", "(2)");
  EXPECT_EQ(contents(rig, "s") + contents(rig, "t"), "(1)(2)");
}

TEST(AtomicWait, IsCancelledAndLeavesNothingBehind) {
  Rig rig;
  const Ask asked = rig.atomic("in s (1) ; count t (?) < 1");
  EXPECT_EQ(rig.figures().waiters, 1u);
  rig.cancel(asked);
  EXPECT_EQ(rig.said(asked), "CANCELLED");
  EXPECT_EQ(rig.figures().waiters, 0u);
  EXPECT_EQ(rig.said(rig.out("s", "(1)")), "OK");
  EXPECT_EQ(contents(rig, "s"), "(1)");
  EXPECT_EQ(rig.host.records().size(), 3u);  // the shard, s, its tuple; t was never there
}

TEST(AtomicWait, AProbeAndABadWaitAreAnsweredAtOnce) {
  Rig rig;
  EXPECT_EQ(rig.said(rig.atomicp("in nowhere (1)")), "NONE");
  EXPECT_EQ(rig.said(rig.atomic("in nowhere (1)", -1)), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.said(rig.atomicp("in s (1) ; count no!name (1) = 0")), "INVALID_ARGUMENT");
  EXPECT_FALSE(rig.host.shard().has_space("nowhere"));
}

TEST(AtomicWait, EndsWithASpaceThatItNames) {
  Rig rig;
  rig.out("s", "(0)");
  rig.out("t", "(0)");
  const Ask takes = rig.atomic("in t (1)");
  const Ask counts = rig.atomic("count t (?) > 5 ; out s (1)");
  const Ask other = rig.atomic("in s (1)");
  Operation drop;
  drop.what = DropSpace{"t"};
  rig.ask(drop);
  EXPECT_EQ(rig.said(takes), "ABORTED");
  EXPECT_EQ(rig.said(counts), "ABORTED");
  EXPECT_EQ(rig.said(other), "");
}

TEST(AtomicWait, EndsWhenTheServerGoesDown) {
  Rig rig;
  rig.atomic("in s (1)");
  rig.atomic("in s (1) ; out s (2)");
  rig.host.together([&](Effects& effects) {
    rig.host.shard().end_waits("", {Code::kUnavailable, "going down"}, effects);
  });
  EXPECT_EQ(rig.figures().waiters, 0u);
}

TEST(AtomicWait, ASuspendedOneIsNotServedAndKeepsItsPlaceInLine) {
  Rig rig;
  Rig::Client ann = rig.open();
  Rig::Client bob = rig.open();
  const Ask lost = rig.atomic("in s ('x') ; out log ('ann')", &ann);
  const Ask bobs = rig.atomic("in s ('x') ; out log ('bob')", &bob);
  rig.suspend(ann);
  rig.out("s", "('x')");
  EXPECT_EQ(rig.said(lost), "");
  EXPECT_EQ(rig.said(bobs), "(\"x\")");

  const Ask again = rig.atomic("in s ('x') ; out log ('bob again')", &bob);
  const SessionAnswer resumed = rig.resume(ann, {{1, 1}});
  EXPECT_EQ(resumed.waiting.size(), 1u);
  rig.out("s", "('x')");
  EXPECT_EQ(rig.said(Ask{ann.receiver, 1}), "(\"x\")");
  EXPECT_EQ(rig.said(again), "");
  EXPECT_EQ(contents(rig, "log"), "(\"bob\") (\"ann\")");
}

TEST(AtomicWait, AResumedOneFindsWhatCameMeanwhile) {
  Rig rig;
  Rig::Client ann = rig.open();
  const Ask reader = rig.rd("log", "(?)");
  rig.atomic("in s ('x') ; out log ('ann')", &ann);
  rig.suspend(ann);
  rig.out("s", "('x')");
  const SessionAnswer resumed = rig.resume(ann, {{1, 1}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(Rig::said(resumed.answers[0].second), "(\"x\")");
  EXPECT_EQ(rig.said(reader), "(\"ann\")");
}

TEST(AtomicWait, EndsWithItsSession) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.atomic("in s ('x')", &ann);
  rig.close(ann);
  EXPECT_EQ(rig.figures().waiters, 0u);
  rig.out("s", "('x')");
  EXPECT_EQ(contents(rig, "s"), "(\"x\")");
}

TEST(AtomicWait, ATupleThatExpiresLeavesRoom) {
  Rig rig;
  rig.out("s", "(1)", {.ttl = 100, .delay = {}});
  const Ask writer = rig.atomic("count s (?) < 1 ; out s (2)");
  rig.advance(99);
  EXPECT_EQ(rig.said(writer), "");
  rig.advance(1);
  EXPECT_EQ(rig.said(writer), "OK");
  EXPECT_EQ(contents(rig, "s"), "(2)");
}

TEST(AtomicWait, EveryWayOfBecomingAvailableServesIt) {
  Rig rig;
  Rig::Client holder = rig.open();
  rig.out("s", "('given back')");
  rig.in("s", "('given back')", &holder);
  rig.out("s", "('delayed')", {.ttl = {}, .delay = 10});
  const Ask both = rig.atomic("in s ('given back') ; in s ('delayed')");
  rig.advance(10);
  EXPECT_EQ(rig.said(both), "");
  rig.close(holder);
  EXPECT_EQ(rig.said(both), "(\"given back\") attempt 1 (\"delayed\")");
}

TEST(AtomicWait, AnIndexThatIsBeingBuiltIsWaitedForAlsoByAProbe) {
  ShardConfig config;
  config.slice_candidates = 10;
  config.examine_max = 100;
  Rig rig(config);
  for (int i = 0; i < 1'000; ++i) rig.out("s", "(" + std::to_string(i) + ", 'x')");

  EXPECT_EQ(rig.said(rig.atomicp("in s (999, ?x:any) ; in s (5, $x)")), "(999, \"x\") (5, \"x\")");
  EXPECT_EQ(rig.said(rig.atomicp("in s (2000, 'x')")), "NONE");
}

TEST(AtomicOfASession, TakenTuplesAreHeldUntilTheNumberIsConfirmed) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  EXPECT_EQ(rig.said(rig.atomic("in s (1) ; rd s (2)", &ann)), "(1) (2)");
  EXPECT_EQ(rig.count("s").held, 1u);
  rig.confirm(ann, {1, 1});
  EXPECT_EQ(rig.count("s").held, 0u);
  EXPECT_EQ(contents(rig, "s"), "(2)");
}

TEST(AtomicOfASession, WhatIsTakenAndNotConfirmedGoesBack) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)");
  rig.atomic("in s (1)", &ann);
  rig.close(ann);
  EXPECT_EQ(contents(rig, "s"), "(1) attempt 1");
}

// Else a counter would be two after its client died.
TEST(AtomicOfASession, WhatIsTakenForWhatWasPutOrSettledIsFinal) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "('n', 1)");
  rig.out("s", "('job')");
  rig.out("s", "('other')");
  rig.atomic("in s ('n', ?n:int) ; out s ('n', $n+1)", &ann);
  const Ask held = rig.hold("s", "('job')", 60'000);
  const Token token = std::get<TakeAnswer>(rig.answer(held)->what).tuples.at(0).token;
  rig.atomic(fmt::format("in s ('other') ; settle s {} done", token), &ann);
  EXPECT_EQ(rig.count("s").held, 0u);
  rig.close(ann);
  EXPECT_EQ(contents(rig, "s"), "(\"n\", 2)");
}

TEST(AtomicOfASession, ARepeatedNumberGetsTheFirstAnswerAlsoAfterARestart) {
  Rig rig;
  rig.create("m", Durability::kMemory);
  Rig::Client ann = rig.open();
  rig.out("s", "('n', 1)");
  rig.out("s", "('seen', b'\\x00')");
  rig.out("m", "('volatile')");
  const std::string steps =
      "in s ('never') or in s ('n', ?n:int) ; rd s ('seen', ?) ; in m ('volatile') ; "
      "count s ('n', ?) = 0 ; count s (?, ?) = 1 ; out s ('n', $n+1)";
  const Ask first = rig.atomic(steps, &ann);
  const std::string said = "alternative 1 (\"n\", 1) (\"seen\", b\"\\x00\") (\"volatile\")";
  EXPECT_EQ(rig.said(first), said);
  const auto put = std::get<AtomicAnswer>(rig.answer(first)->what).steps[5].id;

  const auto check = [&](const Answer& again) {
    EXPECT_EQ(Rig::said(again), said);
    EXPECT_EQ(again.sequence, rig.answer(first)->sequence);
    const auto& did = std::get<AtomicAnswer>(again.what);
    ASSERT_EQ(did.steps.size(), 6u);
    EXPECT_EQ(did.steps[3].count, 0u);
    EXPECT_EQ(did.steps[4].count, 1u);
    EXPECT_EQ(did.steps[5].id, put);
    EXPECT_NE(put, 0u);
  };
  check(*rig.answer(rig.again(atomic_of(steps), ann, 1)));
  rig.restart();
  const SessionAnswer resumed = rig.resume(ann, {{1, 1}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  check(resumed.answers[0].second);
  EXPECT_EQ(rig.count("s").held, 0u);  // what it put made its takes final
  EXPECT_EQ(rig.count("s", "('n', 2)").ready, 1u);
  rig.confirm(ann, {1, 1});
  EXPECT_EQ(contents(rig, "s"), "(\"seen\", b\"\\x00\") (\"n\", 2)");
}

TEST(AtomicOfASession, WhatWaitedAtARestartWasNotExecuted) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)");
  rig.out("s", "(2)", &ann);
  rig.atomic("in s (1) ; in s (3)", &ann);
  rig.restart();
  const SessionAnswer resumed = rig.resume(ann, {{1, 2}});
  EXPECT_EQ(resumed.not_executed, std::vector<Number>{2});
  EXPECT_EQ(contents(rig, "s"), "(1) (2)");
}

TEST(AtomicOfASession, AConfirmedOneIsForgottenThoughItsRecordLivesForOthers) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)");
  rig.host.together([&](Effects& effects) {
    for (const char* steps : {"in s (1)", "out s (2)"}) {
      Operation operation = atomic_of(steps);
      const Number number = ++ann.last;
      operation.caller = {ann.session, number, number, ""};
      rig.host.shard().apply(std::move(operation), rig.host.now(), effects);
    }
  });
  rig.confirm(ann, {1, 1});
  rig.restart();
  const SessionAnswer resumed = rig.resume(ann, {{1, 2}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(resumed.answers[0].first, 2u);
}

TEST(AtomicOfASession, AnAnswerWaitsForEverySpaceItReadOrChanged) {
  Rig rig;
  rig.create("sync", Durability::kSync);
  rig.create("async", Durability::kAsync);
  rig.create("memory", Durability::kMemory);
  for (const char* space : {"sync", "async", "memory"}) rig.out(space, "(1)");
  const auto mark = [&](const std::string& steps) {
    const Answer* answer = rig.answer(rig.atomicp(steps));
    EXPECT_LE(answer->batch, rig.host.batches());
    return answer->mark;
  };
  EXPECT_EQ(mark("out memory (2)"), Mark::kNone);
  EXPECT_EQ(mark("rd memory (1) ; count async (1) = 1"), Mark::kWritten);
  EXPECT_EQ(mark("out async (2)"), Mark::kWritten);
  EXPECT_EQ(mark("out async (2) ; count sync (1) = 1"), Mark::kSynced);
  EXPECT_EQ(mark("in memory (1) ; out sync (2)"), Mark::kSynced);
  EXPECT_EQ(mark("in sync (7) or out memory (3)"), Mark::kSynced);
  EXPECT_EQ(mark("in sync (7)"), Mark::kSynced);  // none, as far as it could see
}

TEST(AtomicOfASession, ATakerServedByWhatItPutRestsOnWhatItTook) {
  Rig rig;
  rig.out("a", "(1)");
  rig.out("b", "(0)");
  const Ask taker = rig.in("b", "(1)");
  const Ask moved = rig.atomic("in a (1) ; out b (1)");
  EXPECT_EQ(rig.said(taker), "(1)");
  EXPECT_EQ(rig.answer(taker)->batch, rig.answer(moved)->batch);
  EXPECT_EQ(rig.answer(taker)->mark, Mark::kSynced);
}

}  // namespace
}  // namespace tuplespace
