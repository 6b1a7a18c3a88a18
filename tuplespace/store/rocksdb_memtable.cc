#include "tuplespace/store/rocksdb_memtable.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace tuplespace {
namespace {

// An entry begins with its internal key: varint32 length, user key, and 8 bytes little endian with
// the sequence number and the kind.
using Entry = const char*;
using Entries = std::vector<Entry>;

constexpr size_t kTagBytes = 8;
constexpr size_t kRunsMax = 64;  // more streams than that are sorted, not merged

struct InternalKey {
  std::string_view user;
  uint64_t tag;

  explicit InternalKey(std::string_view key) : user(key.substr(0, key.size() - kTagBytes)) {
    std::memcpy(&tag, key.data() + user.size(), kTagBytes);
  }
};

std::string_view key_bytes(Entry entry) {
  uint32_t length = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(*entry++);
    length |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return {entry, length};
  }
}

// RocksDB's order: bytewise by user key, the newest first.
bool before(const InternalKey& a, const InternalKey& b) {
  const int order = a.user.compare(b.user);
  return order != 0 ? order < 0 : a.tag > b.tag;
}

// The order of a run: bytewise by user key, the oldest first, so that a key that is written again
// and again extends one run.
struct RunOrder {
  bool operator()(const InternalKey& a, const InternalKey& b) const {
    const int order = a.user.compare(b.user);
    return order != 0 ? order < 0 : a.tag < b.tag;
  }
  bool operator()(Entry a, Entry b) const {
    return (*this)(InternalKey(key_bytes(a)), InternalKey(key_bytes(b)));
  }
};

// From the order of a run to RocksDB's.
void newest_first(Entries& entries) {
  for (auto from = entries.begin(); from != entries.end();) {
    const std::string_view user = InternalKey(key_bytes(*from)).user;
    const auto to = std::find_if(from + 1, entries.end(), [user](Entry entry) {
      return InternalKey(key_bytes(entry)).user != user;
    });
    std::reverse(from, to);
    from = to;
  }
}

// Merges neighbours until one run is left.
Entries merged(std::vector<Entries> runs) {
  while (runs.size() > 1) {
    std::vector<Entries> longer;
    longer.reserve((runs.size() + 1) / 2);
    for (size_t i = 0; i < runs.size(); i += 2) {
      if (i + 1 == runs.size()) {
        longer.push_back(std::move(runs[i]));
        break;
      }
      Entries both(runs[i].size() + runs[i + 1].size());
      std::merge(runs[i].begin(), runs[i].end(), runs[i + 1].begin(), runs[i + 1].end(),
                 both.begin(), RunOrder());
      longer.push_back(std::move(both));
    }
    runs = std::move(longer);
  }
  return runs.empty() ? Entries() : std::move(runs.front());
}

class RunIterator : public rocksdb::MemTableRep::Iterator {
 public:
  explicit RunIterator(std::shared_ptr<const Entries> entries) : entries_(std::move(entries)) {}

  bool Valid() const override { return at_ < entries_->size(); }
  const char* key() const override { return (*entries_)[at_]; }
  void Next() override { ++at_; }
  void Prev() override { at_ = at_ == 0 ? entries_->size() : at_ - 1; }
  void SeekToFirst() override { at_ = 0; }
  void SeekToLast() override { at_ = entries_->empty() ? 0 : entries_->size() - 1; }

  void Seek(const rocksdb::Slice& wanted, const char* memtable_key) override {
    at_ = first_not_before(wanted, memtable_key);
  }
  void SeekForPrev(const rocksdb::Slice& wanted, const char* memtable_key) override {
    const InternalKey key = target(wanted, memtable_key);
    at_ = first_not_before(wanted, memtable_key);
    if (!Valid() || before(key, InternalKey(key_bytes((*entries_)[at_])))) Prev();
  }

 private:
  static InternalKey target(const rocksdb::Slice& wanted, const char* memtable_key) {
    return InternalKey(memtable_key ? key_bytes(memtable_key) : wanted.ToStringView());
  }
  size_t first_not_before(const rocksdb::Slice& wanted, const char* memtable_key) const {
    const auto found =
        std::lower_bound(entries_->begin(), entries_->end(), target(wanted, memtable_key),
                         [](Entry entry, const InternalKey& key) {
                           return before(InternalKey(key_bytes(entry)), key);
                         });
    return static_cast<size_t>(found - entries_->begin());
  }

