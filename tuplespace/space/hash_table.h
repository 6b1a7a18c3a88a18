// HashTable maps 64-bit hashes to 32-bit numbers. It grows by splitting one segment at a time
// (extendible hashing), so no insertion ever rehashes more than a segment. An entry costs 14 to 21
// bytes: all segments of a large table fill up together, and grow once before they are split.
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
    Segment(uint32_t capacity, uint8_t depth);
    uint32_t capacity;
    uint32_t used = 0;
    uint8_t depth;  // bits of the directory that all its keys share
    std::unique_ptr<uint64_t[]> keys;
    std::unique_ptr<uint32_t[]> values;

    uint32_t home(uint64_t key) const;
    uint32_t after(uint32_t position) const { return position + 1 == capacity ? 0 : position + 1; }
    // How many steps of after() lead from one to the other.
    uint32_t steps(uint32_t from, uint32_t to) const {
      return to >= from ? to - from : to + capacity - from;
    }
    uint32_t position(uint64_t key) const;  // of the key, or of the gap where it belongs
    void remove_at(uint32_t position);
    void take_from(const Segment& other);  // Requires: this is empty, with room for it
  };

  size_t directory_index(uint64_t key) const { return depth_ == 0 ? 0 : key >> (64 - depth_); }
  void grow(size_t index);
  void split(size_t index);
  // Puts two segments, or one twice, where the one at `index` was.
  void replace(size_t index, const std::shared_ptr<Segment>& low,
               const std::shared_ptr<Segment>& high);

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
    for (uint32_t i = 0; i < segment->capacity; ++i) {
      if (segment->values[i] != kEmpty) visit(segment->keys[i], segment->values[i]);
    }
  }
}

}  // namespace tuplespace
