// What happens when the log is not what was written: cut short, zeroed, changed, gone.
#include <fstream>
#include <random>
#include <sstream>

#include "tests/unit/store/store_rig.h"
#include "tuplespace/store/rocksdb_store.h"
#include "tuplespace/store/wal_audit.h"

namespace tuplespace {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int kGroups = 120;    // one batch each, about four blocks of the log
constexpr int kSynced = 60;     // the last that was synced
constexpr int kFirstBatch = 2;  // 1 is the root record

class WalDamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    {
      Listener listener;  // outlives the store
      const std::unique_ptr<RocksDbStore> store = open(directory_.path("original"));
      listener.start(*store);
      for (int i = 0; i < kGroups; ++i) {
        const uint64_t number = commit(*store, listener, i, i <= kSynced);
        ASSERT_EQ(number, static_cast<uint64_t>(kFirstBatch + i));
        if (i == kSynced) listener.await_synced(number);
      }
      // What a kill would leave.
      fs::copy(directory_.path("original"), path(), fs::copy_options::recursive);
    }
    pristine_ = read(log_file());
    for (size_t at = pristine_.find(kGroupKey); at != std::string::npos;
         at = pristine_.find(kGroupKey, at + 1)) {
      GroupRecord group;
      const size_t value = at + kGroupKey.size() + 1;  // behind its length
      if (group.decode(std::string_view(pristine_).substr(value, GroupRecord::kBytes))) {
        offsets_[group.first] = at;
      }
    }
    ASSERT_GT(offsets_.size(), static_cast<size_t>(kGroups) - 8);  // some straddle two blocks
  }

  static RocksDbOptions options(const std::string& path) {
    RocksDbOptions options;
    options.path = path;
    options.async_sync_ms = 3'600'000;
    return options;
  }
  static std::unique_ptr<RocksDbStore> open(const std::string& path) {
    Result<std::unique_ptr<RocksDbStore>> opened = RocksDbStore::open(options(path));
    EXPECT_TRUE(opened.ok()) << opened.status().to_string();
    return opened.ok() ? std::move(opened).value() : nullptr;
  }
  // Each commit is a group of its own: it is awaited.
  static uint64_t commit(RocksDbStore& store, Listener& listener, int i, bool synced) {
    const uint64_t number = store.commit(put(key(i), std::string(1000, static_cast<char>(i))),
                                         synced ? Mark::kSynced : Mark::kWritten);
    synced ? listener.await_synced(number) : listener.await_written(number);
    return number;
  }
  static std::string key(int i) {
    char text[16];
    std::snprintf(text, sizeof text, "%06d", i);
    return text;
  }

  std::string path() const { return directory_.path("image"); }
  // The log that the groups are in: the longest.
  std::string log_file() const {
    std::string longest;
    for (const auto& entry : fs::directory_iterator(path() + "/db")) {
      if (entry.path().extension() != ".log") continue;
      if (longest.empty() || fs::file_size(longest) < entry.file_size()) longest = entry.path();
    }
    return longest;
  }
  static std::string read(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
  }
  static void write(const std::string& file, const std::string& text) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  }
  // Everything in db/ that holds data, by name.
  Records data_files() const {
    Records files;
    for (const auto& entry : fs::directory_iterator(path() + "/db")) {
      const std::string name = entry.path().filename();
      if (name.starts_with("LOG") || name == "LOCK") continue;
      files[name] = read(entry.path());
    }
    return files;
  }

  size_t offset(int i) const { return offsets_.at(static_cast<uint64_t>(kFirstBatch + i)); }
  // Leaves nothing of the log from group `i` on, and the end of what is left torn.
  void truncate_in(int i) { write(log_file(), pristine_.substr(0, offset(i) + 20)); }
  void flip_in(int i) {
    std::string damaged = pristine_;
    damaged[offset(i) + 100] ^= 0x10;
    write(log_file(), damaged);
  }
  void zero_page_in(int i) {
    std::string damaged = pristine_;
    const size_t page = offset(i) / 4096 * 4096;
    damaged.replace(page, 4096, 4096, '\0');
    write(log_file(), damaged);
  }

  // How many groups, from the first on without a hole, are there.
  int groups_found() {
    const std::unique_ptr<RocksDbStore> store = open(path());
    if (!store) return -1;
    const Records records = load_all(*store);
    int found = 0;
    while (records.count(key(found)) != 0) ++found;
    EXPECT_EQ(records.size(), static_cast<size_t>(found)) << "a hole after group " << found;
    return found;
  }
  void expect_data_loss(const std::string& why) {
    const Records before = data_files();
    const Result<std::unique_ptr<RocksDbStore>> opened = RocksDbStore::open(options(path()));
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.status().code(), Code::kDataLoss) << opened.status().to_string();
    EXPECT_THAT(opened.status().message(), HasSubstr(why));
    EXPECT_EQ(data_files(), before) << "a refusal changes nothing";
  }

  TempDirectory directory_;
  std::string pristine_;
  std::map<uint64_t, size_t> offsets_;
};

