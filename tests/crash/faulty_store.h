// FaultyStore injects faults between the engine and any Store: the one seam where storage fails.
//
// Order:   as the store inside; what is held back is told later, in order.
// Threads: any.
// Errors:  a commit that was told to fail is reported once through on_failure, from commit()
//          itself; after it nothing reaches the store inside, and nothing more is told.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "tuplespace/store/store.h"

namespace tuplespace {

class FaultyStore : public Store {
 public:
  // `inside` must outlive this.
  explicit FaultyStore(Store& inside) : inside_(inside), last_(inside.watermarks().written) {}

  // The batch with this number fails. If `reaches_disk` it is stored all the same: the outcome of
  // a failed batch is unknown.
  void fail_commit(uint64_t number, bool reaches_disk = false);
  // load() returns this after `records` records.
  void fail_load(Status status, size_t records);
  // Marks above these are not told until release(): a disk that has become slow.
  void hold(Watermarks highest);
  void release();
  void set_free_bytes(uint64_t bytes);

  Status load(
      std::string_view prefix,
      const std::function<Status(std::string_view key, std::string_view value)>& visit) override;
  void start(OnProgress on_progress, OnFailure on_failure) override;
  uint64_t commit(Batch batch, Mark mark) override;
  void want_synced() override { inside_.want_synced(); }
  Watermarks watermarks() const override;
  Limits limits() const override { return inside_.limits(); }
  uint64_t free_bytes() const override;
  Status close() override { return inside_.close(); }

 private:
  Watermarks visible(Watermarks reached) const;
  Watermarks visible_locked(Watermarks reached) const;
  void tell(Watermarks reached);

  Store& inside_;
  OnProgress on_progress_;
  OnFailure on_failure_;

  std::mutex committing_;
  uint64_t last_;  // number of the last batch

  mutable std::mutex mutex_;
  std::optional<Watermarks> highest_;
  std::optional<uint64_t> failing_;
  bool reaches_disk_ = false;
  bool failed_ = false;
  std::optional<Status> load_failure_;
  size_t load_records_ = 0;
  std::optional<uint64_t> free_bytes_;

  std::mutex telling_;  // one call of the listener at a time
  Watermarks told_;
};

}  // namespace tuplespace
