// Spaces that end by themselves: their ttl, the session that made them, or nobody reaches them.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

bool exists(Rig& rig, const std::string& space) { return rig.host.shard().has_space(space); }

Policy lasting(Duration ttl) {
  Policy policy;
  policy.ttl = ttl;
  return policy;
}

Policy bound() {
  Policy policy;
  policy.bound = true;
  return policy;
}

Policy collected() {
  Policy policy;
  policy.collected = true;
  return policy;
}

// ---- ttl ----

TEST(SpaceTtl, EndsASpaceWithAllThatIsInIt) {
  Rig rig;
  rig.create("s", lasting(1'000));
  rig.out("s", "(1)");
  const Ask waits = rig.in("s", "(2)");
  const Ask watches = rig.watch("s", "(3)");
  rig.advance(999);
  EXPECT_TRUE(exists(rig, "s"));
  rig.advance(1);

  EXPECT_FALSE(exists(rig, "s"));
  EXPECT_EQ(rig.said(waits), "ABORTED");
  EXPECT_EQ(rig.said(watches), "ABORTED");
  EXPECT_EQ(rig.figures().spaces_ended, 1u);
  EXPECT_EQ(rig.host.records().size(), 1u);  // the shard's own
}

TEST(SpaceTtl, GoesOnWhileTheServerIsDown) {
  Rig rig;
  rig.create("s", lasting(1'000));
  rig.advance(500);
  rig.restart();
  rig.advance(499);
  EXPECT_TRUE(exists(rig, "s"));
  rig.advance(1);
  EXPECT_FALSE(exists(rig, "s"));
}

TEST(SpaceTtl, OfASpaceThatWasMadeAgainIsItsOwn) {
  Rig rig;
  rig.create("s", lasting(1'000));
  rig.drop("s");
  rig.create("s", lasting(2'000));
  rig.advance(1'999);
  EXPECT_TRUE(exists(rig, "s"));
  rig.advance(1);
  EXPECT_FALSE(exists(rig, "s"));
}

TEST(SpaceTtl, TheEngineIsToldOfItsName) {
  Rig rig;
  std::vector<std::string> told;
  rig.host.on_effects = [&](const Effects& effects) {
    told.insert(told.end(), effects.dropped_spaces.begin(), effects.dropped_spaces.end());
  };
  rig.create("s", lasting(1'000));
  rig.advance(1'000);
  EXPECT_EQ(told, std::vector<std::string>{"s"});
}

TEST(SpaceTtl, ThatIsNoneIsRefused) {
  Rig rig;
  EXPECT_EQ(rig.said(rig.create("s", lasting(-1))), "INVALID_ARGUMENT");
  EXPECT_FALSE(exists(rig, "s"));
}

// ---- bound ----

TEST(BoundSpace, EndsWithItsSession) {
  Rig rig;
  Rig::Client ann = rig.open();
  Rig::Client bob = rig.open();
  rig.create("s", bound(), &ann);
  rig.create("other", bound(), &bob);
  rig.out("s", "(1)", &bob);
  const Ask held = rig.in("s", "(1)", &bob);
  EXPECT_EQ(rig.said(held), "(1)");
  rig.close(ann);

  EXPECT_FALSE(exists(rig, "s"));
  EXPECT_TRUE(exists(rig, "other"));
  rig.confirm(bob, {1, 2});  // what it held has gone, and that harms nobody
  rig.close(bob);
  EXPECT_FALSE(exists(rig, "other"));
}

TEST(BoundSpace, EndsWhenTheLeaseDoes) {
  Rig rig;
  Rig::Client ann = rig.open(2'000);
  rig.create("s", bound(), &ann);
  rig.suspend(ann);
  rig.advance(1'999);
  EXPECT_TRUE(exists(rig, "s"));
  rig.advance(1);
  EXPECT_FALSE(exists(rig, "s"));
}

TEST(BoundSpace, WhatItsSessionHeldInItGoesWithIt) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.create("s", bound(), &ann);
  rig.out("s", "(1)");
  rig.in("s", "(1)", &ann);
  rig.close(ann);
  EXPECT_FALSE(exists(rig, "s"));
  EXPECT_EQ(rig.figures().bytes, 0u);
}

TEST(BoundSpace, SurvivesARestartWithItsSession) {
  Rig rig;
  Rig::Client ann = rig.open(2'000);
  rig.create("s", bound(), &ann);
  rig.restart();
  EXPECT_TRUE(exists(rig, "s"));
  rig.advance(2'000);
  EXPECT_FALSE(exists(rig, "s"));
}

TEST(BoundSpace, NeedsALivingSession) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.close(ann);
  EXPECT_EQ(rig.said(rig.create("s", bound())), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.said(rig.create("s", bound(), &ann)), "NOT_FOUND");
  EXPECT_FALSE(exists(rig, "s"));
}

TEST(BoundSpace, OfAnotherShardMakesItsSessionKnownThere) {
  ShardConfig config;
  config.shard = 1;
  Rig rig(config);
  Rig::Client ann;
  ann.session = 77;  // of shard 0
  rig.create("s", bound(), &ann);
  rig.restart();
  EXPECT_EQ(rig.host.shard().sessions(), std::vector<SessionId>{77});
  rig.close(ann);
  EXPECT_FALSE(exists(rig, "s"));
}

TEST(SessionOfAnotherShard, IsNotBegunAnewByWhatWasUnderWayWhenItEnded) {
  ShardConfig config;
  config.shard = 1;
  Rig rig(config);
  Rig::Client ann, bob;
  ann.session = 77;  // of shard 0, which says that it has ended
  bob.session = 78;
  ann.receiver = 1'000;
  bob.receiver = 1'001;
  rig.out("s", "(1)");
  rig.close(ann);
  EXPECT_EQ(rig.said(rig.in("s", "(1)", &ann)), "NOT_FOUND");
  EXPECT_EQ(rig.said(rig.in("s", "(1)", &bob)), "(1)");
  rig.close(bob);
}

TEST(BoundSpace, HoldsInItEndWithIt) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.create("s", bound(), &ann);
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  rig.hold("s", "(1)", 60'000, &ann);
  rig.hold("s", "(2)", 60'000);
  rig.close(ann);
  EXPECT_FALSE(exists(rig, "s"));
  EXPECT_EQ(rig.figures().holds, 0u);
}

// ---- collected ----

class CollectedSpace : public testing::Test {
 protected:
  CollectedSpace() {
    ann = rig.open();
    bob = rig.open();
    rig.create("s", collected(), &ann);
  }
  // Until what nobody reaches has been looked for again.
  void wait() { rig.advance(ShardConfig().collect_every); }

  Rig rig;
  Rig::Client ann;
  Rig::Client bob;
};

TEST_F(CollectedSpace, EndsWithTheLastSessionThatUsedIt) {
  rig.out("s", "(1)", &bob);
  rig.close(ann);
  wait();
  EXPECT_TRUE(exists(rig, "s"));
  rig.close(bob);
  EXPECT_FALSE(exists(rig, "s"));
  EXPECT_EQ(rig.figures().spaces_ended, 1u);
}

TEST_F(CollectedSpace, LivesWhileATupleRefersToIt) {
  rig.out("world", "('see', [{'where': @\"s\"}])");
  rig.close(ann);
  wait();
  EXPECT_TRUE(exists(rig, "s"));
  rig.in("world", "('see', ?)");
  wait();
  EXPECT_FALSE(exists(rig, "s"));
}

TEST_F(CollectedSpace, LivesWhileATupleThatIsHeldOrDelayedRefersToIt) {
  rig.out("world", "(@\"s\")", {.ttl = {}, .delay = 3 * ShardConfig().collect_every});
  rig.close(ann);
  wait();
  wait();
  EXPECT_TRUE(exists(rig, "s"));
  wait();
  rig.in("world", "(?)", &bob);
  wait();
  EXPECT_TRUE(exists(rig, "s"));
  rig.confirm(bob, {1, 1});
  wait();
  EXPECT_TRUE(exists(rig, "s"));  // bob was given the handle
  rig.close(bob);
  EXPECT_FALSE(exists(rig, "s"));
}

TEST_F(CollectedSpace, WhoIsGivenAHandleByAnAtomicUsesIt) {
  rig.out("world", "(@\"s\")");
  const Steps steps = {TakeStep{"world", wanted("(?space)"), true, {}}};
  Operation atomic;
  atomic.what = Atomic{std::make_shared<const std::vector<Steps>>(1, steps), 0};
  rig.ask(std::move(atomic), &bob);
  rig.confirm(bob, {1, 1});
  rig.close(ann);
  wait();
  EXPECT_TRUE(exists(rig, "s"));
  rig.close(bob);
  EXPECT_FALSE(exists(rig, "s"));
}

TEST_F(CollectedSpace, ThatReferToEachOtherEndTogether) {
  rig.create("t", collected(), &ann);
  rig.out("s", "(@\"t\")");
  rig.out("t", "(@\"s\")");
  rig.close(ann);
  EXPECT_FALSE(exists(rig, "s"));
  EXPECT_FALSE(exists(rig, "t"));
}

TEST_F(CollectedSpace, IsReachedThroughOthers) {
  rig.create("t", collected(), &ann);
  rig.create("u", collected(), &ann);
  rig.create("v", collected(), &ann);
  rig.out("world", "(@\"s\")");
  rig.out("s", "(@\"t\")");
  rig.out("t", "(@\"u\")");
  rig.close(ann);
  EXPECT_TRUE(exists(rig, "u"));
  EXPECT_FALSE(exists(rig, "v"));
  rig.in("s", "(?)");
  wait();
  EXPECT_TRUE(exists(rig, "s"));
  EXPECT_FALSE(exists(rig, "t"));
  EXPECT_FALSE(exists(rig, "u"));
}

TEST_F(CollectedSpace, LivesWhileSomebodyWaitsOnIt) {
  const Ask waits = rig.in("s", "(1)");
  rig.close(ann);
  wait();
  EXPECT_TRUE(exists(rig, "s"));
  rig.cancel(waits);
  rig.close(bob);
  EXPECT_FALSE(exists(rig, "s"));
}

TEST_F(CollectedSpace, AWatcherDoesNotKeepIt) {
  const Ask watcher = rig.watch("s", "(?)");
  rig.close(ann);
  EXPECT_EQ(rig.said(watcher), "ABORTED");
}

TEST_F(CollectedSpace, WhoOpensItAgainKeepsIt) {
  EXPECT_EQ(rig.said(rig.create("s", collected(), &bob)), "OK");
  rig.close(ann);
  wait();
  EXPECT_TRUE(exists(rig, "s"));
}

TEST_F(CollectedSpace, MayHaveBeenUsedByAnySessionBeforeARestart) {
  rig.restart();
  rig.resume(ann);
  rig.resume(bob);
  rig.close(ann);
  wait();
  EXPECT_TRUE(exists(rig, "s"));
  rig.close(bob);
  EXPECT_FALSE(exists(rig, "s"));
}

TEST_F(CollectedSpace, WhoseSessionsAllEndedBeforeARestartEndsAfterIt) {
  rig.out("world", "(@\"s\")");
  rig.close(ann);
  rig.close(bob);
  EXPECT_TRUE(exists(rig, "s"));
  rig.in("world", "(?)");
  rig.restart();
  EXPECT_FALSE(exists(rig, "s"));
}

TEST(CollectedSpaces, AreFoundInSlices) {
  ShardConfig config;
  config.slice_candidates = 4;
  Rig rig(config);
  Rig::Client ann = rig.open();
  rig.create("s", collected(), &ann);
  rig.create("t", collected(), &ann);
  for (int i = 0; i < 2'000; ++i) rig.out("world", i == 1'900 ? "(@\"s\")" : "('nothing')");
  rig.close(ann);
  EXPECT_TRUE(exists(rig, "s"));
  EXPECT_FALSE(exists(rig, "t"));
}

// A collection that is stopped between two slices: it has looked through "first", and is in
// "last", whose last tuple alone refers to s. In s there is a handle of t.
class CollectionUnderWay : public testing::Test {
 protected:
  CollectionUnderWay() : shard(config()) {
    ann = open();
    bob = open();
    ask(CreateSpace{"s", collected(), ann});
    ask(CreateSpace{"t", collected(), ann});
    out("s", "(@\"t\")");
    for (int i = 0; i < 50; ++i) out("first", "('nothing')");
    for (int i = 0; i < 5'000; ++i) out("last", "('nothing')");
    out("last", "(@\"s\")");
    ask(Take{"last", wanted("(?space)"), false, 0, {}, 1});  // so that there is an index
    settle();
    ask(CloseSession{ann, "", true, {}});
    for (int i = 0; i < 600; ++i) tick();
    EXPECT_LE(next, 1'000);  // it is not over
  }
  static ShardConfig config() {
    ShardConfig config;
    config.slice_candidates = 4;
    return config;
  }

  std::vector<Answer> turn(const std::function<void(Effects&)>& call) {
    Effects effects;
    effects.batch_number = ++batch;
    call(effects);
    shard.finish(effects);
    return std::move(effects.answers);
  }
  std::vector<Answer> ask(decltype(Operation::what) what, Caller caller = {}) {
    Operation operation;
    operation.what = std::move(what);
    operation.caller = std::move(caller);
    operation.reply = {1, batch};
    return turn([&](Effects& effects) { shard.apply(std::move(operation), 1'000, effects); });
  }
  SessionId open() {
    const auto opened = ask(OpenSession{0, "secret", true});
    return std::get<SessionAnswer>(opened.at(0).what).session;
  }
  void out(const std::string& space, const std::string& text) {
    ask(Out{space, tuple(text), {}, {}, false});
  }
  void tick() {
    turn([&](Effects& effects) { next = shard.tick(1'000, effects); });
  }
  void settle() {
    do {
      tick();
    } while (next <= 1'000);
  }
  // The tuple that refers to s.
  void take(Caller caller = {}) {
    const auto answers = ask(Take{"last", wanted("(?space)"), true, 0, {}, 1}, std::move(caller));
    EXPECT_EQ(Rig::said(answers.at(0)), "(@\"s\")");
  }

  Shard shard;
  uint64_t batch = 0;
  Time next = 0;
  SessionId ann = 0;
  SessionId bob = 0;
};

TEST_F(CollectionUnderWay, EndsWhatNobodyReaches) {
  take();
  settle();
  EXPECT_FALSE(shard.has_space("s"));
  EXPECT_FALSE(shard.has_space("t"));
}

TEST_F(CollectionUnderWay, SeesAHandleThatMovesToWhereItHasLooked) {
  take();
  out("first", "(@\"s\")");
  settle();
  EXPECT_TRUE(shard.has_space("s"));
  EXPECT_TRUE(shard.has_space("t"));
}

TEST_F(CollectionUnderWay, SeesWhatASessionIsGivenAndWhatItReachesFromThere) {
  take({bob, 1, 1, ""});
  ask(Confirm{bob, "", true, {{1, 1}}});
  settle();
  EXPECT_TRUE(shard.has_space("s"));
  EXPECT_TRUE(shard.has_space("t"));
}

}  // namespace
}  // namespace tuplespace
