#include "tuplespace/server/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tuplespace/server/wire_format.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string range(Number first, Number last) {
  std::string bytes;
  append_number(bytes, 1, first);
  append_number(bytes, 2, last);
  return bytes;
}

std::string out_request(const std::string& caller = {}) {
  std::string request;
  append_bytes(request, 1, "jobs");
  std::string tuple;
  append_wire(*Tuple::of({Value("job"), Value(7)}), tuple);
  append_bytes(request, 2, tuple);
  if (!caller.empty()) append_bytes(request, 15, caller);
  return request;
}

std::string in_request(std::string_view space) {
  std::string request;
  append_bytes(request, 1, space);
  std::string wanted;
  append_wire(*Template::of({type_pattern(Type::kInt)}, {}), wanted);
  append_bytes(request, 2, wanted);
  return request;
}

struct Decoding : testing::Test {
  Status decode(Verb verb, std::string_view request) {
    return decoder.decode(verb, request, operation, caller);
  }

  Decoder decoder{Limits{}};
  Operation operation;
  std::string_view caller;
};

TEST_F(Decoding, AnOutHasItsSpaceAndTuple) {
  ASSERT_TRUE(decode(Verb::kOut, out_request()).ok());
  const Out& out = std::get<Out>(operation.what);
  EXPECT_EQ(out.space, "jobs");
  EXPECT_EQ(out.tuple, *Tuple::of({Value("job"), Value(7)}));
  EXPECT_FALSE(out.ttl);
  EXPECT_THAT(caller, IsEmpty());
}

TEST_F(Decoding, AnAbsentWaitWaitsAndZeroProbes) {
  std::string request = in_request("jobs");
  ASSERT_TRUE(decode(Verb::kIn, request).ok());
  EXPECT_FALSE(std::get<Take>(operation.what).wait);
  EXPECT_TRUE(std::get<Take>(operation.what).remove);
  EXPECT_EQ(std::get<Take>(operation.what).max, 1u);
  append_varint(request, 3 << 3);
  append_varint(request, 0);
  ASSERT_TRUE(decode(Verb::kRd, request).ok());
  EXPECT_EQ(std::get<Take>(operation.what).wait, 0);
  EXPECT_FALSE(std::get<Take>(operation.what).remove);
}

TEST_F(Decoding, ATemplateIsTheSameTheSecondTime) {
  ASSERT_TRUE(decode(Verb::kIn, in_request("jobs")).ok());
  const Template first = std::get<Take>(operation.what).wanted;
  ASSERT_TRUE(decode(Verb::kIn, in_request("jobs")).ok());
  EXPECT_EQ(std::get<Take>(operation.what).wanted, first);
}

TEST_F(Decoding, ABadSpaceNameIsRefusedEveryTime) {
  for (const char* name : {"", "two words", ""}) {
    EXPECT_EQ(decode(Verb::kIn, in_request(name)).code(), Code::kInvalidArgument) << name;
    EXPECT_TRUE(decode(Verb::kIn, in_request("good")).ok());
  }
}

TEST_F(Decoding, AnOrderThatIsNoneIsRefused) {
  std::string request = in_request("jobs");
  std::string choice;
  append_number(choice, 1, 6);
  append_bytes(request, 4, choice);
  EXPECT_EQ(decode(Verb::kIn, request).problem().bound, "order");
}

TEST(OperationHash, TheCallerDoesNotCountAndTheVerbDoes) {
  const std::string plain = out_request();
  const std::string called = out_request("anything");
  EXPECT_EQ(operation_hash(Verb::kOut, plain, false), operation_hash(Verb::kOut, called, true));
  EXPECT_NE(operation_hash(Verb::kOut, plain, false), operation_hash(Verb::kIn, plain, false));
}

