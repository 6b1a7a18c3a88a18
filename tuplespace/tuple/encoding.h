// The canonical encoding of values. Two values are equal when their bytes are equal, and within
// a type the bytes sort as the values do. It is what is stored, hashed and compared; it never
// changes without a new store format (space/record.h).
//
//   code       type    what follows                                  example
//   00         (end of a list, map or string)
//   01         null    nothing                                       null        01
//   02, 03     bool    nothing: false, true                          true        03
//   04..14     int     |code - 0c| bytes, big-endian; below 0c the   0           0c
//                      number is negative and its bytes are those    7           0d 07
//                      of n - 1 + 256^bytes                          256         0e 01 00
//                                                                    -1          0b fe
//                                                                    -2^63       04 7f ff ff ff ff
//                                                                    ff ff ff
//   15         float   IEEE double, big-endian; sign bit set for     0.0         15 80 00 00 00 00
//   00 00 00
//                      positive numbers, all bits turned for         1.5         15 bf f8 00 00 00
//                      00 00 00 negative ones; no NaN, no -0.0                -inf        15 00 0f
//                      ff ff ff ff ff ff
//   16         string  UTF-8 with 00 written as 00 ff, then 00       "a"         16 61 00
//   17         bytes   the same, any bytes                           b"\x00"     17 00 ff 00
//   18         list    the items, then 00                            [1, null]   18 0d 01 01 00
//   19         map     key as string, value, ... in byte order of    {"k": 1}    19 16 6b 00 0d 01
//   00
//                      the keys, each once; then 00
//   1a         space   its name as for string                        @"jobs"     1a 6a 6f 62 73 00
//
// A tuple is its fields one after the other, without an end: ("a", 7) is 16 61 00 0d 07.
// The examples are tests (tests/unit/tuple/encoding_test.cc).
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>

#include "tuplespace/status.h"
#include "tuplespace/tuple/value.h"

namespace tuplespace {

namespace code {
inline constexpr uint8_t kEnd = 0x00;
inline constexpr uint8_t kNull = 0x01;
inline constexpr uint8_t kFalse = 0x02;
inline constexpr uint8_t kTrue = 0x03;
inline constexpr uint8_t kIntFirst = 0x04;
inline constexpr uint8_t kIntZero = 0x0c;
inline constexpr uint8_t kIntLast = 0x14;
inline constexpr uint8_t kFloat = 0x15;
inline constexpr uint8_t kString = 0x16;
inline constexpr uint8_t kBytes = 0x17;
inline constexpr uint8_t kList = 0x18;
inline constexpr uint8_t kMap = 0x19;
inline constexpr uint8_t kSpace = 0x1a;
}  // namespace code

// Returns the type that a field's first byte stands for; kAny for bytes that begin no field.
constexpr Type type_of_code(uint8_t code) {
  constexpr Type kTypes[32] = {
      Type::kAny,   Type::kNull,   Type::kBool,  Type::kBool, Type::kInt, Type::kInt,  Type::kInt,
      Type::kInt,   Type::kInt,    Type::kInt,   Type::kInt,  Type::kInt, Type::kInt,  Type::kInt,
      Type::kInt,   Type::kInt,    Type::kInt,   Type::kInt,  Type::kInt, Type::kInt,  Type::kInt,
      Type::kFloat, Type::kString, Type::kBytes, Type::kList, Type::kMap, Type::kSpace};
  return code < 32 ? kTypes[code] : Type::kAny;
}

// Returns true for names [A-Za-z0-9._/-]{1,128}.
bool is_space_name(std::string_view name);

// Returns how many bytes `text` begins with that are well-formed UTF-8 (no surrogates, nothing
// above U+10FFFF).
size_t utf8_length(std::string_view text);
inline bool is_utf8(std::string_view text) { return utf8_length(text) == text.size(); }

// Each appends the canonical bytes of one value. Strings must be UTF-8 and floats not NaN: the
// caller checked. -0.0 is written as 0.0.
void encode_null(std::string& out);
void encode_bool(bool value, std::string& out);
void encode_int(int64_t value, std::string& out);
void encode_float(double value, std::string& out);
void encode_string(std::string_view value, std::string& out);
void encode_bytes(std::string_view value, std::string& out);
void encode_space(std::string_view name, std::string& out);

// Appends `text` with 00 as 00 ff and no end: what strings share with their prefixes.
void encode_escaped(std::string_view text, std::string& out);

// Appends the canonical bytes of `value`. Refuses NaN, text that is not UTF-8, bad space names
// and nesting deeper than limits.depth_max, naming what was wrong; then `out` is unspecified.
Status encode(const Value& value, const Limits& limits, std::string& out);

// Returns the length of the field that begins at `at`. Requires: `at` is inside valid bytes.
size_t field_length(const char* at, const char* end);

// Removes and returns the first field of `bytes`. Requires: valid and not empty.
inline std::string_view take_field(std::string_view& bytes) {
  const size_t length = field_length(bytes.data(), bytes.data() + bytes.size());
  const std::string_view field(bytes.data(), length);
  bytes.remove_prefix(length);
  return field;
}

// Returns the type of a field. Requires: valid.
inline Type type_of(std::string_view field) { return type_of_code(static_cast<uint8_t>(field[0])); }

// Each returns what the field holds. Requires: valid and of that type.
int64_t decode_int(std::string_view field);
double decode_float(std::string_view field);
// The text of a string, bytes or space field. `scratch` is used only when there are escapes.
std::string_view decode_text(std::string_view field, std::string& scratch);
Value decode(std::string_view field);

// Checks bytes that come from outside (disk, fuzzers): exactly a sequence of canonical fields
// within `limits`. Returns their number.
Result<size_t> check_fields(std::string_view bytes, const Limits& limits);

}  // namespace tuplespace
