#include "tuplespace/server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tuplespace {
namespace {

using testing::HasSubstr;

TEST(Sizes, AreReadAndWrittenInOneWay) {
  EXPECT_EQ(*parse_size("16MiB"), uint64_t{16} << 20);
  EXPECT_EQ(*parse_size("7"), 7u);
  EXPECT_EQ(*parse_size("7B"), 7u);
  EXPECT_EQ(size_text(uint64_t{3} << 30), "3GiB");
  EXPECT_EQ(size_text(1000), "1000B");
  for (const char* wrong : {"", "MiB", "1.5GiB", "-1B", "10MB", "1 MiB", "99999999999GiB"}) {
    EXPECT_FALSE(parse_size(wrong).ok()) << wrong;
  }
}

TEST(Durations, AreReadAndWrittenInOneWay) {
  EXPECT_EQ(*parse_duration("250ms"), 250);
  EXPECT_EQ(*parse_duration("5s"), 5'000);
  EXPECT_EQ(*parse_duration("2h"), 7'200'000);
  EXPECT_EQ(duration_text(90'000), "90s");
  EXPECT_EQ(duration_text(0), "0ms");
  for (const char* wrong : {"", "s", "5 s", "1.5s", "-5s", "5sec"}) {
    EXPECT_FALSE(parse_duration(wrong).ok()) << wrong;
  }
}

TEST(Config, SettingsAreReadInBothSpellings) {
  const Result<ParsedConfig> parsed =
      parse_config({"--durability=memory", "--shards", "4", "--lanes", "2", "--store", "memory",
                    "--memory-max", "1GiB", "--insecure"});
  ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
  const Config& config = parsed->config;
  EXPECT_EQ(config.engine.shard.durability, Durability::kMemory);
  EXPECT_EQ(config.engine.shards, 4);
  EXPECT_EQ(config.engine.lanes, 2u);
  EXPECT_FALSE(config.on_disk);
  EXPECT_TRUE(config.insecure);
  EXPECT_EQ(config.engine.shard.memory_max, uint64_t{256} << 20);  // each shard's part
}

TEST(Config, AnErrorNamesTheSettingItsDefaultAndItsRange) {
  const Status status = parse_config({"--wait-max", "5"}).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("--wait-max"));
  EXPECT_THAT(status.message(), HasSubstr("default 1h, range 1s to 30d"));
}

TEST(Config, SettingsThatContradictEachOtherAreRefused) {
  EXPECT_THAT(parse_config({"--lanes", "2"}).status().message(), HasSubstr("--shards 1"));
  EXPECT_THAT(parse_config({"--frame-bytes-max", "64KiB"}).status().message(),
              HasSubstr("--tuple-bytes-max 1MiB"));
}

TEST(Config, HelpShowsAtMostFortySettingsAndEachDefault) {
  const Result<ParsedConfig> parsed = parse_config({"--help"});
  ASSERT_TRUE(parsed.ok());
  size_t settings = 0;
  size_t defaults = 0;
  for (size_t at = 0; (at = parsed->print.find("\n  --", at)) != std::string::npos; ++at) {
    ++settings;
  }
  for (size_t at = 0; (at = parsed->print.find("\n      default ", at)) != std::string::npos;
       ++at) {
    ++defaults;
  }
  EXPECT_EQ(settings, defaults + 2);  // --help and --version have none
  EXPECT_LE(defaults, 40u);
  EXPECT_GE(defaults, 20u);
}

}  // namespace
}  // namespace tuplespace
