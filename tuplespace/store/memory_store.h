// MemoryStore keeps records in a map of this process: for embedded spaces that keep nothing, and
// for tests. A batch is written and synced as soon as it is committed.
//
// Order:   the listener sees the watermarks in the order of commit().
// Threads: any; the listener runs on the store's own thread, or inside commit() if so asked.
// Bounds:  none of its own; records are bounded by what the shard accepts.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "tuplespace/store/store.h"

namespace tuplespace {

using MemoryRecords = std::map<std::string, std::string, std::less<>>;

struct MemoryStoreOptions {
  // True: commit() and want_synced() call the listener before they return; there is no thread.
  bool listen_inline = false;
  // The records to begin with, changed in place; a store that is opened on the records of a
  // closed one has been restarted. Absent: a map of its own.
  std::shared_ptr<MemoryRecords> records;
};

class MemoryStore : public Store {
 public:
  explicit MemoryStore(MemoryStoreOptions options = {});
  ~MemoryStore() override;

  Status load(
      std::string_view prefix,
      const std::function<Status(std::string_view key, std::string_view value)>& visit) override;
  void start(OnProgress on_progress, OnFailure on_failure) override;
  uint64_t commit(Batch batch, Mark mark) override;
  void want_synced() override {}
  Watermarks watermarks() const override;
  Limits limits() const override;
  uint64_t free_bytes() const override;
  Status close() override;

 private:
  void apply(const Batch& batch);
  void listen();

  const bool listen_inline_;
  const std::shared_ptr<MemoryRecords> records_;
  OnProgress on_progress_;

  mutable std::mutex mutex_;
  std::condition_variable committed_;
  uint64_t last_ = 0;  // number of the last batch
  bool sleeping_ = false;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace tuplespace
