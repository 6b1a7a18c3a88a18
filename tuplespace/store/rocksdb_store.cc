#include "tuplespace/store/rocksdb_store.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "tuplespace/log.h"
#include "tuplespace/store/data_directory.h"
#include "tuplespace/store/run_memtable.h"
#include "tuplespace/store/wal_audit.h"

namespace tuplespace {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

Status translate(const rocksdb::Status& status, const std::string& what) {
  if (status.ok()) return {};
  const Code code = status.IsCorruption() ? Code::kDataLoss : Code::kUnavailable;
  return {code, what + ": " + status.ToString()};
}

// What RocksDB needs in order to be a log with a sorted copy behind it. Reads come at recovery
// only, so the memtable is a plain vector (twice as fast as the default); keys are erased by key.
rocksdb::Options database_options(const RocksDbOptions& options) {
  rocksdb::Options db;
  db.create_if_missing = false;
  db.paranoid_checks = true;
  db.track_and_verify_wals_in_manifest = true;
  db.recycle_log_file_num = 0;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;  // see wal_audit.h
  // After open everything recovered is in SST files: synced, and no old log will be read again.
  db.avoid_flush_during_recovery = false;
  db.max_bgerror_resume_count = 0;  // no second try: recovery is the only repair

  db.memtable_factory = std::make_shared<RunMemtableFactory>();
  db.allow_concurrent_memtable_write = false;  // a vector cannot; there is one writer anyway
  db.enable_write_thread_adaptive_yield = false;
  db.write_buffer_size = options.write_buffer_bytes;
  db.max_write_buffer_number = 4;
  db.max_background_jobs = 2;
  db.level0_file_num_compaction_trigger = 4;
  db.level0_slowdown_writes_trigger = 40;
  db.level0_stop_writes_trigger = 80;
  db.compression = rocksdb::kNoCompression;
  db.max_open_files = 1000;
  db.skip_stats_update_on_db_open = true;
  db.stats_dump_period_sec = 0;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.max_log_file_size = 4 << 20;
  db.keep_log_file_num = 4;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.block_size = 16 << 10;
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return db;
}

}  // namespace

struct RocksDbStore::Parts {
  RocksDbOptions options;
  std::unique_ptr<DataDirectory> directory;
  std::unique_ptr<rocksdb::DB> db;
  OnProgress on_progress;
  OnFailure on_failure;

  std::mutex mutex;                // never held while RocksDB or the listener works
  std::condition_variable commit;  // the committer: there is something to write
  std::condition_variable sync;    // the syncer: there is something to sync
  std::condition_variable room;    // commit(): pending has become small
  std::vector<Batch> pending;
  size_t pending_bytes = 0;
  bool pending_wants_written = false;
  uint64_t last = 0;         // number of the last batch
  uint64_t sync_wanted = 0;  // a batch that somebody wants synced, and all before it
  bool committer_sleeps = false;
  bool syncer_sleeps = false;
  bool period_runs = false;  // the syncer wakes by itself, for what nobody asked to be synced
  bool closing = false;
  bool failed = false;

  std::atomic<uint64_t> written{0};
  std::atomic<uint64_t> synced{0};

  std::mutex listener;  // one call at a time, marks in order
  Watermarks told;

  rocksdb::WriteBatch group;  // the committer's, reused
  std::thread committer;
  std::thread syncer;

  Status recover();
  Result<uint64_t> survey(const rocksdb::Options& base);
  Status check_root();

  void run_committer();
  bool write(const std::vector<Batch>& batches);
  bool write_group(const Batch* first, const Batch* end);
  void run_syncer();
  bool sync_written();
  void tell();
  void fail(const Status& status);
};

Result<std::unique_ptr<RocksDbStore>> RocksDbStore::open(RocksDbOptions options) {
  auto parts = std::make_unique<Parts>();
  Result<std::unique_ptr<DataDirectory>> directory = DataDirectory::open(options.path);
  if (!directory.ok()) return directory.status();
  parts->options = std::move(options);
  parts->directory = std::move(directory).value();
  TS_RETURN_IF_ERROR(parts->recover());
  return std::unique_ptr<RocksDbStore>(new RocksDbStore(std::move(parts)));
}

RocksDbStore::RocksDbStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

