// RocksDbStore keeps records in a directory on this machine, in RocksDB.
//
// Two threads. The committer takes all batches that are pending and writes them as one group into
// one log. The syncer syncs that log when somebody asked for it, and every async_sync_ms while
// something is not synced. Meanwhile the committer goes on writing, so that who only waits for
// `written` never waits for somebody else's sync, and the next group is there when a sync ends.
// (Measured against a sync by the committer, and against Write(sync): no slower where all wait for
// the sync, hence the simpler promise wins.)
//
// Order:   one log, in the order of commit(). A group carries the numbers of its batches and the
//          last synced number: see wal_audit.h for what is refused and what is cut at open.
// Threads: commit() any; the listener runs on either of the two, one call at a time.
// Bounds:  group_bytes_max, pending_bytes_max.
// Errors:  a write or sync that fails is reported once; nothing is accepted afterwards.
#pragma once

#include <memory>
#include <string>

#include "tuplespace/clock.h"
#include "tuplespace/store/store.h"

namespace tuplespace {

struct RocksDbOptions {
  std::string path;              // the data directory; made if its parent exists
  Duration async_sync_ms = 100;  // what is written is synced after that long at the latest
  // Skips every sync and claims to have done it: the negative control of the power cut tests.
  bool unsafe_no_sync = false;

  size_t write_buffer_bytes = size_t{64} << 20;  // of one memtable; up to 6 exist
  size_t block_cache_bytes = size_t{32} << 20;   // used by load() only
  size_t group_bytes_max = size_t{4} << 20;      // more is written as several groups
  size_t pending_bytes_max = size_t{256} << 20;  // commit() waits while more than this is pending
};

class RocksDbStore : public Store {
 public:
  // Recovers what is in the directory. FAILED_PRECONDITION: not ours, written by a newer version,
  // or in use. DATA_LOSS: something that was synced is missing; nothing was changed.
  static Result<std::unique_ptr<RocksDbStore>> open(RocksDbOptions options);
  ~RocksDbStore() override;

  Status load(
      std::string_view prefix,
      const std::function<Status(std::string_view key, std::string_view value)>& visit) override;
  void start(OnProgress on_progress, OnFailure on_failure) override;
  // Requires: no key begins with the two bytes ff ff; they are the store's own.
  uint64_t commit(Batch batch, Mark mark) override;
  void want_synced() override;
  Watermarks watermarks() const override;
  Limits limits() const override;
  uint64_t free_bytes() const override;
  Status close() override;

 private:
  struct Parts;
  explicit RocksDbStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tuplespace
