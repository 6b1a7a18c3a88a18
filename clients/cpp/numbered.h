// Numbered finds calls by number. Numbers only grow, and most calls are answered soon: the young
// stand in a ring by the low bits of their number; one that still waits when its place is needed
// moves to a map.
//
// Bounds:  the ring grows to twice the calls under way, at most kRingMax places.
// Threads: under the owner's lock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tuplespace::client {

template <typename T>
class Numbered {
 public:
  size_t size() const { return size_; }

  // Requires: `number` is new and not 0.
  void add(uint64_t number, T* call) {
    if (size_ * 2 >= ring_.size() && ring_.size() < kRingMax) grow();
    Place& place = place_of(number);
    if (place.call != nullptr) old_.emplace(place.number, place.call);
    place = {number, call};
    ++size_;
  }

  // Returns the call of `number`, or null. take() forgets it.
  T* find(uint64_t number) {
    Place& place = place_of(number);
    if (place.number == number) return place.call;
    const auto old = old_.find(number);
    return old == old_.end() ? nullptr : old->second;
  }
  T* take(uint64_t number) {
    Place& place = place_of(number);
    if (place.number == number && place.call != nullptr) {
      --size_;
      return std::exchange(place, {}).call;
    }
    const auto old = old_.find(number);
    if (old == old_.end()) return nullptr;
    T* const call = old->second;
    old_.erase(old);
    --size_;
    return call;
  }

  // Returns all, in order of their numbers.
  std::vector<std::pair<uint64_t, T*>> all() const {
    std::vector<std::pair<uint64_t, T*>> calls(old_.begin(), old_.end());
    for (const Place& place : ring_) {
      if (place.call != nullptr) calls.emplace_back(place.number, place.call);
    }
    std::sort(calls.begin(), calls.end());
    return calls;
  }

  void clear() {
    std::fill(ring_.begin(), ring_.end(), Place());
    old_.clear();
    size_ = 0;
  }

 private:
  static constexpr size_t kRingMax = 1 << 15;

  struct Place {
    uint64_t number = 0;
    T* call = nullptr;
  };

  Place& place_of(uint64_t number) { return ring_[number & (ring_.size() - 1)]; }

  void grow() {
    std::vector<Place> smaller = std::move(ring_);
    ring_.assign(smaller.size() * 2, {});
    for (const Place& place : smaller) {
      if (place.call == nullptr) continue;
      Place& now = place_of(place.number);
      if (now.call != nullptr) old_.emplace(now.number, now.call);
      now = place;
    }
  }

  std::vector<Place> ring_ = std::vector<Place>(256);
  std::unordered_map<uint64_t, T*> old_;
  size_t size_ = 0;
};

}  // namespace tuplespace::client
