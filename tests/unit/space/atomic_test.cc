// Several steps at one instant: what they can say, and that nothing happens until all can.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

using testing::HasSubstr;

// What is in a space, oldest first.
std::string contents(Rig& rig, const std::string& space) {
  Rig::How all;
  all.wait = 0;
  all.max = 10'000;
  return rig.said(rig.take(false, space, "(...)", all));
}

std::string message(const Rig& rig, Ask asked) { return rig.answer(asked)->status.message(); }
std::string bound(const Rig& rig, Ask asked) { return rig.answer(asked)->status.problem().bound; }

TEST(Atomic, ComparesAndSwaps) {
  Rig rig;
  rig.out("s", "('v', 1)");

  EXPECT_EQ(rig.said(rig.atomicp("in s ('v', 1) ; out s ('v', 2)")), "(\"v\", 1)");
  EXPECT_EQ(rig.said(rig.atomicp("in s ('v', 1) ; out s ('v', 3)")), "NONE");
  EXPECT_EQ(contents(rig, "s"), "(\"v\", 2)");
}

TEST(Atomic, CountsUp) {
  Rig rig;
  rig.out("s", "('n', 0)");

  for (int i = 0; i < 3; ++i) rig.atomic("in s ('n', ?n:int) ; out s ('n', $n+1)");
  EXPECT_EQ(contents(rig, "s"), "(\"n\", 3)");
  rig.atomic("in s ('n', ?n:int) ; out s ('n', $n-5) ; out log ('was', $n)");
  EXPECT_EQ(contents(rig, "s"), "(\"n\", -2)");
  EXPECT_EQ(contents(rig, "log"), "(\"was\", 3)");
}

TEST(Atomic, TakesSeveralLocksOrNone) {
  Rig rig;
  rig.out("locks", "('a')");
  const Ask both = rig.atomic("in locks ('a') ; in locks ('b')");

  EXPECT_EQ(rig.said(both), "");
  EXPECT_EQ(contents(rig, "locks"), "(\"a\")");
  rig.out("locks", "('b')");
  EXPECT_EQ(rig.said(both), "(\"a\") (\"b\")");
  EXPECT_EQ(rig.count("locks").ready, 0u);
}

TEST(Atomic, JoinsTwoSpacesByAName) {
  Rig rig;
  rig.out("people", "(1, 'ann')");
  rig.out("people", "(2, 'bob')");
  rig.out("orders", "('tea', 3)");
  rig.out("orders", "('ink', 2)");

  EXPECT_EQ(rig.said(rig.atomic("rd people (?id:int, ?who:string) ; in orders (?what:any, $id) ; "
                                "out parcels ($what, $who)")),
            "(2, \"bob\") (\"ink\", 2)");
  EXPECT_EQ(contents(rig, "parcels"), "(\"ink\", \"bob\")");
  EXPECT_EQ(contents(rig, "orders"), "(\"tea\", 3)");
  EXPECT_EQ(rig.count("people").ready, 2u);
}

TEST(Atomic, AReferenceReachesIntoListsAndMapsAndCounts) {
  Rig rig;
  rig.out("s", "(7)");
  rig.out("t", "([1, 7], {'k': 7})");
  rig.out("t", "([1, 7], {'k': 8})");

  EXPECT_EQ(rig.said(rig.atomicp("rd s (?x:int) ; rd t ([1, $x], {'k': ?y:any}) ; "
                                 "count t ([1, $x:int], ?) = 2")),
            "(7) ([1, 7], {\"k\": 7})");
  EXPECT_EQ(rig.said(rig.atomicp("rd s (?x:int) ; rd t ([1, $x:string], ?)")), "NONE");
}

TEST(Atomic, ABarrierOpensForAllWhenTheLastHasCome) {
  Rig rig;
  std::vector<Ask> waiting;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(waiting.empty() || rig.said(waiting[0]).empty());
    rig.out("s", "('here', " + std::to_string(i) + ")");
    waiting.push_back(rig.atomic("count s ('here', ?) = 3"));
  }
  for (const Ask& asked : waiting) EXPECT_EQ(rig.said(asked), "OK");
}

