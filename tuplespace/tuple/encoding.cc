#include "tuplespace/tuple/encoding.h"

#include <bit>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

namespace tuplespace {
namespace {

uint64_t load_big_endian(const char* at, size_t length) {
  uint64_t value = 0;
  for (size_t i = 0; i < length; ++i) value = value << 8 | static_cast<uint8_t>(at[i]);
  return value;
}

void append_big_endian(uint64_t value, size_t length, std::string& out) {
  for (size_t i = length; i-- > 0;) out += static_cast<char>(value >> (8 * i));
}

size_t bytes_of(uint64_t value) { return (std::bit_width(value) + 7) / 8; }

// Returns the position behind the end mark of the escaped text that begins at `at`, or null.
const char* skip_text(const char* at, const char* end) {
  while (at < end) {
    const void* zero = std::memchr(at, 0, end - at);
    if (zero == nullptr) return nullptr;
    at = static_cast<const char*>(zero) + 1;
    if (at == end || static_cast<uint8_t>(*at) != 0xff) return at;
    ++at;
  }
  return nullptr;
}

std::string_view unescape(std::string_view escaped, std::string& scratch) {
  if (std::memchr(escaped.data(), 0, escaped.size()) == nullptr) return escaped;
  scratch.clear();
  for (size_t i = 0; i < escaped.size(); ++i) {
    scratch += escaped[i];
    if (escaped[i] == '\0') ++i;  // its ff
  }
  return scratch;
}

}  // namespace

bool is_space_name(std::string_view name) {
  if (name.empty() || name.size() > 128) return false;
  for (const char c : name) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && c != '.' && c != '_' && c != '/' && c != '-') return false;
  }
  return true;
}

size_t utf8_length(std::string_view text) {
  const auto* const begin = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* const end = begin + text.size();
  const uint8_t* at = begin;
  while (at < end) {
    // Most text is ASCII: 32 bytes at a time, then eight.
    constexpr uint64_t kHigh = 0x8080808080808080ull;
    uint64_t words[4] = {};
    while (end - at >= 32) {
      std::memcpy(words, at, 32);
      if ((words[0] | words[1] | words[2] | words[3]) & kHigh) break;
      at += 32;
    }
    while (end - at >= 8) {
      std::memcpy(words, at, 8);
      if (words[0] & kHigh) break;
      at += 8;
    }
    if (at == end) break;
    const uint8_t lead = *at;
    if (lead < 0x80) {
      ++at;
      continue;
    }
    int length = 0;
    uint32_t point = 0;
    uint32_t least = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
      length = 2, point = lead & 0x1f, least = 0x80;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      length = 3, point = lead & 0x0f, least = 0x800;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      length = 4, point = lead & 0x07, least = 0x10000;
    }
    if (length == 0 || end - at < length) return at - begin;
    for (int i = 1; i < length; ++i) {
      if ((at[i] & 0xc0) != 0x80) return at - begin;
      point = point << 6 | (at[i] & 0x3f);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      return at - begin;
    }
    at += length;
  }
  return at - begin;
}

void encode_null(std::string& out) { out += static_cast<char>(code::kNull); }

void encode_bool(bool value, std::string& out) {
  out += static_cast<char>(value ? code::kTrue : code::kFalse);
}

void encode_int(int64_t value, std::string& out) {
  if (value >= 0) {
    const size_t length = bytes_of(static_cast<uint64_t>(value));
    out += static_cast<char>(code::kIntZero + length);
    append_big_endian(static_cast<uint64_t>(value), length, out);
  } else {
    const size_t length = bytes_of(0 - static_cast<uint64_t>(value));
    out += static_cast<char>(code::kIntZero - length);
    append_big_endian(static_cast<uint64_t>(value) - 1, length, out);
  }
}

void encode_float(double value, std::string& out) {
  if (value == 0) value = 0;  // -0.0
  uint64_t bits = std::bit_cast<uint64_t>(value);
  bits = bits >> 63 ? ~bits : bits | 1ull << 63;
  out += static_cast<char>(code::kFloat);
  append_big_endian(bits, 8, out);
}

