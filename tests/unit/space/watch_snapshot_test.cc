// Watchers that begin with what is there.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

TEST(Snapshot, ShowsWhatIsAvailableInOrderOfPlaceThenGoesOn) {
  Rig rig;
  Rig::Client holder = rig.open();
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  rig.out("s", "(3)", {.ttl = {}, .delay = 100});
  rig.out("s", "(4)");
  rig.in("s", "(2)", &holder);
  const Ask watcher = rig.watch("s", "(?int)", {.snapshot = true});

  EXPECT_EQ(rig.told(watcher), "out (1), out (4), shown");
  rig.out("s", "(5)");
  rig.advance(100);
  rig.close(holder);
  EXPECT_EQ(rig.told(watcher), "out (5), out (3), return (2)");
}

TEST(Snapshot, OfAnEmptyOrUnknownSpaceIsCompleteAtOnce) {
  Rig rig;
  rig.create("empty", Durability::kMemory);
  EXPECT_EQ(rig.told(rig.watch("empty", "(?)", {.snapshot = true})), "shown");
  EXPECT_EQ(rig.told(rig.watch("unknown", "(?)", {.snapshot = true})), "shown");
}

// A shard that examines few tuples at a stretch, and is stopped between two.
class SlicedSnapshot : public testing::Test {
 protected:
  SlicedSnapshot() : shard(config()) {
    for (int i = 1; i <= 12; ++i) {
      Operation out;
      out.what = Out{"s", tuple(fmt::format("({})", i)), {}, {}, false};
      apply(out);
    }
    take(0);  // so that there is an index to take by
    while (tick() <= 1'000) continue;
    Operation watch;
    watch.what = Watch{"s", wanted("(?int)"), ~0u, true, 0};
    watch.reply = {1, 1};
    apply(watch);
  }
  static ShardConfig config() {
    ShardConfig config;
    config.slice_candidates = 4;
    return config;
  }
  void apply(Operation operation) {
    turn([&](Effects& effects) { shard.apply(std::move(operation), 1'000, effects); });
  }
  void out(int value) {
    Operation operation;
    operation.what = Out{"s", tuple(fmt::format("({})", value)), {}, {}, false};
    apply(operation);
  }
  void take(int value) {
    Operation operation;
    operation.what = Take{"s", wanted(fmt::format("({})", value)), true, 0, {}, 1};
    apply(operation);
  }
  Time tick() {
    Time next = 0;
    turn([&](Effects& effects) { next = shard.tick(1'000, effects); });
    return next;
  }
  template <typename Call>
  void turn(Call call) {
    Effects effects;
    effects.batch_number = ++batch;
    call(effects);
    shard.finish(effects);
    for (Answer& answer : effects.answers) {
      const auto* watched = std::get_if<WatchAnswer>(&answer.what);
      if (watched == nullptr) continue;
      for (const SpaceEvent& event : watched->events) {
        told.push_back(fmt::format("{}{}", event.kind == EventKind::kOut ? "+" : "-",
                                   to_text(event.found.tuple)));
      }
      if (watched->snapshot_end) told.push_back("shown");
      told_to = answer.sequence;
    }
  }
  std::string all_told() { return fmt::format("{}", fmt::join(std::exchange(told, {}), " ")); }

  Shard shard;
  uint64_t batch = 0;
  std::vector<std::string> told;
  Sequence told_to = 0;
};

TEST_F(SlicedSnapshot, ComesInPagesAndNothingIsResumedBeforeItsEnd) {
  EXPECT_EQ(all_told(), "+(1) +(2) +(3) +(4)");
  EXPECT_EQ(told_to, 0u);
  while (tick() <= 1'000) continue;
  EXPECT_EQ(all_told(), "+(5) +(6) +(7) +(8) +(9) +(10) +(11) +(12) shown");
  EXPECT_GT(told_to, 0u);
}

TEST_F(SlicedSnapshot, WhatIsTakenBehindItsPlaceIsToldAndAheadOfItIsNotShown) {
  EXPECT_EQ(all_told(), "+(1) +(2) +(3) +(4)");
  take(2);   // shown already
  take(11);  // not yet
  out(13);   // new
  take(13);
  EXPECT_EQ(all_told(), "-(2) +(13) -(13)");
  while (tick() <= 1'000) continue;
  EXPECT_EQ(all_told(), "+(5) +(6) +(7) +(8) +(9) +(10) +(12) shown");
}

TEST_F(SlicedSnapshot, AnEndedWatcherIsNotShownTheRest) {
  all_told();
  Operation cancel;
  cancel.what = Cancel{0, 0, {1, 1}};
  apply(cancel);
  while (tick() <= 1'000) continue;
  EXPECT_EQ(all_told(), "");
}

}  // namespace
}  // namespace tuplespace
