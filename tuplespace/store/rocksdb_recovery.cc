#include "tuplespace/store/rocksdb_recovery.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "tuplespace/log.h"
#include "tuplespace/store/rocksdb_memtable.h"
#include "tuplespace/store/wal_audit.h"

namespace tuplespace {
namespace {

// What RocksDB has to say goes to our log. (Into a file of its own it would go on writing after
// that file failed, which Debian's build answers with an abort.)
class EventLog : public rocksdb::Logger {
 public:
  EventLog() : Logger(rocksdb::WARN_LEVEL) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list words) override {
    Logv(rocksdb::WARN_LEVEL, format, words);
  }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list words) override {
    if (level < GetInfoLogLevel() || level == rocksdb::HEADER_LEVEL) return;
    char text[1000];
    std::vsnprintf(text, sizeof text, format, words);
    log(level == rocksdb::WARN_LEVEL ? Level::kWarning : Level::kError, "rocksdb",
        {{"says", text}});
  }
};

// RocksDB as a log with a sorted copy behind it: records are written, erased by key, and read at
// recovery only.
rocksdb::Options database_options(const RocksDbOptions& options) {
  rocksdb::Options db;
  db.create_if_missing = false;
  db.paranoid_checks = true;
  db.track_and_verify_wals_in_manifest = true;
  db.recycle_log_file_num = 0;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;  // see wal_audit.h
  db.avoid_flush_during_recovery = false;  // what is recovered is synced before anything follows
  db.max_bgerror_resume_count = 0;         // no second try: recovery is the only repair

  db.memtable_factory = std::make_shared<RunMemtableFactory>();
  db.allow_concurrent_memtable_write = false;  // there is one writer
  db.enable_write_thread_adaptive_yield = false;
  db.write_buffer_size = options.write_buffer_bytes;
  db.max_write_buffer_number = 6;
  db.delayed_write_rate = 256 << 20;  // bytes a second, when flushes fall behind
  db.max_background_jobs = 2;
  db.level0_file_num_compaction_trigger = 4;
  db.level0_slowdown_writes_trigger = 40;
  db.level0_stop_writes_trigger = 80;
  db.compression = rocksdb::kNoCompression;
  db.max_open_files = 1000;
  db.skip_stats_update_on_db_open = true;
  db.stats_dump_period_sec = 0;
  db.info_log = std::make_shared<EventLog>();

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.block_size = 16 << 10;
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return db;
}

// The number of the last batch in `db`, 0 if there is none.
Result<uint64_t> last_batch(rocksdb::DB& db, const std::string& path) {
  std::string value;
  const rocksdb::Status read = db.Get({}, slice(kGroupKey), &value);
  if (read.IsNotFound()) return uint64_t{0};
  TS_RETURN_IF_ERROR(translate(read, "cannot read " + path));
  GroupRecord newest;
  if (newest.decode(value)) return newest.last;
  return Status(Code::kDataLoss, path +
                                     ": the group record is damaged; restore the directory "
                                     "from a backup");
}

// Finds out what the log holds without changing anything. Returns the last batch to replay.
Result<uint64_t> survey(const DataDirectory& directory, rocksdb::Options db_options) {
  const std::string path = directory.database();
  WalAudit audit;
  db_options.wal_filter = &audit;
  rocksdb::DB* opened = nullptr;
  TS_RETURN_IF_ERROR(translate(rocksdb::DB::OpenForReadOnly(db_options, path, &opened),
                               "cannot open the database " + path));
  const std::unique_ptr<rocksdb::DB> reader(opened);
  const Result<uint64_t> flushed = last_batch(*reader, path);
  if (!flushed.ok()) return flushed.status();
  const Result<uint64_t> until = audit.judge(*flushed, directory.synced());
  if (!until.ok()) return until.status();
  if (const std::string tail = audit.tail(*until); !tail.empty()) {
    log(Level::kWarning, "store_tail_cut",
        {{"path", path}, {"last_batch", *until}, {"cut_batches", tail}});
  }
  return until;
}

