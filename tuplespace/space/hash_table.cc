#include "tuplespace/space/hash_table.h"

#include <algorithm>
#include <iterator>

#include "tuplespace/status.h"

namespace tuplespace {
namespace {

// A segment has one capacity after the other. Two halves of a full one fit into the last but one.
constexpr uint32_t kCapacities[] = {8, 16, 32, 64, 128, 256, 384, 512};
constexpr uint32_t kHalfCapacity = std::end(kCapacities)[-2];
constexpr uint32_t kFullCapacity = std::end(kCapacities)[-1];

bool is_full(uint32_t used, uint32_t capacity) { return used * 8 >= capacity * 7; }

}  // namespace

HashTable::Segment::Segment(uint32_t places, uint8_t bits)
    : capacity(places), depth(bits), keys(new uint64_t[places]), values(new uint32_t[places]) {
  std::fill_n(values.get(), places, kEmpty);
}

// The directory uses the high bits of a key, places in a segment the low half.
uint32_t HashTable::Segment::home(uint64_t key) const {
  return static_cast<uint32_t>((key & 0xffffffff) * capacity >> 32);
}

uint32_t HashTable::Segment::position(uint64_t key) const {
  uint32_t at = home(key);
  while (values[at] != kEmpty && keys[at] != key) at = after(at);
  return at;
}

void HashTable::Segment::remove_at(uint32_t gap) {
  // Entries behind the gap move up, so that no search ends too early.
  for (uint32_t at = after(gap); values[at] != kEmpty; at = after(at)) {
    const uint32_t from = home(keys[at]);
    if (steps(from, at) < steps(gap, at)) continue;
    keys[gap] = keys[at];
    values[gap] = values[at];
    gap = at;
  }
  values[gap] = kEmpty;
  --used;
}

void HashTable::Segment::take_from(const Segment& other) {
  for (uint32_t i = 0; i < other.capacity; ++i) {
    if (other.values[i] == kEmpty) continue;
    const uint32_t at = position(other.keys[i]);
    keys[at] = other.keys[i];
    values[at] = other.values[i];
  }
  used = other.used;
}

HashTable::HashTable() { directory_.push_back(std::make_shared<Segment>(kCapacities[0], 0)); }
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
      if (is_full(segment.used, segment.capacity)) {
        if (segment.capacity < kFullCapacity) {
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

void HashTable::grow(size_t index) {
  const std::shared_ptr<Segment> old = directory_[index];
  const uint32_t capacity = *std::ranges::upper_bound(kCapacities, old->capacity);
  auto larger = std::make_shared<Segment>(capacity, old->depth);
  larger->take_from(*old);
  replace(index, larger, larger);
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
  const auto is_high = [&](uint32_t i) { return (old->keys[i] >> (64 - bits)) & 1; };
  uint32_t highs = 0;
  for (uint32_t i = 0; i < old->capacity; ++i) highs += old->values[i] != kEmpty && is_high(i);
  const auto with_room = [&](uint32_t used) {
    return std::make_shared<Segment>(is_full(used, kHalfCapacity) ? kFullCapacity : kHalfCapacity,
                                     bits);
  };
  const std::shared_ptr<Segment> low = with_room(old->used - highs);
  const std::shared_ptr<Segment> high = with_room(highs);
  for (uint32_t i = 0; i < old->capacity; ++i) {
    if (old->values[i] == kEmpty) continue;
    Segment& half = is_high(i) ? *high : *low;
    const uint32_t at = half.position(old->keys[i]);
    half.keys[at] = old->keys[i];
    half.values[at] = old->values[i];
    ++half.used;
  }
  replace(index, low, high);
}

void HashTable::replace(size_t index, const std::shared_ptr<Segment>& low,
                        const std::shared_ptr<Segment>& high) {
  const size_t span = size_t{1} << (depth_ - directory_[index]->depth);
  const size_t first = index & ~(span - 1);
  for (size_t i = 0; i < span; ++i) directory_[first + i] = i < span / 2 ? low : high;
}

size_t HashTable::footprint() const {
  size_t bytes = directory_.capacity() * sizeof(directory_[0]);
  const Segment* last = nullptr;
  for (const auto& segment : directory_) {
    if (segment.get() == last) continue;
    last = segment.get();
    bytes += sizeof(Segment) + segment->capacity * (sizeof(uint64_t) + sizeof(uint32_t));
  }
  return bytes;
}

}  // namespace tuplespace
