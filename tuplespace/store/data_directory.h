// DataDirectory is the directory that a store lives in: ours, of a format that we can read, and
// in use by this process only.
//
//   LOCK     held with flock() by the server that uses the directory; its pid as text
//   FORMAT   the root record, written last when the directory is made
//   SYNCED   the number of the last synced batch and its complement, 8 bytes each
//   db/      what the store itself keeps
//
// The root record is text, so that any version, and any reader, can tell what it is:
//
//   tuplespace data directory
//   format 2
//   readable-by 2
//   created-by 0.1.0
//   store 5b1e6f0c9a3d4f7e8c2b1a0d9e8f7a6b
//
// `readable-by` is the oldest format version whose programs can read this directory. To change
// the format: raise kFormat; raise kReadableBy if older programs would misread it; teach the
// reader the old one; keep a directory of the old format in tests/integration/data.
//
// Threads: any (immutable), but note_synced() one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tuplespace/status.h"

namespace tuplespace {

// 1: spaces, sessions, answers, tuples. 2: also holds and events; read and raised when opened.
inline constexpr uint32_t kStoreFormat = 2;
inline constexpr uint32_t kStoreReadableBy = 2;

struct RootRecord {
  uint32_t format = kStoreFormat;
  uint32_t readable_by = kStoreReadableBy;
  std::string created_by;
  std::string store;  // 32 hex digits, random

  static RootRecord fresh();
  std::string text() const;
  // DATA_LOSS if `text` is none. `where` names it in the error.
  static Result<RootRecord> parse(std::string_view text, const std::string& where);
  // FAILED_PRECONDITION if this program is too old for it.
  Status check_readable(const std::string& where) const;
};

class DataDirectory {
 public:
  // Makes the directory if there is none, locks it, and reads its root record.
  // FAILED_PRECONDITION: it is in use, it is not ours, or it is newer than this program.
  static Result<std::unique_ptr<DataDirectory>> open(const std::string& path);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  // True if the root record was not there: the directory is new, or its making was interrupted.
  bool is_new() const { return is_new_; }
  const RootRecord& root() const { return root_; }
  std::string database() const { return path_ + "/db"; }
  const std::string& path() const { return path_; }

  // Ends the making of a new directory with `root`; from now on a missing database is an error.
  Status write_root(const RootRecord& root);

  // The highest number that was ever noted, 0 if none or unreadable. It may be behind what was
  // synced, never ahead of it: it reaches the disk by itself, some time later.
  uint64_t synced() const { return synced_; }
  void note_synced(uint64_t number);

 private:
  explicit DataDirectory(std::string path) : path_(std::move(path)) {}
  Status lock();
  Status read_root();
  Status refuse_foreign() const;
  Status open_synced();

  const std::string path_;
  RootRecord root_;
  bool is_new_ = false;
  int lock_fd_ = -1;
  int synced_fd_ = -1;
  uint64_t synced_ = 0;
};

}  // namespace tuplespace
