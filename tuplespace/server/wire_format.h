// wire_format reads and writes protobuf's wire format, for the messages that are too many to be
// built as objects first: operations, answers and frames.
//
// Order:   a Nested is finished in the reverse order of their beginnings (scopes do it).
// Threads: any (functions of their arguments).
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace tuplespace {

// FieldReader walks the fields of one serialized message.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message)
      : at_(message.data()), end_(message.data() + message.size()) {}

  // Moves to the next field. False at the end, and where the bytes are no message: then failed().
  bool next() {
    if (at_ == end_) return false;
    const uint64_t tag = read_varint();
    number_ = static_cast<uint32_t>(tag >> 3);
    if (tag - 8 >= (uint64_t{1} << 32) - 8) failed_ = true;  // no field 0, none beyond 32 bits
    is_bytes_ = (tag & 7) == 2;
    if (is_bytes_) {  // nearly always
      varint_ = 0;
      read_bytes(read_varint());
      return !failed_;
    }
    bytes_ = {};
    varint_ = 0;
    switch (tag & 7) {
      case 0: varint_ = read_varint(); break;
      case 1: skip(8); break;
      case 5: skip(4); break;
      default: failed_ = true;
    }
    return !failed_;
  }

  bool failed() const { return failed_; }
  uint32_t number() const { return number_; }

  // True for strings, bytes and messages; their content is bytes(). False for numbers: varint().
  // What a field is not is empty or 0, so a field of a wrong kind reads as absent.
  bool is_bytes() const { return is_bytes_; }
  std::string_view bytes() const { return bytes_; }
  uint64_t varint() const { return varint_; }

  // Reads a varint in a row of them (a packed field): requires more() before.
  bool more() const { return at_ != end_ && !failed_; }
  uint64_t read_varint() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return static_cast<uint8_t>(*at_++);
    return read_long_varint();
  }

 private:
  uint64_t read_long_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  void read_bytes(uint64_t length) {
    if (failed_ || length > static_cast<uint64_t>(end_ - at_)) {
      failed_ = true;
      return;
    }
    bytes_ = {at_, static_cast<size_t>(length)};
    at_ += length;
  }
  void skip(int length) {
    if (end_ - at_ < length) {
      failed_ = true;
      return;
    }
    at_ += length;
  }

  const char* at_;
  const char* end_;
  uint32_t number_ = 0;
  bool is_bytes_ = false;
  bool failed_ = false;
  uint64_t varint_ = 0;
  std::string_view bytes_;
};

inline void append_varint(std::string& out, uint64_t value) {
  if (value < 0x80) {
    out.push_back(static_cast<char>(value));
    return;
  }
  char buffer[10];
  size_t length = 0;
  while (value >= 0x80) {
    buffer[length++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  buffer[length++] = static_cast<char>(value);
  out.append(buffer, length);
}

// Appends a number field; 0 is left out, as proto3 does.
inline void append_number(std::string& out, uint32_t field, uint64_t value) {
  if (value == 0) return;
  append_varint(out, field << 3);
  append_varint(out, value);
}

// Appends a string, bytes or message field; empty ones too.
inline void append_bytes(std::string& out, uint32_t field, std::string_view value) {
  append_varint(out, field << 3 | 2);
  append_varint(out, value.size());
  out.append(value);
}

// Nested is a message field whose content is what is appended while it lives.
class Nested {
 public:
  Nested(std::string& out, uint32_t field) : out_(out) {
    append_varint(out, field << 3 | 2);
    out.push_back(0);
    begin_ = out.size();
  }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

  // One byte was kept for the length; a longer one moves the content.
  ~Nested() {
    size_t length = out_.size() - begin_;
    if (length < 0x80) {
      out_[begin_ - 1] = static_cast<char>(length);
      return;
    }
    const size_t bytes = (static_cast<size_t>(std::bit_width(length)) + 6) / 7;
    out_.insert(begin_, bytes - 1, '\0');
    for (size_t i = 0; i < bytes; ++i, length >>= 7) {
      out_[begin_ - 1 + i] = static_cast<char>((length & 0x7f) | (i + 1 < bytes ? 0x80 : 0));
    }
  }

 private:
  std::string& out_;
  size_t begin_;
};

}  // namespace tuplespace
