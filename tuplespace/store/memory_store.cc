#include "tuplespace/store/memory_store.h"

#include <limits>
#include <utility>

namespace tuplespace {

MemoryStore::MemoryStore(MemoryStoreOptions options)
    : listen_inline_(options.listen_inline),
      records_(options.records ? std::move(options.records) : std::make_shared<MemoryRecords>()) {}

MemoryStore::~MemoryStore() {
  const Status closed = close();
  TS_CHECK(closed.ok());
}

Status MemoryStore::load(
    std::string_view prefix,
    const std::function<Status(std::string_view key, std::string_view value)>& visit) {
  std::lock_guard lock(mutex_);
  for (auto at = records_->lower_bound(prefix); at != records_->end(); ++at) {
    if (!std::string_view(at->first).starts_with(prefix)) break;
    TS_RETURN_IF_ERROR(visit(at->first, at->second));
  }
  return {};
}

void MemoryStore::start(OnProgress on_progress, OnFailure) {
  on_progress_ = std::move(on_progress);
  if (!listen_inline_) thread_ = std::thread([this] { listen(); });
}

uint64_t MemoryStore::commit(Batch batch, Mark) {
  uint64_t number;
  bool wake;
  {
    std::lock_guard lock(mutex_);
    apply(batch);
    number = ++last_;
    wake = std::exchange(sleeping_, false);
  }
  if (listen_inline_) {
    on_progress_({number, number});
  } else if (wake) {
    committed_.notify_one();
  }
  return number;
}

void MemoryStore::apply(const Batch& batch) {
  batch.for_each([this](const Batch::Change& change) {
    switch (change.kind) {
      case Batch::Kind::kPut:
        records_->insert_or_assign(std::string(change.key), std::string(change.value));
        return;
      case Batch::Kind::kErase:
        if (auto at = records_->find(change.key); at != records_->end()) records_->erase(at);
        return;
      case Batch::Kind::kEraseRange:
        if (change.key < change.value) {
          records_->erase(records_->lower_bound(change.key), records_->lower_bound(change.value));
        }
        return;
    }
  });
}

void MemoryStore::listen() {
  uint64_t told = 0;
  std::unique_lock lock(mutex_);
  while (!closing_ || told < last_) {
    if (told == last_) {
      sleeping_ = true;
      committed_.wait(lock, [&] { return last_ > told || closing_; });
      sleeping_ = false;
      continue;
    }
    told = last_;
    lock.unlock();
    on_progress_({told, told});
    lock.lock();
  }
}

Watermarks MemoryStore::watermarks() const {
  std::lock_guard lock(mutex_);
  return {last_, last_};
}

Store::Limits MemoryStore::limits() const {
  return {.batch_bytes_max = size_t{1} << 30, .batch_changes_max = size_t{1} << 30};
}

uint64_t MemoryStore::free_bytes() const { return std::numeric_limits<uint64_t>::max(); }

Status MemoryStore::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  committed_.notify_one();
  if (thread_.joinable()) thread_.join();
  return {};
}

}  // namespace tuplespace
