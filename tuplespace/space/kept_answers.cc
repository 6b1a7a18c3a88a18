#include "tuplespace/space/kept_answers.h"

#include <algorithm>
#include <utility>

namespace tuplespace {

KeptAnswer& KeptAnswers::insert(Number number) {
  if (size() * 2 >= places_) resize(std::max(kSmallest, places_ * 2));
  most_ = std::max(most_, size() + 1);
  Place& place = place_of(number);
  if (place.number != 0) return others_[number];
  ++in_ring_;
  place.number = number;
  std::destroy_at(&place.answer);
  return *std::construct_at(&place.answer);
}

void KeptAnswers::erase(Number number) {
  Place& place = place_of(number);
  if (place.number != number) {
    TS_CHECK(others_.erase(number) == 1);
    return;
  }
  place.number = 0;
  place.answer.tuples.clear();  // the rest is overwritten by who comes here next
  if (!place.answer.detail.empty()) place.answer.detail = {};
  --in_ring_;
  if (size() > 0) return;
  // Who has many answers again and again keeps the places for them.
  if (places_ > kSpareMax && most_ * 8 < places_) resize(kSmallest);
  most_ = 0;
}

void KeptAnswers::resize(size_t places) {
  const std::unique_ptr<Place[]> old = std::exchange(ring_, std::make_unique<Place[]>(places));
  absl::flat_hash_map<Number, KeptAnswer> others = std::exchange(others_, {});
  const size_t before = std::exchange(places_, places);
  in_ring_ = 0;
  for (size_t i = 0; i < before; ++i) {
    if (old[i].number != 0) insert(old[i].number) = std::move(old[i].answer);
  }
  for (auto& [number, answer] : others) insert(number) = std::move(answer);
}

std::vector<Number> KeptAnswers::numbers() const {
  std::vector<Number> numbers;
  numbers.reserve(size());
  for (size_t i = 0; i < places_; ++i) {
    if (ring_[i].number != 0) numbers.push_back(ring_[i].number);
  }
  for (const auto& [number, answer] : others_) numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::vector<Number> KeptAnswers::numbers_in(const NumberRange& range) {
  std::vector<Number> within;
  if (range.last < range.first) return within;
  if (range.last - range.first <= size()) {
    for (uint64_t i = 0; i <= range.last - range.first; ++i) {
      if (find(range.first + i) != nullptr) within.push_back(range.first + i);
    }
    return within;
  }
  for (const Number number : numbers()) {
    if (range.first <= number && number <= range.last) within.push_back(number);
  }
  return within;
}

}  // namespace tuplespace
