// What a shard is after it died and was made again from its records.
#include "tests/unit/space/rig.h"

#include "tuplespace/space/record.h"

namespace tuplespace {
namespace {

TEST(Restart, KeepsDurableSpacesAndEmptiesMemorySpaces) {
  Rig rig;
  rig.create("kept", Durability::kSync);
  rig.create("quick", Durability::kAsync);
  rig.create("lost", Durability::kMemory);
  for (const char* space : {"kept", "quick", "lost"}) rig.out(space, "(1)");
  rig.restart();

  EXPECT_EQ(rig.count("kept").ready, 1u);
  EXPECT_EQ(rig.count("quick").ready, 1u);
  EXPECT_EQ(rig.count("lost").ready, 0u);
  EXPECT_TRUE(rig.host.shard().has_space("lost"));
}

TEST(Restart, KeepsPlacesAttemptsAndPolicies) {
  Rig rig;
  Operation create;
  create.what = CreateSpace{"s", {.durability = Durability::kSync, .order = Order::kNewest}};
  rig.ask(create);
  Rig::Client holder = rig.open();
  const Ask first = rig.out("s", "(1)");
  rig.out("s", "(2)");
  rig.in("s", "(1)", &holder);
  rig.close(holder);
  rig.restart();

  EXPECT_EQ(rig.said(rig.rdp("s", "(?)")), "(2)");
  const Ask oldest = rig.take(true, "s", "(?)", {0, Order::kOldest, 0, 1});
  EXPECT_EQ(rig.said(oldest), "(1) attempt 1");
  EXPECT_EQ(std::get<TakeAnswer>(rig.answer(oldest)->what).tuples[0].id, rig.sequence(first));
}

TEST(Restart, GivesNoSequenceNumberTwice) {
  Rig rig;
  rig.create("lost", Durability::kMemory);
  Sequence last = 0;
  for (int i = 0; i < 5; ++i) {
    const Sequence next = rig.sequence(rig.out("lost", "(1)"));  // leaves no record of itself
    EXPECT_GT(next, last);
    EXPECT_LT(next, Sequence{1} << 53);
    last = next;
    rig.restart();
  }
}

TEST(Restart, HeldTuplesStayHeldByTheirSession) {
  Rig rig;
  Rig::Client holder = rig.open(5'000);
  rig.out("s", "(1)");
  rig.in("s", "(1)", &holder);
  rig.restart();

  EXPECT_EQ(rig.count("s").held, 1u);
  EXPECT_EQ(rig.said(rig.rdp("s", "(1)")), "NONE");
  rig.resume(holder);
  rig.confirm(holder, {1, 1});
  EXPECT_EQ(rig.count("s").held, 0u);
}

TEST(Restart, GivesASessionItsWholeLeaseAgain) {
  Rig rig;
  Rig::Client holder = rig.open(5'000);
  rig.out("s", "(1)");
  rig.in("s", "(1)", &holder);
  rig.suspend(holder);
  rig.advance(4'000);
  rig.restart();
  rig.advance(4'999);
  EXPECT_EQ(rig.count("s").held, 1u);
  rig.advance(1);
  EXPECT_EQ(rig.said(rig.rdp("s", "(1)")), "(1) attempt 1");
}

TEST(Restart, ATtlGoesOnAlsoOfATupleThatIsHeld) {
  Rig rig;
  Rig::Client holder = rig.open(5'000);
  rig.out("s", "('free')", {.ttl = 1'000, .delay = {}});
  rig.out("s", "('held')", {.ttl = 1'000, .delay = {}});
  rig.in("s", "('held')", &holder);
  rig.advance(500);
  rig.restart();
  rig.resume(holder);
  rig.close(holder);
  EXPECT_EQ(rig.count("s").ready, 2u);
  rig.advance(499);
  EXPECT_EQ(rig.count("s").ready, 2u);
  rig.advance(1);
  EXPECT_EQ(rig.count("s").ready, 0u);
}

TEST(Restart, ADelayGoesOn) {
  Rig rig;
  rig.out("s", "(1)", {.ttl = {}, .delay = 1'000});
  rig.restart();
  rig.advance(999);
  EXPECT_EQ(rig.count("s").delayed, 1u);
  rig.advance(1);
  EXPECT_EQ(rig.said(rig.rdp("s", "(1)")), "(1)");
}

TEST(Restart, TimeNeverGoesBehindWhatWasPersisted) {
  Rig rig;
  rig.out("s", "(1)", {.ttl = 1'000, .delay = {}});
  rig.advance(5'000);
  rig.restart();  // its record of time is written now
  Shard behind((ShardConfig()));
  for (const auto& [key, value] : rig.host.records()) ASSERT_TRUE(behind.recover(key, value).ok());
  Effects effects;
  effects.batch_number = 1;
  ASSERT_TRUE(behind.recovered(0, effects).ok());  // the wall clock was set back to 1970
  Operation out;
  out.what = Out{"s", tuple("(2)"), 1'000, {}, false};
  out.reply = {1, 1};
  behind.apply(Operation(out), 0, effects);

  EXPECT_GE(behind.tick(0, effects), rig.host.now());
}

TEST(Restart, WhatWasConfirmedLeavesOneRecordOfTheHighestNumber) {
  Rig rig;
  Rig::Client ann = rig.open();
  const size_t before = rig.host.records().size();
  for (int i = 0; i < 10; ++i) rig.out("s", "(1)", &ann);
  for (int i = 0; i < 10; ++i) rig.in("s", "(1)", &ann);
  rig.confirm(ann, {1, 20});

  EXPECT_EQ(rig.host.records().size(), before + 2);  // the space, the number
  rig.close(ann);
  EXPECT_EQ(rig.host.records().size(), before);  // without the session
}

TEST(Restart, WhatWasGivenBackIsNotHeldAgainByWhoGaveItBack) {
  Rig rig;
  Rig::Client ann = rig.open();
  const auto ask = [&](auto what, Number number, Effects& effects) {
    Operation operation;
    operation.what = std::move(what);
    operation.caller = {ann.session, number, number, ""};
    operation.reply = {ann.receiver, number};
    rig.host.shard().apply(std::move(operation), rig.host.now(), effects);
  };
  rig.out("s", "('x')");
  // The take and an out that stays unconfirmed share one record.
  rig.host.together([&](Effects& effects) {
    ask(Take{"s", wanted("('x')"), true, 0, {}, 1}, 1, effects);
    ask(Out{"s", tuple("('y')"), {}, {}, false}, 2, effects);
  });
  Operation give_back;
  give_back.what = Confirm{ann.session, "", true, {}, {{1, 1}}};
  rig.host.apply(give_back);
  rig.restart();

  EXPECT_EQ(rig.count("s").held, 0u);
  EXPECT_EQ(rig.said(rig.inp("s", "('x')")), "(\"x\") attempt 1");
}

// A request that was sent twice may come as late as this.
TEST(Restart, AConfirmedNumberIsNeverExecutedAgain) {
  Rig rig;
  Rig::Client ann = rig.open();
  for (int turn = 0; turn < 3; ++turn) {
    rig.out("s", "(1)", &ann);
    rig.confirm(ann, {1, ann.last});
  }
  rig.restart();
  for (Number number = 1; number <= 3; ++number) {
    ann.last = number - 1;
    ++ann.receiver;
    EXPECT_EQ(rig.said(rig.out("s", "(1)", &ann)), "FAILED_PRECONDITION");
  }
  rig.restart();  // also what remembers it survives

  ann.last = 2;
  ++ann.receiver;
  EXPECT_EQ(rig.said(rig.out("s", "(1)", &ann)), "FAILED_PRECONDITION");
  EXPECT_EQ(rig.said(rig.out("s", "(1)", &ann)), "OK");
  EXPECT_EQ(rig.count("s").ready, 4u);
}

TEST(Restart, ADroppedSpaceStaysDropped) {
  Rig rig;
  rig.out("s", "(1)");
  Operation drop;
  drop.what = DropSpace{"s"};
  rig.ask(drop);
  rig.restart();

  EXPECT_FALSE(rig.host.shard().has_space("s"));
  rig.out("s", "(2)");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST(Restart, ADamagedRecordIsRefusedNamingIt) {
  Rig rig;
  rig.out("s", "(1)");
  for (const auto& [key, value] : rig.host.records()) {
    Shard shard((ShardConfig()));
    std::string damaged = value;
    damaged[damaged.size() / 2] ^= 1;
    Status status;
    for (const auto& [other, whole] : rig.host.records()) {
      if (status = shard.recover(other, other == key ? damaged : whole); !status.ok()) break;
    }
    EXPECT_EQ(status.code(), Code::kDataLoss) << status.to_string();
  }
}

}  // namespace
}  // namespace tuplespace
