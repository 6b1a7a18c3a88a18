#include "tuplespace/tuple/tuple.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace {

// One block of memory: this header, then the bytes. Millions of these exist, so it is eight bytes.
struct Tuple::Shared {
  std::atomic<uint32_t> sharers;
  uint32_t size;
  char* data() { return reinterpret_cast<char*>(this + 1); }
};

Status check_size(size_t fields, size_t bytes, const Limits& limits) {
  if (fields > limits.fields_max) {
    return exhausted(fmt::format("tuple has {} fields, fields_max is {}; put some into a list",
                                 fields, limits.fields_max),
                     "fields_max", false);
  }
  if (bytes > limits.tuple_bytes_max) {
    return exhausted(fmt::format("tuple is {} bytes, tuple_bytes_max is {}; split the payload or "
                                 "raise the setting",
                                 bytes, limits.tuple_bytes_max),
                     "tuple_bytes_max", false);
  }
  return {};
}

Result<Tuple> Tuple::of(const std::vector<Value>& values, const Limits& limits) {
  std::string bytes;
  for (const Value& value : values) TS_RETURN_IF_ERROR(encode(value, limits, bytes));
  TS_RETURN_IF_ERROR(check_size(values.size(), bytes.size(), limits));
  return from_canonical(bytes, values.size());
}

Tuple Tuple::from_canonical(std::string_view bytes, size_t arity) {
  Tuple tuple;
  if (arity == 0) return tuple;
  TS_CHECK(bytes.size() <= UINT32_MAX);
  void* const block = std::malloc(sizeof(Shared) + bytes.size());
  TS_CHECK(block != nullptr);
  tuple.shared_ = new (block) Shared{{1}, static_cast<uint32_t>(bytes.size())};
  std::memcpy(tuple.shared_->data(), bytes.data(), bytes.size());
  return tuple;
}

void Tuple::retain() const noexcept {
  if (shared_ != nullptr) shared_->sharers.fetch_add(1, std::memory_order_relaxed);
}

void Tuple::release() noexcept {
  if (shared_ == nullptr) return;
  // Most tuples have one sharer; a load is cheaper than an atomic subtraction.
  if (shared_->sharers.load(std::memory_order_acquire) == 1 ||
      shared_->sharers.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    std::free(shared_);
  }
  shared_ = nullptr;
}

std::string_view Tuple::bytes() const {
  return shared_ == nullptr ? std::string_view() : std::string_view(shared_->data(), shared_->size);
}

size_t Tuple::arity() const {
  size_t count = 0;
  for (std::string_view rest = bytes(); !rest.empty(); take_field(rest)) ++count;
  return count;
}

Value Tuple::at(size_t index) const {
  std::string_view rest = bytes();
  for (; index > 0; --index) take_field(rest);
  return decode(take_field(rest));
}

std::vector<Value> Tuple::values() const {
  std::vector<Value> values;
  for (std::string_view rest = bytes(); !rest.empty();) values.push_back(decode(take_field(rest)));
  return values;
}

size_t Tuple::footprint() const { return shared_ == nullptr ? 0 : sizeof(Shared) + shared_->size; }

}  // namespace tuplespace