TEST(Atomic, AbsenceIsACountOfNone) {
  Rig rig;
  const std::string once = "count s ('leader', ?) = 0 ; out s ('leader', 1)";
  EXPECT_EQ(rig.said(rig.atomicp(once)), "OK");
  EXPECT_EQ(rig.said(rig.atomicp(once)), "NONE");

  const Ask next = rig.atomic("count s ('leader', ?) = 0 ; out s ('leader', 2)");
  EXPECT_EQ(rig.said(next), "");
  rig.in("s", "('leader', ?)");
  EXPECT_EQ(rig.said(next), "OK");
  EXPECT_EQ(contents(rig, "s"), "(\"leader\", 2)");
}

TEST(Atomic, ACountSeesWhatIsLeftAfterTheTakesAndBeforeTheOuts) {
  Rig rig;
  rig.out("s", "(1)");
  rig.out("s", "(2)");

  const Ask last = rig.atomicp("in s (?) ; count s (?) = 0");
  const Ask one_left = rig.atomicp("in s (?) ; out s (3) ; count s (?) = 1");
  EXPECT_EQ(rig.said(last), "NONE");
  EXPECT_EQ(rig.said(one_left), "(1)");
  EXPECT_EQ(std::get<AtomicAnswer>(rig.answer(one_left)->what).steps[2].count, 1u);
  EXPECT_EQ(contents(rig, "s"), "(2) (3)");
}

TEST(Atomic, CountsWithAReferenceChooseAmongCombinations) {
  Rig rig;
  for (const char* text : {"('a', 1)", "('a', 2)", "('b', 2)"}) rig.out("s", text);

  EXPECT_EQ(rig.said(rig.atomicp("rd s (?k:string, ?v:int) ; count s (?, $v) = 2")), "(\"a\", 2)");
  EXPECT_EQ(rig.said(rig.atomicp("in s (?k:string, ?v:int) ; count s ($k, ?) = 0")), "(\"b\", 2)");
}

TEST(Atomic, WritersWhoWaitForRoomGoInTheirOrder) {
  Rig rig;
  rig.out("s", "(0)");
  std::vector<Ask> writers;
  for (int i = 1; i <= 3; ++i) {
    writers.push_back(rig.atomic("count s (?int) < 1 ; out s (" + std::to_string(i) + ")"));
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(rig.said(rig.inp("s", "(?int)")), "(" + std::to_string(i) + ")");
    EXPECT_EQ(rig.said(writers[i]), "OK");
    EXPECT_TRUE(i == 2 || rig.said(writers[i + 1]).empty());
  }
}

TEST(Atomic, TenThousandWhoWaitForRoomCostOneLookPerTupleThatLeaves) {
  Rig rig;
  for (int i = 0; i < 100; ++i) rig.out("s", "('x', " + std::to_string(i) + ")");
  std::vector<Ask> writers;
  // The count is by a range, so that each look examines all hundred.
  for (int i = 0; i < 10'000; ++i) {
    writers.push_back(rig.atomic("count s ('x', >=0) < 100 ; out s ('x', 1)"));
  }
  const uint64_t examined = rig.examined_by([&] { rig.in("s", "('x', ?)"); });
  EXPECT_EQ(rig.said(writers[0]), "OK");
  EXPECT_EQ(rig.said(writers[1]), "");
  EXPECT_LE(examined, 1 + 99 + 100u);  // the take, the first in line, the second in vain
}

TEST(Atomic, WhatCannotMatterCostsNothing) {
  Rig rig;
  rig.out("s", "('x', 1)");
  rig.out("s", "('y', 1)");
  const Ask waiting = rig.atomic("in s ('x', ?v:int) ; in s ('z', $v) ; count s ('y', >0) < 5");

  EXPECT_EQ(rig.examined_by([&] {
    rig.out("s", "('w', 1)");
    rig.out("s", "('z', 'a', 'longer')");
    rig.out("other", "('z', 1)");
    rig.out("s", "('y', 2)");  // a count < is not helped by more
  }),
            0u);
  EXPECT_EQ(rig.said(waiting), "");
  rig.out("s", "('z', 1)");
  EXPECT_EQ(rig.said(waiting), "(\"x\", 1) (\"z\", 1)");
}

