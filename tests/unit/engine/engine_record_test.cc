#include "tuplespace/engine/engine_record.h"

#include <gtest/gtest.h>

#include "tuplespace/engine/engine.h"

namespace tuplespace {
namespace {

using namespace std::string_literals;

TEST(EngineRecord, IsSpelledAsItsHeaderSays) {
  const EngineRecord record{.shards = 2, .incarnation = 7, .last_time = 1'000'000};
  const std::string bytes =
      "\x01\x00\x02\x00\x00\x00\x00\x00\x00\x00\x07"s
      "\x00\x00\x00\x00\x00\x0f\x42\x40"s;
  EXPECT_EQ(encode(record), bytes);
  const Result<EngineRecord> decoded = decode_engine_record(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, record);
}

TEST(EngineRecord, OfANewerVersionIsRefusedNamingBoth) {
  std::string bytes = encode({1, 1, 1});
  bytes[0] = 2;
  const Status status = decode_engine_record(bytes).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "the data was written by another version: the engine's record has version 2, this "
            "program reads 1; start the newer program");
}

TEST(EngineRecord, ThatIsCutIsDataLoss) {
  const std::string bytes = encode({1, 1, 1});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(decode_engine_record(bytes.substr(0, size)).status().code(), Code::kDataLoss) << size;
  }
}

TEST(EngineRecord, SortsBehindTheKeysOfEveryShard) {
  EXPECT_LT(Shard::key_prefix(EngineConfig::kShardsMax - 1), std::string(kEngineRecordKey));
  EXPECT_LT(std::string(kEngineRecordKey), "\xff\xff");
}

}  // namespace
}  // namespace tuplespace
