// WalAudit looks at every group of batches in RocksDB's log while the database is opened, and
// decides what may be replayed.
//
// Every group begins with a record under kGroupKey: the numbers of its first and its last batch,
// and the number of the last batch that was synced when it was written. Groups follow each other
// without a hole. At open the log is read twice, the first time to survey it only:
//
//   a hole at or before a batch that was synced   DATA_LOSS; nothing is changed
//   a hole after all that was synced              an unsynced tail, torn or reordered by a power
//                                                 cut: it is cut there, and the cut is logged
//
// RocksDB's own modes do not fit: kPointInTimeRecovery cuts at a damaged record even where what
// follows was synced, kTolerateCorruptedTailRecords refuses a tail that a power cut reordered. So
// it runs with kSkipAnyCorruptedRecords, under which this filter sees what lies behind the damage.
//
// Threads: the one that opens the database.
#pragma once

#include <rocksdb/wal_filter.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/status.h"

namespace tuplespace {

// Keys that begin so are the store's own.
inline constexpr std::string_view kOwnKeys = "\xff\xff";
inline constexpr std::string_view kGroupKey = "\xff\xffgroup";
inline constexpr std::string_view kRootKey = "\xff\xffroot";

struct GroupRecord {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t synced = 0;

  static constexpr size_t kBytes = 24;
  void encode(char (&bytes)[kBytes]) const;
  // False if `bytes` is no group record.
  bool decode(std::string_view bytes);
};

class WalAudit : public rocksdb::WalFilter {
 public:
  // Surveys: nothing is replayed.
  WalAudit() = default;
  // Replays the groups up to and with batch `replay_until`.
  explicit WalAudit(uint64_t replay_until) : surveys_(false), replay_until_(replay_until) {}

  const char* Name() const override { return "WalAudit"; }
  WalProcessingOption LogRecordFound(unsigned long long log_number, const std::string& file,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* new_batch, bool* batch_changed) override;

  // The last batch to replay. `flushed`: the last batch outside the log; `synced`: one that is
  // known, from elsewhere, to have been synced. DATA_LOSS if there is a hole before a synced one.
  Result<uint64_t> judge(uint64_t flushed, uint64_t synced) const;

  // What judge() cuts off: "" if nothing.
  std::string tail(uint64_t replay_until) const;

  // The last batch that was seen and replayed.
  uint64_t replayed() const { return replayed_; }

 private:
  // Groups without a hole between them.
  struct Run {
    uint64_t first;
    uint64_t last;
    std::string first_file;
    std::string last_file;
  };

  const bool surveys_ = true;
  const uint64_t replay_until_ = 0;
  uint64_t replayed_ = 0;
  std::vector<Run> runs_;  // in the order of the log
  uint64_t synced_ = 0;    // the highest that a group says
  std::string synced_file_;
  std::string foreign_file_;  // has a batch that is not ours
};

}  // namespace tuplespace
