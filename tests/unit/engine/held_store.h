// HeldStore keeps records in memory and moves its watermarks when the test says so.
//
// Threads: any; the listener runs on the thread that lets go, or in commit() while nothing is
//          held.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tuplespace/store/memory_store.h"

namespace tuplespace {

class HeldStore : public Store {
 public:
  // A store on the records of another is that one after a restart.
  explicit HeldStore(std::shared_ptr<MemoryRecords> records = std::make_shared<MemoryRecords>())
      : records_(std::move(records)), free_(std::numeric_limits<uint64_t>::max()) {}

  // From now on nothing is written or synced before write_all() or sync_all().
  void hold() { held_ = true; }
  void let_go() {
    let_go_at_next_commit();
    sync_all();
  }
  void let_go_at_next_commit() { held_ = false; }
  void write_all() { move_to(last(), synced()); }
  void sync_all() { move_to(last(), last()); }
  void sync_to(uint64_t number) { move_to(std::max(number, watermarks().written), number); }
  void fail(const Status& status) { on_failure_(status); }

  std::vector<Mark> marks_of_commits() const {
    const std::lock_guard lock(mutex_);
    return marks_;
  }
  uint64_t last() const {
    const std::lock_guard lock(mutex_);
    return marks_.size();
  }
  int syncs_wanted() const { return syncs_wanted_; }
  void set_free(uint64_t bytes) { free_ = bytes; }
  void set_limits(Limits limits) { limits_ = limits; }
  const std::shared_ptr<MemoryRecords>& records() const { return records_; }

  Status load(
      std::string_view prefix,
      const std::function<Status(std::string_view key, std::string_view value)>& visit) override {
    for (auto at = records_->lower_bound(prefix); at != records_->end(); ++at) {
      if (!std::string_view(at->first).starts_with(prefix)) break;
      TS_RETURN_IF_ERROR(visit(at->first, at->second));
    }
    return {};
  }

  void start(OnProgress on_progress, OnFailure on_failure) override {
    on_progress_ = std::move(on_progress);
    on_failure_ = std::move(on_failure);
  }

  uint64_t commit(Batch batch, Mark mark) override {
    uint64_t number;
    {
      const std::lock_guard lock(mutex_);
      apply(batch);
      marks_.push_back(mark);
      number = marks_.size();
    }
    if (!held_) sync_all();
    return number;
  }

  void want_synced() override { ++syncs_wanted_; }

  Watermarks watermarks() const override {
    const std::lock_guard lock(mutex_);
    return reached_;
  }
  Limits limits() const override { return limits_; }
  uint64_t free_bytes() const override { return free_; }
  Status close() override { return {}; }

 private:
  uint64_t synced() const { return watermarks().synced; }

  // One call of the listener at a time, in the order of the marks.
  void move_to(uint64_t written, uint64_t synced) {
    const std::lock_guard telling(telling_);
    Watermarks now;
    {
      const std::lock_guard lock(mutex_);
      reached_.written = std::max(reached_.written, written);
      reached_.synced = std::max(reached_.synced, synced);
      now = reached_;
    }
    on_progress_(now);
  }

  void apply(const Batch& batch) {
    batch.for_each([this](const Batch::Change& change) {
      if (change.kind == Batch::Kind::kPut) {
        records_->insert_or_assign(std::string(change.key), std::string(change.value));
      } else if (change.kind == Batch::Kind::kErase) {
        if (auto at = records_->find(change.key); at != records_->end()) records_->erase(at);
      } else {
        records_->erase(records_->lower_bound(change.key), records_->lower_bound(change.value));
      }
    });
  }

  const std::shared_ptr<MemoryRecords> records_;
  std::atomic<bool> held_ = false;
  std::atomic<int> syncs_wanted_ = 0;
  std::atomic<uint64_t> free_;
  Limits limits_{.batch_bytes_max = 64 << 20, .batch_changes_max = 1 << 20};
  OnProgress on_progress_;
  OnFailure on_failure_;

  std::mutex telling_;
  mutable std::mutex mutex_;
  std::vector<Mark> marks_;  // of batch 1, 2, ...
  Watermarks reached_;
};

}  // namespace tuplespace
