// PlaceList is a list of tuples in order of place (Entry::id), kept in chunks: both ends and any
// known tuple are quick to reach, a returned tuple finds its old place, and nothing is moved that
// is longer than a chunk.
//
// Order:   ascending place.
// Threads: lane.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "tuplespace/space/slab.h"

namespace tuplespace {

class PlaceList {
 public:
  // A position; valid until the list changes.
  struct Position {
    size_t chunk;
    uint32_t offset;
    bool operator==(const Position&) const = default;
  };

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Requires: no tuple of that place is in the list.
  void insert(const Slab& slab, Slot slot);
  // Requires: it is in the list.
  void erase(const Slab& slab, Slot slot);
  void clear();

  // An empty list may keep a chunk.
  Position begin() const { return empty() ? end() : Position{0, 0}; }
  Position end() const { return {chunks_.size(), 0}; }
  // The first position whose place is above `place`.
  Position above(const Slab& slab, Sequence place) const;
  Slot at(Position position) const { return (*chunks_[position.chunk])[position.offset]; }
  Position next(Position position) const;
  Position previous(Position position) const;  // Requires: not begin()

  // The slot at a position drawn uniformly. `draw(n)` returns a number below n. Requires: not
  // empty.
  template <typename Draw>
  Slot random(Draw draw) const {
    while (true) {
      const Chunk& chunk = *chunks_[draw(chunks_.size())];
      const uint32_t offset = static_cast<uint32_t>(draw(kChunk));
      if (offset < chunk.count) return chunk[offset];
    }
  }

  size_t footprint() const;

 private:
  static constexpr uint32_t kChunk = 128;  // slots in a full chunk

  // One block of memory, its slots behind it; small lists have small chunks.
  struct alignas(Slot) Chunk {
    uint16_t first = 0;  // slots before it are gaps left at the front
    uint16_t count = 0;
    uint16_t capacity = 0;

    Slot* slots() { return reinterpret_cast<Slot*>(this + 1) + first; }
    const Slot* slots() const { return reinterpret_cast<const Slot*>(this + 1) + first; }
    Slot& operator[](uint32_t i) { return slots()[i]; }
    Slot operator[](uint32_t i) const { return slots()[i]; }
    void pack();  // moves the slots to the front
  };
  struct Free {
    void operator()(Chunk* chunk) const { std::free(chunk); }
  };
  using ChunkPtr = std::unique_ptr<Chunk, Free>;

  static ChunkPtr make_chunk(uint32_t capacity);
  size_t chunk_of(const Slab& slab, Sequence place) const;
  void make_room(size_t chunk);
  void split(size_t chunk);

  std::vector<ChunkPtr> chunks_;
  size_t size_ = 0;
};

}  // namespace tuplespace
