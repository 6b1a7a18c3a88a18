// Numbered unary calls: the first answer again, and whose a taken tuple is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/local_server.h"
#include "tests/integration/wire_client.h"

namespace tuplespace::integration {
namespace {

constexpr char kOut[] = "tuplespace.v1.TupleSpace/Out";
constexpr char kIn[] = "tuplespace.v1.TupleSpace/In";
constexpr char kOpen[] = "tuplespace.v1.Sessions/Open";
constexpr char kKeepAlive[] = "tuplespace.v1.Sessions/KeepAlive";
constexpr char kClose[] = "tuplespace.v1.Sessions/Close";

constexpr int kInvalidArgument = 3;
constexpr int kNotFound = 5;
constexpr int kPermissionDenied = 7;

struct Shape {
  size_t lanes;
  uint16_t shards;
};

struct UnarySessions : testing::TestWithParam<Shape> {
  void SetUp() override {
    ASSERT_TRUE(client.call(kOpen, v1::OpenRequest(), session).ok());
    v1::CreateSpaceRequest create;  // with several shards: not where sessions are decided
    create.set_name("s");
    create.mutable_policy()->set_shard(GetParam().shards - 1);
    v1::CreateSpaceResponse created;
    ASSERT_TRUE(client.call("tuplespace.v1.Admin/CreateSpace", create, created).ok());
  }

  template <typename Request>
  Request numbered(uint64_t number) {
    Request request;
    request.set_space("s");
    v1::Caller& caller = *request.mutable_caller();
    caller.set_session(session.session());
    caller.set_secret(session.secret());
    caller.set_number(number);
    return request;
  }
  v1::OutRequest out(uint64_t number, int job) {
    auto request = numbered<v1::OutRequest>(number);
    *request.mutable_tuple() = tuple("job", job);
    return request;
  }
  v1::InRequest in(uint64_t number) {
    auto request = numbered<v1::InRequest>(number);
    *request.mutable_template_() = wanted("job", v1::TYPE_INT);
    request.set_wait_ms(0);
    return request;
  }
  Outcome close() {
    v1::CloseRequest request;
    request.set_session(session.session());
    request.set_secret(session.secret());
    v1::CloseResponse response;
    return client.call(kClose, request, response);
  }

  LocalServer server{[](Config& config) {
    config.engine.lanes = GetParam().lanes;
    config.engine.shards = GetParam().shards;
  }};
  WireClient client{server.address()};
  v1::OpenResponse session;
};

INSTANTIATE_TEST_SUITE_P(Shapes, UnarySessions,
                         testing::Values(Shape{1, 1}, Shape{1, 3}, Shape{2, 2}),
                         [](const auto& shape) {
                           return std::to_string(shape.param.lanes) + "Lanes" +
                                  std::to_string(shape.param.shards) + "Shards";
                         });

TEST_P(UnarySessions, ARepeatedOutAddsNoSecondTuple) {
  v1::OutResponse first, again;
  ASSERT_TRUE(client.call(kOut, out(1, 7), first).ok());
  ASSERT_TRUE(client.call(kOut, out(1, 7), again).ok());
  EXPECT_EQ(first.sequence(), again.sequence());
  EXPECT_EQ(client.count("s", wanted("job", 7)).ready(), 1);
}

TEST_P(UnarySessions, ARepeatedInGetsTheSameTuple) {
  ASSERT_TRUE(client.out("s", tuple("job", 1)).ok());
  ASSERT_TRUE(client.out("s", tuple("job", 2)).ok());
  v1::InResponse first, again;
  ASSERT_TRUE(client.call(kIn, in(1), first).ok());
  ASSERT_TRUE(client.call(kIn, in(1), again).ok());
  EXPECT_EQ(found_int(first), 1);
  EXPECT_EQ(found_int(again), 1);
}

TEST_P(UnarySessions, ANumberUsedForSomethingElseIsRefused) {
  v1::OutResponse response;
  ASSERT_TRUE(client.call(kOut, out(1, 7), response).ok());
  EXPECT_EQ(client.call(kOut, out(1, 8), response).code, kInvalidArgument);
}

TEST_P(UnarySessions, WhatIsNotConfirmedGoesBackAtClose) {
  ASSERT_TRUE(client.out("s", tuple("job", 1)).ok());
  v1::InResponse taken;
  ASSERT_TRUE(client.call(kIn, in(1), taken).ok());
  EXPECT_EQ(client.count("s", wanted("job", 1)).held(), 1);
  ASSERT_TRUE(close().ok());
  const v1::InResponse again = client.in("s", wanted("job", 1), 10'000);
  ASSERT_EQ(again.tuples_size(), 1);
  EXPECT_EQ(again.tuples(0).attempt(), 1);
}

TEST_P(UnarySessions, WhatIsConfirmedIsGone) {
  ASSERT_TRUE(client.out("s", tuple("job", 1)).ok());
  v1::InResponse taken;
  ASSERT_TRUE(client.call(kIn, in(1), taken).ok());
  v1::KeepAliveRequest confirm;
  confirm.set_session(session.session());
  confirm.set_secret(session.secret());
  confirm.add_confirmed()->set_first(1);
  confirm.mutable_confirmed(0)->set_last(1);
  v1::KeepAliveResponse response;
  ASSERT_TRUE(client.call(kKeepAlive, confirm, response).ok());
  ASSERT_TRUE(close().ok());
  EXPECT_EQ(client.in("s", wanted("job", 1)).ended(), v1::ENDED_NONE);
  EXPECT_EQ(client.count("s", wanted("job", 1)).held(), 0);
}

TEST_P(UnarySessions, TheWrongSecretOpensNothing) {
  v1::OutRequest request = out(1, 7);
  v1::OutResponse response;
  request.mutable_caller()->set_secret("guess");
  EXPECT_EQ(client.call(kOut, request, response).code, kPermissionDenied);
  request.mutable_caller()->clear_secret();
  EXPECT_EQ(client.call(kOut, request, response).code, kPermissionDenied);
  v1::CloseRequest close_it;
  close_it.set_session(session.session());
  v1::CloseResponse closed;
  EXPECT_EQ(client.call(kClose, close_it, closed).code, kPermissionDenied);
  close_it.set_secret("guess");
  EXPECT_EQ(client.call(kClose, close_it, closed).code, kPermissionDenied);
  EXPECT_EQ(client.count("s", wanted("job", 7)).ready(), 0);
}

TEST_P(UnarySessions, AClosedSessionIsNotFound) {
  ASSERT_TRUE(close().ok());
  EXPECT_EQ(close().code, kNotFound);
  v1::OutResponse response;
  EXPECT_EQ(client.call(kOut, out(1, 7), response).code, kNotFound);
}

TEST_P(UnarySessions, ACancelledNumberedWaitTakesNothing) {
  v1::InRequest request = in(1);
  request.clear_wait_ms();
  v1::InResponse response;
  const auto taken = client.start(kIn, request, response);
  client.await_waiters(1);
  taken->cancel();
  (void)taken->wait();
  client.await_waiters(0);
  ASSERT_TRUE(client.out("s", tuple("job", 1)).ok());
  EXPECT_EQ(found_int(client.in("s", wanted("job", 1))), 1);
}

}  // namespace
}  // namespace tuplespace::integration
