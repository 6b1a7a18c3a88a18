#include "tuplespace/space/hash_table.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>

namespace tuplespace {
namespace {

constexpr size_t kMillion = 1'000'000;

// Holds a table and what ought to be in it.
class Compared : public ::testing::TestWithParam<uint64_t> {
 protected:
  uint64_t key() { return random_() % kKeys * spread_; }

  void compare() {
    ASSERT_EQ(table_.size(), known_.size());
    for (const auto& [key, value] : known_) ASSERT_EQ(table_.find(key), value) << key;
    size_t visited = 0;
    table_.for_each([&](uint64_t key, uint32_t value) {
      ++visited;
      ASSERT_EQ(known_.at(key), value);
    });
    ASSERT_EQ(visited, known_.size());
  }

  static constexpr uint64_t kKeys = 5'000;
  std::mt19937_64 random_{7};
  const uint64_t spread_ = GetParam();
  HashTable table_;
  std::unordered_map<uint64_t, uint32_t> known_;
};

// Keys that are well mixed; and keys of one home, in long runs and uneven halves.
INSTANTIATE_TEST_SUITE_P(Keys, Compared, ::testing::Values(0x9e3779b97f4a7c15, uint64_t{1} << 51));

TEST_P(Compared, KnowsWhatWasSetAndNotErased) {
  for (const unsigned erasing : {20u, 80u, 50u}) {  // percent: it grows, shrinks, stays
    for (uint32_t step = 0; step < 20'000; ++step) {
      const uint64_t at = key();
      if (random_() % 100 >= erasing) {
        table_.set(at, step);
        known_[at] = step;
      } else if (known_.erase(at) > 0) {
        table_.erase(at);
      } else {
        ASSERT_EQ(table_.find(at), HashTable::kEmpty);
      }
    }
    compare();
  }
}

TEST_P(Compared, IsSmallAgainWhenEmptied) {
  const size_t empty = table_.footprint();
  for (uint32_t i = 0; i < 4'000; ++i) known_[i * spread_] = i;
  for (const auto& [key, value] : known_) table_.set(key, value);
  compare();
  for (const auto& [key, value] : known_) table_.erase(key);
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(table_.footprint(), empty);
}

TEST(HashTable, CostsAtMostTwentyTwoBytesAnEntryAtEverySize) {
  HashTable table;
  std::mt19937_64 random(1);
  for (uint32_t i = 0; i < 2 * kMillion; ++i) {
    table.set(random(), i);
    if (i > kMillion && i % 10'000 == 0) {
      ASSERT_LE(table.footprint(), table.size() * 22) << i;
    }
  }
}

}  // namespace
}  // namespace tuplespace
