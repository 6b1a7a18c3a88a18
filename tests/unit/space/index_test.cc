// How many tuples are looked at: the index, the waiters' index, the slices.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

// Makes a rig with n tuples ("job", i, i mod 10, "payload") in a memory space.
void fill(Rig& rig, int n) {
  rig.create("s", Durability::kMemory);
  for (int i = 0; i < n; ++i) rig.out("s", fmt::format("('job', {}, {}, 'payload')", i, i % 10));
}

class AmongTuples : public testing::TestWithParam<int> {};

TEST_P(AmongTuples, AMatchByEqualityLooksAtOne) {
  Rig rig;
  const int n = GetParam();
  fill(rig, n);
  rig.rdp("s", "(?, 0, ?, ?)");  // the question is new: its index is built

  for (const int i : {0, n / 2, n - 1}) {
    EXPECT_EQ(rig.examined_by([&] { rig.rd("s", fmt::format("(?, {}, ?, ?)", i)); }), 1u);
  }
  EXPECT_EQ(rig.examined_by([&] { rig.inp("s", "(?, -1, ?, ?)"); }), 0u);
}

TEST_P(AmongTuples, AMatchByTypeOrByOneOfASetLooksAtOne) {
  Rig rig;
  const int n = GetParam();
  fill(rig, n);
  rig.rdp("s", "(?string, ?int, ?, ?)");
  rig.rdp("s", "(?, 1|2, ?, ?)");

  EXPECT_EQ(rig.examined_by([&] { rig.rd("s", "(?string, ?int, ?, ?)"); }), 1u);
  EXPECT_EQ(rig.examined_by([&] { rig.rdp("s", "(?string, ?float, ?, ?)"); }), 0u);
  EXPECT_LE(rig.examined_by([&] { rig.rd("s", fmt::format("(?, {}|{}, ?, ?)", n - 1, n - 2)); }),
            2u);
}

TEST_P(AmongTuples, LeastAndGreatestLookAtOne) {
  Rig rig;
  const int n = GetParam();
  fill(rig, n);
  const auto chosen = [&](Order order) {
    return rig.said(rig.take(false, "s", "('job', ?int, ?, ?)", {0, order, 1, 1}));
  };
  chosen(Order::kLeast);
  chosen(Order::kGreatest);

  EXPECT_EQ(rig.examined_by([&] {
    EXPECT_EQ(chosen(Order::kGreatest),
              fmt::format("(\"job\", {}, {}, \"payload\")", n - 1, (n - 1) % 10));
  }),
            1u);
  EXPECT_EQ(rig.examined_by([&] { chosen(Order::kLeast); }), 1u);
}

INSTANTIATE_TEST_SUITE_P(Many, AmongTuples, testing::Values(1'000, 100'000));

TEST(AmongWaiters, AnOutIsServedByItsTakerAndReadersAlone) {
  Rig rig;
  rig.create("s", Durability::kMemory);
  constexpr int kWaiters = 100'000;
  std::vector<Ask> asked;
  asked.reserve(kWaiters);
  for (int i = 0; i < kWaiters; ++i) asked.push_back(rig.in("s", fmt::format("('job', {})", i)));
  const Ask reader = rig.rd("s", "('job', 77)");
  rig.out("s", "('job', 77)");

  EXPECT_EQ(rig.said(asked[77]), "(\"job\", 77)");
  EXPECT_EQ(rig.said(reader), "(\"job\", 77)");
  EXPECT_EQ(rig.figures().waiters, kWaiters - 1u);
}

TEST(Slices, AReadWithoutAnIndexLooksAtASliceAtAStretch) {
  ShardConfig config;
  config.slice_candidates = 100;
  Rig rig(config);
  fill(rig, 1'000);
  Operation operation;
  operation.what = Take{"s", wanted("(?, ?, ?, /nowhere/)"), false, 0, {}, 1};
  operation.reply = {Rig::kAlone, 99'999};
  Effects effects;
  Shard& shard = rig.host.shard();
  uint64_t before = rig.figures().candidates;
  shard.apply(std::move(operation), rig.host.now(), effects);
  EXPECT_LE(rig.figures().candidates - before, 100u);
  EXPECT_TRUE(effects.answers.empty());
  int stretches = 1;
  while (effects.answers.empty()) {
    before = rig.figures().candidates;
    const Time next = shard.tick(rig.host.now(), effects);
    ASSERT_LE(rig.figures().candidates - before, 100u);
    ASSERT_LE(++stretches, 1'000);
    if (effects.answers.empty()) {
      ASSERT_LE(next, rig.host.now());
    }
  }
  shard.finish(effects);

  EXPECT_GE(stretches, 10);
  EXPECT_EQ(Rig::said(effects.answers[0]), "NONE");
}

TEST(Slices, WhatArrivesBehindTheCursorIsOfferedAndNothingIsSeenTwice) {
  ShardConfig config;
  config.slice_candidates = 10;
  Rig rig(config);
  Rig::Client holder = rig.open();
  rig.out("s", "('old', 'x')");
  rig.in("s", "('old', ?)", &holder);
  for (int i = 0; i < 100; ++i) rig.out("s", fmt::format("('n', 'p{}')", i));
  Operation operation;
  operation.what = Take{"s", wanted("(?, /x/)"), true, {}, {}, 1};
  operation.reply = {Rig::kAlone, 99'999};
  Effects effects;
  effects.batch_number = rig.host.batches() + 1;
  Shard& shard = rig.host.shard();
  const uint64_t before = rig.figures().candidates;
  shard.apply(std::move(operation), rig.host.now(), effects);
  for (int i = 0; rig.figures().candidates == before; ++i) {  // its index is built first
    ASSERT_LT(i, 100);
    shard.tick(rig.host.now(), effects);
  }
  ASSERT_TRUE(effects.answers.empty());
  Operation close;
  close.what = CloseSession{holder.session, "", true, {}};
  shard.apply(std::move(close), rig.host.now(), effects);
  shard.finish(effects);

  ASSERT_EQ(effects.answers.size(), 1u);
  EXPECT_EQ(Rig::said(effects.answers[0]), "(\"old\", \"x\") attempt 1");
  EXPECT_EQ(rig.figures().waiters, 0u);
}

TEST(Scan, GivesEveryTupleOnceWhileOthersComeAndGo) {
  Rig rig;
  for (int i = 0; i < 50; ++i) rig.out("s", fmt::format("('n', {})", i));
  std::vector<std::string> seen;
  Scan page{"s", wanted("('n', ?)"), 0, 0, 7};
  do {
    Operation operation;
    operation.what = page;
    const auto& scanned = std::get<ScanAnswer>(rig.answer(rig.ask(operation))->what);
    for (const Found& found : scanned.tuples) seen.push_back(to_text(found.tuple));
    page.after = scanned.next;
    page.until = scanned.until;
    rig.out("s", "('n', 1000)");                                        // behind: not of this scan
    rig.inp("s", fmt::format("('n', {})", 49 - int(seen.size()) / 7));  // ahead, some of them
  } while (page.after != 0);

  EXPECT_THAT(seen, testing::Not(testing::Contains("(\"n\", 1000)")));
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(std::count(seen.begin(), seen.end(), fmt::format("(\"n\", {})", i)), 1) << i;
  }
}

}  // namespace
}  // namespace tuplespace