RocksDbStore::~RocksDbStore() {
  const Status closed = close();
  if (!closed.ok()) log(Level::kError, "store_close_failed", {{"status", closed.to_string()}});
}

Status RocksDbStore::Parts::recover() {
  const std::string path = directory->database();
  rocksdb::Options db_options = database_options(options);
  uint64_t replay_until = 0;
  const bool create = directory->is_new();
  if (create) {
    db_options.create_if_missing = true;
  } else {
    Result<uint64_t> surveyed = survey(db_options);
    if (!surveyed.ok()) return surveyed.status();
    replay_until = *surveyed;
  }
  WalAudit replay(replay_until);
  db_options.wal_filter = &replay;
  rocksdb::DB* opened = nullptr;
  TS_RETURN_IF_ERROR(
      translate(rocksdb::DB::Open(db_options, path, &opened), "cannot open the database " + path));
  db.reset(opened);
  std::string value;
  const rocksdb::Status read = db->Get({}, slice(kGroupKey), &value);
  GroupRecord newest;
  if (!read.IsNotFound()) {
    TS_RETURN_IF_ERROR(translate(read, "cannot read " + path));
    if (!newest.decode(value)) return {Code::kDataLoss, path + ": the group record is damaged"};
  }
  if (!create && newest.last != replay_until) {
    return {Code::kDataLoss,
            fmt::format("{}: batch {} was to be recovered, but {} is the last; the log changed "
                        "while it was read: check the disk",
                        path, replay_until, newest.last)};
  }
  last = newest.last;
  written = synced = told.written = told.synced = last;
  return check_root();
}

// Finds out what the log holds without changing anything. Returns the last batch to replay.
Result<uint64_t> RocksDbStore::Parts::survey(const rocksdb::Options& base) {
  const std::string path = directory->database();
  WalAudit audit;
  rocksdb::Options db_options = base;
  db_options.wal_filter = &audit;
  rocksdb::DB* opened = nullptr;
  TS_RETURN_IF_ERROR(translate(rocksdb::DB::OpenForReadOnly(db_options, path, &opened),
                               "cannot open the database " + path));
  const std::unique_ptr<rocksdb::DB> reader(opened);
  std::string value;
  const rocksdb::Status read = reader->Get({}, slice(kGroupKey), &value);
  GroupRecord flushed;
  if (!read.IsNotFound()) {
    TS_RETURN_IF_ERROR(translate(read, "cannot read " + path));
    if (!flushed.decode(value)) {
      return Status(Code::kDataLoss, path + ": the group record is damaged");
    }
  }
  Result<uint64_t> until = audit.judge(flushed.last, directory->synced());
  if (!until.ok()) return until.status();
  if (const std::string tail = audit.tail(*until); !tail.empty()) {
    log(Level::kWarning, "store_tail_cut",
        {{"path", path}, {"last_batch", *until}, {"cut_batches", tail}});
  }
  return until;
}

// The database and the directory must belong together. A new one is made whole here.
Status RocksDbStore::Parts::check_root() {
  const std::string path = directory->database();
  std::string value;
  const rocksdb::Status read = db->Get({}, slice(kRootKey), &value);
  if (!read.ok() && !read.IsNotFound()) return translate(read, "cannot read " + path);
  if (read.ok()) {
    Result<RootRecord> root = RootRecord::parse(value, path);
    if (!root.ok()) return root.status();
    TS_RETURN_IF_ERROR(root->check_readable(path));
    if (directory->is_new()) return directory->write_root(*root);
    if (root->store == directory->root().store) return {};
    return {Code::kFailedPrecondition,
            fmt::format("{} is store {}, but its FORMAT says {}: the directory was put together "
                        "from two; restore it whole",
                        options.path, root->store, directory->root().store)};
  }
  if (!directory->is_new() || last != 0) {
    return {Code::kDataLoss, path + " has no root record; restore the directory from a backup"};
  }
  rocksdb::WriteOptions write_options;
  write_options.sync = true;
  GroupRecord first{1, 1, 0};
  char bytes[GroupRecord::kBytes];
  first.encode(bytes);
  rocksdb::WriteBatch batch;
  const rocksdb::Slice group_value(bytes, sizeof bytes);
  const std::string root = directory->root().text();
  rocksdb::Status made = batch.Put(slice(kGroupKey), group_value);
  if (made.ok()) made = batch.Put(slice(kRootKey), root);
  if (made.ok()) made = db->Write(write_options, &batch);
  TS_RETURN_IF_ERROR(translate(made, "cannot write " + path));
  last = 1;
  written = synced = told.written = told.synced = last;
  return directory->write_root(directory->root());
}