TEST(Atomic, PhilosophersTakeBothForksAtOnce) {
  Rig rig;
  for (int i = 0; i < 5; ++i) rig.out("table", "('fork', " + std::to_string(i) + ")");
  const auto eat = [&](int who) {
    return rig.atomic(
        fmt::format("in table ('fork', {}) ; in table ('fork', {})", who, (who + 1) % 5));
  };
  const auto put_back = [&](int who) {
    rig.atomic(fmt::format("out table ('fork', {}) ; out table ('fork', {})", who, (who + 1) % 5));
  };
  std::vector<Ask> meals;
  for (int who = 0; who < 5; ++who) meals.push_back(eat(who));
  const auto eating = [&] {
    std::string who;
    for (int i = 0; i < 5; ++i) who += rig.said(meals[i]).empty() ? '-' : 'e';
    return who;
  };
  EXPECT_EQ(eating(), "e-e--");
  put_back(0);
  EXPECT_EQ(eating(), "e-e-e");
  put_back(2);
  EXPECT_EQ(eating(), "eee-e");
  put_back(4);
  put_back(1);
  EXPECT_EQ(eating(), "eeeee");
}

TEST(Atomic, TheFirstAlternativeThatCanHappenDoes) {
  Rig rig;
  const std::string steps = "in s ('a') or in s ('b') ; out done ('b') or in s ('c')";
  rig.out("s", "('b')");
  rig.out("s", "('c')");
  EXPECT_EQ(rig.said(rig.atomic(steps)), "alternative 1 (\"b\")");
  EXPECT_EQ(rig.said(rig.atomic(steps)), "alternative 2 (\"c\")");

  const Ask waiting = rig.atomic(steps);
  EXPECT_EQ(rig.said(waiting), "");
  rig.out("s", "('a')");
  EXPECT_EQ(rig.said(waiting), "(\"a\")");
  EXPECT_EQ(contents(rig, "done"), "(\"b\")");
}

TEST(Atomic, AnInsertOrUpdateIsTwoAlternatives) {
  Rig rig;
  const std::string visit =
      "in s ('visits', ?n:int) ; out s ('visits', $n+1) or "
      "count s ('visits', ?) = 0 ; out s ('visits', 1)";
  for (int i = 0; i < 3; ++i) rig.atomic(visit);
  EXPECT_EQ(contents(rig, "s"), "(\"visits\", 3)");
}

