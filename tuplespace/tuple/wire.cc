#include "tuplespace/tuple/wire.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/protobuf.h"

namespace tuplespace {
namespace {

using protobuf::put_bytes;
using protobuf::put_varint;
using protobuf::tag_of;
using protobuf::varint_length;

// The fields of proto/tuplespace/v1/tuple.proto.
constexpr uint32_t kNull = tag_of(1, protobuf::kVarint);
constexpr uint32_t kBool = tag_of(2, protobuf::kVarint);
constexpr uint32_t kInt = tag_of(3, protobuf::kVarint);
constexpr uint32_t kFloat = tag_of(4, protobuf::kFixed64);
constexpr uint32_t kString = tag_of(5, protobuf::kLength);
constexpr uint32_t kBytes = tag_of(6, protobuf::kLength);
constexpr uint32_t kList = tag_of(7, protobuf::kLength);
constexpr uint32_t kMap = tag_of(8, protobuf::kLength);
constexpr uint32_t kSpace = tag_of(9, protobuf::kLength);
constexpr uint32_t kItems = tag_of(1, protobuf::kLength);  // of Tuple, List and Map
constexpr uint32_t kKey = tag_of(1, protobuf::kLength);
constexpr uint32_t kValue = tag_of(2, protobuf::kLength);

// Memory for one conversion: on the stack when it is small. It is not initialized.
class Scratch {
 public:
  explicit Scratch(size_t size)
      : large_(size <= sizeof small_ ? nullptr : std::make_unique_for_overwrite<char[]>(size)) {}
  char* data() { return large_ ? large_.get() : small_; }

 private:
  char small_[2048];
  std::unique_ptr<char[]> large_;
};

// Writes canonical bytes for values on the wire. Canonical bytes are never longer than those they
// come from, except for 00, which becomes two: a buffer of twice the wire's size needs no checks.
class Canonical {
 public:
  Canonical(char* out, const Limits& limits) : begin_(out), out_(out), limits_(limits) {}

  static size_t room_for(std::string_view wire) { return 2 * wire.size(); }

  // Writes the value of a serialized Value; false if it is none, then status() says why.
  bool value(std::string_view message, size_t depth);

  std::string_view bytes() const { return {begin_, static_cast<size_t>(out_ - begin_)}; }
  const Status& status() const { return status_; }

 private:
  // An entry of a map, in the bytes written so far.
  struct Entry {
    size_t begin, key_length, length;
    std::string_view key(const char* base) const { return {base + begin, key_length}; }
  };

  bool fail(std::string message, std::string field = {}) {
    status_ = invalid(std::move(message), std::move(field));
    return false;
  }
  bool fail_malformed() { return fail("not a well-formed protobuf message"); }

  bool value_of_pieces(std::string_view message, size_t depth);
  bool put_kind(uint32_t tag, uint64_t number, std::string_view bytes, size_t depth);
  void put(uint8_t code) { *out_++ = static_cast<char>(code); }
  void put_int(int64_t value);
  bool put_float(uint64_t bits);
  void put_text(uint8_t code, std::string_view text);
  bool put_string(std::string_view text);
  bool put_space(std::string_view name);
  bool list(std::string_view message, size_t depth);
  bool map(std::string_view message, size_t depth);
  bool map_entry(std::string_view message, size_t depth);
  bool sort_entries(size_t first, char* begin);
  bool check_depth(size_t depth);