// The first batch of a new database is its root record.
Status write_first_batch(rocksdb::DB& db, const RootRecord& root, const std::string& path) {
  char bytes[GroupRecord::kBytes];
  GroupRecord{1, 1, 0}.encode(bytes);
  rocksdb::WriteBatch batch;
  rocksdb::Status made = batch.Put(slice(kGroupKey), rocksdb::Slice(bytes, sizeof bytes));
  if (made.ok()) made = batch.Put(slice(kRootKey), root.text());
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (made.ok()) made = db.Write(synced, &batch);
  return translate(made, "cannot write " + path);
}

// The database and the directory must belong together. A new one is made whole here.
Status check_root(DataDirectory& directory, Recovered& recovered) {
  const std::string path = directory.database();
  std::string value;
  const rocksdb::Status read = recovered.db->Get({}, slice(kRootKey), &value);
  if (read.IsNotFound()) {
    if (!directory.is_new() || recovered.last != 0) {
      return {Code::kDataLoss, path + " has no root record; restore the directory from a backup"};
    }
    TS_RETURN_IF_ERROR(write_first_batch(*recovered.db, directory.root(), path));
    recovered.last = 1;
    directory.note_synced(1);
    return directory.write_root(directory.root());
  }
  TS_RETURN_IF_ERROR(translate(read, "cannot read " + path));
  const Result<RootRecord> root = RootRecord::parse(value, path);
  if (!root.ok()) return root.status();
  TS_RETURN_IF_ERROR(root->check_readable(path));
  if (directory.is_new()) return directory.write_root(*root);
  if (root->store == directory.root().store) return {};
  return {Code::kFailedPrecondition,
          fmt::format("{} is store {}, but its FORMAT says {}: the directory was put together from "
                      "two; restore it whole",
                      directory.path(), root->store, directory.root().store)};
}

}  // namespace

Status translate(const rocksdb::Status& status, const std::string& what) {
  if (status.ok()) return {};
  const Code code = status.IsCorruption() ? Code::kDataLoss : Code::kUnavailable;
  return {code, what + ": " + status.ToString()};
}

Result<Recovered> recover(DataDirectory& directory, const RocksDbOptions& options) {
  const std::string path = directory.database();
  rocksdb::Options db_options = database_options(options);
  // Without a root record nothing was ever acknowledged, but its making may have been interrupted
  // between the database and the record.
  const bool exists = ::access((path + "/CURRENT").c_str(), F_OK) == 0;
  if (!exists && !directory.is_new()) {
    return Status(Code::kDataLoss,
                  fmt::format("{} is gone (it has no CURRENT), though {} says that it was made; "
                              "restore the directory from a backup",
                              path, directory.path() + "/FORMAT"));
  }
  uint64_t replay_until = 0;
  if (!exists) {
    // RocksDB would make it, but complain first that there is none. What fails here fails there.
    std::error_code ignored;
    std::filesystem::create_directory(path, ignored);
  } else {
    const Result<uint64_t> surveyed = survey(directory, db_options);
    if (!surveyed.ok()) return surveyed.status();
    replay_until = *surveyed;
  }
  WalAudit replay(replay_until);
  db_options.wal_filter = &replay;
  db_options.create_if_missing = !exists;
  rocksdb::DB* opened = nullptr;
  TS_RETURN_IF_ERROR(
      translate(rocksdb::DB::Open(db_options, path, &opened), "cannot open the database " + path));
  Recovered recovered;
  recovered.db.reset(opened);
  const Result<uint64_t> last = last_batch(*recovered.db, path);
  if (!last.ok()) return last.status();
  if (*last != replay_until) {
    return Status(Code::kDataLoss,
                  fmt::format("{}: batch {} was to be recovered, but {} is the last; the log "
                              "changed while it was read: check the disk",
                              path, replay_until, *last));
  }
  recovered.last = *last;
  TS_RETURN_IF_ERROR(check_root(directory, recovered));
  return recovered;
}

}  // namespace tuplespace
