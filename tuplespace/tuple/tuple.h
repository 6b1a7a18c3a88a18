// Tuple is an immutable list of values, held as its canonical bytes (encoding.h). Copies share
// the bytes.
//
// Bounds:  Limits; checked when it is made from values or from outside.
// Threads: any (immutable; the count of sharers is atomic).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuplespace/status.h"
#include "tuplespace/tuple/value.h"

namespace tuplespace {

class Tuple {
 public:
  Tuple() = default;  // ()
  Tuple(const Tuple& other) noexcept : shared_(other.shared_) { retain(); }
  Tuple(Tuple&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  Tuple& operator=(Tuple other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~Tuple() { release(); }

  // Returns the tuple of `values`, or why they make none.
  static Result<Tuple> of(const std::vector<Value>& values, const Limits& limits = {});

  // Returns the tuple of bytes that are known to be `arity` canonical fields.
  static Tuple from_canonical(std::string_view bytes, size_t arity);

  size_t arity() const;
  std::string_view bytes() const;  // canonical

  // Decodes. at() requires: index < arity().
  Value at(size_t index) const;
  std::vector<Value> values() const;

  // The bytes of memory behind this tuple, shared or not.
  size_t footprint() const;

  bool operator==(const Tuple& other) const { return bytes() == other.bytes(); }

 private:
  struct Shared;
  void retain() const noexcept;
  void release() noexcept;

  Shared* shared_ = nullptr;
};

// Says which bound a tuple of so many fields and canonical bytes breaks, if any.
Status check_size(size_t fields, size_t bytes, const Limits& limits);

}  // namespace tuplespace