TEST(Atomic, DistinctStepsUseDistinctTuples) {
  Rig rig;
  rig.out("s", "(1)");
  EXPECT_EQ(rig.said(rig.atomicp("in s (1) ; rd s (1)")), "NONE");
  EXPECT_EQ(rig.said(rig.atomicp("rd s (1) ; rd s (?)")), "NONE");
  rig.out("s", "(1)");
  EXPECT_EQ(rig.said(rig.atomicp("in s (1) ; rd s (1)")), "(1) (1)");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST(Atomic, TheFirstCombinationInOrderOfPlacesIsChosen) {
  Rig rig;
  for (const char* text : {"('a', 1)", "('a', 2)", "('a', 3)"}) rig.out("s", text);
  for (const char* text : {"('b', 3)", "('b', 2)"}) rig.out("s", text);

  // (a, 1) has no partner; of the others the older one comes first, whatever its partner's place.
  EXPECT_EQ(rig.said(rig.atomic("rd s ('a', ?x:int) ; rd s ('b', $x)")), "(\"a\", 2) (\"b\", 2)");
  EXPECT_EQ(rig.said(rig.atomic("rd s ('b', ?x:int) ; rd s ('a', $x)")), "(\"b\", 3) (\"a\", 3)");
  EXPECT_EQ(rig.said(rig.atomic("rd s ('a', ?) ; rd s ('a', ?)")), "(\"a\", 1) (\"a\", 2)");
}

TEST(Atomic, WhatCannotHappenIsSeenWithoutTryingEveryCombination) {
  Rig rig;
  for (int i = 0; i < 1'000; ++i) {
    rig.out("s", "('job', " + std::to_string(i) + ")");
    rig.out("s", "('worker', " + std::to_string(i) + ")");
  }
  for (int i = 0; i < 31; ++i) rig.out("s", "('token')");

  const std::string lacking = "in s ('job', ?) ; in s ('worker', ?) ; in s ('permit')";
  EXPECT_LE(rig.examined_by([&] { EXPECT_EQ(rig.said(rig.atomicp(lacking)), "NONE"); }), 2u);
  std::string tokens = "in s ('token')";
  for (int i = 1; i < 32; ++i) tokens += " ; in s ('token')";
  EXPECT_LE(rig.examined_by([&] { EXPECT_EQ(rig.said(rig.atomicp(tokens)), "NONE"); }), 100u);
  rig.out("s", "('token')");
  EXPECT_EQ(rig.said(rig.atomicp(tokens)).substr(0, 19), "(\"token\") (\"token\")");
}

TEST(Atomic, NamesMustBeBoundByAnEarlierStepAndOnce) {
  Rig rig;
  const auto refused = [&](std::vector<Steps> alternatives) {
    Operation operation;
    operation.what = Atomic{std::make_shared<const std::vector<Steps>>(std::move(alternatives)), 0};
    const Ask asked = rig.ask(std::move(operation));
    EXPECT_EQ(rig.said(asked), "INVALID_ARGUMENT");
    return message(rig, asked);
  };
  const Template x = *parse_template("($x)", {}, {}, {"x"});
  EXPECT_THAT(refused({{TakeStep{"s", x, true, {}}}}), HasSubstr("step 1: it refers to $x"));
  EXPECT_THAT(refused({{OutStep{"s", {{"", "x", Type::kAny, 0}}, {}, {}, false}}}),
              HasSubstr("$x, which no earlier step binds"));
  EXPECT_THAT(
      refused({{TakeStep{"s", wanted("(?x:int)"), true, {}}}, {TakeStep{"s", x, true, {}}}}),
      HasSubstr("alternative 2: step 1"));
  EXPECT_THAT(refused(*parse_steps("in s (?x:int) ; in s (?x:int)")), HasSubstr("step 2"));
  EXPECT_THAT(refused({}), HasSubstr("no alternative"));
  EXPECT_THAT(refused({{}}), HasSubstr("no steps"));
}

TEST(Atomic, AReferenceIsRefusedOutsideOfIt) {
  Rig rig;
  rig.out("s", "(1)");
  const Template x = *parse_template("($x)", {}, {}, {"x"});
  const auto said = [&](auto what) {
    Operation operation;
    operation.what = std::move(what);
    const Ask asked = rig.ask(std::move(operation));
    EXPECT_THAT(message(rig, asked), HasSubstr("$x"));
    return rig.said(asked);
  };
  EXPECT_EQ(said(Take{"s", x, true, 0, {}, 1}), "INVALID_ARGUMENT");
  EXPECT_EQ(said(Take{"s", x, false, {}, {}, 1}), "INVALID_ARGUMENT");
  EXPECT_EQ(said(Count{"s", x}), "INVALID_ARGUMENT");
  EXPECT_EQ(said(Scan{"s", x}), "INVALID_ARGUMENT");
  EXPECT_EQ(said(Collect{"s", x, "t", true}), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST(Atomic, ASumBeyondIntIsRefusedAndNothingIsTaken) {
  Rig rig;
  rig.out("s", "('n', 9223372036854775807)");
  rig.out("s", "('m', 'text')");
  const Ask sum = rig.atomic("in s ('n', ?n:int) ; out s ('n', $n+1)");
  EXPECT_EQ(rig.said(sum), "INVALID_ARGUMENT");
  EXPECT_THAT(message(rig, sum), HasSubstr("$n+1"));
  EXPECT_EQ(rig.said(rig.atomic("in s ('m', ?m:any) ; out s ($m+1)")), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.count("s").ready, 2u);
}

TEST(Atomic, StepsMaxIsABound) {
  Rig rig;
  std::string steps = "rd s (1)";
  for (int i = 1; i < 33; ++i) steps += " ; rd s (1)";
  const Ask asked = rig.atomicp(steps);
  EXPECT_EQ(bound(rig, asked), "steps_max");
  EXPECT_THAT(message(rig, asked), HasSubstr("steps_max is 32"));
}

TEST(Atomic, ExamineMaxIsABoundAndNothingIsChanged) {
  ShardConfig config;
  config.examine_max = 50;
  Rig rig(config);
  for (int i = 0; i < 100; ++i) rig.out("s", "(" + std::to_string(i) + ")");

  const Ask asked = rig.atomic("in s (?x:int) ; in s (>=0) ; count t ($x) = 1");
  EXPECT_EQ(bound(rig, asked), "examine_max");
  EXPECT_EQ(bound(rig, rig.atomic("count s (>=0) = 100")), "examine_max");
  EXPECT_EQ(rig.count("s", "(?)").ready, 100u);
  EXPECT_EQ(rig.figures().waiters, 0u);
}

TEST(Atomic, EffectsMaxIsABoundAndNothingIsChanged) {
  ShardConfig config;
  config.effects_max = 3;
  Rig rig(config);
  rig.out("s", "(1)");
  const Ask four = rig.atomic("in s (1) ; out s (2) ; out s (3) ; out s (4)");
  EXPECT_EQ(bound(rig, four), "effects_max");
  EXPECT_EQ(contents(rig, "s"), "(1)");
  EXPECT_EQ(rig.said(rig.atomicp("in s (1) ; out s (2) ; out s (3) ; rd s (1)")), "NONE");
}

TEST(Atomic, WhatMayNotBePutIsFoundBeforeAnythingIsTaken) {
  ShardConfig config;
  config.spaces_max = 2;
  config.limits.tuple_bytes_max = 100;
  Rig rig(config);
  Operation create;
  create.what = CreateSpace{"full", {.durability = {}, .tuples_max = 1}};
  rig.ask(create);
  rig.out("full", "(0)");
  rig.out("s", "(1, '" + std::string(80, 'x') + "')");

  EXPECT_EQ(bound(rig, rig.atomic("in s (1, ?) ; out full (1)")), "tuples_max");
  EXPECT_EQ(bound(rig, rig.atomic("in s (1, ?) ; out new (1)")), "spaces_max");
  EXPECT_EQ(bound(rig, rig.atomic("in s (1, ?x:any) ; out s ($x, $x)")), "tuple_bytes_max");
  EXPECT_EQ(rig.said(rig.atomic("in s (1, ?) ; out s (1) ttl 0")), "INVALID_ARGUMENT");
  EXPECT_EQ(rig.count("s").ready, 1u);
  // What is taken makes room for what is put.
  EXPECT_EQ(rig.said(rig.atomic("in full (?) ; out full (2)")), "(0)");
}

TEST(Atomic, WhatItPutsIsOfferedByTheOneRule) {
  Rig rig;
  const Ask taker = rig.in("s", "('x', ?)");
  const Ask reader = rig.rd("s", "('x', ?)");
  const Ask chain = rig.atomic("in s ('x', ?n:int) ; out s ('y', $n)");
  rig.atomic("out s ('x', 1) ; out s ('x', 2)");

  EXPECT_EQ(rig.said(taker), "(\"x\", 1)");
  EXPECT_EQ(rig.said(reader), "(\"x\", 1)");
  EXPECT_EQ(rig.said(chain), "(\"x\", 2)");
  EXPECT_EQ(contents(rig, "s"), "(\"y\", 2)");
}

TEST(Atomic, TakersAndAtomicsAreServedInTheOrderInWhichTheyCame) {
  Rig rig;
  const Ask first = rig.in("s", "('x')");
  const Ask second = rig.atomic("in s ('x')");
  const Ask third = rig.in("s", "(?)");
  const Ask fourth = rig.atomic("in s (?) ; rd s ('never')");
  const Ask reader = rig.rd("s", "('x')");
  std::vector<std::string> said;
  for (int i = 0; i < 3; ++i) {
    rig.out("s", "('x')");
    said.push_back(rig.said(first) + "|" + rig.said(second) + "|" + rig.said(third));
  }
  EXPECT_THAT(said,
              testing::ElementsAre("(\"x\")||", "(\"x\")|(\"x\")|", "(\"x\")|(\"x\")|(\"x\")"));
  EXPECT_EQ(rig.said(reader), "(\"x\")");
  EXPECT_EQ(rig.said(fourth), "");
}

TEST(Atomic, OneThatHappensWithoutTakingTheTupleLeavesItToTheNext) {
  Rig rig;
  const Ask sees = rig.atomic("rd s ('x') ; out log ('seen')");
  const Ask counts = rig.atomic("count s ('x') > 0 ; out log ('counted')");
  const Ask taker = rig.in("s", "('x')");
  rig.out("s", "('x')");

  EXPECT_EQ(rig.said(sees), "(\"x\")");
  EXPECT_EQ(rig.said(counts), "OK");
  EXPECT_EQ(rig.said(taker), "(\"x\")");
  EXPECT_EQ(contents(rig, "log"), "(\"seen\") (\"counted\")");
}

TEST(Atomic, ManyPutAtOnceAreSeenTogether) {
  Rig rig;
  const Ask one = rig.atomic("count s (?) = 1 ; out log ('one')");
  const Ask both = rig.atomic("in s ('a') ; in s ('b')");
  const Ask taker = rig.in("s", "('a')");
  rig.atomic("out s ('a') ; out s ('b')");

  EXPECT_EQ(rig.said(one), "");  // there never was one alone
  EXPECT_EQ(rig.said(both), "(\"a\") (\"b\")");
  EXPECT_EQ(rig.said(taker), "");
}

}  // namespace
}  // namespace tuplespace
