// Reads and takes of any of several templates.
#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

struct How {
  bool remove = true;
  std::optional<Duration> wait = 0;
  Order order = Order::kDefault;
  uint32_t field = 0;
  uint32_t max = 1;
};

Operation any_of(const std::vector<std::string>& texts, How how) {
  auto extras = std::make_shared<TakeExtras>();
  for (size_t i = 1; i < texts.size(); ++i) extras->any_of.push_back(wanted(texts[i]));
  Operation operation;
  operation.what = Take{"s",     wanted(texts[0]), how.remove, how.wait, {how.order, how.field, ""},
                        how.max, std::move(extras)};
  return operation;
}

// The tuples and which template each matched: "(1) by 0".
std::string by(const Answer& answer) {
  const auto* take = std::get_if<TakeAnswer>(&answer.what);
  if (take == nullptr || take->tuples.empty()) return Rig::said(answer);
  std::string text;
  for (const Found& found : take->tuples) {
    text += fmt::format("{}{} by {}", text.empty() ? "" : " ", to_text(found.tuple), found.matched);
  }
  return text;
}

class AnyOf : public testing::Test {
 protected:
  std::string take(const std::vector<std::string>& texts, How how) {
    return by(*rig.answer(rig.ask(any_of(texts, how))));
  }
  Rig rig;
};

TEST_F(AnyOf, TakesTheOldestOverAllAndSaysWhichTemplateMatched) {
  for (const char* text : {"('b', 1)", "('c')", "('a', 1)", "('b', 2)"}) rig.out("s", text);

  EXPECT_EQ(take({"('a', ?)", "('b', ?)"}, {}), "(\"b\", 1) by 1");
  EXPECT_EQ(take({"('a', ?)", "('b', ?)"}, {}), "(\"a\", 1) by 0");
  EXPECT_EQ(take({"('x')", "('y')", "(?)"}, {}), "(\"c\") by 2");
  EXPECT_EQ(take({"('x')", "('y')"}, {}), "NONE");
}

TEST_F(AnyOf, ATupleThatMatchesSeveralIsFoundOnceByTheFirst) {
  rig.out("s", "('a', 1)");
  rig.out("s", "('a', 2)");
  How all{.remove = false, .max = 10};
  const std::vector<std::string> texts = {"('a', 2)", "('a', ?)", "(?string, ...)"};
  EXPECT_EQ(take(texts, all), "(\"a\", 1) by 1 (\"a\", 2) by 0");
  for (const Order order : {Order::kNewest, Order::kLeast, Order::kGreatest, Order::kRandom}) {
    all.order = order;
    all.field = order == Order::kRandom ? 0 : 1;
    const Ask asked = rig.ask(any_of({"('a', 2)", "('a', ?)", "(?string, ?)"}, all));
    EXPECT_EQ(std::get<TakeAnswer>(rig.answer(asked)->what).tuples.size(), 2u);
  }
}

TEST_F(AnyOf, TheChoiceIsOverAllOfThem) {
  for (const char* text : {"('a', 2)", "('b', 1)", "('b', 3)", "('a', 0, 0)"}) rig.out("s", text);
  const std::vector<std::string> texts = {"('a', ?)", "('b', ?)", "('a', ?, ?)"};
  const auto chosen = [&](Order order) {
    How how{.remove = false, .order = order, .field = 1};
    return take(texts, how);
  };
  EXPECT_EQ(chosen(Order::kOldest), "(\"a\", 2) by 0");
  EXPECT_EQ(chosen(Order::kNewest), "(\"a\", 0, 0) by 2");
  EXPECT_EQ(chosen(Order::kLeast), "(\"a\", 0, 0) by 2");
  EXPECT_EQ(chosen(Order::kGreatest), "(\"b\", 3) by 1");
  How bad{.order = Order::kLeast, .field = 1};
  EXPECT_EQ(take({"('a', ?)", "('b')"}, bad), "INVALID_ARGUMENT");
}

