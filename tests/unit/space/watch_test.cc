// Watchers: what they are told, in which order, from where, and whom they cost.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

using testing::HasSubstr;

constexpr uint32_t bit(EventKind kind) { return 1u << static_cast<int>(kind); }

TEST(Watch, TellsOutAndInOfMatchingTuplesInTheirOrder) {
  Rig rig;
  const Ask watcher = rig.watch("s", "('job', ?int)");
  rig.out("s", "('job', 1)");
  rig.out("s", "('other')");
  rig.out("s", "('job', 2)");
  rig.in("s", "('job', 2)");
  rig.in("s", "('job', 1)");

  EXPECT_EQ(rig.told(watcher),
            "out (\"job\", 1), out (\"job\", 2), in (\"job\", 2), in (\"job\", 1)");
}

TEST(Watch, ATupleThatIsTakenAsItComesWasThere) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  const Ask taker = rig.in("s", "(?int)");
  rig.out("s", "(1)");

  EXPECT_EQ(rig.said(taker), "(1)");
  EXPECT_EQ(rig.told(watcher), "out (1), in (1)");
  EXPECT_EQ(rig.count("s").ready, 0u);
}

TEST(Watch, ATakeIsToldAtOnceItsConfirmationIsNot) {
  Rig rig;
  Rig::Client taker = rig.open();
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)");
  rig.in("s", "(1)", &taker);
  EXPECT_EQ(rig.told(watcher), "out (1), in (1)");
  rig.confirm(taker, {1, 1});
  EXPECT_EQ(rig.told(watcher), "");
}

TEST(Watch, AGiveBackIsAReturn) {
  Rig rig;
  Rig::Client taker = rig.open();
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)");
  rig.in("s", "(1)", &taker);
  rig.close(taker);

  EXPECT_EQ(rig.told(watcher), "out (1), in (1), return (1)");
}

TEST(Watch, AGiveBackThatServesAWaitIsAReturnAndATake) {
  Rig rig;
  Rig::Client taker = rig.open();
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)");
  rig.in("s", "(1)", &taker);
  rig.in("s", "(1)");
  rig.close(taker);

  EXPECT_EQ(rig.told(watcher), "out (1), in (1), return (1), in (1)");
}

