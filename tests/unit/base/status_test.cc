#include "tuplespace/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tuplespace {
namespace {

TEST(Status, IsOkUnlessItSaysOtherwise) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), Code::kOk);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.problem().bound, "");
  EXPECT_EQ(status.to_string(), "OK");
}

TEST(Status, SaysWhatHappenedAndWhatAProgramCanUse) {
  const Status status = exhausted("out to space \"jobs\": it is full", "tuples_max");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.to_string(), "RESOURCE_EXHAUSTED: out to space \"jobs\": it is full");
  EXPECT_EQ(status.problem().bound, "tuples_max");
  EXPECT_TRUE(status.problem().retry);
  EXPECT_FALSE(status.problem().outcome_unknown);
}

TEST(Status, OfAWrongRequestDoesNotInviteARetry) {
  const Status status = invalid("ttl is 0", "ttl");
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.problem().bound, "ttl");
  EXPECT_FALSE(status.problem().retry);
}

TEST(Status, KeepsItsMessageWhenTheOriginalIsGone) {
  auto original = std::make_unique<Status>(Code::kAborted, "dropped");
  const Status copy = *original;
  original.reset();
  EXPECT_EQ(copy.message(), "dropped");
}

// gRPC's numbers, written out: clients depend on them.
TEST(Code, HasTheNumbersAndNamesOfGrpc) {
  const std::pair<int, const char*> known[] = {{0, "OK"},
                                               {1, "CANCELLED"},
                                               {3, "INVALID_ARGUMENT"},
                                               {4, "DEADLINE_EXCEEDED"},
                                               {5, "NOT_FOUND"},
                                               {6, "ALREADY_EXISTS"},
                                               {7, "PERMISSION_DENIED"},
                                               {8, "RESOURCE_EXHAUSTED"},
                                               {9, "FAILED_PRECONDITION"},
                                               {10, "ABORTED"},
                                               {12, "UNIMPLEMENTED"},
                                               {13, "INTERNAL"},
                                               {14, "UNAVAILABLE"},
                                               {15, "DATA_LOSS"}};
  for (const auto& [number, name] : known) {
    EXPECT_STREQ(code_name(static_cast<Code>(number)), name);
  }
}

TEST(Code, ThatNobodyKnowsHasANameToo) {
  EXPECT_STREQ(code_name(static_cast<Code>(99)), "UNKNOWN");
}

TEST(Result, IsAValueOrWhatTookItsPlace) {
  const Result<std::string> value = std::string("seven");
  ASSERT_TRUE(value.ok());
  EXPECT_TRUE(value.status().ok());
  EXPECT_EQ(*value, "seven");
  EXPECT_EQ(value->size(), 5u);

  const Result<std::string> none = Status(Code::kNotFound, "no seven");
  EXPECT_FALSE(none.ok());
  EXPECT_EQ(none.status().to_string(), "NOT_FOUND: no seven");
}

TEST(Result, GivesUpAValueThatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

Status first_failure(const Status& first, const Status& second, bool* reached_end) {
  TS_RETURN_IF_ERROR(first);
  TS_RETURN_IF_ERROR(second);
  *reached_end = true;
  return {};
}

TEST(ReturnIfError, ReturnsTheFirstErrorAndGoesOnOtherwise) {
  bool reached_end = false;
  EXPECT_EQ(first_failure(invalid("a"), invalid("b"), &reached_end).message(), "a");
  EXPECT_EQ(first_failure({}, invalid("b"), &reached_end).message(), "b");
  EXPECT_FALSE(reached_end);
  EXPECT_TRUE(first_failure({}, {}, &reached_end).ok());
  EXPECT_TRUE(reached_end);
}

TEST(CheckDeathTest, NamesTheConditionThatDoesNotHold) {
  const int one = 1;
  EXPECT_DEATH(TS_CHECK(one == 2), "status_test.cc:[0-9]+: CHECK failed: one == 2");
  TS_CHECK(one == 1);
}

}  // namespace
}  // namespace tuplespace
