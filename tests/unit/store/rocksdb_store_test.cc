#include "tuplespace/store/rocksdb_store.h"

#include <sys/resource.h>

#include <csignal>

#include "tests/unit/store/store_rig.h"

namespace tuplespace {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// Files that this process writes may not grow beyond a size: a disk that fails.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_;
  void (*old_handler_)(int);
};

class RocksDbStoreTest : public ::testing::Test {
 protected:
  void open() {
    options_.path = directory_.path("data");
    Result<std::unique_ptr<RocksDbStore>> opened = RocksDbStore::open(options_);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    store_ = std::move(opened).value();
    listener_ = std::make_unique<Listener>();
    listener_->start(*store_);
  }
  void close() {
    ASSERT_TRUE(store_->close().ok());
    store_.reset();
  }

  TempDirectory directory_;
  RocksDbOptions options_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<RocksDbStore> store_;
};

TEST_F(RocksDbStoreTest, ANewDirectoryIsMadeWithoutComplaints) {
  testing::internal::CaptureStderr();
  open();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(RocksDbStoreTest, NumbersGoOnAfterARestart) {
  open();
  const uint64_t last = store_->commit(put("a", "1"), Mark::kNone);
  close();
  open();
  EXPECT_EQ(store_->watermarks().written, last);
  EXPECT_EQ(store_->watermarks().synced, last);
  EXPECT_EQ(store_->commit(put("a", "2"), Mark::kNone), last + 1);
  close();
}

TEST_F(RocksDbStoreTest, WhatNobodyAskedToSyncIsSyncedAfterAWhile) {
  options_.async_sync_ms = 1;
  open();
  for (int i = 0; i < 20; ++i) listener_->await_synced(store_->commit(put("a", "1"), Mark::kNone));
}

TEST_F(RocksDbStoreTest, AGroupIsToldOnceNotOncePerBatch) {
  open();
  uint64_t last = 0;
  for (int i = 0; i < 20'000; ++i) last = store_->commit(put("a", "1"), Mark::kWritten);
  listener_->await_written(last);
  EXPECT_LT(listener_->told().size(), 20'000u);
}

TEST_F(RocksDbStoreTest, ItsOwnRecordsAreNotLoaded) {
  open();
  store_->commit(put("\xff\xfe", "last"), Mark::kNone);
  close();
  open();
  EXPECT_EQ(load_all(*store_).size(), 1u);
  EXPECT_THAT(load_all(*store_), Contains(Pair("\xff\xfe", "last")));
}

TEST_F(RocksDbStoreTest, AWriteThatFailsIsReportedOnceAndNothingIsAcceptedAfterIt) {
  open();
  const uint64_t good = store_->commit(put("good", "1"), Mark::kSynced);
  listener_->await_synced(good);
  uint64_t last;
  {
    FileSizeLimit limit(1 << 20);
    last = store_->commit(put("bad", std::string(2 << 20, 'x')), Mark::kSynced);
    const Status failure = listener_->await_failure();
    EXPECT_THAT(failure.message(), HasSubstr("cannot write batches"));
    EXPECT_THAT(failure.message(), HasSubstr(options_.path));
  }
  EXPECT_EQ(store_->commit(put("later", "1"), Mark::kSynced), last + 1);
  EXPECT_EQ(store_->watermarks().written, good);
  (void)store_->close();
  store_.reset();
  EXPECT_EQ(listener_->failures(), 1u);
  EXPECT_EQ(listener_->told().back().synced, good);

  open();
  EXPECT_THAT(load_all(*store_), Contains(Pair("good", "1")));
  EXPECT_THAT(load_all(*store_), Not(Contains(Pair("later", "1"))));
}

TEST_F(RocksDbStoreTest, CommitWaitsForRoomWhenTooMuchIsPending) {
  options_.pending_bytes_max = 1000;
  open();
  uint64_t last = 0;
  for (int i = 0; i < 500; ++i) {
    last = store_->commit(put("a", std::string(5000, 'x')), Mark::kWritten);
  }
  listener_->await_written(last);
}

TEST_F(RocksDbStoreTest, SaysHowMuchRoomTheDiskHas) {
  open();
  const uint64_t free = store_->free_bytes();
  EXPECT_GT(free, 0u);
  EXPECT_LE(free, std::filesystem::space(options_.path).capacity);
}

}  // namespace
}  // namespace tuplespace
