#include "tuplespace/store/rocksdb_load.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "tuplespace/store/batch.h"
#include "tuplespace/store/rocksdb_recovery.h"

namespace tuplespace {
namespace {

constexpr size_t kPageBytes = 256 << 10;
constexpr size_t kPagesAhead = 8;

// Pages of records on their way from the thread that reads to the one that visits.
class Pages {
 public:
  // Waits for room. False: nobody wants more.
  bool add(Batch page) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [this] { return pages_.size() < kPagesAhead || unwanted_; });
    if (unwanted_) return false;
    pages_.push_back(std::move(page));
    moved_.notify_one();
    return true;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    moved_.notify_one();
  }

  // The next page, or none at the end.
  std::optional<Batch> take() {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [this] { return !pages_.empty() || ended_; });
    if (pages_.empty()) return std::nullopt;
    Batch page = std::move(pages_.front());
    pages_.pop_front();
    moved_.notify_one();
    return page;
  }
  void want_no_more() {
    const std::lock_guard lock(mutex_);
    unwanted_ = true;
    moved_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;  // one of the two waits, never both
  std::deque<Batch> pages_;
  bool ended_ = false;
  bool unwanted_ = false;
};

rocksdb::Status read_pages(rocksdb::DB& db, std::string_view prefix, std::string_view end,
                           Pages& pages) {
  rocksdb::ReadOptions read;
  read.readahead_size = 2 << 20;
  read.fill_cache = false;
  const rocksdb::Slice bound = slice(end);
  read.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(db.NewIterator(read));
  Batch page;
  for (at->Seek(slice(prefix)); at->Valid(); at->Next()) {
    const std::string_view key = at->key().ToStringView();
    if (!key.starts_with(prefix)) break;
    page.put(key, at->value().ToStringView());
    if (page.bytes() >= kPageBytes && !pages.add(std::exchange(page, {}))) break;
  }
  if (!page.empty()) pages.add(std::move(page));
  return at->status();
}

}  // namespace

Status load_records(
    rocksdb::DB& db, std::string_view prefix, std::string_view end, const std::string& name,
    const std::function<Status(std::string_view key, std::string_view value)>& visit) {
  Pages pages;
  rocksdb::Status read;
  std::thread reader([&] {
    read = read_pages(db, prefix, end, pages);
    pages.end();
  });
  Status visited;
  while (const std::optional<Batch> page = pages.take()) {
    page->for_each([&](const Batch::Change& record) {
      if (visited.ok()) visited = visit(record.key, record.value);
    });
    if (visited.ok()) continue;
    pages.want_no_more();
    break;
  }
  reader.join();
  if (!visited.ok()) return visited;
  return translate(read, "cannot read " + name);
}

}  // namespace tuplespace
