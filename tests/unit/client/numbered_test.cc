#include "clients/cpp/numbered.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tuplespace::client {
namespace {

TEST(Numbered, FindsWhatWasAddedAndForgetsWhatWasTaken) {
  Numbered<int> calls;
  int one = 1;
  int two = 2;
  calls.add(1, &one);
  calls.add(2, &two);

  EXPECT_EQ(calls.find(2), &two);
  EXPECT_EQ(calls.take(1), &one);
  EXPECT_EQ(calls.find(1), nullptr);
  EXPECT_EQ(calls.take(1), nullptr);
  EXPECT_EQ(calls.size(), 1u);
}

TEST(Numbered, KeepsACallThatWaitsWhileAMillionOthersPass) {
  Numbered<int> calls;
  int waits = 0;
  int passes = 0;
  calls.add(1, &waits);
  for (uint64_t number = 2; number < 1'000'000; ++number) {
    calls.add(number, &passes);
    ASSERT_EQ(calls.take(number), &passes);
  }

  EXPECT_EQ(calls.find(1), &waits);
  EXPECT_EQ(calls.take(1), &waits);
  EXPECT_EQ(calls.size(), 0u);
}

TEST(Numbered, ListsInOrderOfNumbersAlsoBeyondItsRing) {
  Numbered<int> calls;
  int call = 0;
  for (uint64_t number = 1; number <= 100'000; ++number) calls.add(number, &call);

  const auto all = calls.all();
  ASSERT_EQ(all.size(), 100'000u);
  for (uint64_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i].first, i + 1);
  for (uint64_t number = 1; number <= 100'000; ++number) ASSERT_EQ(calls.take(number), &call);
  EXPECT_EQ(calls.size(), 0u);
}

}  // namespace
}  // namespace tuplespace::client
