#include "tuplespace/space/hash_table.h"

#include <algorithm>

#include "tuplespace/status.h"

namespace tuplespace {
namespace {

constexpr uint32_t kFirstCapacity = 8;
constexpr uint32_t kSegmentCapacity = 512;

}  // namespace

HashTable::Segment::Segment(uint32_t capacity, uint8_t bits)
    : mask(capacity - 1),
      depth(bits),
      keys(new uint64_t[capacity]),
      values(new uint32_t[capacity]) {
  std::fill_n(values.get(), capacity, kEmpty);
}

// The directory uses the high bits of a key, positions in a segment the low ones.
uint32_t HashTable::Segment::position(uint64_t key) const {
  uint32_t at = static_cast<uint32_t>(key) & mask;
  while (values[at] != kEmpty && keys[at] != key) at = (at + 1) & mask;
  return at;
}

void HashTable::Segment::remove_at(uint32_t gap) {
  // Entries behind the gap move up, so that no search ends too early.
  uint32_t at = gap;
  while (true) {
    at = (at + 1) & mask;
    if (values[at] == kEmpty) break;
    const uint32_t home = static_cast<uint32_t>(keys[at]) & mask;
    if (((at - home) & mask) >= ((at - gap) & mask)) {
      keys[gap] = keys[at];
      values[gap] = values[at];
      gap = at;
    }
  }
  values[gap] = kEmpty;
  --used;
}

HashTable::HashTable() { directory_.push_back(std::make_shared<Segment>(kFirstCapacity, 0)); }
HashTable::~HashTable() = default;
HashTable::HashTable(HashTable&&) noexcept = default;
HashTable& HashTable::operator=(HashTable&&) noexcept = default;

uint32_t HashTable::find(uint64_t key) const {
  const Segment& segment = *directory_[directory_index(key)];
  return segment.values[segment.position(key)];
}

void HashTable::set(uint64_t key, uint32_t value) {
  while (true) {
    const size_t index = directory_index(key);
    Segment& segment = *directory_[index];
    const uint32_t at = segment.position(key);
    if (segment.values[at] == kEmpty) {
      if (segment.used * 8 >= (segment.mask + 1) * 7) {
        if (segment.mask + 1 < kSegmentCapacity) {
          grow(index);
        } else {
          split(index);
        }
        continue;
      }
      segment.keys[at] = key;
      ++segment.used;
      ++size_;
    }
    segment.values[at] = value;
    return;
  }
}

void HashTable::erase(uint64_t key) {
  Segment& segment = *directory_[directory_index(key)];
  const uint32_t at = segment.position(key);
  TS_CHECK(segment.values[at] != kEmpty);
  segment.remove_at(at);
  // A table that was large gives its memory back when the last entry goes.
  if (--size_ == 0 && depth_ > 0) *this = HashTable();
}

// Only a table of one segment is smaller than a full one.
void HashTable::grow(size_t index) {
  const Segment& old = *directory_[index];
  auto larger = std::make_shared<Segment>((old.mask + 1) * 2, old.depth);
  for (uint32_t i = 0; i <= old.mask; ++i) {
    if (old.values[i] == kEmpty) continue;
    const uint32_t at = larger->position(old.keys[i]);
    larger->keys[at] = old.keys[i];
    larger->values[at] = old.values[i];
  }
  larger->used = old.used;
  directory_[index] = std::move(larger);
}

void HashTable::split(size_t index) {
  const std::shared_ptr<Segment> old = directory_[index];
  if (old->depth == depth_) {
    std::vector<std::shared_ptr<Segment>> wider;
    wider.reserve(directory_.size() * 2);
    for (const auto& segment : directory_) {
      wider.push_back(segment);
      wider.push_back(segment);
    }
    directory_ = std::move(wider);
    ++depth_;
    index *= 2;
  }
  const auto bits = static_cast<uint8_t>(old->depth + 1);
  auto low = std::make_shared<Segment>(kSegmentCapacity, bits);
  auto high = std::make_shared<Segment>(kSegmentCapacity, bits);
  for (uint32_t i = 0; i <= old->mask; ++i) {
    if (old->values[i] == kEmpty) continue;
    Segment& half = (old->keys[i] >> (64 - bits)) & 1 ? *high : *low;
    const uint32_t at = half.position(old->keys[i]);
    half.keys[at] = old->keys[i];
    half.values[at] = old->values[i];
    ++half.used;
  }
  const size_t span = size_t{1} << (depth_ - old->depth);
  const size_t first = index & ~(span - 1);
  for (size_t i = 0; i < span; ++i) directory_[first + i] = i < span / 2 ? low : high;
}

size_t HashTable::footprint() const {
  size_t bytes = directory_.capacity() * sizeof(directory_[0]);
  const Segment* last = nullptr;
  for (const auto& segment : directory_) {
    if (segment.get() == last) continue;
    last = segment.get();
    bytes += sizeof(Segment) + (segment->mask + 1) * (sizeof(uint64_t) + sizeof(uint32_t));
  }
  return bytes;
}

}  // namespace tuplespace
