// What every store promises, on each of them.
#include <algorithm>
#include <functional>
#include <random>
#include <thread>

#include "tests/unit/store/store_rig.h"
#include "tuplespace/store/memory_store.h"
#include "tuplespace/store/rocksdb_store.h"

namespace tuplespace {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

struct Kind {
  std::string name;
  bool on_disk = false;
  bool listen_inline = false;
  size_t write_buffer_bytes = size_t{64} << 20;
  size_t group_bytes_max = size_t{4} << 20;
};

std::string name_of(const ::testing::TestParamInfo<Kind>& info) { return info.param.name; }

class StoreContract : public ::testing::TestWithParam<Kind> {
 protected:
  StoreContract() { open(); }

  void open() {
    listener_ = std::make_unique<Listener>();
    const Kind& kind = GetParam();
    if (!kind.on_disk) {
      MemoryStoreOptions options;
      options.listen_inline = kind.listen_inline;
      options.records = memory_;
      store_ = std::make_unique<MemoryStore>(options);
      return;
    }
    RocksDbOptions options;
    options.path = directory_.path("data");
    options.write_buffer_bytes = kind.write_buffer_bytes;
    options.group_bytes_max = kind.group_bytes_max;
    Result<std::unique_ptr<RocksDbStore>> opened = RocksDbStore::open(options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    store_ = std::move(opened).value();
  }
  void start() { listener_->start(*store_); }
  void restart() {
    const Status closed = store_->close();
    ASSERT_TRUE(closed.ok()) << closed.to_string();
    store_.reset();
    open();
  }
  uint64_t commit(Batch batch, Mark mark = Mark::kWritten) {
    return store_->commit(std::move(batch), mark);
  }

  TempDirectory directory_;
  std::shared_ptr<MemoryRecords> memory_ = std::make_shared<MemoryRecords>();
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreContract, ANewOneIsEmpty) { EXPECT_TRUE(load_all(*store_).empty()); }

TEST_P(StoreContract, ARestartFindsWhatWasCommittedInKeyOrder) {
  start();
  commit(put("b", "2"));
  commit(put("a", "1"));
  commit(put("c", std::string("\0\xff", 2)));
  restart();
  EXPECT_THAT(load_all(*store_),
              ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", std::string("\0\xff", 2))));
}

TEST_P(StoreContract, LoadStopsWhereThePrefixEnds) {
  start();
  Batch batch;
  for (const char* key : {"a", "b", "b1", "b\xff", "c"}) batch.put(key, "");
  commit(std::move(batch));
  restart();
  EXPECT_THAT(load_all(*store_, "b"),
              ElementsAre(Pair("b", ""), Pair("b1", ""), Pair("b\xff", "")));
}

TEST_P(StoreContract, LoadReturnsTheErrorOfTheVisitorAtOnce) {
  start();
  Batch batch;
  batch.put("a", "");
  batch.put("b", "");
  commit(std::move(batch));
  restart();
  int visits = 0;
  const Status loaded = store_->load("", [&](std::string_view, std::string_view) {
    ++visits;
    return Status(Code::kDataLoss, "no such record");
  });
  EXPECT_EQ(loaded.code(), Code::kDataLoss);
  EXPECT_EQ(visits, 1);
}

TEST_P(StoreContract, TheLastChangeOfAKeyHoldsWithinABatchAndBetweenBatches) {
  start();
  Batch first;
  first.put("twice", "1");
  first.put("twice", "2");
  first.put("gone", "1");
  first.erase("gone");
  first.put("rewritten", "1");
  commit(std::move(first));
  Batch second;
  second.put("rewritten", "2");
  second.erase("back");
  second.put("back", "1");
  second.erase("never there");
  commit(std::move(second));
  restart();
  EXPECT_THAT(load_all(*store_),
              ElementsAre(Pair("back", "1"), Pair("rewritten", "2"), Pair("twice", "2")));
}

TEST_P(StoreContract, EraseRangeLeavesItsEndAndWhatIsPutLater) {
  start();
  Batch batch;
  for (const char* key : {"a", "b", "c", "d"}) batch.put(key, "");
  commit(std::move(batch));
  Batch range;
  range.erase_range("b", "d");
  range.put("c", "new");
  range.erase_range("x", "x");
  commit(std::move(range));
  restart();
  EXPECT_THAT(load_all(*store_), ElementsAre(Pair("a", ""), Pair("c", "new"), Pair("d", "")));
}

TEST_P(StoreContract, NumbersFollowEachOtherAndTheMarksNeverGoBack) {
  start();
  const uint64_t first = commit(put("a", "1"));
  for (uint64_t i = 1; i < 200; ++i) {
    ASSERT_EQ(commit(put("a", "2"), i % 3 == 0 ? Mark::kSynced : Mark::kNone), first + i);
    if (i % 7 == 0) listener_->await_written(first + i / 2);
  }
  store_->want_synced();
  listener_->await_synced(first + 199);
  Watermarks before;
  for (const Watermarks& marks : listener_->told()) {
    EXPECT_GE(marks.written, before.written);
    EXPECT_GE(marks.synced, before.synced);
    EXPECT_LE(marks.synced, marks.written);
    EXPECT_LE(marks.written, first + 199);
    before = marks;
  }
  EXPECT_EQ(store_->watermarks().synced, first + 199);
  EXPECT_EQ(listener_->failures(), 0u);
}

TEST_P(StoreContract, WhoAsksForASyncGetsItWithoutAnotherCommit) {
  start();
  listener_->await_synced(commit(put("a", "1"), Mark::kSynced));
  const uint64_t quiet = commit(put("b", "1"), Mark::kNone);
  store_->want_synced();
  listener_->await_synced(quiet);
}

TEST_P(StoreContract, CloseKeepsWhatNobodyWaitedFor) {
  start();
  for (int i = 0; i < 1000; ++i) commit(put("key" + std::to_string(i), "value"), Mark::kNone);
  restart();
  EXPECT_EQ(load_all(*store_).size(), 1000u);
}

TEST_P(StoreContract, AStoreThatNeverStartedCloses) {
  EXPECT_TRUE(store_->close().ok());
  store_.reset();
}

TEST_P(StoreContract, EachThreadsBatchesAreInItsOrder) {
  start();
  constexpr int kThreads = 4, kBatches = 2000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      uint64_t last = 0;
      for (int i = 0; i < kBatches; ++i) {
        Batch batch;
        batch.put("last" + std::to_string(t), std::to_string(i));
        batch.put("sum" + std::to_string(t) + "." + std::to_string(i % 10), std::to_string(i));
        const uint64_t number = store_->commit(std::move(batch), Mark::kWritten);
        EXPECT_GT(number, last);
        last = number;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  restart();
  const Records records = load_all(*store_);
  for (int t = 0; t < kThreads; ++t) {
    EXPECT_EQ(records.at("last" + std::to_string(t)), std::to_string(kBatches - 1));
    EXPECT_EQ(records.at("sum" + std::to_string(t) + ".3"), std::to_string(kBatches - 7));
  }
}

TEST_P(StoreContract, RandomBatchesLeaveWhatAMapHolds) {
  const unsigned seed = ::testing::UnitTest::GetInstance()->random_seed() + 1;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return random() % n; };
  const auto key = [&] { return "k" + std::to_string(below(3000)); };
  Records expected;
  for (int life = 0; life < 4; ++life) {
    start();
    for (int i = 0; i < 800; ++i) {
      Batch batch;
      for (unsigned changes = below(20); changes > 0; --changes) {
        const std::string first = key();
        const unsigned kind = below(200);
        if (kind < 120) {
          const std::string value(below(300), static_cast<char>('a' + below(26)));
          batch.put(first, value);
          expected[first] = value;
        } else if (kind < 199) {
          batch.erase(first);
          expected.erase(first);
        } else {
          const std::string end = std::max(first, key());
          batch.erase_range(first, end);
          expected.erase(expected.lower_bound(first), expected.lower_bound(end));
        }
      }
      commit(std::move(batch), below(10) == 0 ? Mark::kSynced : Mark::kWritten);
    }
    restart();
    ASSERT_EQ(load_all(*store_), expected) << "after life " << life;
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract,
                         ::testing::Values(Kind{.name = "Memory"},
                                           Kind{.name = "MemoryInline", .listen_inline = true},
                                           Kind{.name = "RocksDb", .on_disk = true},
                                           Kind{.name = "RocksDbSmallBuffers",
                                                .on_disk = true,
                                                .write_buffer_bytes = size_t{128} << 10,
                                                .group_bytes_max = 2000}),
                         name_of);

}  // namespace
}  // namespace tuplespace