  char* const begin_;
  char* out_;
  const Limits& limits_;
  std::vector<Entry> entries_;  // of the maps that are being read, innermost last
  Status status_;
};

bool Canonical::value(std::string_view message, size_t depth) {
  // Nearly every Value is one field and nothing else.
  const char* at = message.data();
  const char* const end = at + message.size();
  if (message.size() < 2) return value_of_pieces(message, depth);
  const auto tag = static_cast<uint8_t>(*at++);
  uint64_t number = 0;
  if (tag == kFloat && end - at == 8) {
    std::memcpy(&number, at, 8);
    return put_kind(tag, number, {}, depth);
  }
  if (tag > kSpace || !protobuf::read_varint(at, end, number)) {
    return value_of_pieces(message, depth);
  }
  const auto left = static_cast<size_t>(end - at);
  const uint32_t type = tag & 7;
  if (type == protobuf::kVarint ? left == 0 : type == protobuf::kLength && left == number) {
    return put_kind(tag, number, {at, left}, depth);
  }
  return value_of_pieces(message, depth);
}

bool Canonical::value_of_pieces(std::string_view message, size_t depth) {
  protobuf::Reader reader(message);
  uint32_t kind = 0;
  uint64_t number = 0;
  protobuf::Merged pieces;
  // The last kind counts; a list or map that is written in several pieces is one.
  while (reader.next()) {
    const uint32_t tag = reader.tag();
    switch (tag) {
      case kNull:
      case kBool:
      case kInt:
      case kFloat: number = reader.number(); break;
      case kString:
      case kBytes:
      case kSpace:
        pieces.clear();
        pieces.add(reader.bytes());
        break;
      case kList:
      case kMap:
        if (kind != tag) pieces.clear();
        pieces.add(reader.bytes());
        break;
      default: continue;
    }
    kind = tag;
  }
  if (!reader.ok()) return fail_malformed();
  return put_kind(kind, number, pieces.bytes(), depth);
}

bool Canonical::put_kind(uint32_t tag, uint64_t number, std::string_view bytes, size_t depth) {
  switch (tag) {
    case kNull: put(code::kNull); return true;
    case kBool: put(number != 0 ? code::kTrue : code::kFalse); return true;
    case kInt: put_int(protobuf::unzigzag(number)); return true;
    case kFloat: return put_float(number);
    case kString: return put_string(bytes);
    case kBytes: put_text(code::kBytes, bytes); return true;
    case kSpace: return put_space(bytes);
    case kList: return list(bytes, depth);
    case kMap: return map(bytes, depth);
    default: return fail("a value has no kind set; null is null_value: true");
  }
}

void Canonical::put_int(int64_t value) {
  const bool negative = value < 0;
  uint64_t bits = static_cast<uint64_t>(value);
  const size_t length = (std::bit_width(negative ? 0 - bits : bits) + 7) / 8;
  put(static_cast<uint8_t>(negative ? code::kIntZero - length : code::kIntZero + length));
  bits -= negative;
  for (size_t i = length; i-- > 0;) put(static_cast<uint8_t>(bits >> (8 * i)));
}

bool Canonical::put_float(uint64_t bits) {
  if (std::isnan(std::bit_cast<double>(bits))) return fail("NaN is not a value");
  constexpr uint64_t kSign = 1ull << 63;
  if (bits == kSign) bits = 0;  // -0.0
  bits = bits & kSign ? ~bits : bits | kSign;
  put(code::kFloat);
  bits = __builtin_bswap64(bits);
  std::memcpy(out_, &bits, 8);
  out_ += 8;
  return true;
}

void Canonical::put_text(uint8_t code, std::string_view text) {
  put(code);
  while (!text.empty()) {
    const void* zero = std::memchr(text.data(), 0, text.size());
    if (zero == nullptr) break;
    const size_t length = static_cast<const char*>(zero) - text.data() + 1;
    out_ = put_bytes(out_, text.substr(0, length));
    put(0xff);
    text.remove_prefix(length);
  }
  out_ = put_bytes(out_, text);
  put(code::kEnd);
}

bool Canonical::put_string(std::string_view text) {
  if (!is_utf8(text)) return fail("a string is not UTF-8; store it as bytes");
  put_text(code::kString, text);
  return true;
}

bool Canonical::put_space(std::string_view name) {
  if (!is_space_name(name)) {
    return fail("a space handle holds no space name ([A-Za-z0-9._/-]{1,128})");
  }
  put_text(code::kSpace, name);
  return true;
}

bool Canonical::check_depth(size_t depth) {
  if (depth < limits_.depth_max) return true;
  return fail(fmt::format("a value is nested deeper than depth_max {}", limits_.depth_max),
              "depth_max");
}

bool Canonical::list(std::string_view message, size_t depth) {
  if (!check_depth(depth)) return false;
  put(code::kList);
  protobuf::Reader reader(message);
  while (reader.next()) {
    if (reader.tag() == kItems && !value(reader.bytes(), depth + 1)) return false;
  }
  if (!reader.ok()) return fail_malformed();
  put(code::kEnd);
  return true;
}

bool Canonical::map(std::string_view message, size_t depth) {
  if (!check_depth(depth)) return false;
  put(code::kMap);
  const size_t first = entries_.size();
  char* const begin = out_;
  protobuf::Reader reader(message);
  while (reader.next()) {
    if (reader.tag() == kItems && !map_entry(reader.bytes(), depth + 1)) return false;
  }
  if (!reader.ok()) return fail_malformed();
  if (!sort_entries(first, begin)) return false;
  entries_.resize(first);
  put(code::kEnd);
  return true;
}

bool Canonical::map_entry(std::string_view message, size_t depth) {
  std::string_view key;
  protobuf::Merged item;
  protobuf::Reader reader(message);
  while (reader.next()) {
    if (reader.tag() == kKey) key = reader.bytes();
    if (reader.tag() == kValue) item.add(reader.bytes());
  }
  if (!reader.ok()) return fail_malformed();
  const char* const begin = out_;
  if (!is_utf8(key)) return fail("a map key is not UTF-8");
  put_text(code::kString, key);
  const size_t key_length = out_ - begin;
  if (!value(item.bytes(), depth)) return false;
  entries_.push_back(
      {static_cast<size_t>(begin - begin_), key_length, static_cast<size_t>(out_ - begin)});
  return true;
}

// Puts the entries from `first` on, which were written from `begin` on, in order of their keys.
bool Canonical::sort_entries(size_t first, char* begin) {
  const auto from = entries_.begin() + static_cast<ptrdiff_t>(first);
  const auto before = [base = begin_](const Entry& a, const Entry& b) {
    return a.key(base) < b.key(base);
  };
  if (!std::is_sorted(from, entries_.end(), before)) {
    const std::string unsorted(begin, out_);
    const size_t offset = begin - begin_;
    std::sort(from, entries_.end(), before);
    char* at = begin;
    for (auto entry = from; entry != entries_.end(); ++entry) {
      at = put_bytes(at, std::string_view(unsorted).substr(entry->begin - offset, entry->length));
      entry->begin = at - entry->length - begin_;
    }
  }
  const auto twice = std::adjacent_find(from, entries_.end(), [&](const Entry& a, const Entry& b) {
    return a.key(begin_) == b.key(begin_);
  });
  if (twice == entries_.end()) return true;
  std::string scratch;
  return fail(
      fmt::format("a map has the key \"{}\" twice", decode_text(twice->key(begin_), scratch)));
}

// Writes the protobuf form of canonical bytes. It is at most four times as long, plus a few bytes
// for the longer lengths of large lists in each other.
class Wire {
 public:
  explicit Wire(char* out) : begin_(out), out_(out) {}

