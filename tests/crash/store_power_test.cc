// Power cuts under the store alone, with buffers so small that logs and tables are switched,
// written and deleted all the time: each state on disk is the one after some batch, and never an
// earlier one than was told to be synced.
//
// CRASH_CYCLES sets how many cuts; CRASH_SEED repeats the choices of an earlier run.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "tests/crash/loop_disk.h"
#include "tuplespace/store/rocksdb_store.h"

namespace tuplespace::crash {
namespace {

constexpr uint64_t kWindow = 50;  // keys that exist at a time

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string key(uint64_t n) { return "key" + std::to_string(1'000'000'000 + n); }

// Batch n of a store's life: the state after it is known.
Batch batch_of(uint64_t n) {
  Batch batch;
  batch.put(key(n), std::string(100 + n % 400, static_cast<char>('a' + n % 26)));
  if (n > kWindow) batch.erase(key(n - kWindow));
  batch.put("last", std::to_string(n));
  return batch;
}

class StorePowerCut : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "store_power.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    const Status entered = enter_mount_namespace();
    if (!entered.ok()) GTEST_SKIP() << "NOT RUN: " << entered.to_string();
    Result<std::unique_ptr<LoopDisk>> disk = LoopDisk::make(GetParam(), directory_);
    if (!disk.ok()) GTEST_SKIP() << "NOT RUN: " << disk.status().to_string();
    disk_ = std::move(*disk);
  }
  void TearDown() override {
    disk_.reset();
    std::filesystem::remove_all(directory_);
  }

  Result<std::unique_ptr<RocksDbStore>> open() {
    RocksDbOptions options;
    options.path = disk_->path() + "/data";
    options.async_sync_ms = 5;
    options.write_buffer_bytes = 64 << 10;
    options.group_bytes_max = 4 << 10;
    return RocksDbStore::open(options);
  }
  void cut_power_after(uint64_t microseconds) {
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    const Status cut = disk_->cut_power();
    EXPECT_TRUE(cut.ok()) << cut.to_string();
  }
  void mount_again() {
    const Status mounted = disk_->mount_again();
    ASSERT_TRUE(mounted.ok()) << mounted.to_string();
  }

  // Commits from batch `next_` on until the power is cut; then remembers what had to survive.
  void work_until_cut(std::unique_ptr<RocksDbStore> store, std::mt19937_64& random) {
    std::atomic<uint64_t> synced{0};  // as told, in our numbers
    std::atomic<bool> failed{false};
    const uint64_t offset = store->watermarks().written - (next_ - 1);
    store->start(
        [&](Watermarks marks) {
          if (marks.synced > offset) synced = marks.synced - offset;
        },
        [&](const Status&) { failed = true; });
    std::thread cutter([&, when = random() % 60'000] { cut_power_after(when); });
    const unsigned sync_one_in = 1 + random() % 200;
    while (!failed && next_ - synced < 20'000) {
      const bool sync = random() % sync_one_in == 0;
      store->commit(batch_of(next_++), sync ? Mark::kSynced : Mark::kWritten);
    }
    cutter.join();
    (void)store->close();  // cannot sync any more
    store.reset();
    must_survive_ = std::max<uint64_t>(must_survive_, synced);
  }

  // Reads the state, which becomes what the next life begins with.
  void expect_a_state(RocksDbStore& store) {
    std::map<std::string, std::string> records;
    const Status loaded = store.load("", [&](std::string_view k, std::string_view v) {
      records.emplace(k, v);
      return Status();
    });
    ASSERT_TRUE(loaded.ok()) << loaded.to_string();
    const uint64_t last = records.count("last") ? std::stoull(records["last"]) : 0;
    ASSERT_GE(last, must_survive_) << "synced batches are lost";
    ASSERT_LT(last, next_);
    for (uint64_t n = last < kWindow ? 1 : last - kWindow + 1; n <= last; ++n) {
      ASSERT_EQ(records.count(key(n)), 1u) << key(n) << " is missing in state " << last;
      ASSERT_EQ(records[key(n)].size(), 100 + n % 400);
    }
    ASSERT_EQ(records.size(), last == 0 ? 0 : 1 + std::min(last, kWindow));
    lost_ += next_ - 1 - last;
    next_ = last + 1;
    must_survive_ = last;  // open() has synced what it recovered
  }

  std::string directory_;
  std::unique_ptr<LoopDisk> disk_;
  uint64_t next_ = 1;
  uint64_t must_survive_ = 0;
  uint64_t lost_ = 0;
};

TEST_P(StorePowerCut, LeavesAStateThatIsNotOlderThanWhatWasSynced) {
  const uint64_t seed = setting("CRASH_SEED", std::random_device()());
  const uint64_t cycles = setting("CRASH_CYCLES", 40);
  SCOPED_TRACE("CRASH_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  uint64_t committed = 0, cuts = 0;
  for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
    SCOPED_TRACE("cycle " + std::to_string(cycle));
    if (random() % 4 == 0) {  // while it recovers
      std::thread cutter([&, when = random() % 20'000] { cut_power_after(when); });
      Result<std::unique_ptr<RocksDbStore>> opened = open();
      cutter.join();
      if (opened.ok()) expect_a_state(**opened);
      opened = Status(Code::kUnavailable, "cut");
      ++cuts;
      mount_again();
    }
    Result<std::unique_ptr<RocksDbStore>> opened = open();
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    expect_a_state(**opened);
    if (HasFatalFailure()) return;
    const uint64_t from = next_;
    work_until_cut(std::move(*opened), random);
    committed += next_ - from;
    ++cuts;
    mount_again();
  }
  std::printf("%s: %lu cuts, %lu batches committed, %lu lost with an unsynced tail\n", GetParam(),
              cuts, committed, lost_);
}

INSTANTIATE_TEST_SUITE_P(FileSystems, StorePowerCut, ::testing::Values("ext4", "xfs"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tuplespace::crash