TEST(Watch, AHoldIsATakeAtOnceAndSettlingItIsNotTold) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)");
  rig.settle("s", rig.hold("s", "(1)", 1'000), Settlement::kDone);
  rig.out("s", "(2)");
  rig.settle("s", rig.hold("s", "(2)", 1'000), Settlement::kBack);
  rig.settle("s", rig.hold("s", "(2)", 1'000), Settlement::kBack, 500);
  EXPECT_EQ(rig.told(watcher), "out (1), in (1), out (2), in (2), return (2), in (2)");
  rig.advance(500);
  EXPECT_EQ(rig.told(watcher), "return (2)");
  rig.hold("s", "(2)", 1'000);
  rig.advance(1'000);
  EXPECT_EQ(rig.told(watcher), "in (2), return (2)");
}

TEST(Watch, ADeadLetterIsAnOutInItsSpace) {
  Rig rig;
  const Ask alive = rig.watch("s", "(...)");
  const Ask dead = rig.watch("s.dead", "('dead', ...)");
  rig.out("s", "(1)");
  rig.settle("s", rig.hold("s", "(1)", 1'000), Settlement::kDead);

  EXPECT_EQ(rig.told(alive), "out (1), in (1)");
  EXPECT_EQ(rig.told(dead), "out (\"dead\", \"s\", \"reason\", 0, [1])");
}

TEST(Watch, ABoundTupleExpiresWithItsSession) {
  Rig rig;
  Rig::Client ann = rig.open();
  const Ask watcher = rig.watch("s", "(?int)");
  OutExtras extras;
  extras.bound = true;
  Operation out;
  out.what = Out{"s", tuple("(1)"), {}, {}, false, std::make_shared<const OutExtras>(extras)};
  rig.ask(std::move(out), &ann);
  rig.close(ann);
  EXPECT_EQ(rig.told(watcher), "out (1), expire (1)");
}

TEST(Watch, AHeldTupleWhoseTtlIsOverExpiresWhenItComesBack) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)", {.ttl = 100, .delay = {}});
  rig.hold("s", "(1)", 1'000);
  rig.advance(999);
  EXPECT_EQ(rig.told(watcher), "out (1), in (1)");
  rig.advance(1);
  EXPECT_EQ(rig.told(watcher), "expire (1)");
}

TEST(Watch, AnAtomicAndACollectAreToldTupleByTuple) {
  Rig rig;
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  const Ask from = rig.watch("s", "(?int)");
  const Ask into = rig.watch("t", "(?int)");
  Steps steps;
  steps.push_back(TakeStep{"s", wanted("(1)"), true, {}});
  steps.push_back(
      OutStep{"s", {{std::string(tuple("(3)").bytes()), "", Type::kAny, 0}}, {}, {}, false});
  Operation atomic;
  atomic.what = Atomic{std::make_shared<const std::vector<Steps>>(1, steps), {}};
  rig.ask(std::move(atomic));
  EXPECT_EQ(rig.told(from), "in (1), out (3)");
  Operation collect;
  collect.what = Collect{"s", wanted("(?int)"), "t", true};
  rig.ask(std::move(collect));
  EXPECT_EQ(rig.told(from), "in (2), in (3)");
  EXPECT_EQ(rig.told(into), "out (2), out (3)");
}

TEST(Watch, ATtlThatEndsIsToldOnce) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)", {.ttl = 1'000, .delay = {}});
  rig.advance(999);
  EXPECT_EQ(rig.told(watcher), "out (1)");
  rig.advance(1'000);
  EXPECT_EQ(rig.told(watcher), "expire (1)");
}

TEST(Watch, ADelayedTupleComesOutWhenItIsSeen) {
  Rig rig;
  const Ask before = rig.watch("s", "(?int)");
  rig.out("s", "(1)", {.ttl = {}, .delay = 1'000});
  const Ask during = rig.watch("s", "(?int)");
  EXPECT_EQ(rig.told(before), "");
  rig.advance(1'000);

  EXPECT_EQ(rig.told(before), "out (1)");
  EXPECT_EQ(rig.told(during), "out (1)");
}

TEST(Watch, ATupleThatNobodyCouldSeeIsNotToldOf) {
  Rig rig;
  rig.out("s", "(1)", {.ttl = 10, .delay = 10});
  rig.watch("s", "(?int)");
  Effects effects;
  effects.batch_number = 99;
  rig.host.shard().tick(rig.host.now() + 20, effects);  // both are over when somebody looks
  rig.host.shard().finish(effects);

  EXPECT_TRUE(effects.answers.empty());
  EXPECT_EQ(rig.figures().expired, 1u);
}

TEST(Watch, APulseIsToldAndNothingElse) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)", {.ttl = {}, .delay = {}, .pulse = true});

  EXPECT_EQ(rig.told(watcher), "pulse (1)");
  EXPECT_FALSE(rig.host.shard().has_space("s"));
}

TEST(Watch, OnlyTheKindsThatWereAskedForAreTold) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)", {.kinds = bit(EventKind::kIn)});
  rig.out("s", "(1)");
  rig.in("s", "(1)");

  EXPECT_EQ(rig.told(watcher), "in (1)");
}

TEST(Watch, NumbersAscendAndNoTwoEventsShareOne) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(...)");
  for (int i = 0; i < 5; ++i) rig.out("s", "(1)");
  rig.take(true, "s", "(1)", {.wait = 0, .max = 5});
  rig.out("s", "(2)", {.ttl = {}, .delay = 10});
  rig.out("s", "(3)", {.ttl = {}, .delay = 10});
  rig.advance(10);
  const Ask last = rig.watch("s", "(...)");
  std::vector<Sequence> numbers;
  const Ask again = rig.watch("t", "(?)");
  rig.out("t", "(1)");
  for (const Ask& asked : {watcher, again}) {
    for (const SpaceEvent& event : rig.events(asked)) numbers.push_back(event.sequence);
  }

  ASSERT_EQ(numbers.size(), 13u);
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end());
  EXPECT_GE(rig.told_to(last), numbers[11]);
}

TEST(Watch, AnOutsEventHasItsInstantsNumber) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  const Ask out = rig.out("s", "(1)");
  const Ask taken = rig.in("s", "(1)");
  const auto events = rig.events(watcher);

  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].sequence, rig.sequence(out));
  EXPECT_EQ(events[1].sequence, rig.sequence(taken));
  EXPECT_EQ(events[1].found.id, rig.sequence(out));
}

TEST(Watch, ItHearsAtOnceThatItWatches) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  EXPECT_EQ(rig.tellings(watcher), 1u);
  EXPECT_EQ(rig.told(watcher), "");
}