TEST_F(WalDamageTest, NothingIsLostWhereNothingIsDamaged) { EXPECT_EQ(groups_found(), kGroups); }

TEST_F(WalDamageTest, ATornTailIsCut) {
  truncate_in(100);
  EXPECT_EQ(groups_found(), 100);
}

TEST_F(WalDamageTest, AnUnsyncedTailMayBeGoneWhole) {
  truncate_in(kSynced + 1);
  EXPECT_EQ(groups_found(), kSynced + 1);
}

TEST_F(WalDamageTest, BehindAHoleInTheUnsyncedTailNothingIsReplayed) {
  flip_in(80);
  EXPECT_EQ(groups_found(), 80);
}

TEST_F(WalDamageTest, AZeroPageInTheUnsyncedTailCutsThere) {
  zero_page_in(90);
  const int found = groups_found();
  EXPECT_GE(found, 85);
  EXPECT_LE(found, 90);
}

TEST_F(WalDamageTest, WhatWasCutNeverComesBack) {
  flip_in(80);
  {
    Listener listener;
    const std::unique_ptr<RocksDbStore> store = open(path());
    ASSERT_TRUE(store);
    listener.start(*store);
    EXPECT_EQ(commit(*store, listener, 80, true), static_cast<uint64_t>(kFirstBatch + 80));
  }
  EXPECT_EQ(groups_found(), 81);
  EXPECT_EQ(groups_found(), 81);
}

TEST_F(WalDamageTest, AHoleBeforeASyncedGroupIsRefusedWithFileAndNumber) {
  flip_in(30);
  expect_data_loss("batch 32 is missing");
  expect_data_loss(log_file());
  write(log_file(), pristine_);
  EXPECT_EQ(groups_found(), kGroups);
}

TEST_F(WalDamageTest, TheLastSyncedGroupIsMissedThoughNothingFollowsIt) {
  truncate_in(kSynced);
  expect_data_loss("as SYNCED says");
}

TEST_F(WalDamageTest, TheLogItselfSaysWhatWasSyncedWhenTheNoteIsGone) {
  fs::remove(path() + "/SYNCED");
  zero_page_in(30);
  expect_data_loss("is missing from the log");
}

TEST_F(WalDamageTest, AMissingLogIsRefused) {
  fs::remove(log_file());
  expect_data_loss("");
}

TEST_F(WalDamageTest, AnEmptyLogIsRefused) {
  write(log_file(), "");
  expect_data_loss("batch");
}

TEST_F(WalDamageTest, DamageAnywhereIsRefusedOrCutButNeverSilent) {
  const unsigned seed = static_cast<unsigned>(::testing::UnitTest::GetInstance()->random_seed());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const size_t synced_end = offset(kSynced + 1) - 64;  // the record's headers are before its key
  const fs::path keep = directory_.path("keep");
  fs::copy(path(), keep, fs::copy_options::recursive);
  for (int round = 0; round < 60; ++round) {
    const size_t at = random() % pristine_.size();
    std::string damaged = pristine_;
    const int kind = round % 3;
    if (kind == 0) damaged[at] ^= static_cast<char>(1 << random() % 8);
    if (kind == 1) damaged.resize(at);
    if (kind == 2) damaged.replace(at, 512, std::min<size_t>(512, damaged.size() - at), '\0');
    SCOPED_TRACE("kind " + std::to_string(kind) + " at " + std::to_string(at));
    fs::remove_all(path());
    fs::copy(keep, path(), fs::copy_options::recursive);
    write(log_file(), damaged);
    if (at >= synced_end) {
      EXPECT_GT(groups_found(), kSynced);
      continue;
    }
    const Result<std::unique_ptr<RocksDbStore>> opened = RocksDbStore::open(options(path()));
    if (opened.ok()) {
      EXPECT_GT(load_all(**opened).size(), static_cast<size_t>(kSynced));
    } else {
      EXPECT_EQ(opened.status().code(), Code::kDataLoss) << opened.status().to_string();
    }
  }
}

TEST_F(WalDamageTest, DamageInAFlushedFileIsDataLoss) {
  ASSERT_EQ(groups_found(), kGroups);  // moves everything from the log to an SST file
  for (const auto& entry : fs::directory_iterator(path() + "/db")) {
    if (entry.path().extension() != ".sst" || entry.file_size() < 50'000) continue;
    std::string damaged = read(entry.path());
    damaged[damaged.size() / 2] ^= 1;
    write(entry.path(), damaged);
  }
  const Result<std::unique_ptr<RocksDbStore>> opened = RocksDbStore::open(options(path()));
  const Status loaded =
      opened.ok() ? (*opened)->load("", [](auto, auto) { return Status(); }) : opened.status();
  EXPECT_EQ(loaded.code(), Code::kDataLoss) << loaded.to_string();
}

}  // namespace
}  // namespace tuplespace