void encode_escaped(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const void* zero = std::memchr(text.data(), 0, text.size());
    if (zero == nullptr) break;
    const size_t length = static_cast<const char*>(zero) - text.data() + 1;
    out.append(text.data(), length);
    out += static_cast<char>(0xff);
    text.remove_prefix(length);
  }
  out.append(text);
}

void encode_string(std::string_view value, std::string& out) {
  out += static_cast<char>(code::kString);
  encode_escaped(value, out);
  out += '\0';
}

void encode_bytes(std::string_view value, std::string& out) {
  out += static_cast<char>(code::kBytes);
  encode_escaped(value, out);
  out += '\0';
}

void encode_space(std::string_view name, std::string& out) {
  out += static_cast<char>(code::kSpace);
  encode_escaped(name, out);
  out += '\0';
}

namespace {

Status encode_at(const Value& value, const Limits& limits, size_t depth, std::string& out) {
  switch (value.type()) {
    case Type::kAny:
    case Type::kNull: encode_null(out); return {};
    case Type::kBool: encode_bool(value.as_bool(), out); return {};
    case Type::kInt: encode_int(value.as_int(), out); return {};
    case Type::kFloat:
      if (std::isnan(value.as_float())) return invalid("NaN is not a value");
      encode_float(value.as_float(), out);
      return {};
    case Type::kString:
      if (!is_utf8(value.as_string())) {
        return invalid("a string is not UTF-8; store it as bytes");
      }
      encode_string(value.as_string(), out);
      return {};
    case Type::kBytes: encode_bytes(value.as_bytes(), out); return {};
    case Type::kSpace:
      if (!is_space_name(value.as_space())) {
        return invalid(
            fmt::format("\"{}\" is not a space name ([A-Za-z0-9._/-]{{1,128}})", value.as_space()));
      }
      encode_space(value.as_space(), out);
      return {};
    case Type::kList:
    case Type::kMap: break;
  }
  if (depth == limits.depth_max) {
    return invalid(fmt::format("a value is nested deeper than depth_max {}", limits.depth_max),
                   "depth_max");
  }
  if (value.type() == Type::kList) {
    out += static_cast<char>(code::kList);
    for (const Value& item : value.as_list()) {
      TS_RETURN_IF_ERROR(encode_at(item, limits, depth + 1, out));
    }
  } else {
    out += static_cast<char>(code::kMap);
    for (const auto& [key, item] : value.as_map()) {
      if (!is_utf8(key)) return invalid("a map key is not UTF-8");
      encode_string(key, out);
      TS_RETURN_IF_ERROR(encode_at(item, limits, depth + 1, out));
    }
  }
  out += static_cast<char>(code::kEnd);
  return {};
}

}  // namespace

Status encode(const Value& value, const Limits& limits, std::string& out) {
  return encode_at(value, limits, 0, out);
}

size_t field_length(const char* at, const char* end) {
  const char* const begin = at;
  const auto c = static_cast<uint8_t>(*at++);
  if (c >= code::kIntFirst && c <= code::kIntLast) {
    return 1 + (c >= code::kIntZero ? c - code::kIntZero : code::kIntZero - c);
  }
  switch (c) {
    case code::kFloat: return 9;
    case code::kString:
    case code::kBytes:
    case code::kSpace: return skip_text(at, end) - begin;
    case code::kList:
    case code::kMap:
      while (static_cast<uint8_t>(*at) != code::kEnd) at += field_length(at, end);
      return at + 1 - begin;
    default: return 1;
  }
}

int64_t decode_int(std::string_view field) {
  const auto c = static_cast<uint8_t>(field[0]);
  if (c >= code::kIntZero) {
    return static_cast<int64_t>(load_big_endian(field.data() + 1, c - code::kIntZero));
  }
  const size_t length = code::kIntZero - c;
  uint64_t value = load_big_endian(field.data() + 1, length);
  if (length < 8) value |= ~uint64_t{0} << (8 * length);
  return static_cast<int64_t>(value + 1);
}

double decode_float(std::string_view field) {
  uint64_t bits = load_big_endian(field.data() + 1, 8);
  bits = bits >> 63 ? bits & ~(1ull << 63) : ~bits;
  return std::bit_cast<double>(bits);
}

