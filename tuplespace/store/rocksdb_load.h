// load_records reads a database for recovery. RocksDB is read on a second thread, ahead of the
// caller, who has as much to do with each record as RocksDB has: so recovery uses two cores.
//
// Order:   visit() is called in key order.
// Threads: visit() is called on the caller's thread.
// Bounds:  kPagesAhead pages of about kPageBytes are read ahead.
#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <string>
#include <string_view>

#include "tuplespace/status.h"

namespace tuplespace {

// Visits every record whose key begins with `prefix` and lies before `end`, until a visit fails.
// Returns why it did, or why the database cannot be read; `name` is the database's, for the error.
Status load_records(
    rocksdb::DB& db, std::string_view prefix, std::string_view end, const std::string& name,
    const std::function<Status(std::string_view key, std::string_view value)>& visit);

}  // namespace tuplespace
