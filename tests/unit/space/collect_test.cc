// collect and copy_collect, and many tuples put at once.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

using testing::HasSubstr;

std::string contents(Rig& rig, const std::string& space) {
  Rig::How all;
  all.wait = 0;
  all.max = 10'000;
  return rig.said(rig.take(false, space, "(...)", all));
}

std::string bound(const Rig& rig, Ask asked) { return rig.answer(asked)->status.problem().bound; }

Operation out_of(const std::string& space, const std::vector<std::string>& texts) {
  auto extras = std::make_shared<OutExtras>();
  for (size_t i = 1; i < texts.size(); ++i) extras->more.push_back(tuple(texts[i]));
  Operation operation;
  operation.what = Out{space, tuple(texts[0]), {}, {}, false, std::move(extras)};
  return operation;
}

TEST(Collect, MovesAllMatchesInOrderToNewPlaces) {
  Rig rig;
  for (const char* text : {"('a', 1)", "('b', 2)", "('a', 3)"}) rig.out("s", text);
  const Ask before = rig.out("t", "('a', 0)");

  const Ask moved = rig.collect(true, "s", "('a', ?)", "t");
  EXPECT_EQ(rig.said(moved), "2 tuples");
  EXPECT_GT(rig.sequence(moved), rig.sequence(before));
  EXPECT_EQ(contents(rig, "s"), "(\"b\", 2)");
  EXPECT_EQ(contents(rig, "t"), "(\"a\", 0) (\"a\", 1) (\"a\", 3)");
  EXPECT_GT(rig.sequence(rig.out("t", "('last')")), rig.sequence(moved) + 2);
}

TEST(Collect, ACopyLeavesThemThere) {
  Rig rig;
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  EXPECT_EQ(rig.said(rig.collect(false, "s", "(?)", "t")), "2 tuples");
  EXPECT_EQ(contents(rig, "s"), "(1) (2)");
  EXPECT_EQ(contents(rig, "t"), "(1) (2)");
}

TEST(Collect, NothingToMoveIsNoTuplesAndCreatesNothing) {
  Rig rig;
  rig.out("s", "(1)");
  EXPECT_EQ(rig.said(rig.collect(true, "s", "('x')", "t")), "0 tuples");
  EXPECT_FALSE(rig.host.shard().has_space("t"));
  EXPECT_EQ(rig.said(rig.collect(true, "nowhere", "(?)", "t")), "NOT_FOUND");
  EXPECT_EQ(rig.said(rig.collect(true, "s", "(?)", "s")), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.said(rig.collect(true, "s", "(?)", "no!name")), "INVALID_ARGUMENT");
}

TEST(Collect, HeldAndDelayedTuplesStay) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)");
  rig.out("s", "(2)", {.ttl = {}, .delay = 100});
  rig.out("s", "(3)");
  rig.in("s", "(1)", &ann);
  EXPECT_EQ(rig.said(rig.collect(true, "s", "(?)", "t")), "1 tuples");
  rig.close(ann);
  rig.advance(100);
  EXPECT_EQ(contents(rig, "s"), "(1) attempt 1 (2)");
}

TEST(Collect, TimeGoesOnAndAttemptsAreKeptByWhatIsMoved) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)", {.ttl = 100, .delay = {}});
  rig.in("s", "(1)", &ann);
  rig.close(ann);
  rig.advance(60);
  rig.collect(false, "s", "(1)", "copies");
  rig.collect(true, "s", "(1)", "moved");
  EXPECT_EQ(contents(rig, "copies"), "(1)");
  EXPECT_EQ(contents(rig, "moved"), "(1) attempt 1");
  rig.restart();
  rig.advance(39);
  EXPECT_EQ(rig.count("moved").ready + rig.count("copies").ready, 2u);
  rig.advance(1);
  EXPECT_EQ(rig.count("moved").ready + rig.count("copies").ready, 0u);
}

TEST(Collect, WhoWaitsAtTheOtherEndIsServed) {
  Rig rig;
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  const Ask reader = rig.rd("t", "(2)");
  const Ask taker = rig.in("t", "(?)");
  const Ask pair = rig.atomic("count t (?) = 1 ; out t ('alone')");
  rig.collect(true, "s", "(?)", "t");
  EXPECT_EQ(rig.said(reader), "(2)");
  EXPECT_EQ(rig.said(taker), "(1)");
  EXPECT_EQ(rig.said(pair), "OK");
  EXPECT_EQ(contents(rig, "t"), "(2) (\"alone\")");
}

TEST(Collect, LeavesRoomForWhoWaitsForIt) {
  Rig rig;
  for (int i = 0; i < 5; ++i) rig.out("s", "('x')");
  const Ask first = rig.atomic("count s ('x') < 2 ; out s ('x')");
  const Ask second = rig.atomic("count s ('x') < 2 ; out s ('x')");
  const Ask third = rig.atomic("count s ('x') < 2 ; out s ('x')");
  rig.collect(true, "s", "('x')", "t");
  EXPECT_EQ(rig.said(first) + rig.said(second) + rig.said(third), "OKOK");
}

