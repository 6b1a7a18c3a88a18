// Watchers that resume: what a space keeps for them, and gaps.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

Policy keeping(uint32_t events, Durability durability = Durability::kSync) {
  Policy policy;
  policy.durability = durability;
  policy.history = events;
  return policy;
}

TEST(WatchHistory, AResumedWatcherIsFirstToldWhatItMissed) {
  Rig rig;
  rig.create("s", keeping(100));
  const Ask first = rig.watch("s", "(?int)");
  rig.out("s", "(1)");
  const Sequence seen = rig.told_to(first);
  rig.cancel(first);
  rig.out("s", "(2)");
  rig.out("s", "('other')");
  rig.in("s", "(1)");
  const Ask second = rig.watch("s", "(?int)", {.after = seen});
  rig.out("s", "(3)");

  EXPECT_EQ(rig.told(second), "out (2), in (1), out (3)");
}

TEST(WatchHistory, WhoMissedNothingIsToldOfNoGap) {
  Rig rig;
  rig.create("s", keeping(100));
  rig.out("s", "(1)");
  const Sequence now = rig.sequence(rig.out("s", "(2)"));
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.after = now})), "");
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.snapshot = true, .after = now})), "shown");
}

TEST(WatchHistory, ABeginningThatFellOutIsAGapWithItsEnds) {
  Rig rig;
  rig.create("s", keeping(2));
  const Sequence first = rig.sequence(rig.out("s", "(1)"));
  rig.out("s", "(2)");
  const Sequence third = rig.sequence(rig.out("s", "(3)"));
  rig.out("s", "(4)");
  rig.out("s", "(5)");
  const Ask watcher = rig.watch("s", "(?int)", {.after = first});
  const auto gap = std::get<WatchAnswer>(rig.last_told(watcher).what).gap;

  EXPECT_EQ(rig.told(watcher), "gap, out (4), out (5)");
  ASSERT_TRUE(gap.has_value());
  EXPECT_EQ(*gap, std::pair(first, third));
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.after = third})), "out (4), out (5)");
}

TEST(WatchHistory, WithoutOneThereIsAGapUnlessNothingHappened) {
  Rig rig;
  const Sequence seen = rig.sequence(rig.out("s", "(1)"));
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.after = seen})), "");
  rig.out("s", "(2)");
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.after = seen})), "gap");
}

TEST(WatchHistory, WhoHasAGapAndWantsASnapshotIsShownWhatThereIs) {
  Rig rig;
  const Sequence seen = rig.sequence(rig.out("s", "(1)"));
  rig.out("s", "(2)");
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.snapshot = true, .after = seen})),
            "gap, out (1), out (2), shown");
}

TEST(WatchHistory, WhoHasNoGapIsNotShownWhatItKnows) {
  Rig rig;
  rig.create("s", keeping(10));
  const Sequence seen = rig.sequence(rig.out("s", "(1)"));
  rig.out("s", "(2)");
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.snapshot = true, .after = seen})),
            "out (2), shown");
}

TEST(WatchHistory, AnInstantOfAnotherLifeIsAGap) {
  Rig rig;
  rig.create("s", keeping(10));
  rig.out("s", "(1)");
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.after = Sequence{1} << 50})), "gap");
}

TEST(WatchHistory, ASpaceThatWasDroppedAndMadeAgainHasAGap) {
  Rig rig;
  rig.create("s", keeping(10));
  const Sequence seen = rig.sequence(rig.out("s", "(1)"));
  rig.out("s", "(2)");
  rig.drop("s");
  rig.create("s", keeping(10));
  rig.out("s", "(3)");
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.after = seen})), "gap, out (3)");
}

TEST(WatchHistory, SurvivesARestartInADurableSpace) {
  for (const Durability durability : {Durability::kSync, Durability::kAsync}) {
    Rig rig;
    rig.create("s", keeping(3, durability));
    const Sequence first = rig.sequence(rig.out("s", "(1)"));
    rig.in("s", "(1)");
    rig.restart();
    EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.after = first})), "in (1)");
    rig.out("s", "(2)");
    rig.out("s", "(3)");
    rig.out("s", "(4)");
    rig.restart();
    EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.after = first})),
              "gap, out (2), out (3), out (4)");
  }
}

TEST(WatchHistory, OfAMemorySpaceIsAGapAfterARestart) {
  Rig rig;
  rig.create("s", keeping(10, Durability::kMemory));
  const Sequence seen = rig.sequence(rig.out("s", "(1)"));
  rig.restart();
  EXPECT_EQ(rig.told(rig.watch("s", "(?int)", {.after = seen})), "gap");
}

TEST(WatchHistory, AtMostItsEventsAreOnDiskAndNoneOfADroppedSpace) {
  Rig rig;
  rig.create("s", keeping(5));
  const size_t before = rig.host.records().size();
  for (int i = 0; i < 20; ++i) {
    rig.out("s", "(1)");
    rig.in("s", "(1)");
  }
  EXPECT_EQ(rig.host.records().size(), before + 5);
  rig.drop("s");
  EXPECT_EQ(rig.host.records().size(), before - 1);
}

TEST(WatchHistory, AnEventIsOnDiskBeforeItsTakerIsAnswered) {
  Rig rig;
  rig.create("s", keeping(5));
  const Ask taker = rig.in("s", "(?int)");
  rig.out("s", "(1)");  // leaves no tuple, only what happened
  EXPECT_EQ(rig.answer(taker)->batch, rig.host.batches());
  EXPECT_EQ(rig.answer(taker)->mark, Mark::kSynced);
}

TEST(WatchHistory, ItsBytesCountAndAreGivenBack) {
  Rig rig;
  rig.create("s", keeping(5, Durability::kMemory));
  const uint64_t before = rig.figures().bytes;
  for (int i = 0; i < 100; ++i) rig.out("s", "(1)");
  for (int i = 0; i < 100; ++i) rig.in("s", "(1)");
  EXPECT_GT(rig.figures().bytes, before);
  rig.drop("s");
  rig.advance(1);
  EXPECT_EQ(rig.figures().bytes, before);
}

TEST(WatchHistory, MoreThanMayBeKeptIsRefused) {
  ShardConfig config;
  config.history_max = 10;
  Rig rig(config);
  const Ask created = rig.create("s", keeping(11));
  EXPECT_EQ(rig.said(created), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(rig.answer(created)->status.problem().bound, "history_max");
}

TEST(WatchHistory, ALongOneIsToldInSlices) {
  ShardConfig config;
  config.slice_candidates = 4;
  Rig rig(config);
  rig.create("s", keeping(100));
  const Sequence first = rig.sequence(rig.out("s", "(0)"));
  std::string all;
  for (int i = 1; i <= 20; ++i) {
    rig.out("s", fmt::format("({})", i));
    all += fmt::format("{}out ({})", i > 1 ? ", " : "", i);
  }
  const Ask watcher = rig.watch("s", "(?int)", {.after = first});
  EXPECT_EQ(rig.told(watcher), all);
  EXPECT_GE(rig.tellings(watcher), 5u);
}

}  // namespace
}  // namespace tuplespace
