// The wire format of protobuf, as far as wire.cc and wire_template.cc need it: a cursor over the
// fields of one message, and functions that write fields.
//
// Threads: any (a value; functions of their arguments).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tuplespace::protobuf {

enum WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kLength = 2,  // strings, bytes and messages
  kGroupBegin = 3,
  kGroupEnd = 4,
  kFixed32 = 5,
};

constexpr uint32_t tag_of(uint32_t field, WireType type) { return field << 3 | type; }

// Reads a number and moves `at` behind it. Returns false if there is none before `end`.
inline bool read_varint(const char*& at, const char* end, uint64_t& value) {
  if (at < end && static_cast<uint8_t>(*at) < 0x80) {
    value = static_cast<uint8_t>(*at++);
    return true;
  }
  value = 0;
  for (int shift = 0; shift < 70 && at < end; shift += 7) {
    const auto byte = static_cast<uint8_t>(*at++);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Reader goes through the fields of a message in the order in which they are written. It does not
// know which fields the message has: a caller passes over tags that mean nothing to it.
class Reader {
 public:
  explicit Reader(std::string_view message)
      : at_(message.data()), end_(message.data() + message.size()) {}

  // Moves to the next field. Returns false at the end, and when what follows is no field: then
  // ok() is false.
  bool next() {
    if (at_ == end_) return false;
    const auto first = static_cast<uint8_t>(*at_);
    if (first < 0x80 && first >> 3 != 0 && (first & 7) == kLength) {  // nearly always
      tag_ = first;
      ++at_;
      return ok_ = read_bytes();
    }
    return ok_ = read_field(0);
  }
  bool ok() const { return ok_; }

  // The field that next() moved to. number() requires: varint, fixed64 or fixed32.
  uint32_t tag() const { return tag_; }
  uint64_t number() const { return number_; }
  std::string_view bytes() const { return bytes_; }  // requires: kLength

 private:
  static constexpr int kGroupDepthMax = 100;  // as the protobuf library

  bool read_varint(uint64_t& value) { return protobuf::read_varint(at_, end_, value); }

  bool read_fixed(size_t length) {
    if (static_cast<size_t>(end_ - at_) < length) return false;
    number_ = 0;
    std::memcpy(&number_, at_, length);
    at_ += length;
    return true;
  }

  bool read_bytes() {
    uint64_t length = 0;
    if (!read_varint(length) || length > static_cast<size_t>(end_ - at_)) return false;
    bytes_ = {at_, static_cast<size_t>(length)};
    at_ += length;
    return true;
  }

  bool read_field(int depth) {
    uint64_t tag = 0;
    if (!read_varint(tag) || tag >> 3 == 0 || tag > UINT32_MAX) return false;
    tag_ = static_cast<uint32_t>(tag);
    switch (tag_ & 7) {
      case kVarint: return read_varint(number_);
      case kFixed64: return read_fixed(8);
      case kFixed32: return read_fixed(4);
      case kLength: return read_bytes();
      case kGroupBegin: return depth < kGroupDepthMax && skip_group(depth + 1);
      default: return false;
    }
  }

  bool skip_group(int depth) {
    const uint32_t begin = tag_;
    const uint32_t end = begin - kGroupBegin + kGroupEnd;
    while (at_ < end_) {
      const char* const field = at_;
      uint64_t tag = 0;
      if (!read_varint(tag)) return false;
      if (tag == end) {
        tag_ = begin;
        return true;
      }
      at_ = field;
      if (!read_field(depth)) return false;
    }
    return false;
  }

  const char* at_;
  const char* end_;
  uint64_t number_ = 0;
  std::string_view bytes_;
  uint32_t tag_ = 0;
  bool ok_ = true;
};

static_assert(std::endian::native == std::endian::little, "fixed numbers are copied as they are");

// A message that is written in several pieces is the concatenation of their bytes; Merged puts
// them together. Almost always there is one piece, which is not copied.
class Merged {
 public:
  Merged() = default;
  Merged(const Merged&) = delete;
  Merged& operator=(const Merged&) = delete;

  void clear() { pieces_ = 0; }
  void add(std::string_view piece) {
    if (++pieces_ == 1) {
      whole_ = piece;
      return;
    }
    if (pieces_ == 2) joined_ = whole_;
    joined_ += piece;
    whole_ = joined_;
  }
  bool empty() const { return pieces_ == 0; }  // no piece at all
  std::string_view bytes() const { return whole_; }

 private:
  size_t pieces_ = 0;
  std::string_view whole_;
  std::string joined_;
};

constexpr uint64_t zigzag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

constexpr size_t varint_length(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

// Each writes at `at`, where there is room, and returns the position behind.
inline char* put_varint(char* at, uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}
inline char* put_bytes(char* at, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

inline void append_varint(std::string& out, uint64_t value) {
  char buffer[10];
  out.append(buffer, put_varint(buffer, value) - buffer);
}
inline void append_number(std::string& out, uint32_t field, uint64_t value) {
  append_varint(out, tag_of(field, kVarint));
  append_varint(out, value);
}
inline void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  append_varint(out, tag_of(field, kLength));
  append_varint(out, bytes.size());
  out += bytes;
}

}  // namespace tuplespace::protobuf
