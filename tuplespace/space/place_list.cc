#include "tuplespace/space/place_list.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace tuplespace {

void PlaceList::Chunk::pack() {
  if (first == 0) return;
  Slot* const base = reinterpret_cast<Slot*>(this + 1);
  std::memmove(base, base + first, count * sizeof(Slot));
  first = 0;
}

PlaceList::ChunkPtr PlaceList::make_chunk(uint32_t capacity) {
  void* const block = std::malloc(sizeof(Chunk) + capacity * sizeof(Slot));
  TS_CHECK(block != nullptr);
  auto* const chunk = new (block) Chunk;
  chunk->capacity = static_cast<uint16_t>(capacity);
  return ChunkPtr(chunk);
}

// Returns the chunk in which `place` is or belongs. Requires: not empty.
size_t PlaceList::chunk_of(const Slab& slab, Sequence place) const {
  const size_t last = chunks_.size() - 1;
  if (slab[(*chunks_[last])[0]].id <= place) return last;  // arrivals come here
  size_t low = 0;
  size_t high = last;
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (slab[(*chunks_[middle])[0]].id <= place) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

// Makes room for one slot behind the last of `chunk`.
void PlaceList::make_room(size_t index) {
  Chunk& chunk = *chunks_[index];
  if (chunk.first + chunk.count < chunk.capacity) return;
  if (chunk.first > 0) {
    chunk.pack();
    return;
  }
  ChunkPtr larger = make_chunk(std::min<uint32_t>(kChunk, chunk.capacity * 2u));
  larger->count = chunk.count;
  std::memcpy(larger->slots(), chunk.slots(), chunk.count * sizeof(Slot));
  chunks_[index] = std::move(larger);
}

void PlaceList::split(size_t index) {
  Chunk& chunk = *chunks_[index];
  const uint16_t half = chunk.count / 2;
  ChunkPtr upper = make_chunk(kChunk);
  upper->count = static_cast<uint16_t>(chunk.count - half);
  std::memcpy(upper->slots(), chunk.slots() + half, upper->count * sizeof(Slot));
  chunk.count = half;
  chunks_.insert(chunks_.begin() + static_cast<ptrdiff_t>(index) + 1, std::move(upper));
}

void PlaceList::insert(const Slab& slab, Slot slot) {
  const Sequence place = slab[slot].id;
  ++size_;
  if (chunks_.empty()) chunks_.push_back(make_chunk(2));
  size_t index = chunks_[0]->count == 0 ? 0 : chunk_of(slab, place);
  Chunk* chunk = chunks_[index].get();
  const bool at_end = chunk->count == 0 || slab[(*chunk)[chunk->count - 1u]].id < place;
  if (chunk->count == kChunk) {
    if (at_end && index + 1 == chunks_.size()) {
      chunks_.push_back(make_chunk(kChunk));
      ++index;
    } else {
      split(index);
      if (slab[(*chunks_[index + 1])[0]].id <= place) ++index;
    }
  }
  make_room(index);
  chunk = chunks_[index].get();
  uint32_t offset = chunk->count;
  if (offset > 0 && slab[(*chunk)[offset - 1]].id > place) {
    offset = static_cast<uint32_t>(
        std::partition_point(chunk->slots(), chunk->slots() + chunk->count,
                             [&](Slot other) { return slab[other].id < place; }) -
        chunk->slots());
    std::memmove(chunk->slots() + offset + 1, chunk->slots() + offset,
                 (chunk->count - offset) * sizeof(Slot));
  }
  chunk->slots()[offset] = slot;
  ++chunk->count;
}

void PlaceList::erase(const Slab& slab, Slot slot) {
  --size_;
  Chunk* chunk = chunks_[0].get();
  size_t index = 0;
  if ((*chunk)[0] != slot) {
    const Sequence place = slab[slot].id;
    index = chunk_of(slab, place);
    chunk = chunks_[index].get();
    const uint32_t offset = static_cast<uint32_t>(
        std::partition_point(chunk->slots(), chunk->slots() + chunk->count,
                             [&](Slot other) { return slab[other].id < place; }) -
        chunk->slots());
    TS_CHECK(offset < chunk->count && (*chunk)[offset] == slot);
    std::memmove(chunk->slots() + offset, chunk->slots() + offset + 1,
                 (chunk->count - offset - 1) * sizeof(Slot));
    --chunk->count;
  } else {  // the oldest goes most often: it leaves a gap
    ++chunk->first;
    --chunk->count;
  }
  if (chunk->count == 0) {
    if (chunks_.size() > 1) {
      chunks_.erase(chunks_.begin() + static_cast<ptrdiff_t>(index));
    } else {
      chunk->first = 0;
    }
  } else if (index + 1 < chunks_.size() && chunk->count + chunks_[index + 1]->count <= kChunk / 2) {
    Chunk& upper = *chunks_[index + 1];  // two thin neighbours become one
    chunk->pack();
    if (chunk->count + upper.count <= chunk->capacity) {
      std::memcpy(chunk->slots() + chunk->count, upper.slots(), upper.count * sizeof(Slot));
      chunk->count = static_cast<uint16_t>(chunk->count + upper.count);
      chunks_.erase(chunks_.begin() + static_cast<ptrdiff_t>(index) + 1);
    }
  }
}

void PlaceList::clear() {
  chunks_.clear();
  size_ = 0;
}

PlaceList::Position PlaceList::above(const Slab& slab, Sequence place) const {
  if (empty()) return end();
  const size_t index = chunk_of(slab, place);
  const Chunk& chunk = *chunks_[index];
  const uint32_t offset = static_cast<uint32_t>(
      std::partition_point(chunk.slots(), chunk.slots() + chunk.count,
                           [&](Slot other) { return slab[other].id <= place; }) -
      chunk.slots());
  return offset < chunk.count ? Position{index, offset} : Position{index + 1, 0};
}

PlaceList::Position PlaceList::next(Position position) const {
  if (position.offset + 1u < chunks_[position.chunk]->count) {
    return {position.chunk, position.offset + 1};
  }
  return {position.chunk + 1, 0};
}

PlaceList::Position PlaceList::previous(Position position) const {
  if (position.offset > 0) return {position.chunk, position.offset - 1};
  return {position.chunk - 1, chunks_[position.chunk - 1]->count - 1u};
}

size_t PlaceList::footprint() const {
  size_t bytes = chunks_.capacity() * sizeof(ChunkPtr);
  for (const ChunkPtr& chunk : chunks_) bytes += sizeof(Chunk) + chunk->capacity * sizeof(Slot);
  return bytes;
}

}  // namespace tuplespace