Status RocksDbStore::load(
    std::string_view prefix,
    const std::function<Status(std::string_view key, std::string_view value)>& visit) {
  rocksdb::ReadOptions read;
  read.readahead_size = 2 << 20;
  read.fill_cache = false;
  const rocksdb::Slice end = slice(kOwnKeys);
  read.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> at(parts_->db->NewIterator(read));
  for (at->Seek(slice(prefix)); at->Valid(); at->Next()) {
    const std::string_view key = at->key().ToStringView();
    if (!key.starts_with(prefix)) break;
    TS_RETURN_IF_ERROR(visit(key, at->value().ToStringView()));
  }
  return translate(at->status(), "cannot read " + parts_->directory->database());
}

void RocksDbStore::start(OnProgress on_progress, OnFailure on_failure) {
  parts_->on_progress = std::move(on_progress);
  parts_->on_failure = std::move(on_failure);
  parts_->committer = std::thread([parts = parts_.get()] { parts->run_committer(); });
  parts_->syncer = std::thread([parts = parts_.get()] { parts->run_syncer(); });
}

uint64_t RocksDbStore::commit(Batch batch, Mark mark) {
  Parts& p = *parts_;
  bool wake;
  uint64_t number;
  {
    std::unique_lock lock(p.mutex);
    if (p.pending_bytes > p.options.pending_bytes_max) {
      p.room.wait(lock, [&] { return p.pending_bytes <= p.options.pending_bytes_max || p.failed; });
    }
    number = ++p.last;
    if (p.failed) return number;
    p.pending_bytes += batch.bytes();
    p.pending.push_back(std::move(batch));
    if (mark == Mark::kSynced) {
      p.sync_wanted = number;
    } else {
      p.pending_wants_written = true;
    }
    wake = std::exchange(p.committer_sleeps, false);
  }
  if (wake) p.commit.notify_one();
  return number;
}

void RocksDbStore::want_synced() {
  Parts& p = *parts_;
  bool wake;
  {
    std::lock_guard lock(p.mutex);
    p.sync_wanted = p.last;
    wake = std::exchange(p.syncer_sleeps, false);
  }
  if (wake) p.sync.notify_one();
}

void RocksDbStore::Parts::run_committer() {
  std::vector<Batch> batches;
  std::unique_lock lock(mutex);
  while (true) {
    if (pending.empty()) {
      if (closing || failed) return;
      committer_sleeps = true;
      commit.wait(lock, [&] { return !pending.empty() || closing || failed; });
      committer_sleeps = false;
      continue;
    }
    batches.swap(pending);
    const bool crowded = pending_bytes > options.pending_bytes_max;
    pending_bytes = 0;
    const bool tell_written = std::exchange(pending_wants_written, false);
    lock.unlock();

    if (crowded) room.notify_all();
    if (!write(batches)) return;
    batches.clear();
    lock.lock();
    const bool wake = syncer_sleeps && (!period_runs || sync_wanted > synced.load());
    if (wake) syncer_sleeps = false;
    lock.unlock();
    if (wake) sync.notify_one();
    if (tell_written) tell();
    lock.lock();
  }
}

bool RocksDbStore::Parts::write(const std::vector<Batch>& batches) {
  const Batch* first = batches.data();
  const Batch* const end = first + batches.size();
  while (first != end) {
    const Batch* next = first;
    for (size_t bytes = 0; next != end; ++next) {
      bytes += next->bytes();
      if (bytes > options.group_bytes_max && next != first) break;
    }
    if (!write_group(first, next)) return false;
    first = next;
  }
  return true;
}