TEST(Watch, WhatOneTurnBringsIsOneAnswer) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  rig.told(watcher);
  const size_t before = rig.tellings(watcher);
  rig.take(true, "s", "(?int)", {.wait = 0, .max = 2});

  EXPECT_EQ(rig.tellings(watcher), before + 1);
  EXPECT_EQ(rig.told(watcher), "in (1), in (2)");
}

TEST(Watch, ASpaceThatNobodyCreatedIsWaitedForAndNotCreated) {
  Rig rig;
  const Ask watcher = rig.watch("later", "(?int)");
  EXPECT_FALSE(rig.host.shard().has_space("later"));
  rig.out("later", "(1)");
  EXPECT_EQ(rig.told(watcher), "out (1)");
}

TEST(Watch, ADroppedSpaceEndsItAfterWhatHappened) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)");
  rig.drop("s");

  EXPECT_EQ(rig.told(watcher), "out (1)");
  EXPECT_EQ(rig.said(watcher), "ABORTED");
  rig.out("s", "(2)");
  EXPECT_EQ(rig.told(watcher), "");
}

TEST(Watch, TheLastAnswerDoesNotOvertakeWhatWasTold) {
  Rig rig;
  rig.create("s", Durability::kSync);
  const Ask watcher = rig.watch("s", "(?int)");
  rig.out("s", "(1)");
  const Answer told = rig.last_told(watcher);
  rig.cancel(watcher);

  EXPECT_EQ(rig.answer(watcher)->mark, told.mark);
  EXPECT_GE(rig.answer(watcher)->batch, told.batch);
}

TEST(Watch, ACancelledWatcherLeavesNothingBehind) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  EXPECT_EQ(rig.figures().watchers, 1u);
  rig.cancel(watcher);

  EXPECT_EQ(rig.said(watcher), "CANCELLED");
  EXPECT_EQ(rig.figures().watchers, 0u);
  rig.out("s", "(1)");
  EXPECT_EQ(rig.told(watcher), "");
  EXPECT_EQ(rig.figures().events, 0u);
}

TEST(Watch, TheEndOfTheServerEndsIt) {
  Rig rig;
  const Ask watcher = rig.watch("s", "(?int)");
  rig.host.together([&](Effects& effects) {
    rig.host.shard().end_waits("", {Code::kUnavailable, "going down"}, effects);
  });
  rig.advance(1);
  EXPECT_EQ(rig.said(watcher), "UNAVAILABLE");
}

TEST(Watch, EveryWatcherIsToldWhateverItsQuestion) {
  Rig rig;
  std::vector<Ask> watchers;
  for (const char* text : {"('a', 1)", "('a', ?)", "(?string, ?int)", "(...)", "('a'|'b', 1)",
                           "(/a/, <5)", "(?x:string, ?)", "(?, 1)"}) {
    watchers.push_back(rig.watch("s", text));
  }
  const Ask other = rig.watch("s", "('c', ?)");
  rig.out("s", "('a', 1)");

  for (const Ask& watcher : watchers) EXPECT_EQ(rig.told(watcher), "out (\"a\", 1)");
  EXPECT_EQ(rig.told(other), "");
}

