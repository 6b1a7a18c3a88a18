// Chronicle is the file in which clients write down what they asked for and what they were told,
// with the instants of both: what tests/histories decides about. Tuples have a key; what happens
// under one key is short, and has nothing to do with other keys.
//
// A line is `number client key kind argument lease_us call_us return_us outcome`:
//
//   out   argument: the tuple's id               ok, unknown
//   in    takes for good                         the id, none, unknown
//   rd                                           the id, none
//   hold  takes under a lease of lease_us        the id, none, unknown
//   done  argument: the hold's number            ok, ended (the hold had ended before), unknown
//   back  the same, gives it back
//
// Whoever never learned the outcome has return_us -1. What surely changed nothing is not written.
//
// Threads: any.
// Bounds:  kPerKey operations of a key, about.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace tuplespace::crash {

class Chronicle {
 public:
  static constexpr size_t kKeys = 4;  // worked on at a time
  static constexpr int kPerKey = 30;

  explicit Chronicle(const std::string& path) : file_(path) {}

  struct Line {
    uint64_t number = 0;
    size_t client = 0;
    int64_t key = 0;
    std::string kind;
    uint64_t argument = 0;
    int64_t lease_us = 0;
    int64_t call_us = 0;
  };

  // Begins an operation under a key of the moment, now.
  Line begin(size_t client, std::mt19937_64& random);
  // Begins one under this key.
  Line begin(size_t client, int64_t key);
  void end(const Line& line, const std::string& outcome);

  uint64_t lines() const;
  // So far; the file has all of it.
  void flush();

 private:
  struct Key {
    int64_t key = 0;
    int left = 0;
  };
  static int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  mutable std::mutex mutex_;
  std::ofstream file_;
  std::vector<Key> keys_ = std::vector<Key>(kKeys);
  int64_t last_key_ = 0;
  uint64_t last_number_ = 0;
  uint64_t lines_ = 0;
};

}  // namespace tuplespace::crash
