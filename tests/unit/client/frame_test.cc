#include "clients/cpp/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/conversation.h"

namespace tuplespace::client {
namespace {

using testing::ElementsAre;

proto::Operation operation_of(const Ask& ask, std::optional<int64_t> wait_ms = {}) {
  std::string request;
  encode_request(ask, request);
  std::string bytes;
  append_operation(9, ask.verb, request, wait_ms, bytes);
  proto::ClientFrame frame;
  EXPECT_TRUE(frame.ParseFromString(bytes));
  EXPECT_EQ(frame.operations_size(), 1);
  EXPECT_EQ(frame.operations(0).number(), 9u);
  return frame.operations(0);
}

TEST(Frame, SpellsAnOutWithAllItsOptions) {
  const Tuple tuple = pair("job", 7);
  const std::string space = "jobs";
  const proto::OutRequest out =
      operation_of({.verb = Verb::kOut,
                    .space = space,
                    .tuple = &tuple,
                    .out = {.ttl = milliseconds(5), .delay = milliseconds(0), .pulse = true}})
          .out();

  EXPECT_EQ(out.space(), "jobs");
  EXPECT_EQ(out.tuple().fields(0).string_value(), "job");
  EXPECT_EQ(out.tuple().fields(1).int_value(), 7);
  EXPECT_EQ(out.ttl_ms(), 5);
  EXPECT_TRUE(out.has_delay_ms());
  EXPECT_TRUE(out.pulse());
}

TEST(Frame, LeavesOutWhatWasNotAsked) {
  const Tuple tuple = pair("job", 7);
  const std::string space = "jobs";
  const proto::OutRequest out =
      operation_of({.verb = Verb::kOut, .space = space, .tuple = &tuple}).out();

  EXPECT_FALSE(out.has_ttl_ms());
  EXPECT_FALSE(out.has_delay_ms());
  EXPECT_FALSE(out.pulse());
}

TEST(Frame, SpellsATakeWithItsChoiceAndWait) {
  const Template any = Template::of({any_pattern()}, {}).value();
  const std::string space = "jobs";
  const proto::InRequest in =
      operation_of({.verb = Verb::kIn,
                    .space = space,
                    .wanted = &any,
                    .choice = {.order = Order::kLeast, .field = 2, .field_name = "n"},
                    .max = 300},
                   1'000)
          .in();

  EXPECT_EQ(in.template_().fields_size(), 1);
  EXPECT_EQ(in.wait_ms(), 1'000);
  EXPECT_EQ(in.choice().order(), proto::ORDER_LEAST);
  EXPECT_EQ(in.choice().field(), 2u);
  EXPECT_EQ(in.choice().field_name(), "n");
  EXPECT_EQ(in.max(), 300u);
}

TEST(Frame, TellsAProbeFromAWaitWithoutEnd) {
  const Template any = Template::of({any_pattern()}, {}).value();
  const std::string space = "jobs";
  const Ask ask{.verb = Verb::kRd, .space = space, .wanted = &any};

  EXPECT_TRUE(operation_of(ask, 0).rd().has_wait_ms());
  EXPECT_FALSE(operation_of(ask).rd().has_wait_ms());
}

TEST(Frame, SpellsRequestsLongerThanOneByteOfLength) {
  const Tuple tuple = Tuple::of({Value(std::string(100'000, 'x'))}).value();
  const std::string space = "jobs";
  const proto::OutRequest out =
      operation_of({.verb = Verb::kOut, .space = space, .tuple = &tuple}).out();

  EXPECT_EQ(out.tuple().fields(0).string_value().size(), 100'000u);
}

TEST(Frame, SpellsAScanPage) {
  const Template any = Template::of({any_pattern()}, {}).value();
  const std::string space = "jobs";
  const proto::ScanRequest scan =
      operation_of(
          {.verb = Verb::kScan, .space = space, .wanted = &any, .max = 10, .after = 3, .until = 99})
          .scan();

  EXPECT_EQ(scan.after(), 3u);
  EXPECT_EQ(scan.until(), 99u);
  EXPECT_EQ(scan.max(), 10u);
}

TEST(Frame, ReadsAnErrorWithItsProblem) {
  proto::Answer answer;
  answer.set_number(4);
  answer.set_code(8);
  answer.set_message("too much");
  answer.mutable_problem()->set_bound("tuples_max");
  answer.mutable_problem()->set_retry(true);
  Reply reply;

  ASSERT_TRUE(read_answer(answer.SerializeAsString(), {}, reply).ok());
  EXPECT_EQ(reply.ticket.number, 4u);
  EXPECT_EQ(reply.status.code(), Code::kResourceExhausted);
  EXPECT_EQ(reply.status.message(), "too much");
  EXPECT_EQ(reply.status.problem().bound, "tuples_max");
  EXPECT_TRUE(reply.status.problem().retry);
}

TEST(Frame, ReadsCountsAndPages) {
  proto::Answer answer;
  answer.set_number(1);
  answer.mutable_count()->set_ready(3);
  answer.mutable_count()->set_held(5);
  answer.mutable_count()->set_delayed(7);
  Reply count;
  ASSERT_TRUE(read_answer(answer.SerializeAsString(), {}, count).ok());
  EXPECT_EQ(count.ready, 3u);
  EXPECT_EQ(count.held, 5u);
  EXPECT_EQ(count.delayed, 7u);

  answer.mutable_scan()->set_next(11);
  answer.mutable_scan()->set_until(12);
  Reply page;
  ASSERT_TRUE(read_answer(answer.SerializeAsString(), {}, page).ok());
  EXPECT_EQ(page.next, 11u);
  EXPECT_EQ(page.until, 12u);
}

TEST(Frame, RefusesWhatItCannotRead) {
  ServerFrame frame;
  EXPECT_EQ(read_frame("\x12\xff", frame).code(), Code::kInternal);
  Reply reply;
  EXPECT_EQ(read_answer("\x32\x02\x12\x7f", {}, reply).code(), Code::kInternal);
}

TEST(Frame, JoinsRangesThatTouch) {
  std::vector<NumberRange> ranges{{5, 5}, {1, 2}, {3, 3}, {9, 9}, {4, 4}};
  normalize(ranges);
  EXPECT_THAT(ranges, ElementsAre(NumberRange{1, 5}, NumberRange{9, 9}));
}

}  // namespace
}  // namespace tuplespace::client
