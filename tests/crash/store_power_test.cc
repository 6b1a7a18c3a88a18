// Power cuts under the store alone, with buffers so small that logs and tables are switched,
// written and deleted all the time: each state on disk is the one after some batch, and never an
// earlier one than was told to be synced.
//
// CRASH_CYCLES sets how many cuts; CRASH_SEED repeats the choices of an earlier run.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <new>
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

// What a process that works on the store tells its parent, and the parent tells it.
struct Life {
  std::atomic<bool> cut{false};     // by the parent, before it cuts: what fails now has to fail
  std::atomic<bool> ready{false};   // opened, and in the right state
  std::atomic<uint64_t> last{0};    // the state it found
  std::atomic<uint64_t> next{1};    // the next batch to commit
  std::atomic<uint64_t> synced{0};  // as told, in our numbers
  std::atomic<bool> wrong{false};
  char what[1000] = "";

  void fail(const std::string& why) {
    if (cut || wrong) return;
    std::snprintf(what, sizeof what, "%s", why.c_str());
    wrong = true;
  }
};

Result<std::unique_ptr<RocksDbStore>> open(const std::string& path) {
  RocksDbOptions options;
  options.path = path;
  options.async_sync_ms = 5;
  options.write_buffer_bytes = 64 << 10;
  options.group_bytes_max = 4 << 10;
  return RocksDbStore::open(options);
}

// Says what is wrong with what is in `store`, "" if nothing; sets life.last.
std::string check_state(RocksDbStore& store, uint64_t must_survive, Life& life) {
  std::map<std::string, std::string> records;
  const Status loaded = store.load("", [&](std::string_view k, std::string_view v) {
    records.emplace(k, v);
    return Status();
  });
  if (!loaded.ok()) return loaded.to_string();
  const uint64_t last = records.count("last") ? std::stoull(records["last"]) : 0;
  const std::string state = "state " + std::to_string(last) + ": ";
  if (last < must_survive) return state + std::to_string(must_survive) + " was synced";
  if (last >= life.next) return state + std::to_string(life.next) + " was not committed yet";
  for (uint64_t n = last < kWindow ? 1 : last - kWindow + 1; n <= last; ++n) {
    if (records[key(n)].size() != 100 + n % 400) return state + key(n) + " is missing or wrong";
  }
  if (records.size() != (last == 0 ? 0 : 1 + std::min(last, kWindow))) {
    return state + "there are " + std::to_string(records.size()) + " records";
  }
  life.last = last;
  return "";
}

// One life, in a process of its own: opens, checks, commits until it is killed.
[[noreturn]] void live(const std::string& path, uint64_t must_survive, uint64_t seed, Life& life) {
  Result<std::unique_ptr<RocksDbStore>> opened = open(path);
  if (!opened.ok()) {
    life.fail(opened.status().to_string());
    ::_exit(1);
  }
  RocksDbStore& store = **opened;
  if (const std::string wrong = check_state(store, must_survive, life); !wrong.empty()) {
    life.fail(wrong);
    ::_exit(1);
  }
  const uint64_t offset = store.watermarks().written - life.last;
  life.next = life.last + 1;
  life.synced = life.last.load();  // open() has synced what it recovered
  life.ready = true;
  std::atomic<bool> failed{false};
  store.start(
      [&](Watermarks marks) {
        if (marks.synced > offset) life.synced = marks.synced - offset;
      },
      [&](const Status& status) {
        life.fail(status.to_string());
        failed = true;
      });
  std::mt19937_64 random(seed);
  const unsigned sync_one_in = 1 + random() % 200;
  while (!failed) {
    if (life.next - life.synced > 5'000) {
      std::this_thread::yield();
      continue;
    }
    const bool sync = random() % sync_one_in == 0;
    store.commit(batch_of(life.next++), sync ? Mark::kSynced : Mark::kWritten);
  }
  ::_exit(0);
}

class StorePowerCut : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "store_power.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    const Status entered = enter_mount_namespace();
    if (!entered.ok()) GTEST_SKIP() << "CANNOT RUN on this machine: " << entered.to_string();
    Result<std::unique_ptr<LoopDisk>> disk = LoopDisk::make(GetParam(), directory_);
    if (!disk.ok()) GTEST_SKIP() << "CANNOT RUN on this machine: " << disk.status().to_string();
    disk_ = std::move(*disk);
    void* shared =
        ::mmap(nullptr, sizeof(Life), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    life_ = new (shared) Life;
  }
  void TearDown() override {
    if (life_ != nullptr) ::munmap(life_, sizeof(Life));
    disk_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Begins a life, cuts its power at some moment, and learns what the next one has to find.
  void live_and_die() {
    life_->cut = life_->ready = false;
    const uint64_t seed = random_();
    const pid_t pid = ::fork();
    if (pid == 0) live(disk_->path() + "/data", must_survive_, seed, *life_);
    if (random_() % 4 != 0) {  // else it may still recover
      while (!life_->ready && !life_->wrong && is_alive(pid)) rest(1'000);
    }
    rest(random_() % 60'000);
    const bool alive = is_alive(pid);
    life_->cut = true;
    const Status cut = disk_->cut_power();
    ::kill(pid, SIGKILL);
    int end = 0;
    ::waitpid(pid, &end, 0);
    ASSERT_FALSE(life_->wrong) << life_->what;
    ASSERT_TRUE(alive) << "it ended by itself with " << end;
    ASSERT_TRUE(cut.ok()) << cut.to_string();
    // Without power it may end by itself, but in order.
    ASSERT_TRUE(WIFEXITED(end) || WTERMSIG(end) == SIGKILL) << "it ended with " << end;
    if (life_->ready) {
      lost_ += committed_ - life_->last;
      must_survive_ = life_->synced;
      committed_ = life_->next - 1;
      batches_ += committed_ - life_->last;
    }
    const Status mounted = disk_->mount_again();
    ASSERT_TRUE(mounted.ok()) << mounted.to_string();
  }
  // Leaves it to be waited for.
  static bool is_alive(pid_t pid) {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0;
  }
  static void rest(uint64_t microseconds) {
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
  }

  const uint64_t seed_ = setting("CRASH_SEED", std::random_device()());
  std::mt19937_64 random_{seed_};
  std::string directory_;
  std::unique_ptr<LoopDisk> disk_;
  Life* life_ = nullptr;
  uint64_t must_survive_ = 0;
  uint64_t committed_ = 0;  // the last batch of the life before
  uint64_t batches_ = 0;
  uint64_t lost_ = 0;
};

TEST_P(StorePowerCut, LeavesAStateThatIsNotOlderThanWhatWasSynced) {
  const uint64_t cycles = setting("CRASH_CYCLES", 40);
  SCOPED_TRACE("CRASH_SEED=" + std::to_string(seed_));
  for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
    live_and_die();
    if (HasFatalFailure()) return;
  }
  std::printf("%s: %lu cuts, %lu batches committed, %lu lost with an unsynced tail\n", GetParam(),
              cycles, batches_, lost_);
  EXPECT_GT(batches_, 0u);
}

INSTANTIATE_TEST_SUITE_P(FileSystems, StorePowerCut, ::testing::Values("ext4", "xfs"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tuplespace::crash
