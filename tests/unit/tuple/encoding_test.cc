// The canonical encoding: its table, its order, and that nothing else passes the check.
#include "tuplespace/tuple/encoding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tuple/random_tuples.h"

namespace tuplespace {
namespace {

using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kGreatest = std::numeric_limits<int64_t>::max();

std::string bytes_of(const Value& value) {
  std::string bytes;
  const Status status = encode(value, {}, bytes);
  EXPECT_TRUE(status.ok()) << status.to_string();
  return bytes;
}

std::string hex(std::string_view bytes) {
  std::string made;
  for (const char byte : bytes) {
    if (!made.empty()) made += ' ';
    made += "0123456789abcdef"[static_cast<uint8_t>(byte) >> 4];
    made += "0123456789abcdef"[byte & 15];
  }
  return made;
}

std::string from_hex(std::string_view text) {
  std::string made;
  for (size_t i = 0; i < text.size(); i += 3) {
    made += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return made;
}

TEST(Encoding, IsTheTableInItsHeader) {
  const std::pair<Value, std::string> kTable[] = {
      {nullptr, "01"},
      {false, "02"},
      {true, "03"},
      {0, "0c"},
      {7, "0d 07"},
      {256, "0e 01 00"},
      {-1, "0b fe"},
      {kLeast, "04 7f ff ff ff ff ff ff ff"},
      {0.0, "15 80 00 00 00 00 00 00 00"},
      {1.5, "15 bf f8 00 00 00 00 00 00"},
      {-kInfinity, "15 00 0f ff ff ff ff ff ff"},
      {"a", "16 61 00"},
      {Bytes{std::string(1, '\0')}, "17 00 ff 00"},
      {Value::List{1, nullptr}, "18 0d 01 01 00"},
      {Value::Map{{"k", 1}}, "19 16 6b 00 0d 01 00"},
      {SpaceHandle{"jobs"}, "1a 6a 6f 62 73 00"},
  };
  for (const auto& [value, bytes] : kTable) {
    EXPECT_EQ(hex(bytes_of(value)), bytes);
    EXPECT_EQ(decode(from_hex(bytes)), value) << bytes;
    EXPECT_EQ(type_of(from_hex(bytes)), value.type()) << bytes;
  }
}

TEST(Encoding, SpellsTheEdgesOfInt) {
  const std::pair<int64_t, std::string> kTable[] = {
      {1, "0d 01"},
      {255, "0d ff"},
      {65535, "0e ff ff"},
      {-255, "0b 00"},
      {-256, "0a fe ff"},
      {-257, "0a fe fe"},
      {-65536, "09 fe ff ff"},
      {kGreatest, "14 7f ff ff ff ff ff ff ff"},
      {kLeast + 1, "04 80 00 00 00 00 00 00 00"},
  };
  for (const auto& [value, bytes] : kTable) {
    EXPECT_EQ(hex(bytes_of(value)), bytes) << value;
    EXPECT_EQ(decode_int(from_hex(bytes)), value) << bytes;
  }
}

TEST(Encoding, GivesBackEveryValueAndFindsItsEnd) {
  RandomTuples random(9);
  for (int round = 0; round < 10'000; ++round) {
    const Value value = random.value();
    const std::string bytes = bytes_of(value);
    ASSERT_EQ(decode(bytes), value) << hex(bytes);
    std::string_view two = bytes;
    ASSERT_EQ(field_length(bytes.data(), bytes.data() + bytes.size()), bytes.size());
    const std::string twice = bytes + bytes;
    two = twice;
    ASSERT_EQ(take_field(two), bytes);
    ASSERT_EQ(two, bytes);
    const auto count = check_fields(twice, {});
    ASSERT_TRUE(count.ok()) << count.status().to_string() << " " << hex(twice);
    ASSERT_EQ(*count, 2u);
  }
}

// What the bytes of lists must sort like. Maps have no order that anybody asks for.
bool less(const Value& a, const Value& b) {
  if (a.type() != b.type()) return a.type() < b.type();
  switch (a.type()) {
    case Type::kBool: return a.as_bool() < b.as_bool();
    case Type::kInt: return a.as_int() < b.as_int();
    case Type::kFloat: return a.as_float() < b.as_float();
    case Type::kString: return a.as_string() < b.as_string();
    case Type::kBytes: return a.as_bytes() < b.as_bytes();
    case Type::kSpace: return a.as_space() < b.as_space();
    case Type::kList:
      return std::lexicographical_compare(a.as_list().begin(), a.as_list().end(),
                                          b.as_list().begin(), b.as_list().end(), less);
    default: return false;
  }
}

TEST(Encoding, SortsAsTheValuesDo) {
  RandomTuples random(10);
  std::vector<Value> values = {kLeast,
                               -257,
                               -256,
                               -255,
                               -1,
                               0,
                               1,
                               255,
                               256,
                               kGreatest,
                               -kInfinity,
                               -1e-300,
                               0.0,
                               5e-324,
                               1.5,
                               kInfinity,
                               "",
                               "a",
                               std::string("a\0", 2),
                               std::string("a\0b", 3),
                               "a\x01",
                               "b"};
  while (values.size() < 400) {
    Value value = random.value(1);
    if (value.type() != Type::kMap) values.push_back(std::move(value));
  }
  const auto has_map = [](const auto& self, const Value& value) -> bool {
    if (value.type() == Type::kMap) return true;
    return value.type() == Type::kList &&
           std::any_of(value.as_list().begin(), value.as_list().end(),
                       [&](const Value& item) { return self(self, item); });
  };
  std::erase_if(values, [&](const Value& value) { return has_map(has_map, value); });
  ASSERT_GT(values.size(), 100u);
  for (const Value& a : values) {
    for (const Value& b : values) {
      ASSERT_EQ(bytes_of(a) < bytes_of(b), less(a, b))
          << hex(bytes_of(a)) << " | " << hex(bytes_of(b));
      ASSERT_EQ(bytes_of(a) == bytes_of(b), a == b);
    }
  }
}

TEST(Encoding, WritesNegativeZeroAsZero) {
  EXPECT_EQ(bytes_of(-0.0), bytes_of(0.0));
  EXPECT_FALSE(std::signbit(decode_float(bytes_of(-0.0))));
}

TEST(Encoding, RefusesWhatIsNoValue) {
  const auto why_not = [](const Value& value) {
    std::string bytes;
    return encode(value, {}, bytes).message();
  };
  EXPECT_EQ(why_not(std::nan("")), "NaN is not a value");
  EXPECT_EQ(why_not(Value::List{1, "\xff"}), "a string is not UTF-8; store it as bytes");
  EXPECT_EQ(why_not(Value::Map{{"\xff", 1}}), "a map key is not UTF-8");
  EXPECT_THAT(why_not(SpaceHandle{"a b"}), HasSubstr("\"a b\" is not a space name"));
  EXPECT_THAT(why_not(SpaceHandle{""}), HasSubstr("is not a space name"));
  EXPECT_THAT(why_not(SpaceHandle{std::string(129, 'a')}), HasSubstr("is not a space name"));
  EXPECT_EQ(why_not(SpaceHandle{std::string(128, 'a')}), "");
}

Value nested(size_t levels) {
  Value value = 7;
  for (size_t i = 0; i < levels; ++i) {
    value = i % 2 == 0 ? Value(Value::Map{{"k", value}}) : Value(Value::List(1, value));
  }
  return value;
}

TEST(Encoding, NestsAsDeepAsTheLimit) {
  std::string bytes;
  EXPECT_TRUE(encode(nested(16), {}, bytes).ok());
  EXPECT_TRUE(check_fields(bytes, {}).ok());
  std::string deeper;
  EXPECT_EQ(encode(nested(17), {}, deeper).problem().bound, "depth_max");
  Limits more;
  more.depth_max = 17;
  deeper.clear();
  EXPECT_TRUE(encode(nested(17), more, deeper).ok());
  EXPECT_FALSE(check_fields(deeper, {}).ok());
}

TEST(Encoding, ChecksEveryByteOfWhatComesFromOutside) {
  for (const char* bytes : {
           "00",  // an end of nothing
           "1b",
           "1c",
           "ff",  // no code
           "0d",
           "0e 01",
           "0b",
           "15 80 00",  // too short
           "0d 00",
           "0e 00 07",  // int with more bytes than it needs
           "0b ff",
           "0a ff fe",                    // -0, -2 in two bytes
           "14 80 00 00 00 00 00 00 00",  // 2^63
           "04 7f ff ff ff ff ff ff fe",  // -2^63 - 1
           "15 7f ff ff ff ff ff ff ff",  // -0.0
           "15 ff f8 00 00 00 00 00 00",  // NaN
           "15 00 07 ff ff ff ff ff ff",  // negative NaN
           "16 61",
           "16 00 ff",
           "17 61",  // no end
           "16 ff 00",
           "16 c3 00",
           "16 ed a0 80 00",
           "16 c0 80 00",
           "16 f4 90 80 80 00",
           "16 61 00 61",  // 61 begins nothing
           "18",
           "18 0c",
           "18 0c 16 61",                    // no end
           "19 0c 0c 00",                    // a key that is no string
           "19 16 61 00 00",                 // a key without a value
           "19 16 62 00 0c 16 61 00 0c 00",  // keys not in order
           "19 16 61 00 0c 16 61 00 0c 00",  // the same key twice
           "19 16 61 00 0d 00 00",           // a value inside that is not canonical
           "1a 00",
           "1a 20 00",
           "1a 61 00 ff 00",
       }) {
    EXPECT_FALSE(check_fields(from_hex(bytes), {}).ok()) << bytes;
  }
  for (const char* bytes : {"01", "16 00", "16 00 ff 00", "17 ff 00", "18 00", "19 00",
                            "19 16 61 00 0c 16 61 00 ff 00 0c 00"}) {
    EXPECT_TRUE(check_fields(from_hex(bytes), {}).ok()) << bytes;
  }
  EXPECT_EQ(*check_fields("", {}), 0u);
}

TEST(Encoding, AcceptsOnlyWhatItWritesItself) {
  RandomTuples random(11);
  int accepted = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string bytes = bytes_of(random.value());
    for (size_t changes = 1 + random.below(2); changes > 0; --changes) {
      bytes[random.below(bytes.size())] = random.below(2) == 0
                                              ? static_cast<char>(random.below(0x1c))
                                              : static_cast<char>(random.bits());
    }
    const auto count = check_fields(bytes, {});
    if (!count.ok()) continue;
    ++accepted;
    std::string again;
    for (std::string_view rest = bytes; !rest.empty();) {
      ASSERT_TRUE(encode(decode(take_field(rest)), {}, again).ok()) << hex(bytes);
    }
    ASSERT_EQ(hex(again), hex(bytes));
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Encoding, ChecksTheBoundsOfTuples) {
  Limits limits;
  limits.tuple_bytes_max = 4;
  limits.fields_max = 3;
  EXPECT_EQ(*check_fields(from_hex("0c 0c 0c"), limits), 3u);
  EXPECT_EQ(check_fields(from_hex("0c 0c 0c 0c"), limits).status().problem().bound, "fields_max");
  EXPECT_EQ(check_fields(from_hex("16 61 61 61 00"), limits).status().problem().bound,
            "tuple_bytes_max");
}

TEST(Utf8, IsCheckedToTheLetter) {
  for (const char* text :
       {"", "a", "é", "\u07ff", "\u0800", "\xed\x9f\xbf", "\ue000", "\uffff", "\U00010000",
        "\U0010ffff", "a text of more than thirty-two bytes, with é at its end: é"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* text : {
           "\x80",
           "\xbf",
           "\xc0\x80",
           "\xc1\xbf",
           "\xc2",
           "\xc3(",
           "\xe0\x80\x80",
           "\xe0\x9f\xbf",
           "\xed\xa0\x80",
           "\xed\xbf\xbf",
           "\xe2\x82",
           "\xf0\x80\x80\x80",
           "\xf0\x8f\xbf\xbf",
           "\xf4\x90\x80\x80",
           "\xf5\x80\x80\x80",
           "\xf8\x88\x80\x80\x80",
           "\xff",
           "\xfe",
       }) {
    EXPECT_EQ(utf8_length(text), 0u) << hex(text);
    const std::string padded = std::string(33, 'a') + text + "b";
    EXPECT_EQ(utf8_length(padded), 33u) << hex(text);
  }
}

}  // namespace
}  // namespace tuplespace
