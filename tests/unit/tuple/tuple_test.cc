#include "tuplespace/tuple/tuple.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

using ::testing::HasSubstr;

TEST(Tuple, HoldsTheValuesItWasMadeOf) {
  const std::vector<Value> values = {"job", 7, Value::List{nullptr, Value::Map{{"k", 1.5}}}};
  const Tuple tuple = *Tuple::of(values);
  EXPECT_EQ(tuple.arity(), 3u);
  EXPECT_EQ(tuple.values(), values);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(tuple.at(i), values[i]);
}

TEST(Tuple, IsEqualToOneOfTheSameValues) {
  EXPECT_EQ(*Tuple::of({"job", 7}), *Tuple::of({"job", 7}));
  EXPECT_FALSE(*Tuple::of({"job", 7}) == *Tuple::of({"job", 7.0}));
  EXPECT_FALSE(*Tuple::of({"job"}) == *Tuple::of({"job", 7}));
}

TEST(Tuple, MayBeEmpty) {
  const Tuple made = *Tuple::of({});
  EXPECT_EQ(made, Tuple());
  EXPECT_EQ(made.arity(), 0u);
  EXPECT_EQ(made.bytes(), "");
  EXPECT_EQ(made.values(), std::vector<Value>());
  EXPECT_EQ(made.footprint(), 0u);
}

TEST(Tuple, SharesItsBytesWithItsCopies) {
  const Tuple tuple = *Tuple::of({"job"});
  Tuple copy = tuple;
  EXPECT_EQ(copy.bytes().data(), tuple.bytes().data());
  copy = *Tuple::of({"other"});
  EXPECT_EQ(tuple, *Tuple::of({"job"}));
  Tuple moved = std::move(copy);
  EXPECT_EQ(moved, *Tuple::of({"other"}));
  Tuple& itself = moved;
  moved = itself;
  EXPECT_EQ(moved, *Tuple::of({"other"}));
}

TEST(Tuple, IsCopiedAndDroppedOnSeveralThreads) {
  const Tuple tuple = *Tuple::of({"job", 7});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([tuple] {
      for (int round = 0; round < 10'000; ++round) {
        const Tuple copy = tuple;
        ASSERT_EQ(copy.bytes().size(), tuple.bytes().size());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tuple, *Tuple::of({"job", 7}));
}

TEST(Tuple, CostsEightBytesMoreThanItsBytes) {
  const Tuple tuple = *Tuple::of({"job", 7});
  EXPECT_EQ(tuple.footprint(), tuple.bytes().size() + 8);
  EXPECT_EQ(sizeof(Tuple), sizeof(void*));
}

TEST(Tuple, KeepsToItsBounds) {
  Limits limits;
  limits.fields_max = 2;
  limits.tuple_bytes_max = 5;
  limits.depth_max = 0;
  EXPECT_TRUE(Tuple::of({"123"}, limits).ok());
  const Status large = Tuple::of({"1234"}, limits).status();
  EXPECT_EQ(large.code(), Code::kResourceExhausted);
  EXPECT_THAT(large.message(), HasSubstr("tuple is 6 bytes, tuple_bytes_max is 5; split"));
  EXPECT_EQ(Tuple::of({1, 2, 3}, limits).status().problem().bound, "fields_max");
  EXPECT_EQ(Tuple::of({1, Value::List{}}, limits).status().problem().bound, "depth_max");
}

}  // namespace
}  // namespace tuplespace
