#include "tuplespace/space/timer_wheel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tuplespace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Timer timer(Time due, uint64_t id) { return {due, Timer::Kind::kWait, id, 0, 0}; }

std::vector<uint64_t> taken(TimerWheel& wheel, Time now, size_t max = SIZE_MAX) {
  std::vector<Timer> due;
  wheel.take_due(now, max, due);
  std::vector<uint64_t> ids;
  for (const Timer& timer : due) ids.push_back(timer.id);
  return ids;
}

TEST(TimerWheel, GivesNothingBeforeItsTime) {
  TimerWheel wheel(1'000);
  wheel.add(timer(1'500, 1));

  EXPECT_THAT(taken(wheel, 1'499), IsEmpty());
  EXPECT_THAT(taken(wheel, 1'500), ElementsAre(1));
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.next_due(), kNever);
}

TEST(TimerWheel, GivesThemInOrderOfTheirTimesHoweverFarApart) {
  TimerWheel wheel(1'000);
  wheel.add(timer(1'000'000'000, 4));
  wheel.add(timer(1'064, 2));
  wheel.add(timer(1'001, 1));
  wheel.add(timer(70'000, 3));

  EXPECT_THAT(taken(wheel, 2'000'000'000), ElementsAre(1, 2, 3, 4));
}

TEST(TimerWheel, GivesWhatIsOverdueAtOnce) {
  TimerWheel wheel(1'000);
  wheel.add(timer(10, 1));

  EXPECT_LE(wheel.next_due(), 1'000);
  EXPECT_THAT(taken(wheel, 1'000), ElementsAre(1));
}

TEST(TimerWheel, GivesAtMostSoManyAtOnceAndLosesNone) {
  TimerWheel wheel(0);
  for (uint64_t i = 0; i < 10; ++i) wheel.add(timer(5, i));
  std::vector<Timer> due;
  EXPECT_TRUE(wheel.take_due(5, 4, due));
  EXPECT_EQ(due.size(), 4u);
  while (wheel.take_due(5, 4, due)) {
  }
  EXPECT_EQ(due.size(), 10u);
}

// Against a map that is obviously right. The seed is fixed; what fails fails always.
TEST(TimerWheel, AgreesWithASortedMap) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    TimerWheel wheel(1'000'000);
    std::multimap<Time, uint64_t> expected;
    Time now = 1'000'000;
    for (uint64_t id = 1; id <= 2'000; ++id) {
      const Time due = now + static_cast<Time>(random() % (uint64_t{1} << (random() % 40)));
      wheel.add(timer(due, id));
      expected.emplace(due, id);
      if (random() % 3 != 0) continue;
      ASSERT_LE(wheel.next_due(), expected.begin()->first) << "seed " << seed;
      now += static_cast<Time>(random() % (uint64_t{1} << (random() % 30)));
      std::vector<uint64_t> given = taken(wheel, now);
      const auto end = expected.upper_bound(now);
      std::vector<uint64_t> due_now;
      for (auto at = expected.begin(); at != end; ++at) due_now.push_back(at->second);
      std::sort(given.begin(), given.end());
      std::sort(due_now.begin(), due_now.end());
      ASSERT_EQ(given, due_now) << "seed " << seed;
      expected.erase(expected.begin(), end);
      ASSERT_EQ(wheel.size(), expected.size()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace tuplespace