TEST_F(AnyOf, MaxIsOverAllOfThem) {
  for (const char* text : {"('a')", "('b')", "('c')", "('a')"}) rig.out("s", text);
  EXPECT_EQ(take({"('a')", "('b')"}, {.max = 2}), "(\"a\") by 0 (\"b\") by 1");
  EXPECT_EQ(take({"('a')", "('b')"}, {.max = 5}), "(\"a\") by 0");
}

TEST_F(AnyOf, AWaitIsServedByWhicheverComesFirst) {
  const Ask reader = rig.ask(any_of({"('a')", "('b')"}, {.remove = false, .wait = {}}));
  const Ask taker = rig.ask(any_of({"('a')", "('b')", "(?string)"}, {.wait = {}}));
  EXPECT_EQ(rig.figures().waiters, 2u);
  rig.out("s", "('b')");
  EXPECT_EQ(by(*rig.answer(reader)), "(\"b\") by 1");
  EXPECT_EQ(by(*rig.answer(taker)), "(\"b\") by 1");
  EXPECT_EQ(rig.figures().waiters, 0u);
  rig.out("s", "('a')");
  EXPECT_EQ(rig.count("s").ready, 1u);
}

TEST_F(AnyOf, AWaitThatEndsIsFiledNowhereAnyMore) {
  const Ask asked = rig.ask(any_of({"('a')", "('b', >3)", "(...)"}, {.wait = 10}));
  rig.advance(10);
  EXPECT_EQ(rig.said(asked), "TIMEOUT");
  const Ask cancelled = rig.ask(any_of({"('a')", "('a')"}, {.wait = {}}));
  rig.cancel(cancelled);
  for (const char* text : {"('a')", "('b', 4)"}) rig.out("s", text);
  EXPECT_EQ(rig.count("s").ready, 2u);
}

TEST_F(AnyOf, ARepeatedNumberSaysAgainWhichMatchedAlsoAfterARestart) {
  Rig::Client ann = rig.open();
  for (const char* text : {"('b')", "('a')"}) rig.out("s", text);
  const std::vector<std::string> texts = {"('a')", "('b')"};
  const std::string first = by(*rig.answer(rig.ask(any_of(texts, {.max = 2}), &ann)));
  EXPECT_EQ(first, "(\"b\") by 1 (\"a\") by 0");
  EXPECT_EQ(by(*rig.answer(rig.again(any_of(texts, {.max = 2}), ann, 1))), first);
  rig.restart();
  const SessionAnswer resumed = rig.resume(ann, {{1, 1}});
  ASSERT_EQ(resumed.answers.size(), 1u);
  EXPECT_EQ(by(resumed.answers[0].second), first);
}

TEST_F(AnyOf, ALookAtEachIsByItsOwnIndex) {
  for (int i = 0; i < 2'000; ++i) rig.out("s", fmt::format("('x', {})", i));
  rig.out("s", "('y', 7, 'z')");
  EXPECT_EQ(rig.examined_by([&] {
    EXPECT_EQ(take({"('x', 1500)", "('y', ?, 'z')"}, {.remove = false}), "(\"x\", 1500) by 0");
  }),
            1u);
}

TEST_F(AnyOf, AProbeCountsWhatIsHeldOnce) {
  Rig::Client ann = rig.open();
  rig.out("s", "('a')");
  rig.in("s", "('a')", &ann);
  const Ask asked = rig.ask(any_of({"('a')", "(?string)"}, {}));
  EXPECT_EQ(std::get<TakeAnswer>(rig.answer(asked)->what).held, 1u);
}

TEST_F(AnyOf, HasABoundOnItsTemplates) {
  const Ask asked = rig.ask(any_of(std::vector<std::string>(33, "(1)"), {}));
  EXPECT_EQ(rig.answer(asked)->status.problem().bound, "steps_max");
}

}  // namespace
}  // namespace tuplespace
