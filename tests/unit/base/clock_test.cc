#include "tuplespace/clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace tuplespace {
namespace {

Time wall() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TEST(SystemClock, BeginsWithTheWallClock) {
  const Time before = wall();
  const SystemClock clock;
  const Time now = clock.now();
  EXPECT_GE(now, before - 2);  // each reading is cut to milliseconds
  EXPECT_LE(now, wall() + 2);
}

TEST(SystemClock, BeginsNoEarlierThanItIsTold) {
  const Time later = wall() + 1'000'000;
  const SystemClock clock(later);
  EXPECT_GE(clock.now(), later - 1);
  EXPECT_LT(clock.now(), later + 1'000'000);
}

TEST(SystemClock, MovesForwardToATimeThatItHasNotReached) {
  SystemClock clock;
  const Time later = clock.now() + 1'000'000;
  clock.not_before(later);
  EXPECT_GE(clock.now(), later - 1);
}

TEST(SystemClock, DoesNotMoveBackToATimeThatHasPassed) {
  SystemClock clock;
  const Time now = clock.now();
  clock.not_before(now - 1'000'000);
  EXPECT_GE(clock.now(), now);
}

TEST(SystemClock, GoesOnByItself) {
  const SystemClock clock;
  const Time start = clock.now();
  while (clock.now() == start) std::this_thread::yield();
  EXPECT_GT(clock.now(), start);
}

TEST(SystemClock, NeverDecreasesForAnyThread) {
  SystemClock clock;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&clock, i] {
      Time last = 0;
      for (int n = 0; n < 10'000; ++n) {
        const Time now = clock.now();
        EXPECT_GE(now, last);
        last = now;
        if (i == 0 && n % 100 == 0) clock.not_before(now + 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ManualClock, MovesWhenTold) {
  ManualClock clock(5);
  EXPECT_EQ(clock.now(), 5);
  clock.advance(10);
  EXPECT_EQ(clock.now(), 15);
}

}  // namespace
}  // namespace tuplespace
