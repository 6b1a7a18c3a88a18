#include "tuplespace/server/wire_format.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace tuplespace {
namespace {

TEST(WireFormat, WhatIsAppendedIsReadBack) {
  std::string message;
  append_number(message, 1, 300);
  append_bytes(message, 2, "text");
  append_number(message, 3, UINT64_MAX);
  FieldReader fields(message);
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.number(), 1u);
  EXPECT_EQ(fields.varint(), 300u);
  EXPECT_EQ(fields.bytes(), "");
  ASSERT_TRUE(fields.next());
  EXPECT_TRUE(fields.is_bytes());
  EXPECT_EQ(fields.bytes(), "text");
  EXPECT_EQ(fields.varint(), 0u);
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.varint(), UINT64_MAX);
  EXPECT_FALSE(fields.next());
  EXPECT_FALSE(fields.failed());
}

TEST(WireFormat, ANumberThatIsZeroIsLeftOut) {
  std::string message;
  append_number(message, 1, 0);
  EXPECT_EQ(message, "");
}

TEST(WireFormat, ANestedMessageHasTheLengthOfItsContent) {
  for (const size_t length : {0, 1, 127, 128, 16383, 16384, 3'000'000}) {
    std::string message = "before";
    {
      const Nested outer(message, 5);
      const Nested inner(message, 1);
      message.append(length, 'x');
    }
    FieldReader outer(std::string_view(message).substr(6));
    ASSERT_TRUE(outer.next()) << length;
    EXPECT_EQ(outer.number(), 5u);
    FieldReader inner(outer.bytes());
    ASSERT_TRUE(inner.next()) << length;
    EXPECT_EQ(inner.bytes(), std::string(length, 'x'));
    EXPECT_FALSE(inner.next());
    EXPECT_FALSE(outer.next());
  }
}

TEST(WireFormat, FixedNumbersAreSkipped) {
  const std::string message(
      "\x09"
      "12345678"
      "\x15"
      "1234"
      "\x18\x07");
  FieldReader fields(message);
  ASSERT_TRUE(fields.next());
  ASSERT_TRUE(fields.next());
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.number(), 3u);
  EXPECT_EQ(fields.varint(), 7u);
}

TEST(WireFormat, BytesThatAreNoMessageFail) {
  using namespace std::string_view_literals;
  for (const std::string_view bytes :
       {"\x00\x01"sv, "\x08"sv, "\x08\xff"sv, "\x0a\x05xx"sv,
        "\x09"
        "1234"sv,
        "\x0f"sv, "\x0b"sv, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv}) {
    FieldReader fields(bytes);
    while (fields.next()) {
    }
    EXPECT_TRUE(fields.failed()) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace tuplespace
