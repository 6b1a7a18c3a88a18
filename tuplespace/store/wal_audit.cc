#include "tuplespace/store/wal_audit.h"

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstring>

namespace tuplespace {
namespace {

// Reads the group record at the beginning of a batch, and nothing else of it.
class FirstPut : public rocksdb::WriteBatch::Handler {
 public:
  bool found = false;
  GroupRecord group;

  rocksdb::Status PutCF(uint32_t, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    found = key.ToStringView() == kGroupKey && group.decode(value.ToStringView());
    more_ = false;
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice&) override { return stop(); }
  rocksdb::Status SingleDeleteCF(uint32_t, const rocksdb::Slice&) override { return stop(); }
  rocksdb::Status DeleteRangeCF(uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return stop();
  }
  bool Continue() override { return more_; }

 private:
  rocksdb::Status stop() {
    more_ = false;
    return rocksdb::Status::OK();
  }
  bool more_ = true;
};

}  // namespace

void GroupRecord::encode(char (&bytes)[kBytes]) const {
  std::memcpy(bytes, &first, 8);
  std::memcpy(bytes + 8, &last, 8);
  std::memcpy(bytes + 16, &synced, 8);
}

bool GroupRecord::decode(std::string_view bytes) {
  if (bytes.size() != kBytes) return false;
  std::memcpy(&first, bytes.data(), 8);
  std::memcpy(&last, bytes.data() + 8, 8);
  std::memcpy(&synced, bytes.data() + 16, 8);
  return first <= last;
}

rocksdb::WalFilter::WalProcessingOption WalAudit::LogRecordFound(unsigned long long,
                                                                 const std::string& file,
                                                                 const rocksdb::WriteBatch& batch,
                                                                 rocksdb::WriteBatch*, bool*) {
  // RocksDB writes empty batches at open.
  if (batch.Count() == 0) return WalProcessingOption::kContinueProcessing;
  FirstPut begin;
  const bool read = batch.Iterate(&begin).ok();
  if (!surveys_) {
    if (!begin.found || begin.group.last > replay_until_) {
      return WalProcessingOption::kIgnoreCurrentRecord;
    }
    replayed_ = std::max(replayed_, begin.group.last);
    return WalProcessingOption::kContinueProcessing;
  }
  if (!begin.found) {
    if (read) foreign_file_ = file;
    return WalProcessingOption::kIgnoreCurrentRecord;
  }
  const GroupRecord& group = begin.group;
  if (runs_.empty() || group.first != runs_.back().last + 1) {
    runs_.push_back({group.first, group.last, file, file});
  } else {
    runs_.back().last = group.last;
    if (runs_.back().last_file != file) runs_.back().last_file = file;
  }
  if (group.synced > synced_) {
    synced_ = group.synced;
    synced_file_ = file;
  }
  return WalProcessingOption::kIgnoreCurrentRecord;
}

Result<uint64_t> WalAudit::judge(uint64_t flushed, uint64_t synced) const {
  if (!foreign_file_.empty()) {
    return Status(Code::kFailedPrecondition,
                  fmt::format("{} has a batch that no tuplespaced wrote; this is not our database, "
                              "or another program opened it: name another data directory",
                              foreign_file_));
  }
  uint64_t last = flushed;
  std::string file;
  for (const Run& run : runs_) {
    file = run.first_file;
    if (run.first > last + 1) break;
    last = std::max(last, run.last);
    file = run.last_file;
  }
  const bool noted = synced > synced_;
  const uint64_t needed = std::max(synced, synced_);
  if (last >= needed) return last;
  return Status(
      Code::kDataLoss,
      fmt::format("batch {} is missing from the log{}{}, but batch {} was synced, as {} says; the "
                  "disk lost or changed what it had confirmed. Nothing was changed: check the "
                  "disk, and restore the data directory from a backup",
                  last + 1, file.empty() ? "" : " at ", file, needed,
                  noted ? "SYNCED" : synced_file_));
}

std::string WalAudit::tail(uint64_t replay_until) const {
  std::string text;
  for (const Run& run : runs_) {
    if (run.last <= replay_until) continue;
    const uint64_t first = std::max(run.first, replay_until + 1);
    text += fmt::format("{}{}..{} in {}", text.empty() ? "" : ", ", first, run.last, run.last_file);
    if (text.size() > 500) return text + ", ...";
  }
  return text;
}

}  // namespace tuplespace
