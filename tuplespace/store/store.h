// Store is where records survive: an ordered map of bytes with one stream of commits.
//
// Order:   batches become written, and synced, in the order of commit(); `written` and `synced`
//          are watermarks, each never above what was committed, never going back.
// Threads: commit() from any thread, each caller's batches in its order; load() before the first
//          commit; the listener runs on the store's own thread and must not block.
// Errors:  a batch that failed has an unknown outcome. The store reports it once through
//          on_failure and accepts nothing more: recovery is the only repair.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "tuplespace/status.h"
#include "tuplespace/store/batch.h"

namespace tuplespace {

struct Watermarks {
  uint64_t written = 0;  // numbers of batches
  uint64_t synced = 0;
};

class Store {
 public:
  // Called on the store's thread after a group of batches has moved a watermark: one call per
  // group, never one per batch. `marks` is what has been reached.
  using OnProgress = std::function<void(Watermarks marks)>;
  using OnFailure = std::function<void(const Status& status)>;

  struct Limits {
    size_t batch_bytes_max;    // of one batch
    size_t batch_changes_max;  // puts and erases of one batch
  };

  virtual ~Store() = default;

  // Calls `visit` for every record whose key begins with `prefix`, in key order, until it
  // returns an error, which is then returned.
  virtual Status load(
      std::string_view prefix,
      const std::function<Status(std::string_view key, std::string_view value)>& visit) = 0;

  // Must be called once, before the first commit().
  virtual void start(OnProgress on_progress, OnFailure on_failure) = 0;

  // Hands over a batch, all or none of it. Returns its number: 1 more than the last one's.
  // `mark` says how far somebody needs it to come; kSynced makes the store sync it and all before
  // it without waiting for the next periodic sync.
  virtual uint64_t commit(Batch batch, Mark mark) = 0;

  // Makes the store sync everything committed so far soon (an answer rests on an earlier batch).
  virtual void want_synced() = 0;

  virtual Watermarks watermarks() const = 0;
  virtual Limits limits() const = 0;

  // Free bytes where the records are, or the largest number if that has no meaning.
  virtual uint64_t free_bytes() const = 0;

  // Writes and syncs what is pending and stops. No call may follow.
  virtual Status close() = 0;
};

}  // namespace tuplespace