std::string_view decode_text(std::string_view field, std::string& scratch) {
  return unescape(field.substr(1, field.size() - 2), scratch);
}

Value decode(std::string_view field) {
  std::string scratch;
  switch (type_of(field)) {
    case Type::kAny:
    case Type::kNull: return {};
    case Type::kBool: return static_cast<uint8_t>(field[0]) == code::kTrue;
    case Type::kInt: return decode_int(field);
    case Type::kFloat: return decode_float(field);
    case Type::kString: return decode_text(field, scratch);
    case Type::kBytes: return Bytes{std::string(decode_text(field, scratch))};
    case Type::kSpace: return SpaceHandle{std::string(decode_text(field, scratch))};
    case Type::kList: {
      Value::List list;
      std::string_view items = field.substr(1, field.size() - 2);
      while (!items.empty()) list.push_back(decode(take_field(items)));
      return list;
    }
    case Type::kMap: {
      Value::Map map;
      std::string_view items = field.substr(1, field.size() - 2);
      while (!items.empty()) {
        std::string key(decode_text(take_field(items), scratch));
        map.emplace_hint(map.end(), std::move(key), decode(take_field(items)));
      }
      return map;
    }
  }
  return {};
}

namespace {

// Returns the length of the canonical field at `at`, or 0 if it is not one.
size_t check_field(const char* at, const char* end, const Limits& limits, size_t depth) {
  if (at == end) return 0;
  const size_t left = end - at;
  const auto c = static_cast<uint8_t>(*at);
  if (c >= code::kIntFirst && c <= code::kIntLast) {
    const size_t length = c >= code::kIntZero ? c - code::kIntZero : code::kIntZero - c;
    if (left < 1 + length) return 0;
    const std::string_view field(at, 1 + length);
    std::string again;
    encode_int(decode_int(field), again);
    return again == field ? 1 + length : 0;
  }
  switch (c) {
    case code::kNull:
    case code::kFalse:
    case code::kTrue: return 1;
    case code::kFloat: {
      if (left < 9) return 0;
      const double value = decode_float({at, 9});
      if (std::isnan(value) || (value == 0 && std::signbit(value))) return 0;
      return 9;
    }
    case code::kString:
    case code::kBytes:
    case code::kSpace: {
      const char* const behind = skip_text(at + 1, end);
      if (behind == nullptr) return 0;
      const std::string_view field(at, behind - at);
      std::string scratch;
      const std::string_view text = decode_text(field, scratch);
      if (c == code::kString && !is_utf8(text)) return 0;
      if (c == code::kSpace && !is_space_name(text)) return 0;
      return field.size();
    }
    case code::kList:
    case code::kMap: {
      if (depth == limits.depth_max) return 0;
      const char* item = at + 1;
      std::string_view last_key;
      while (true) {
        if (item == end) return 0;
        if (static_cast<uint8_t>(*item) == code::kEnd) return item + 1 - at;
        if (c == code::kMap) {
          if (static_cast<uint8_t>(*item) != code::kString) return 0;
          const size_t length = check_field(item, end, limits, depth + 1);
          if (length == 0) return 0;
          const std::string_view key(item, length);
          if (!last_key.empty() && key <= last_key) return 0;
          last_key = key;
          item += length;
        }
        const size_t length = check_field(item, end, limits, depth + 1);
        if (length == 0) return 0;
        item += length;
      }
    }
    default: return 0;
  }
}

}  // namespace

Result<size_t> check_fields(std::string_view bytes, const Limits& limits) {
  if (bytes.size() > limits.tuple_bytes_max) {
    return exhausted(fmt::format("tuple is {} bytes, tuple_bytes_max is {}", bytes.size(),
                                 limits.tuple_bytes_max),
                     "tuple_bytes_max", false);
  }
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  size_t count = 0;
  while (at < end) {
    const size_t length = check_field(at, end, limits, 0);
    if (length == 0) {
      return invalid(fmt::format("byte {} begins no canonical field", at - bytes.data()));
    }
    at += length;
    ++count;
  }
  if (count > limits.fields_max) {
    return exhausted(fmt::format("tuple has {} fields, fields_max is {}", count, limits.fields_max),
                     "fields_max", false);
  }
  return count;
}

}  // namespace tuplespace