TEST(Watch, MoreQuestionsThanShapesAreStillAnswered) {
  Rig rig;
  std::vector<Ask> watchers;
  for (int mask = 0; mask < 100; ++mask) {
    std::string text = "(";
    for (int field = 0; field < 7; ++field) {
      text += fmt::format("{}{}", field > 0 ? ", " : "", mask >> field & 1 ? "1" : "?");
    }
    watchers.push_back(rig.watch("s", text + ")"));
  }
  rig.out("s", "(1, 1, 1, 1, 1, 1, 1)");
  for (const Ask& watcher : watchers) EXPECT_THAT(rig.told(watcher), HasSubstr("out"));
  for (const Ask& watcher : watchers) rig.cancel(watcher);
  EXPECT_EQ(rig.figures().watchers, 0u);
}

// ---- whom it costs ----

TEST(WatchCost, AnOutThatNobodyWatchesMakesNoEventAndDrawsNoNumber) {
  Rig rig;
  const Ask elsewhere = rig.watch("t", "(...)");
  const Sequence first = rig.sequence(rig.out("s", "(1)"));
  const uint64_t examined = rig.examined_by([&] { rig.out("s", "(1)"); });
  const Sequence third = rig.sequence(rig.out("s", "(1)"));

  EXPECT_EQ(examined, 0u);
  EXPECT_EQ(third, first + 2);
  EXPECT_EQ(rig.figures().events, 0u);
  EXPECT_EQ(rig.told(elsewhere), "");
}

TEST(WatchCost, WatchersOfOtherValuesAreNotLookedAt) {
  Rig rig;
  for (int i = 0; i < 1'000; ++i) rig.watch("s", fmt::format("('key', {})", i));
  EXPECT_EQ(rig.examined_by([&] { rig.out("s", "('key', 7)"); }), 1u);
}

TEST(WatchBounds, OneWatcherTooManyIsRefusedByName) {
  ShardConfig config;
  config.watchers_max = 2;
  Rig rig(config);
  const Ask first = rig.watch("s", "(1)");
  rig.watch("s", "(1)");
  const Ask third = rig.watch("s", "(1)");

  EXPECT_EQ(rig.said(third), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(rig.answer(third)->status.problem().bound, "watchers_max");
  rig.cancel(first);
  EXPECT_EQ(rig.said(rig.watch("s", "(1)")), "");
}

TEST(WatchBounds, OneThatNeedsALookAtEachTupleTooManyIsRefusedByName) {
  ShardConfig config;
  config.residual_waiters_max = 2;
  Rig rig(config);
  rig.watch("s", "(<1)");
  rig.watch("s", "(<2)");
  const Ask third = rig.watch("unknown", "(<3)");
  EXPECT_EQ(rig.said(third), "");
  const Ask fourth = rig.watch("s", "(<4)");
  EXPECT_EQ(rig.answer(fourth)->status.problem().bound, "residual_waiters_max");
  EXPECT_EQ(rig.said(rig.watch("s", "(5)")), "");
}

TEST(WatchBounds, ANameThatIsNoneIsRefused) {
  Rig rig;
  EXPECT_EQ(rig.said(rig.watch("no name", "(1)")), "INVALID_ARGUMENT");
}

TEST(Promise5, AnEventWaitsForWhatItsSpacePromises) {
  for (const auto& [durability, mark] :
       {std::pair(Durability::kSync, Mark::kSynced), std::pair(Durability::kAsync, Mark::kWritten),
        std::pair(Durability::kMemory, Mark::kNone)}) {
    Rig rig;
    rig.create("s", durability);
    const Ask watcher = rig.watch("s", "(?int)");
    rig.out("s", "(1)");
    EXPECT_EQ(rig.last_told(watcher).mark, mark);
    if (mark != Mark::kNone) {
      EXPECT_EQ(rig.last_told(watcher).batch, rig.host.batches());
    }
  }
}

}  // namespace
}  // namespace tuplespace
