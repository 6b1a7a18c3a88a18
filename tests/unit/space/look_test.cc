// What people can ask of a shard: who waits, who holds, why a template finds nothing.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename Said>
Said look(Rig& rig, decltype(Operation::what) what) {
  Operation operation;
  operation.what = std::move(what);
  const Answer* answer = rig.answer(rig.ask(std::move(operation)));
  const Said* said = answer != nullptr ? std::get_if<Said>(&answer->what) : nullptr;
  EXPECT_NE(said, nullptr);
  return said != nullptr ? *said : Said();
}

std::vector<std::string> texts(const BlockedAnswer& blocked) {
  std::vector<std::string> texts;
  for (const auto& wait : blocked.waits) texts.push_back(wait.space + ": " + wait.what);
  return texts;
}

TEST(Blocked, ListsWhoWaitsTheLongestFirst) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.in("s", "('job', ?int)", &ann);
  rig.advance(5);
  rig.take(false, "t", "(1)", {.wait = 1'000});
  rig.inp("s", "('none')");
  const auto blocked = look<BlockedAnswer>(rig, Blocked{});

  EXPECT_THAT(texts(blocked), ElementsAre("s: in (\"job\", ?int)", "t: rd (1)"));
  EXPECT_EQ(blocked.waits[0].session, ann.session);
  EXPECT_EQ(blocked.waits[0].since, rig.host.now() - 5);
  EXPECT_EQ(blocked.waits[0].deadline, kNever);
  EXPECT_EQ(blocked.waits[1].session, 0u);
  EXPECT_EQ(blocked.waits[1].deadline, rig.host.now() + 1'000);
  EXPECT_FALSE(blocked.deadlock);
}

TEST(Blocked, OfOneSpaceListsOnlyThat) {
  Rig rig;
  rig.in("s", "(1)");
  rig.in("t", "(2)");
  EXPECT_THAT(texts(look<BlockedAnswer>(rig, Blocked{"t"})), ElementsAre("t: in (2)"));
  EXPECT_THAT(texts(look<BlockedAnswer>(rig, Blocked{"unknown"})), IsEmpty());
}

TEST(Blocked, SaysWhoIsSuspended) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.in("s", "(1)", &ann);
  EXPECT_FALSE(look<BlockedAnswer>(rig, Blocked{}).waits.at(0).suspended);
  rig.suspend(ann);
  EXPECT_TRUE(look<BlockedAnswer>(rig, Blocked{}).waits.at(0).suspended);
}

TEST(Blocked, ListsNoMoreThanItsBound) {
  ShardConfig config;
  config.blocked_max = 3;
  Rig rig(config);
  for (int i = 0; i < 5; ++i) rig.in("s", fmt::format("({})", i));
  EXPECT_THAT(texts(look<BlockedAnswer>(rig, Blocked{})),
              ElementsAre("s: in (0)", "s: in (1)", "s: in (2)"));
}

TEST(Blocked, AnAtomicIsSaidStepByStep) {
  Rig rig;
  Rig::Client ann = rig.open();
  Steps steps;
  steps.push_back(TakeStep{"s", wanted("('n', ?x:int)"), true, {}});
  steps.push_back(CountStep{"t", wanted("(?)"), Comparison::kLess, 3});
  steps.push_back(OutStep{"u", {{"", "x", Type::kInt, -1}}, {}, {}, false});
  Operation operation;
  operation.what = Atomic{std::make_shared<const std::vector<Steps>>(1, steps), {}};
  rig.ask(std::move(operation), &ann);
  const std::string text = ": atomic in s (\"n\", ?x:int); count t (?) < 3; out u (x -1)";

  EXPECT_THAT(texts(look<BlockedAnswer>(rig, Blocked{})), ElementsAre(text));
  EXPECT_THAT(texts(look<BlockedAnswer>(rig, Blocked{"t"})), ElementsAre(text));
  EXPECT_THAT(texts(look<BlockedAnswer>(rig, Blocked{"v"})), IsEmpty());
}

TEST(ListHolds, NamesWhatWasTakenAndNotConfirmed) {
  Rig rig;
  Rig::Client ann = rig.open();
  Rig::Client bob = rig.open();
  for (int i = 1; i <= 4; ++i) rig.out(i == 4 ? "t" : "s", fmt::format("({})", i));
  rig.in("s", "(2)", &ann);
  rig.in("s", "(1)", &bob);
  rig.in("t", "(4)", &ann);
  rig.in("s", "(3)", &ann);
  rig.confirm(ann, {3, 3});
  const auto held = [&](ListHolds list) {
    std::vector<std::string> texts;
    for (const auto& hold : look<HoldsAnswer>(rig, list).holds) {
      texts.push_back(fmt::format("{} {} by {}", hold.space, to_text(hold.found.tuple),
                                  hold.session == ann.session ? "ann" : "bob"));
    }
    return texts;
  };
  EXPECT_THAT(held({}), ElementsAre("s (2) by ann", "s (1) by bob", "t (4) by ann"));
  EXPECT_THAT(held({"s", 0}), ElementsAre("s (2) by ann", "s (1) by bob"));
  EXPECT_THAT(held({"", ann.session}), ElementsAre("s (2) by ann", "t (4) by ann"));
  rig.drop("s");
  EXPECT_THAT(held({}), ElementsAre("t (4) by ann"));
}

TEST(ListHolds, NamesHoldsWithTheirTokensAndLeases) {
  Rig rig;
  Rig::Client ann = rig.open();
  rig.out("s", "(1)");
  rig.out("s", "(2)");
  const Ask first = rig.hold("s", "(2)", 5'000, &ann);
  rig.advance(10);
  rig.hold("s", "(1)", 3'000);
  const auto holds = look<HoldsAnswer>(rig, ListHolds{"s", 0}).holds;

  ASSERT_EQ(holds.size(), 2u);
  EXPECT_EQ(to_text(holds[0].found.tuple), "(2)");
  EXPECT_EQ(holds[0].found.token, std::get<TakeAnswer>(rig.answer(first)->what).tuples[0].token);
  EXPECT_EQ(holds[0].session, ann.session);
  EXPECT_EQ(holds[0].since, rig.host.now() - 10);
  EXPECT_EQ(holds[0].until, rig.host.now() - 10 + 5'000);
  EXPECT_EQ(holds[1].session, 0u);
  EXPECT_EQ(look<HoldsAnswer>(rig, ListHolds{"", ann.session}).holds.size(), 1u);
  EXPECT_EQ(look<SessionsAnswer>(rig, ListSessions{}).sessions.at(0).holds, 1u);
}

TEST(ListSessions, ComesInPagesByNumber) {
  ShardConfig config;
  config.blocked_max = 2;
  Rig rig(config);
  Rig::Client ann = rig.open();
  Rig::Client bob = rig.open(5'000);
  Rig::Client cat = rig.open();
  rig.in("s", "(1)", &ann);
  rig.out("s", "(2)", &ann);
  rig.suspend(bob);
  const auto first = look<SessionsAnswer>(rig, ListSessions{}).sessions;
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].session, ann.session);
  EXPECT_TRUE(first[0].connected);
  EXPECT_EQ(first[0].waits, 1u);
  EXPECT_EQ(first[0].unconfirmed, 1u);
  EXPECT_EQ(first[1].session, bob.session);
  EXPECT_FALSE(first[1].connected);
  EXPECT_EQ(first[1].lease_end, rig.host.now() + 5'000);
  const auto second = look<SessionsAnswer>(rig, ListSessions{bob.session}).sessions;
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].session, cat.session);
}

// ---- explain ----

ExplainAnswer explain(Rig& rig, const std::string& text) {
  return look<ExplainAnswer>(rig, Explain{"s", wanted(text)});
}

std::vector<std::string> near(const ExplainAnswer& explained) {
  std::vector<std::string> texts;
  for (const auto& miss : explained.near) texts.push_back(miss.text);
  return texts;
}

TEST(Explain, SaysHowManyMatchAndHowTheyAreFound) {
  Rig rig;
  Rig::Client holder = rig.open();
  for (int i = 0; i < 10; ++i) rig.out("s", fmt::format("('job', {})", i));
  rig.out("s", "('job', 99)", {.ttl = {}, .delay = 1'000});
  rig.in("s", "('job', ?int)", &holder);
  const auto explained = explain(rig, "('job', ?int)");

  EXPECT_EQ(explained.index, "(value, type)");
  EXPECT_EQ(explained.candidates, 9u);
  EXPECT_EQ(explained.ready, 9u);
  EXPECT_EQ(explained.held, 1u);
  EXPECT_EQ(explained.delayed, 1u);
  EXPECT_FALSE(explained.building);
  EXPECT_THAT(near(explained), IsEmpty());
}

TEST(Explain, WithoutAnIndexEveryTupleIsACandidate) {
  Rig rig;
  for (int i = 0; i < 10; ++i) rig.out("s", fmt::format("({})", i));
  const auto explained = explain(rig, "(<3)");
  EXPECT_EQ(explained.candidates, 10u);
  EXPECT_EQ(explained.ready, 3u);
  EXPECT_EQ(explained.examined, 10u);
}

TEST(Explain, NamesTheFirstFieldThatDiffersAndHow) {
  Rig rig;
  for (int i = 0; i < 17; ++i) rig.out("s", "('job', 3.0)");
  rig.out("s", "('job', 3, 'x')");
  rig.out("s", "('jib', 3)");
  const auto explained = explain(rig, "('job', 3)");

  EXPECT_THAT(near(explained), ElementsAre("asked int 3; 17 tuples have float 3.0",
                                           "asked string \"job\"; 1 tuple has string \"jib\"",
                                           "asked 2 fields; 1 tuple has 3"));
  EXPECT_EQ(explained.near[0].field, 1u);
  EXPECT_EQ(explained.near[0].tuples, 17u);
  EXPECT_EQ(explained.near[2].field, 2u);
  EXPECT_EQ(explained.examined, 18u);
}

TEST(Explain, SumsUpDifferentValuesOfOneType) {
  Rig rig;
  for (int i = 0; i < 3; ++i) rig.out("s", fmt::format("('job', {})", i));
  for (int i = 0; i < 2; ++i) rig.out("s", fmt::format("('job', 'text {}')", i));
  EXPECT_THAT(
      near(explain(rig, "('job', 7)")),
      ElementsAre("asked int 7; 3 tuples have another int", "asked int 7; 2 tuples have a string"));
  EXPECT_THAT(near(explain(rig, "(?, >7)")),
              ElementsAre("asked >7; 3 tuples have an int", "asked >7; 2 tuples have a string"));
}

TEST(Explain, SaysWhenFieldsOfOneNameDiffer) {
  Rig rig;
  rig.out("s", "(1, 2)");
  rig.out("s", "(1, 1)");
  const auto explained = explain(rig, "(?x:int, ?x:int)");
  EXPECT_EQ(explained.ready, 1u);
  EXPECT_THAT(near(explained),
              ElementsAre("asked for equal values under one name; 1 tuple has another"));
  EXPECT_EQ(explained.near[0].field, 1u);
}

TEST(Explain, AnOpenArityAsksForAtLeastSoManyFields) {
  Rig rig;
  rig.out("s", "(1)");
  rig.out("s", "(2, 2, 2)");
  EXPECT_THAT(
      near(explain(rig, "(1, ?, ...)")),
      ElementsAre("asked int 1; 1 tuple has int 2", "asked at least 2 fields; 1 tuple has 1"));
}

TEST(Explain, NamesAtMostTenWaysAndLooksAtABoundedNumberOfTuples) {
  ShardConfig config;
  config.examine_max = 50;
  Rig rig(config);
  for (int arity = 2; arity <= 14; ++arity) {
    std::string text = "(1";
    for (int i = 1; i < arity; ++i) text += ", 1";
    rig.out("s", text + ")");
  }
  for (int i = 0; i < 100; ++i) rig.out("s", "('x')");
  const auto explained = explain(rig, "(1)");
  EXPECT_EQ(explained.near.size(), 10u);
  EXPECT_EQ(explained.examined, 50u);
}

TEST(Explain, LongValuesAreNotShown) {
  Rig rig;
  rig.out("s", fmt::format("('{}')", std::string(1'000, 'x')));
  EXPECT_THAT(near(explain(rig, "('short')")),
              ElementsAre("asked string \"short\"; 1 tuple has another string"));
}

TEST(Explain, OfAnUnknownSpaceSaysSo) {
  Rig rig;
  Operation operation;
  operation.what = Explain{"unknown", wanted("(1)")};
  EXPECT_EQ(rig.said(rig.ask(operation)), "NOT_FOUND");
}

TEST(Explain, BuildsNoIndex) {
  ShardConfig config;
  config.slice_candidates = 16;
  Rig rig(config);
  for (int i = 0; i < 100; ++i) rig.out("s", fmt::format("('a', {})", i));
  const auto explained = explain(rig, "(?, 7)");
  EXPECT_EQ(explained.index, "");
  EXPECT_FALSE(explained.building);
  EXPECT_EQ(explained.candidates, 100u);
  EXPECT_EQ(explained.ready, 1u);
}

}  // namespace
}  // namespace tuplespace