bool RocksDbStore::Parts::write_group(const Batch* first, const Batch* end) {
  const uint64_t before = written.load(std::memory_order_relaxed);
  const GroupRecord record{before + 1, before + static_cast<uint64_t>(end - first), synced.load()};
  char bytes[GroupRecord::kBytes];
  record.encode(bytes);
  group.Clear();
  rocksdb::Status status = group.Put(slice(kGroupKey), rocksdb::Slice(bytes, sizeof bytes));
  const auto add = [&](const Batch::Change& change) {
    if (!status.ok()) return;
    switch (change.kind) {
      case Batch::Kind::kPut:
        status = group.Put(slice(change.key), slice(change.value));
        return;
      case Batch::Kind::kErase:
        status = group.Delete(slice(change.key));
        return;
      case Batch::Kind::kEraseRange:
        status = group.DeleteRange(slice(change.key), slice(change.value));
        return;
    }
  };
  for (const Batch* batch = first; batch != end; ++batch) batch->for_each(add);
  if (status.ok()) status = db->Write({}, &group);
  if (!status.ok()) {
    fail(translate(status, fmt::format("cannot write batches {}..{} to {}", record.first,
                                       record.last, options.path)));
    return false;
  }
  written.store(record.last);
  return true;
}

void RocksDbStore::Parts::run_syncer() {
  const auto period = std::chrono::milliseconds(options.async_sync_ms);
  SteadyTime due;  // if period_runs: when what is written is synced even if nobody asks
  std::unique_lock lock(mutex);
  while (!closing && !failed) {
    const bool unsynced = written.load() > synced.load();
    const bool wanted = unsynced && sync_wanted > synced.load();
    if (unsynced && !period_runs) due = std::chrono::steady_clock::now() + period;
    period_runs = unsynced;
    if (!wanted && (!unsynced || std::chrono::steady_clock::now() < due)) {
      syncer_sleeps = true;
      if (unsynced) {
        sync.wait_until(lock, due);
      } else {
        sync.wait(lock);
      }
      syncer_sleeps = false;
      continue;
    }
    period_runs = false;
    lock.unlock();
    if (!sync_written()) return;
    tell();
    lock.lock();
  }
}

bool RocksDbStore::Parts::sync_written() {
  const uint64_t target = written.load();
  if (!options.unsafe_no_sync) {
    const rocksdb::Status status = db->SyncWAL();
    if (!status.ok()) {
      fail(translate(status, fmt::format("cannot sync batches up to {} in {}", target,
                                         options.path)));
      return false;
    }
  }
  synced.store(target);
  directory->note_synced(target);
  return true;
}

void RocksDbStore::Parts::tell() {
  std::lock_guard lock(listener);
  const Watermarks now{written.load(), synced.load()};
  if (now.written == told.written && now.synced == told.synced) return;
  told = now;
  on_progress(now);
}

void RocksDbStore::Parts::fail(const Status& status) {
  {
    std::lock_guard lock(mutex);
    if (std::exchange(failed, true)) return;
    pending.clear();
    pending_bytes = 0;
  }
  commit.notify_one();
  sync.notify_one();
  room.notify_all();
  log(Level::kError, "store_failed", {{"status", status.to_string()}});
  on_failure(status);
}

Watermarks RocksDbStore::watermarks() const {
  // In this order: synced is never above written.
  const uint64_t synced = parts_->synced.load();
  return {parts_->written.load(), synced};
}

Store::Limits RocksDbStore::limits() const {
  return {.batch_bytes_max = size_t{1} << 30, .batch_changes_max = size_t{100} << 20};
}

uint64_t RocksDbStore::free_bytes() const {
  struct statvfs seen;
  if (::statvfs(parts_->options.path.c_str(), &seen) != 0) return 0;
  return uint64_t{seen.f_bavail} * seen.f_frsize;
}

Status RocksDbStore::close() {
  Parts& p = *parts_;
  if (!p.db) return {};
  {
    std::lock_guard lock(p.mutex);
    p.closing = true;
  }
  p.commit.notify_one();
  if (p.committer.joinable()) p.committer.join();
  p.sync.notify_one();
  if (p.syncer.joinable()) p.syncer.join();
  Status closed;
  if (!p.failed && p.written.load() > p.synced.load()) {
    if (p.sync_written()) {
      p.tell();
    } else {
      closed = {Code::kUnavailable, "the last sync of " + p.options.path + " failed"};
    }
  }
  const rocksdb::Status ended = p.db->Close();
  p.db.reset();
  if (closed.ok()) closed = translate(ended, "cannot close " + p.options.path);
  return closed;
}

}  // namespace tuplespace
