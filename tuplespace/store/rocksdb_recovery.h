// Recovery opens the database of a data directory: it makes a new one, or finds out what the log
// of an old one holds, refuses or cuts it as wal_audit.h says, and replays it.
//
// After it everything recovered is in SST files and synced, and no old log will be read again. So
// a cut is final, and new groups never follow unsynced ones of an earlier process.
//
// Threads: the one that opens the database.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tuplespace/status.h"
#include "tuplespace/store/data_directory.h"
#include "tuplespace/store/rocksdb_store.h"

namespace tuplespace {

struct Recovered {
  std::unique_ptr<rocksdb::DB> db;
  uint64_t last = 0;  // number of the last batch; new ones follow it
};

// DATA_LOSS: something that was synced is missing, and nothing was changed.
Result<Recovered> recover(DataDirectory& directory, const RocksDbOptions& options);

inline rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

// RocksDB's status as ours; `what` says what was tried.
Status translate(const rocksdb::Status& status, const std::string& what);

}  // namespace tuplespace