  const std::shared_ptr<const Entries> entries_;
  size_t at_ = 0;
};

class RunMemtable : public rocksdb::MemTableRep {
 public:
  explicit RunMemtable(rocksdb::Allocator* allocator) : MemTableRep(allocator) {}

  void Insert(rocksdb::KeyHandle handle) override {
    const Entry entry = static_cast<Entry>(handle);
    std::lock_guard lock(mutex_);
    const size_t run = fitting_run(InternalKey(key_bytes(entry)));
    if (run == kRunsMax) {
      loose_.push_back(entry);
    } else {
      runs_[run].push_back(entry);
      last_run_ = run;
    }
    ++entries_;
  }

  bool Contains(const char* key) const override {
    const std::shared_ptr<const Entries> entries = sorted();
    return std::binary_search(entries->begin(), entries->end(), key, [](Entry a, Entry b) {
      return before(InternalKey(key_bytes(a)), InternalKey(key_bytes(b)));
    });
  }

  void MarkReadOnly() override { read_only_ = true; }

  size_t ApproximateMemoryUsage() override { return entries_ * sizeof(Entry); }

  Iterator* GetIterator(rocksdb::Arena* arena) override {
    if (arena == nullptr) return new RunIterator(sorted());
    // RocksDB will destroy this one, but not free it: its memory would be the arena's, whose type
    // is not public. So it is ours, as long as the memtable.
    auto memory = std::make_unique<IteratorMemory>();
    Iterator* iterator = new (memory->bytes) RunIterator(sorted());
    std::lock_guard lock(mutex_);
    iterators_.push_back(std::move(memory));
    return iterator;
  }

 private:
  struct IteratorMemory {
    alignas(RunIterator) std::byte bytes[sizeof(RunIterator)];
  };

  // The run with the greatest end before `key`, a new one if all end behind it, kRunsMax if there
  // is none. The ends of the runs descend, and go on doing so when `key` is appended there.
  size_t fitting_run(const InternalKey& key) {
    const auto ends_before = [&](size_t run) {
      return RunOrder()(InternalKey(key_bytes(runs_[run].back())), key);
    };
    const bool here = last_run_ < runs_.size() && ends_before(last_run_);
    if (here && (last_run_ == 0 || !ends_before(last_run_ - 1))) return last_run_;
    size_t low = here ? 0 : std::min(last_run_ + 1, runs_.size());
    size_t high = here ? last_run_ - 1 : runs_.size();
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (ends_before(middle)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    if (low == runs_.size() && low < kRunsMax) runs_.emplace_back();
    return low;
  }

  // All entries in order. Kept once nothing can be added any more.
  std::shared_ptr<const Entries> sorted() const {
    std::lock_guard lock(mutex_);
    if (sorted_) return sorted_;
    std::vector<Entries> runs = read_only_ ? std::move(runs_) : runs_;
    Entries loose = read_only_ ? std::move(loose_) : loose_;
    std::sort(loose.begin(), loose.end(), RunOrder());
    runs.push_back(std::move(loose));
    auto entries = std::make_shared<Entries>(merged(std::move(runs)));
    newest_first(*entries);
    if (read_only_) sorted_ = entries;
    return entries;
  }

  mutable std::mutex mutex_;
  mutable std::vector<Entries> runs_;
  mutable Entries loose_;  // where no run fits, and there are enough
  mutable std::shared_ptr<const Entries> sorted_;
  size_t last_run_ = 0;
  std::atomic<size_t> entries_{0};
  std::atomic<bool> read_only_{false};
  std::vector<std::unique_ptr<IteratorMemory>> iterators_;
};

}  // namespace

rocksdb::MemTableRep* RunMemtableFactory::CreateMemTableRep(
    const rocksdb::MemTableRep::KeyComparator&, rocksdb::Allocator* allocator,
    const rocksdb::SliceTransform*, rocksdb::Logger*) {
  return new RunMemtable(allocator);
}

}  // namespace tuplespace