TEST(WireCallers, SessionNumberAndSecretAreNeeded) {
  std::string caller;
  append_number(caller, 1, 5);
  EXPECT_EQ(decode_caller(caller).status().problem().bound, "number");
  append_number(caller, 3, 1);
  EXPECT_EQ(decode_caller(caller).status().code(), Code::kPermissionDenied);
  append_bytes(caller, 2, "secret");
  append_bytes(caller, 4, range(1, 3));
  const Result<WireCaller> whole = decode_caller(caller);
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->session, 5u);
  ASSERT_EQ(whole->confirmed.size(), 1u);
  EXPECT_EQ(whole->confirmed[0].last, 3u);
}

TEST(ClientFrames, CancelsMayBePackedOrNot) {
  ClientFrameParts parts;
  std::string frame;
  append_bytes(frame, 4, std::string("\x01\x96\x01", 3));
  append_number(frame, 4, 9);
  ASSERT_TRUE(parts.parse(frame).ok());
  EXPECT_THAT(parts.cancels, ElementsAre(1, 150, 9));
}

TEST(ClientFrames, ARangeThatRunsBackwardsIsRefused) {
  ClientFrameParts parts;
  std::string frame;
  append_bytes(frame, 2, range(4, 3));
  EXPECT_EQ(parts.parse(frame).code(), Code::kInvalidArgument);
  frame.clear();
  append_bytes(frame, 6, range(0, 3));
  EXPECT_EQ(parts.parse(frame).code(), Code::kInvalidArgument);
}

TEST(ClientFrames, PartsOfTheFrameBeforeAreForgotten) {
  ClientFrameParts parts;
  std::string frame;
  append_bytes(frame, 2, range(1, 3));
  append_number(frame, 5, 1);
  ASSERT_TRUE(parts.parse(frame).ok());
  EXPECT_TRUE(parts.close);
  ASSERT_TRUE(parts.parse("").ok());
  EXPECT_FALSE(parts.close);
  EXPECT_THAT(parts.confirmed, IsEmpty());
}

TEST(WireAnswers, OneTupleIsSpelledLikeSeveral) {
  for (const size_t size : {0, 1, 60, 100, 120, 127, 128, 200, 16'380, 20'000}) {
    for (const Number number : {Number{5}, Number{1} << 40}) {
      SCOPED_TRACE(testing::Message() << size << " bytes, number " << number);
      TakeAnswer take;
      take.remove = size % 2 == 0;
      take.tuples.push_back({number + 1, *Tuple::of({Value(std::string(size, 'x'))}), 3});
      Answer answer;
      answer.sequence = number + 2;
      answer.what = take;
      std::string expected;
      {
        Nested message(expected, kFrameAnswers);
        append_number(expected, 1, number);
        Nested response(expected, take.remove ? 6 : 7);
        append_response(answer, expected);
      }
      std::string bytes;
      append_answer(kFrameAnswers, number, answer, bytes);
      EXPECT_EQ(bytes, expected);
    }
  }
}

TEST(WireErrors, TheProblemSaysWhatAProgramCanUse) {
  const WireError error = to_wire(exhausted("too many", "waiters_max"));
  EXPECT_EQ(error.code, 8);
  EXPECT_EQ(error.message, "too many");
  FieldReader problem(error.problem);
  ASSERT_TRUE(problem.next());
  EXPECT_EQ(problem.bytes(), "waiters_max");
  ASSERT_TRUE(problem.next());
  EXPECT_EQ(problem.number(), 2u);
  EXPECT_EQ(problem.varint(), 1u);
  EXPECT_FALSE(problem.next());
}

TEST(WireErrors, ALongMessageIsCutBetweenCharacters) {
  std::string message;
  for (int i = 0; i < 1500; ++i) message += "é";
  const WireError error = to_wire(invalid(message));
  EXPECT_LE(error.message.size(), kMessageBytesMax + 3);
  EXPECT_TRUE(is_utf8(error.message));
  EXPECT_THAT(error.message, HasSubstr("..."));
}

}  // namespace
}  // namespace tuplespace
