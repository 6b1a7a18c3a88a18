// What the tests of stores share: a directory that goes away, and a listener that can be asked.
//
// Threads: any.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tuplespace/store/store.h"

namespace tuplespace {

using Records = std::map<std::string, std::string>;

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "store_test.XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "no directory for the test";
    path_ = pattern;
  }
  ~TempDirectory() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Starts a store and remembers what it told.
class Listener {
 public:
  void start(Store& store) {
    store.start(
        [this](Watermarks marks) {
          std::lock_guard lock(mutex_);
          told_.push_back(marks);
          changed_.notify_all();
        },
        [this](const Status& status) {
          std::lock_guard lock(mutex_);
          failures_.push_back(status);
          changed_.notify_all();
        });
  }
  // Waits until a mark was told to be at least `number`.
  void await_written(uint64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !told_.empty() && told_.back().written >= number; });
  }
  void await_synced(uint64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !told_.empty() && told_.back().synced >= number; });
  }
  Status await_failure() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !failures_.empty(); });
    return failures_.front();
  }
  std::vector<Watermarks> told() {
    std::lock_guard lock(mutex_);
    return told_;
  }
  size_t failures() {
    std::lock_guard lock(mutex_);
    return failures_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Watermarks> told_;
  std::vector<Status> failures_;
};

inline Batch put(const std::string& key, const std::string& value) {
  Batch batch;
  batch.put(key, value);
  return batch;
}

inline Records load_all(Store& store, const std::string& prefix = "") {
  Records records;
  std::string last;
  const Status loaded = store.load(prefix, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(records.empty() || last < key) << "not in key order: " << key;
    last = key;
    records.emplace(key, value);
    return Status();
  });
  EXPECT_TRUE(loaded.ok()) << loaded.to_string();
  return records;
}

}  // namespace tuplespace
