// Promise 9: everything that can grow has a bound with a name; beyond it nothing is changed.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

// The name of the bound that refused it, or what it was answered.
std::string bound(const Rig& rig, Ask asked) {
  const Answer* answer = rig.answer(asked);
  if (answer == nullptr) return "no answer";
  if (answer->status.code() != Code::kResourceExhausted) return Rig::said(*answer);
  EXPECT_THAT(answer->status.message(), testing::HasSubstr(answer->status.problem().bound));
  return answer->status.problem().bound;
}

TEST(Promise9, SpacesMaxRefusesOneMoreSpace) {
  ShardConfig config;
  config.spaces_max = 2;
  Rig rig(config);
  rig.out("a", "(1)");
  rig.out("b", "(1)");

  EXPECT_EQ(bound(rig, rig.out("c", "(1)")), "spaces_max");
  EXPECT_FALSE(rig.host.shard().has_space("c"));
  EXPECT_EQ(rig.figures().ready, 2u);
}

TEST(Promise9, TuplesMaxOfTheShardRefusesAnOut) {
  ShardConfig config;
  config.tuples_max = 3;
  Rig rig(config);
  for (int i = 0; i < 3; ++i) rig.out("s", "(1)");

  EXPECT_EQ(bound(rig, rig.out("s", "(1)")), "tuples_max");
  EXPECT_EQ(bound(rig, rig.out("other", "(1)")), "tuples_max");
  EXPECT_EQ(rig.figures().ready, 3u);
  rig.in("s", "(1)");
  EXPECT_EQ(rig.said(rig.out("s", "(1)")), "OK");
}