  static size_t room_for(std::string_view canonical) { return 4 * canonical.size() + 1024; }

  // Writes `canonical` as a field `tag` of type Value.
  void value(uint32_t tag, std::string_view canonical);
  std::string_view bytes() const { return {begin_, static_cast<size_t>(out_ - begin_)}; }

 private:
  void put_tag(uint32_t tag) { *out_++ = static_cast<char>(tag); }
  void put_text(uint32_t tag, uint32_t kind, std::string_view text);
  void put_list(uint32_t kind, std::string_view items);
  void put_map(uint32_t kind, std::string_view entries);

  // A message whose length is known only behind it: begin() leaves room for a length of one byte,
  // end() moves what was written when that is too little.
  char* begin(uint32_t tag) {
    put_tag(tag);
    return out_++;
  }
  void end(char* length_at);

  char* const begin_;
  char* out_;
};

void Wire::end(char* length_at) {
  const size_t length = out_ - length_at - 1;
  const size_t more = varint_length(length) - 1;
  if (more > 0) std::memmove(length_at + 1 + more, length_at + 1, length);
  put_varint(length_at, length);
  out_ += more;
}

void Wire::value(uint32_t tag, std::string_view canonical) {
  std::string scratch;
  switch (type_of(canonical)) {
    case Type::kString: return put_text(tag, kString, decode_text(canonical, scratch));
    case Type::kBytes: return put_text(tag, kBytes, decode_text(canonical, scratch));
    case Type::kSpace: return put_text(tag, kSpace, decode_text(canonical, scratch));
    default: break;
  }
  char* const length_at = begin(tag);
  switch (type_of(canonical)) {
    case Type::kBool:
      put_tag(kBool);
      *out_++ = static_cast<uint8_t>(canonical[0]) == code::kTrue;
      break;
    case Type::kInt:
      put_tag(kInt);
      out_ = put_varint(out_, protobuf::zigzag(decode_int(canonical)));
      break;
    case Type::kFloat: {
      put_tag(kFloat);
      const double number = decode_float(canonical);
      std::memcpy(out_, &number, 8);
      out_ += 8;
      break;
    }
    case Type::kList: put_list(kList, canonical.substr(1, canonical.size() - 2)); break;
    case Type::kMap: put_map(kMap, canonical.substr(1, canonical.size() - 2)); break;
    default:  // null
      put_tag(kNull);
      *out_++ = 1;
  }
  end(length_at);
}

void Wire::put_text(uint32_t tag, uint32_t kind, std::string_view text) {
  put_tag(tag);
  out_ = put_varint(out_, 1 + varint_length(text.size()) + text.size());
  put_tag(kind);
  out_ = put_varint(out_, text.size());
  out_ = put_bytes(out_, text);
}

void Wire::put_list(uint32_t kind, std::string_view items) {
  char* const length_at = begin(kind);
  while (!items.empty()) value(kItems, take_field(items));
  end(length_at);
}

void Wire::put_map(uint32_t kind, std::string_view entries) {
  char* const length_at = begin(kind);
  std::string scratch;
  while (!entries.empty()) {
    char* const entry_at = begin(kItems);
    const std::string_view key = decode_text(take_field(entries), scratch);
    put_tag(kKey);
    out_ = put_varint(out_, key.size());
    out_ = put_bytes(out_, key);
    value(kValue, take_field(entries));
    end(entry_at);
  }
  end(length_at);
}

}  // namespace

Result<Tuple> tuple_from_wire(std::string_view bytes, const Limits& limits) {
  Scratch scratch(Canonical::room_for(bytes));
  Canonical canonical(scratch.data(), limits);
  size_t arity = 0;
  protobuf::Reader reader(bytes);
  while (reader.next()) {
    if (reader.tag() != kItems) continue;
    if (++arity > limits.fields_max) {
      return exhausted(fmt::format("tuple has more fields than fields_max {}", limits.fields_max),
                       "fields_max", false);
    }
    if (!canonical.value(reader.bytes(), 0)) {
      const Status& why = canonical.status();
      return Status(why.code(), fmt::format("field {}: {}", arity, why.message()), why.problem());
    }
  }
  if (!reader.ok()) return invalid("the tuple is not a well-formed protobuf message");
  const std::string_view made = canonical.bytes();
  TS_RETURN_IF_ERROR(check_size(arity, made.size(), limits));
  return Tuple::from_canonical(made, arity);
}

Result<std::string> value_from_wire(std::string_view bytes, size_t depth, const Limits& limits) {
  Scratch scratch(Canonical::room_for(bytes));
  Canonical canonical(scratch.data(), limits);
  if (!canonical.value(bytes, depth)) return canonical.status();
  return std::string(canonical.bytes());
}

std::string_view WireForm::of(const Tuple& tuple) {
  std::string_view fields = tuple.bytes();
  const size_t room = Wire::room_for(fields);
  if (room > sizeof small_) large_ = std::make_unique_for_overwrite<char[]>(room);
  Wire wire(room > sizeof small_ ? large_.get() : small_);
  while (!fields.empty()) wire.value(kItems, take_field(fields));
  return wire.bytes();
}

void append_wire(const Tuple& tuple, std::string& out) {
  WireForm form;
  out += form.of(tuple);
}

void append_value_field(uint32_t field, std::string_view canonical, std::string& out) {
  Scratch scratch(Wire::room_for(canonical));
  Wire wire(scratch.data());
  wire.value(tag_of(field, protobuf::kLength), canonical);
  out += wire.bytes();
}

}  // namespace tuplespace
