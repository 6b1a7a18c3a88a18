#include "tests/crash/faulty_store.h"

#include "tests/unit/store/store_rig.h"
#include "tuplespace/store/memory_store.h"

namespace tuplespace {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class FaultyStoreTest : public ::testing::Test {
 protected:
  FaultyStoreTest() : inside_({.listen_inline = true, .records = records_}), store_(inside_) {
    listener_.start(store_);
  }

  std::shared_ptr<MemoryRecords> records_ = std::make_shared<MemoryRecords>();
  MemoryStore inside_;
  FaultyStore store_;
  Listener listener_;
};

TEST_F(FaultyStoreTest, PassesEverythingOnWhileNothingIsWrong) {
  EXPECT_EQ(store_.commit(put("a", "1"), Mark::kSynced), 1u);
  EXPECT_EQ(listener_.told().back().synced, 1u);
  EXPECT_THAT(load_all(store_), ElementsAre(Pair("a", "1")));
}

TEST_F(FaultyStoreTest, AFailedBatchIsReportedOnceAndNothingFollowsIt) {
  store_.fail_commit(2);
  store_.commit(put("a", "1"), Mark::kSynced);
  EXPECT_EQ(store_.commit(put("b", "1"), Mark::kSynced), 2u);
  EXPECT_EQ(store_.commit(put("c", "1"), Mark::kSynced), 3u);
  EXPECT_EQ(listener_.failures(), 1u);
  EXPECT_EQ(store_.watermarks().written, 1u);
  EXPECT_THAT(load_all(inside_), ElementsAre(Pair("a", "1")));
}

TEST_F(FaultyStoreTest, AFailedBatchMayBeOnDiskButIsNotTold) {
  store_.fail_commit(1, /*reaches_disk=*/true);
  store_.commit(put("a", "1"), Mark::kSynced);
  store_.release();
  EXPECT_EQ(listener_.failures(), 1u);
  EXPECT_TRUE(listener_.told().empty());
  EXPECT_THAT(load_all(inside_), ElementsAre(Pair("a", "1")));
}

TEST_F(FaultyStoreTest, HeldMarksAreToldWhenReleased) {
  store_.hold({.written = 1, .synced = 0});
  store_.commit(put("a", "1"), Mark::kSynced);
  store_.commit(put("b", "1"), Mark::kSynced);
  EXPECT_EQ(listener_.told().back().written, 1u);
  EXPECT_EQ(store_.watermarks().synced, 0u);
  store_.release();
  EXPECT_EQ(listener_.told().back().synced, 2u);
}

TEST_F(FaultyStoreTest, LoadFailsAfterAsManyRecordsAsAsked) {
  store_.commit(put("a", "1"), Mark::kNone);
  store_.commit(put("b", "1"), Mark::kNone);
  store_.fail_load({Code::kDataLoss, "bad block"}, 1);
  int visits = 0;
  const Status loaded = store_.load("", [&](std::string_view, std::string_view) {
    ++visits;
    return Status();
  });
  EXPECT_EQ(loaded.code(), Code::kDataLoss);
  EXPECT_EQ(visits, 1);
}

TEST_F(FaultyStoreTest, TheDiskCanBeMadeToLookFull) {
  store_.set_free_bytes(17);
  EXPECT_EQ(store_.free_bytes(), 17u);
}

}  // namespace
}  // namespace tuplespace
