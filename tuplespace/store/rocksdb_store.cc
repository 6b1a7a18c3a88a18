#include "tuplespace/store/rocksdb_store.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "tuplespace/log.h"
#include "tuplespace/store/data_directory.h"
#include "tuplespace/store/rocksdb_load.h"
#include "tuplespace/store/rocksdb_recovery.h"
#include "tuplespace/store/wal_audit.h"

namespace tuplespace {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

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
  Result<Recovered> recovered = recover(**directory, options);
  if (!recovered.ok()) return recovered.status();
  parts->options = std::move(options);
  parts->directory = std::move(directory).value();
  parts->db = std::move(recovered->db);
  const uint64_t last = recovered->last;
  parts->last = last;
  parts->written = parts->synced = parts->told.written = parts->told.synced = last;
  return std::unique_ptr<RocksDbStore>(new RocksDbStore(std::move(parts)));
}

RocksDbStore::RocksDbStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

RocksDbStore::~RocksDbStore() {
  const Status closed = close();
  if (!closed.ok()) log(Level::kError, "store_close_failed", {{"status", closed.to_string()}});
}

Status RocksDbStore::load(
    std::string_view prefix,
    const std::function<Status(std::string_view key, std::string_view value)>& visit) {
  return load_records(*parts_->db, prefix, kOwnKeys, parts_->directory->database(), visit);
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
      case Batch::Kind::kPut: status = group.Put(slice(change.key), slice(change.value)); return;
      case Batch::Kind::kErase: status = group.Delete(slice(change.key)); return;
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
      fail(translate(status,
                     fmt::format("cannot sync batches up to {} in {}", target, options.path)));
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
