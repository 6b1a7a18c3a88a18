// FaultyDisk is a Store around any other that works like a disk: what was committed is written and
// synced later, when the simulation says so, and what was not is lost, in part, by a crash.
//
// A batch is handed to the store inside when it can no longer be lost, so the store inside is what
// a restart finds. It must complete batches at once (MemoryStore with listen_inline).
//
// Order:   the marks only grow; a crash keeps a prefix of the batches.
// Threads: one.
// Errors:  after a failed commit nothing more is told: the process has ended, or is about to.
#pragma once

#include <deque>
#include <optional>

#include "tests/simulation/draw.h"
#include "tuplespace/store/store.h"

namespace tuplespace::simulation {

class FaultyDisk : public Store {
 public:
  // `inside` must outlive this.
  explicit FaultyDisk(Store& inside) : inside_(inside) {}

  // ---- what the simulation does ----
  // The batch after so many more fails; it may be found there after a restart all the same.
  void fail_after(uint64_t batches) { fails_at_ = last_ + batches + 1; }
  void mend() { fails_at_.reset(); }
  bool failed() const { return failed_; }
  // Tells that everything is synced at once, and stores it as slowly as ever: promise 5 broken.
  void lie() { lies_ = true; }
  // From now on commits are pending until go_on(); before, they are synced at once: recovery.
  void be_slow() { slow_ = true; }
  // Writes and syncs a part of what is pending, as drawn. Returns false if nothing is.
  bool go_on(Draw& draw);
  // All of it.
  void catch_up();
  bool idle() const { return stored() == last_; }

  // The process dies: keeps at least what was written, or with `power` what was synced.
  void crash(Draw& draw, bool power);
  uint64_t lost() const { return lost_; }  // batches, by crash()

  // ---- Store ----
  Status load(
      std::string_view prefix,
      const std::function<Status(std::string_view key, std::string_view value)>& visit) override {
    return inside_.load(prefix, visit);
  }
  void start(OnProgress on_progress, OnFailure on_failure) override;
  uint64_t commit(Batch batch, Mark mark) override;
  void want_synced() override {}
  Watermarks watermarks() const override { return marks_; }
  Limits limits() const override { return inside_.limits(); }
  uint64_t free_bytes() const override { return inside_.free_bytes(); }
  Status close() override { return {}; }

 private:
  void reach(Watermarks marks);
  uint64_t stored() const { return last_ - pending_.size(); }
  void store_up_to(uint64_t number);

  Store& inside_;
  OnProgress on_progress_;
  OnFailure on_failure_;
  std::deque<Batch> pending_;  // not synced
  Watermarks marks_;           // as told
  uint64_t written_ = 0;
  uint64_t last_ = 0;
  std::optional<uint64_t> fails_at_;
  bool failed_ = false;
  bool slow_ = false;
  bool lies_ = false;
  uint64_t lost_ = 0;
};

}  // namespace tuplespace::simulation