TEST(Promise9, TuplesMaxOfASpaceRefusesAnOut) {
  Rig rig;
  Operation create;
  create.what = CreateSpace{"s", {.durability = {}, .tuples_max = 1}};
  rig.ask(create);
  rig.out("s", "(1)");

  EXPECT_EQ(bound(rig, rig.out("s", "(2)")), "tuples_max");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST(Promise9, MemoryMaxRefusesAnOut) {
  ShardConfig config;
  config.memory_max = 4'000;
  Rig rig(config);
  const std::string text = "('" + std::string(1'000, 'x') + "')";
  std::string refused;
  int placed = 0;
  for (; placed < 10 && refused.empty(); ++placed) {
    const std::string said = bound(rig, rig.out("s", text));
    if (said != "OK") refused = said;
  }

  EXPECT_EQ(refused, "memory_max");
  EXPECT_EQ(rig.count("s").ready, static_cast<uint64_t>(placed - 1));
  rig.in("s", "(?)");
  EXPECT_EQ(rig.said(rig.out("s", text)), "OK");
}

TEST(Promise9, TupleBytesMaxRefusesAnOut) {
  ShardConfig config;
  config.limits.tuple_bytes_max = 100;
  Rig rig(config);

  EXPECT_EQ(bound(rig, rig.out("s", "('" + std::string(101, 'x') + "')")), "tuple_bytes_max");
  EXPECT_FALSE(rig.host.shard().has_space("s"));
}

TEST(Promise9, WaitersMaxRefusesAWait) {
  ShardConfig config;
  config.waiters_max = 2;
  Rig rig(config);
  const Ask first = rig.in("s", "(1)");
  rig.in("s", "(2)");

  EXPECT_EQ(bound(rig, rig.in("s", "(3)")), "waiters_max");
  EXPECT_EQ(rig.figures().waiters, 2u);
  rig.cancel(first);
  EXPECT_EQ(rig.said(rig.in("s", "(3)")), "");
}

TEST(Promise9, ResidualWaitersMaxRefusesAWaitThatNoIndexNarrowsDown) {
  ShardConfig config;
  config.residual_waiters_max = 2;
  Rig rig(config);
  rig.in("s", "(/a/)");
  rig.in("s", "(/b/)");

  EXPECT_EQ(bound(rig, rig.in("s", "(/c/)")), "residual_waiters_max");
  EXPECT_EQ(rig.said(rig.in("s", "('c')")), "");
  EXPECT_EQ(rig.figures().waiters, 3u);
}

TEST(Promise9, TakeMaxRefusesAskingForMore) {
  ShardConfig config;
  config.take_max = 10;
  Rig rig(config);
  rig.out("s", "(1)");

  EXPECT_EQ(bound(rig, rig.take(true, "s", "(?)", {0, Order::kDefault, 0, 11})), "take_max");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST(Promise9, ExamineMaxRefusesACountThatNoIndexAnswers) {
  ShardConfig config;
  config.examine_max = 10;
  Rig rig(config);
  for (int i = 0; i < 11; ++i) rig.out("s", fmt::format("('a{}')", i));
  Operation count;
  count.what = Count{"s", wanted("(/a/)")};

  EXPECT_EQ(bound(rig, rig.ask(count)), "examine_max");
  EXPECT_EQ(rig.count("s", "(?string)").ready, 11u);
}

TEST(Promise9, SessionsMaxRefusesAnOpen) {
  ShardConfig config;
  config.sessions_max = 1;
  Rig rig(config);
  const Rig::Client first = rig.open();
  Operation open;
  open.what = OpenSession{0, "secret", true};

  EXPECT_EQ(bound(rig, rig.ask(open)), "sessions_max");
  rig.close(first);
  EXPECT_EQ(rig.said(rig.ask(open)), "OK");
}

TEST(Promise9, OperationsMaxRefusesWhatASessionCannotKeep) {
  ShardConfig config;
  config.operations_max = 2;
  Rig rig(config);
  Rig::Client ann = rig.open();
  rig.out("s", "(1)", &ann);
  rig.in("s", "(2)", &ann);

  EXPECT_EQ(bound(rig, rig.out("s", "(3)", &ann)), "operations_max");
  EXPECT_EQ(rig.count("s").ready, 1u);
  rig.confirm(ann, {1, 1});
  EXPECT_EQ(rig.said(rig.out("s", "(3)", &ann)), "OK");
}

TEST(Promise9, UnconfirmedBytesMaxRefusesWhatASessionCannotKeep) {
  ShardConfig config;
  config.unconfirmed_bytes_max = 500;
  Rig rig(config);
  Rig::Client ann = rig.open();
  for (int i = 0; i < 2; ++i) rig.out("s", "('" + std::string(600, 'x') + "')");
  rig.in("s", "(?)", &ann);

  EXPECT_EQ(bound(rig, rig.in("s", "(?)", &ann)), "unconfirmed_bytes_max");
  EXPECT_EQ(rig.count("s").ready, 1u);
  rig.confirm(ann, {1, 1});
  EXPECT_NE(rig.said(rig.in("s", "(?)", &ann)), "RESOURCE_EXHAUSTED");
}

TEST(Promise9, IndexesMaxRefusesOneMoreOrder) {
  ShardConfig config;
  config.indexes_max = 1;
  Rig rig(config);
  rig.out("s", "(1, 2)");
  rig.rdp("s", "(1, ?)");

  EXPECT_EQ(bound(rig, rig.take(false, "s", "(?, ?)", {0, Order::kLeast, 1, 1})), "indexes_max");
  EXPECT_EQ(rig.said(rig.rdp("s", "(?, 2)")), "(1, 2)");
}

TEST(Promise9, TtlMaxGrantsLessThanAsked) {
  ShardConfig config;
  config.ttl_max = 1'000;
  Rig rig(config);
  const Answer* placed = rig.answer(rig.out("s", "(1)", {.ttl = 5'000, .delay = {}}));

  EXPECT_EQ(std::get<OutAnswer>(placed->what).ttl, 1'000);
  rig.advance(1'000);
  EXPECT_EQ(rig.count("s").ready, 0u);
}

TEST(Promise9, ANearlyFullDiskRefusesOutAndLetsInPass) {
  Rig rig;
  rig.out("s", "(1)");
  rig.host.shard().refuse_out("disk_free_min: 10 MiB are free");

  EXPECT_EQ(bound(rig, rig.out("s", "(2)")), "disk_free_min");
  EXPECT_EQ(rig.said(rig.in("s", "(1)")), "(1)");
  rig.host.shard().refuse_out("");
  EXPECT_EQ(rig.said(rig.out("s", "(2)")), "OK");
}

}  // namespace
}  // namespace tuplespace