TEST(Collect, BoundsAreCheckedBeforeAnythingIsMoved) {
  ShardConfig config;
  config.effects_max = 3;
  config.examine_max = 8;
  Rig rig(config);
  Operation create;
  create.what = CreateSpace{"small", {.durability = {}, .tuples_max = 2}};
  rig.ask(create);
  for (int i = 0; i < 4; ++i) rig.out("s", "('x', " + std::to_string(i) + ")");
  for (int i = 0; i < 8; ++i) rig.out("s", "('y', " + std::to_string(i) + ")");

  EXPECT_EQ(bound(rig, rig.collect(true, "s", "('x', ?)", "t")), "effects_max");
  EXPECT_EQ(bound(rig, rig.collect(true, "s", "(?, >100)", "t")), "examine_max");
  EXPECT_EQ(bound(rig, rig.collect(true, "s", "('x', 0..2)", "small")), "tuples_max");
  EXPECT_EQ(rig.count("s").ready, 12u);
  EXPECT_EQ(rig.count("small").ready, 0u);
  EXPECT_FALSE(rig.host.shard().has_space("t"));
  EXPECT_EQ(rig.said(rig.collect(true, "s", "('x', 0..1)", "small")), "2 tuples");
}

TEST(Collect, ARepeatedNumberMovesNothingMoreAlsoAfterARestart) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  const Ask first = rig.collect(true, "s", "(?)", "t", &ann);
  EXPECT_EQ(rig.said(first), "2 tuples");
  rig.out("s", "(3)");
  Operation same;
  same.what = Collect{"s", wanted("(?)"), "t", true};
  EXPECT_EQ(rig.said(rig.again(same, ann, 1)), "2 tuples");
  rig.restart();
  const SessionAnswer resumed = rig.resume(ann, {{1, 1}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(Rig::said(resumed.answers[0].second), "2 tuples");
  EXPECT_EQ(resumed.answers[0].second.sequence, rig.sequence(first));
  EXPECT_EQ(contents(rig, "s"), "(3)");
  EXPECT_EQ(contents(rig, "t"), "(1) (2)");
}

TEST(Collect, AnAnswerWaitsForBothSpaces) {
  Rig rig;
  rig.create("sync", Durability::kSync);
  rig.create("memory", Durability::kMemory);
  rig.out("sync", "(1)");
  rig.out("memory", "(2)");
  EXPECT_EQ(rig.answer(rig.collect(true, "memory", "(2)", "sync"))->mark, Mark::kSynced);
  EXPECT_EQ(rig.answer(rig.collect(true, "sync", "(?)", "memory"))->mark, Mark::kSynced);
  EXPECT_EQ(contents(rig, "memory"), "(1) (2)");
}

TEST(OutOfMany, IsOneInstantWithIdsThatFollowOneAnother) {
  Rig rig;
  const Ask taker = rig.in("s", "(2)");
  const Ask put = rig.ask(out_of("s", {"(1)", "(2)", "(3)"}));
  EXPECT_EQ(rig.said(taker), "(2)");
  EXPECT_EQ(contents(rig, "s"), "(1) (3)");
  const auto& found = std::get<TakeAnswer>(rig.answer(taker)->what).tuples[0];
  EXPECT_EQ(found.id, rig.sequence(put) + 1);
  EXPECT_EQ(rig.figures().outs, 3u);
}

TEST(OutOfMany, IsAllOrNothing) {
  ShardConfig config;
  config.effects_max = 5;
  Rig rig(config);
  Operation create;
  create.what = CreateSpace{"s", {.durability = {}, .tuples_max = 3}};
  rig.ask(create);
  rig.out("s", "(0)");
  EXPECT_EQ(bound(rig, rig.ask(out_of("s", {"(1)", "(2)", "(3)"}))), "tuples_max");
  EXPECT_EQ(contents(rig, "s"), "(0)");
  EXPECT_EQ(bound(rig, rig.ask(out_of("t", {"(1)", "(2)", "(3)", "(4)", "(5)", "(6)"}))),
            "effects_max");
  EXPECT_FALSE(rig.host.shard().has_space("t"));
  EXPECT_EQ(rig.said(rig.ask(out_of("s", {"(1)", "(2)"}))), "OK");
}

TEST(OutOfMany, ARepeatedNumberPutsNothingMore) {
  Rig rig;
  Rig::Client ann = rig.open();
  const Ask first = rig.ask(out_of("s", {"(1)", "(2)"}), &ann);
  const Ask again = rig.again(out_of("s", {"(1)", "(2)"}), ann, 1);
  EXPECT_EQ(rig.sequence(again), rig.sequence(first));
  EXPECT_EQ(contents(rig, "s"), "(1) (2)");
  rig.restart();
  EXPECT_EQ(rig.resume(ann, {{1, 1}}).answers.size(), 1u);
  EXPECT_EQ(contents(rig, "s"), "(1) (2)");
}

TEST(OutOfMany, ThePulsesOfManyAreAllSeen) {
  Rig rig;
  const Ask one = rig.rd("s", "(1)");
  const Ask two = rig.rd("s", "(2)");
  Operation pulse = out_of("s", {"(1)", "(2)"});
  std::get<Out>(pulse.what).pulse = true;
  rig.ask(std::move(pulse));
  EXPECT_EQ(rig.said(one) + rig.said(two), "(1)(2)");
  EXPECT_FALSE(rig.host.shard().has_space("s"));
}

}  // namespace
}  // namespace tuplespace
