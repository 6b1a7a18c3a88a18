// Promise 10: deadlock is reported or answered, and only when it is one.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

Policy detecting(Deadlock deadlock) {
  Policy policy;
  policy.deadlock = deadlock;
  return policy;
}

bool reported(Rig& rig, const std::string& space = "") {
  Operation operation;
  operation.what = Blocked{space};
  const Answer* answer = rig.answer(rig.ask(std::move(operation)));
  return std::get<BlockedAnswer>(answer->what).deadlock;
}

// Two participants who have joined s.
class Promise10 : public testing::Test {
 protected:
  Promise10() {
    rig.create("s", detecting(Deadlock::kFail));
    ann = rig.participant();
    bob = rig.participant(5'000);
    rig.out("s", "('ann is here')", &ann);
    rig.out("s", "('bob is here')", &bob);
  }

  Rig rig;
  Rig::Client ann;
  Rig::Client bob;
};

TEST_F(Promise10, TheYoungestWaitEndsWhenEverybodyWaits) {
  const Ask first = rig.in("s", "(1)", &ann);
  EXPECT_EQ(rig.said(first), "");
  const Ask second = rig.rd("s", "(2)", &bob);

  EXPECT_EQ(rig.said(second), "DEADLOCK");
  EXPECT_EQ(rig.said(first), "");
  EXPECT_EQ(rig.figures().deadlocks, 1u);
}

TEST_F(Promise10, WhoEndedMayGoOnAndHelp) {
  const Ask first = rig.in("s", "(1)", &ann);
  rig.in("s", "(2)", &bob);
  rig.out("s", "(1)", &bob);
  EXPECT_EQ(rig.said(first), "(1)");
  EXPECT_EQ(rig.said(rig.in("s", "(3)", &ann)), "");
  EXPECT_EQ(rig.said(rig.in("s", "(4)", &bob)), "DEADLOCK");
  EXPECT_EQ(rig.figures().deadlocks, 2u);
}

TEST_F(Promise10, AWaitWithABoundIsNone) {
  rig.in("s", "(1)", &ann);
  const Ask bounded = rig.take(true, "s", "(2)", {.wait = 1'000}, &bob);
  EXPECT_EQ(rig.said(bounded), "");
  rig.advance(1'000);
  EXPECT_EQ(rig.said(bounded), "TIMEOUT");
  EXPECT_EQ(rig.figures().deadlocks, 0u);
}

TEST_F(Promise10, WhoHasNotJoinedDoesNotCount) {
  Rig::Client cat = rig.participant();
  rig.out("elsewhere", "(1)", &cat);
  rig.in("s", "(1)", &ann);
  EXPECT_EQ(rig.said(rig.in("s", "(2)", &bob)), "DEADLOCK");
}

TEST_F(Promise10, WhoHasJoinedAndDoesNotWaitCounts) {
  Rig::Client cat = rig.participant();
  rig.rdp("s", "(1)");
  rig.out("s", "('cat is here')", &cat);
  const Ask first = rig.in("s", "(1)", &ann);
  const Ask second = rig.in("s", "(2)", &bob);
  EXPECT_EQ(rig.said(second), "");
  rig.close(cat);  // nobody is left who could help
  EXPECT_EQ(rig.said(second), "DEADLOCK");
  EXPECT_EQ(rig.said(first), "");
}

TEST_F(Promise10, WhoIsNoParticipantIsNotConsidered) {
  Rig::Client bystander = rig.open();
  rig.out("s", "('here, too')", &bystander);
  rig.in("s", "(1)", &bystander);
  rig.in("s", "(1)");
  rig.in("s", "(1)", &ann);
  EXPECT_EQ(rig.said(rig.in("s", "(2)", &bob)), "DEADLOCK");
}

TEST_F(Promise10, AWaitElsewhereIsAWait) {
  rig.in("elsewhere", "(1)", &ann);
  const Ask there = rig.in("s", "(2)", &bob);
  EXPECT_EQ(rig.said(there), "DEADLOCK");
}

TEST_F(Promise10, IfNobodyWaitsThereItIsNotThisSpacesDeadlock) {
  rig.in("elsewhere", "(1)", &ann);
  EXPECT_EQ(rig.said(rig.in("elsewhere", "(2)", &bob)), "");
  EXPECT_EQ(rig.figures().deadlocks, 0u);
}

TEST_F(Promise10, ADelayedTupleThatIsDueIsHope) {
  rig.out("t", "(0)", {.ttl = {}, .delay = 1'000});
  rig.in("s", "(1)", &ann);
  const Ask second = rig.in("s", "(2)", &bob);
  EXPECT_EQ(rig.said(second), "");
  rig.advance(999);
  EXPECT_EQ(rig.said(second), "");
  rig.advance(1);
  EXPECT_EQ(rig.said(second), "DEADLOCK");
}

TEST_F(Promise10, ADelayedTupleThatHelpsHelps) {
  rig.out("s", "(2)", {.ttl = {}, .delay = 1'000});
  rig.in("s", "(1)", &ann);
  const Ask second = rig.in("s", "(2)", &bob);
  rig.advance(1'000);
  EXPECT_EQ(rig.said(second), "(2)");
}

TEST_F(Promise10, ALeaseThatRunsOverTakenTuplesIsHope) {
  Rig::Client holder = rig.open(3'000);
  rig.out("s", "(0)");
  rig.in("s", "(0)", &holder);
  rig.suspend(holder);
  rig.in("s", "(1)", &ann);
  const Ask second = rig.in("s", "(2)", &bob);
  EXPECT_EQ(rig.said(second), "");
  rig.advance(3'000);
  EXPECT_EQ(rig.said(second), "DEADLOCK");
  EXPECT_EQ(rig.said(rig.inp("s", "(0)")), "(0) attempt 1");
}

class Promise10Atomic : public Promise10 {
 protected:
  Ask atomic(Step step, Rig::Client* client) {
    Operation operation;
    operation.what =
        Atomic{std::make_shared<const std::vector<Steps>>(1, Steps{std::move(step)}), {}};
    return rig.ask(std::move(operation), client);
  }
};

TEST_F(Promise10Atomic, AnAtomicThatWaitsIsInItToo) {
  const Ask first = rig.in("s", "(1)", &ann);
  const Ask second = atomic(TakeStep{"s", wanted("(2)"), true, {}}, &bob);

  EXPECT_EQ(std::get<AtomicAnswer>(rig.answer(second)->what).ended, Ended::kDeadlock);
  EXPECT_EQ(rig.said(first), "");
}

TEST_F(Promise10Atomic, ATtlIsHopeForWhoCountsHowFewThereAre) {
  rig.out("s", "('few')", {.ttl = 1'000, .delay = {}});
  rig.in("s", "(1)", &ann);
  const Ask counts = atomic(CountStep{"s", wanted("('few')"), Comparison::kEqual, 0}, &bob);
  EXPECT_EQ(rig.answer(counts), nullptr);
  rig.advance(1'000);
  EXPECT_EQ(std::get<AtomicAnswer>(rig.answer(counts)->what).ended, Ended::kNot);
}

TEST_F(Promise10, AHoldIsHopeUntilItIsSettled) {
  rig.out("t", "(0)");
  const Ask held = rig.hold("t", "(0)", 60'000);
  rig.in("s", "(1)", &ann);
  const Ask second = rig.in("s", "(2)", &bob);
  EXPECT_EQ(rig.said(second), "");
  rig.settle("t", held, Settlement::kDone);
  EXPECT_EQ(rig.said(second), "DEADLOCK");
}

TEST_F(Promise10, WhoseStreamIsBrokenMayComeBack) {
  const Ask first = rig.in("s", "(1)", &ann);
  rig.suspend(ann);
  const Ask second = rig.in("s", "(2)", &bob);
  EXPECT_EQ(rig.said(second), "");
  const SessionAnswer resumed = rig.resume(ann, {{2, 2}});
  EXPECT_EQ(resumed.waiting, std::vector<Number>{2});
  EXPECT_EQ(rig.said(second), "DEADLOCK");
  EXPECT_EQ(rig.said(first), "");
}

TEST_F(Promise10, ASessionThatEndsLeavesTheOthersInDeadlock) {
  rig.in("s", "(1)", &ann);
  rig.suspend(bob);
  EXPECT_EQ(rig.figures().deadlocks, 0u);
  rig.advance(5'000);  // its lease
  EXPECT_EQ(rig.figures().deadlocks, 1u);
}

TEST_F(Promise10, AfterARestartEveryParticipantMayHaveJoined) {
  Rig::Client cat = rig.participant();
  rig.out("elsewhere", "(1)", &cat);
  rig.restart();
  rig.resume(ann);
  rig.resume(bob);
  rig.resume(cat);
  ann.last = bob.last = cat.last = 10;
  rig.in("s", "(1)", &ann);
  EXPECT_EQ(rig.said(rig.in("s", "(2)", &bob)), "");
  EXPECT_EQ(rig.said(rig.in("s", "(3)", &cat)), "DEADLOCK");
}

TEST_F(Promise10, ASearchThatIsNotOverIsNone) {
  ShardConfig config;
  config.slice_candidates = 4;
  Rig sliced(config);
  sliced.create("s", detecting(Deadlock::kFail));
  for (int i = 0; i < 50; ++i) sliced.out("s", fmt::format("({})", i));
  Rig::Client alone = sliced.participant();
  EXPECT_EQ(sliced.said(sliced.in("s", "(>48)", &alone)), "(49)");
  EXPECT_EQ(sliced.said(sliced.in("s", "(>48)", &alone)), "DEADLOCK");  // found when it is over
}

TEST(DeadlockReport, EndsNothingAndIsCountedOnce) {
  Rig rig;
  rig.create("s", detecting(Deadlock::kReport));
  rig.create("other", detecting(Deadlock::kReport));
  Rig::Client ann = rig.participant();
  EXPECT_FALSE(reported(rig));
  const Ask waits = rig.in("s", "(1)", &ann);

  EXPECT_EQ(rig.said(waits), "");
  EXPECT_TRUE(reported(rig));
  EXPECT_TRUE(reported(rig, "s"));
  EXPECT_FALSE(reported(rig, "other"));
  EXPECT_EQ(rig.figures().deadlocks, 1u);
  rig.out("elsewhere", "(1)", {.ttl = 5, .delay = {}});
  rig.advance(5);  // looked for again, it is the same one
  EXPECT_EQ(rig.figures().deadlocks, 1u);
  rig.out("s", "(1)");
  EXPECT_FALSE(reported(rig));
  rig.in("s", "(1)", &ann);
  EXPECT_EQ(rig.figures().deadlocks, 2u);
}

TEST(DeadlockReport, WhoWaitedForTheSpaceToBeMadeHasJoinedIt) {
  Rig rig;
  Rig::Client ann = rig.participant();
  rig.in("s", "(1)", &ann);
  rig.create("s", detecting(Deadlock::kReport));
  Rig::Client bob = rig.participant();
  rig.in("s", "(2)", &bob);
  EXPECT_TRUE(reported(rig));
  EXPECT_EQ(rig.figures().deadlocks, 1u);
}

TEST(DeadlockIgnored, NothingIsLookedForUnlessAskedFor) {
  Rig rig;
  Rig::Client ann = rig.participant();
  const Ask waits = rig.in("s", "(1)", &ann);
  EXPECT_EQ(rig.said(waits), "");
  EXPECT_FALSE(reported(rig));
  EXPECT_EQ(rig.figures().deadlocks, 0u);
}

TEST(DeadlockPolicy, IsOfShardZero) {
  ShardConfig config;
  config.shard = 1;
  Rig rig(config);
  const Ask created = rig.create("s", detecting(Deadlock::kFail));
  EXPECT_EQ(rig.said(created), "INVALID_ARGUMENT");
  EXPECT_FALSE(rig.host.shard().has_space("s"));
}

}  // namespace
}  // namespace tuplespace
