// HashTable maps 64-bit hashes to 32-bit numbers. It grows by splitting one segment at a time
// (extendible hashing), so no insertion ever rehashes more than a segment, and costs about 18
// bytes an entry.
//
// Requires: keys are well mixed in all their bits.
// Threads: lane.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace tuplespace {

class HashTable {
 public:
  static constexpr uint32_t kEmpty = 0xffffffff;  // no value may be this

  HashTable();
  ~HashTable();
  HashTable(HashTable&&) noexcept;
  HashTable& operator=(HashTable&&) noexcept;

  // Returns the value of `key`, or kEmpty.
  uint32_t find(uint64_t key) const;
  // Sets the value of `key`, new or not.
  void set(uint64_t key, uint32_t value);
  // Forgets `key`. Requires: it is there.
  void erase(uint64_t key);

  size_t size() const { return size_; }
  size_t footprint() const;

  template <typename Visit>
  void for_each(Visit visit) const;

 private:
  struct Segment {
    explicit Segment(uint32_t capacity, uint8_t depth);
    uint32_t mask;
    uint32_t used = 0;
    uint8_t depth;  // bits of the directory that all its keys share
    std::unique_ptr<uint64_t[]> keys;
    std::unique_ptr<uint32_t[]> values;

    uint32_t position(uint64_t key) const;  // of the key, or of the gap where it belongs
    void remove_at(uint32_t position);
  };

  size_t directory_index(uint64_t key) const { return depth_ == 0 ? 0 : key >> (64 - depth_); }
  void grow(size_t index);
  void split(size_t index);

  std::vector<std::shared_ptr<Segment>> directory_;  // 2^depth_; neighbours may share a segment
  uint8_t depth_ = 0;
  size_t size_ = 0;
};

template <typename Visit>
void HashTable::for_each(Visit visit) const {
  const Segment* last = nullptr;
  for (const auto& segment : directory_) {
    if (segment.get() == last) continue;
    last = segment.get();
    for (uint32_t i = 0; i <= segment->mask; ++i) {
      if (segment->values[i] != kEmpty) visit(segment->keys[i], segment->values[i]);
    }
  }
}

}  // namespace tuplespace
