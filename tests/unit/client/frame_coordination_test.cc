// Holds, atomic, leases and transactions in frames, checked by the protobuf library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/cpp/frame.h"
#include "tests/unit/client/conversation.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::client {
namespace {

proto::Operation operation_of(const Ask& ask, std::optional<int64_t> wait_ms = {}) {
  std::string request;
  encode_request(ask, request);
  std::string bytes;
  append_operation(9, ask.verb, request, wait_ms, bytes);
  proto::ClientFrame frame;
  EXPECT_TRUE(frame.ParseFromString(bytes));
  EXPECT_EQ(frame.operations_size(), 1);
  return frame.operations(0);
}

const std::string kSpace = "jobs";
const std::string kNone;

TEST(FrameCoordination, SpellsWhatFewOutsAskFor) {
  const std::vector<Tuple> tuples{pair("job", 1), pair("job", 2), pair("job", 3)};
  const Extras extras{.more = std::span(tuples).subspan(1)};
  const proto::OutRequest out =
      operation_of({.verb = Verb::kOut,
                    .space = kSpace,
                    .tuple = &tuples[0],
                    .out = {.bound = true, .until_taken = true, .transaction = 5},
                    .extras = &extras})
          .out();

  ASSERT_EQ(out.more_size(), 2);
  EXPECT_EQ(out.more(1).fields(1).int_value(), 3);
  EXPECT_TRUE(out.bound());
  EXPECT_TRUE(out.until_taken());
  EXPECT_EQ(out.transaction(), 5u);
}

TEST(FrameCoordination, SpellsWhatFewTakesAskFor) {
  const Template any = parse_template("(?)").value();
  const TemplateArgument further[] = {"('a')", "('b', ?)"};
  const TakeOptions options{
      .hold = milliseconds(700), .group = "who", .any_of = further, .transaction = 5};
  const Extras extras{.take = &options};
  const proto::InRequest in =
      operation_of(
          {.verb = Verb::kIn, .space = kSpace, .wanted = &any, .max = 1, .extras = &extras}, 10)
          .in();

  EXPECT_EQ(in.wait_ms(), 10);
  EXPECT_EQ(in.hold_ms(), 700);
  EXPECT_EQ(in.group().name(), "who");
  ASSERT_EQ(in.any_of_size(), 2);
  EXPECT_EQ(in.any_of(1).fields_size(), 2);
  EXPECT_EQ(in.transaction(), 5u);
}

TEST(FrameCoordination, SpellsSettlements) {
  const Settlement back = Settlement::back(milliseconds(70));
  const Extras extras{.number = 12, .settlement = &back};
  const proto::SettleRequest settle =
      operation_of({.verb = Verb::kSettle, .space = kSpace, .extras = &extras}).settle();
  EXPECT_EQ(settle.space(), "jobs");
  EXPECT_EQ(settle.token(), 12u);
  EXPECT_EQ(settle.settlement(), proto::SETTLEMENT_BACK);
  EXPECT_EQ(settle.after_ms(), 70);

  const Settlement dead = Settlement::dead("no paper");
  const Extras buried{.number = 12, .settlement = &dead};
  EXPECT_EQ(
      operation_of({.verb = Verb::kSettle, .space = kSpace, .extras = &buried}).settle().reason(),
      "no paper");
}

TEST(FrameCoordination, SpellsAnAtomicWithAlternatives) {
  const Atomic atomic =
      Atomic()
          .in("jobs", "('job', ?id:int)", {.hold = milliseconds(5)})
          .settle("jobs", 12)
          .fewer_than(3, "results", "('result', $id)")
          .out("results", "('result', $id+1, 'x')", {.ttl = milliseconds(9), .bound = true})
          .otherwise()
          .rd("jobs", "('closed')");
  const Extras extras{.atomic = &atomic};
  ASSERT_TRUE(atomic.status().ok()) << atomic.status().to_string();
  const proto::AtomicRequest request =
      operation_of({.verb = Verb::kAtomic, .space = kNone, .extras = &extras}, 50).atomic();

  EXPECT_EQ(request.wait_ms(), 50);
  ASSERT_EQ(request.alternatives_size(), 2);
  const proto::Alternative& first = request.alternatives(0);
  ASSERT_EQ(first.steps_size(), 4);
  EXPECT_EQ(first.steps(0).in().hold_ms(), 5);
  EXPECT_EQ(first.steps(0).in().template_().fields(1).name(), "id");
  EXPECT_EQ(first.steps(1).settle().settlement(), proto::SETTLEMENT_DONE);
  EXPECT_EQ(first.steps(2).count().comparison(), proto::COMPARISON_LESS);
  EXPECT_EQ(first.steps(2).count().value(), 3u);
  EXPECT_EQ(first.steps(2).count().template_().fields(1).reference().name(), "id");
  EXPECT_EQ(first.steps(3).out().fields(1).reference().add(), 1);
  EXPECT_EQ(first.steps(3).out().fields(2).value().string_value(), "x");
  EXPECT_EQ(first.steps(3).out().ttl_ms(), 9);
  EXPECT_TRUE(first.steps(3).out().bound());
  EXPECT_EQ(request.alternatives(1).steps(0).rd().space(), "jobs");
}

TEST(FrameCoordination, SpellsLeases) {
  const Lease hold = Lease::hold(12);
  const Extras extras{.lease = &hold, .ttl = milliseconds(30)};
  const proto::RenewRequest renew =
      operation_of({.verb = Verb::kRenew, .space = kSpace, .extras = &extras}).renew();
  EXPECT_EQ(renew.lease().hold().space(), "jobs");
  EXPECT_EQ(renew.lease().hold().token(), 12u);
  EXPECT_EQ(renew.ttl_ms(), 30);

  const Lease tuple = Lease::tuple(13);
  const Extras ends{.lease = &tuple};
  EXPECT_EQ(operation_of({.verb = Verb::kCancel, .space = kSpace, .extras = &ends})
                .cancel()
                .lease()
                .tuple()
                .id(),
            13u);
}

TEST(FrameCoordination, SpellsTransactionsAndCollect) {
  const Extras begin{.ttl = milliseconds(40)};
  EXPECT_EQ(
      operation_of({.verb = Verb::kBegin, .space = kSpace, .extras = &begin}).begin().ttl_ms(), 40);
  const Extras end{.number = 5};
  EXPECT_EQ(
      operation_of({.verb = Verb::kCommit, .space = kNone, .extras = &end}).commit().transaction(),
      5u);
  EXPECT_EQ(
      operation_of({.verb = Verb::kAbort, .space = kNone, .extras = &end}).abort().transaction(),
      5u);
  const Template any = parse_template("(?)").value();
  const std::string into = "there";
  const Extras collect{.into = &into};
  EXPECT_EQ(operation_of(
                {.verb = Verb::kCopyCollect, .space = kSpace, .wanted = &any, .extras = &collect})
                .copy_collect()
                .into(),
            "there");
}

TEST(FrameCoordination, ReadsWhatAnAtomicDid) {
  proto::Answer answer;
  answer.set_number(1);
  proto::AtomicResponse& atomic = *answer.mutable_atomic();
  atomic.set_sequence(70);
  atomic.set_alternative(1);
  proto::Found& found = *atomic.add_results()->mutable_found();
  found = Conversation::took(1, 7).in().tuples(0);
  found.set_token(60);
  atomic.add_results()->set_id(71);
  atomic.add_results()->set_count(3);
  Reply reply;
  ASSERT_TRUE(read_answer(answer.SerializeAsString(), {}, reply).ok());
  ASSERT_NE(reply.did, nullptr);
  EXPECT_EQ(reply.sequence, 70u);
  EXPECT_EQ(reply.did->alternative, 1u);
  ASSERT_EQ(reply.did->steps.size(), 3u);
  EXPECT_EQ(reply.did->steps[0].found->token, 60u);
  EXPECT_EQ(reply.did->steps[1].id, 71u);
  EXPECT_EQ(reply.did->steps[2].count, 3u);

  answer.mutable_atomic()->set_ended(proto::ENDED_TIMEOUT);
  reply.clear();
  ASSERT_TRUE(read_answer(answer.SerializeAsString(), {}, reply).ok());
  EXPECT_EQ(reply.did, nullptr);
  EXPECT_EQ(reply.ended, Ended::kTimeout);
}

TEST(FrameCoordination, ReadsWhatFewAnswersSay) {
  proto::Answer out;
  out.mutable_out()->set_fate(proto::FATE_WITHDRAWN);
  proto::Answer in = Conversation::took(1, 7);
  in.mutable_in()->set_hold_ms(30);
  in.mutable_in()->mutable_tuples(0)->set_token(60);
  in.mutable_in()->mutable_tuples(0)->set_matched(2);
  proto::Answer begin;
  begin.mutable_begin()->set_transaction(80);
  begin.mutable_begin()->set_ttl_ms(90);
  proto::Answer renew;
  renew.mutable_renew()->set_ttl_ms(91);
  proto::Answer collect;
  collect.mutable_collect()->set_count(4);
  const auto read = [](const proto::Answer& answer) {
    Reply reply;
    EXPECT_TRUE(read_answer(answer.SerializeAsString(), {}, reply).ok());
    return reply;
  };
  EXPECT_EQ(read(out).fate, Fate::kWithdrawn);
  EXPECT_EQ(read(in).ttl, milliseconds(30));
  EXPECT_EQ(read(in).tuples.at(0).token, 60u);
  EXPECT_EQ(read(in).tuples.at(0).matched, 2u);
  EXPECT_EQ(read(begin).number, 80u);
  EXPECT_EQ(read(begin).ttl, milliseconds(90));
  EXPECT_EQ(read(renew).ttl, milliseconds(91));
  EXPECT_EQ(read(collect).number, 4u);
}

}  // namespace
}  // namespace tuplespace::client
