#include "tuplespace/space/kept_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tuplespace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void add(KeptAnswers& answers, Number number, uint64_t hash) {
  KeptAnswer& answer = answers.insert(number);
  EXPECT_TRUE(answer.tuples.empty());
  answer.hash = hash;
  answer.tuples.push_back({1, 2, hash});
}

KeptAnswers answers_of(std::initializer_list<Number> numbers) {
  KeptAnswers answers;
  for (const Number number : numbers) add(answers, number, number);
  return answers;
}

TEST(KeptAnswers, AreFoundUntilTheyAreErased) {
  KeptAnswers answers = answers_of({1, 2, 3});
  answers.erase(2);
  EXPECT_EQ(answers.find(1)->hash, 1u);
  EXPECT_EQ(answers.find(2), nullptr);
  EXPECT_EQ(answers.find(3)->tuples[0].id, 3u);
  EXPECT_EQ(answers.size(), 2u);
}

TEST(KeptAnswers, OfOnePlaceDoNotPushEachOtherOut) {
  const Number far = Number{1} << 40;
  KeptAnswers answers = answers_of({5, far + 5, 2 * far + 5});
  answers.erase(5);
  EXPECT_EQ(answers.find(5), nullptr);
  EXPECT_EQ(answers.find(far + 5)->hash, far + 5);
  EXPECT_EQ(answers.find(2 * far + 5)->hash, 2 * far + 5);
  EXPECT_THAT(answers.numbers(), ElementsAre(far + 5, 2 * far + 5));
}

TEST(KeptAnswers, GiveTheNumbersOfARangeInOrder) {
  KeptAnswers answers = answers_of({9, 3, 4, 100});
  EXPECT_THAT(answers.numbers_in({3, 5}), ElementsAre(3, 4));
  EXPECT_THAT(answers.numbers_in({4, UINT64_MAX}), ElementsAre(4, 9, 100));
  EXPECT_THAT(answers.numbers_in({5, 4}), IsEmpty());
}

TEST(KeptAnswers, AreThoseOfAPlainMapWhateverComesAndGoes) {
  constexpr uint64_t kSeed = 20240517;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  KeptAnswers answers;
  std::map<Number, uint64_t> model;
  Number next = 1;
  for (int step = 0; step < 60'000; ++step) {
    const bool grows = step / 5'000 % 2 == 0;  // up to thousands, and back to none
    if (model.empty() || random() % 8 < (grows ? 6 : 2)) {
      next += random() % 64 == 0 ? 1 + random() % 5'000 : 1;
      add(answers, next, next * 3);
      model[next] = next * 3;
    } else {
      auto gone = model.begin();
      if (random() % 4 == 0) gone = model.lower_bound(random() % next);
      if (gone == model.end()) continue;
      answers.erase(gone->first);
      model.erase(gone);
    }
    const Number asked = random() % (next + 2);
    const auto known = model.find(asked);
    const KeptAnswer* found = answers.find(asked);
    ASSERT_EQ(found != nullptr, known != model.end()) << asked;
    ASSERT_TRUE(found == nullptr || found->hash == known->second) << asked;
    ASSERT_EQ(answers.size(), model.size());
  }
  std::vector<Number> numbers;
  for (const auto& [number, hash] : model) numbers.push_back(number);
  EXPECT_EQ(answers.numbers(), numbers);
}

}  // namespace
}  // namespace tuplespace
