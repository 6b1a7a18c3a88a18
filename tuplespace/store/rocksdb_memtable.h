// RunMemtable is RocksDB's memtable for a store that writes, erases by key, and reads only at
// recovery: entries are appended to sorted runs, and the runs are merged when somebody reads.
//
// Our keys come in a few interleaved ascending streams (tuples that arrive, tuples that leave), so
// an entry nearly always extends a run, which takes two or three comparisons; the flush then
// merges instead of sorting. RocksDB's own vector memtable spends half of all the processor time
// of a busy store on that sort, its skip list more than that on insertion.
//
// Threads: as RocksDB asks: one writer, any number of readers.
#pragma once

#include <rocksdb/memtablerep.h>

namespace tuplespace {

class RunMemtableFactory : public rocksdb::MemTableRepFactory {
 public:
  using rocksdb::MemTableRepFactory::CreateMemTableRep;
  // Requires: the database orders its keys bytewise.
  rocksdb::MemTableRep* CreateMemTableRep(const rocksdb::MemTableRep::KeyComparator& order,
                                          rocksdb::Allocator* allocator,
                                          const rocksdb::SliceTransform* prefix,
                                          rocksdb::Logger* logger) override;
  const char* Name() const override { return "RunMemtableFactory"; }
};

}  // namespace tuplespace
