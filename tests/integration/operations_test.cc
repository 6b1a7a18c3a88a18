// The unary operations, as any gRPC client sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/local_server.h"
#include "tests/integration/wire_client.h"

namespace tuplespace::integration {
namespace {

constexpr char kOut[] = "tuplespace.v1.TupleSpace/Out";
constexpr char kIn[] = "tuplespace.v1.TupleSpace/In";
constexpr char kCount[] = "tuplespace.v1.TupleSpace/Count";
constexpr char kScan[] = "tuplespace.v1.TupleSpace/Scan";

constexpr int kInvalidArgument = 3;
constexpr int kNotFound = 5;
constexpr int kResourceExhausted = 8;
constexpr int kUnimplemented = 12;

v1::OutRequest out_of(const std::string& space, const v1::Tuple& tuple) {
  v1::OutRequest request;
  request.set_space(space);
  *request.mutable_tuple() = tuple;
  return request;
}

struct Operations : testing::Test {
  Outcome out(const v1::OutRequest& request) {
    v1::OutResponse response;
    return client.call(kOut, request, response);
  }

  LocalServer server{[](Config& config) { config.engine.shard.limits.tuple_bytes_max = 2000; }};
  WireClient client{server.address()};
};

TEST_F(Operations, RdCopiesAndInTakes) {
  ASSERT_TRUE(client.out("jobs", tuple("job", 7)).ok());
  EXPECT_EQ(found_int(client.rd("jobs", wanted("job", v1::TYPE_INT))), 7);
  EXPECT_EQ(found_int(client.in("jobs", wanted("job", v1::TYPE_INT))), 7);
  EXPECT_EQ(client.in("jobs", wanted("job", v1::TYPE_INT)).ended(), v1::ENDED_NONE);
}

TEST_F(Operations, ValuesOfEveryTypeComeBackAsTheyWent) {
  v1::Tuple all = tuple("text", -1, 2.5);
  all.add_fields()->set_null_value(true);
  all.add_fields()->set_bool_value(true);
  all.add_fields()->set_bytes_value(std::string("\0\xff", 2));
  all.add_fields()->set_space_value("orders");
  set(*all.add_fields()->mutable_list_value()->add_items(), "inside");
  set((*all.add_fields()->mutable_map_value()->mutable_entries())["key"], 9);
  ASSERT_TRUE(client.out("all", all).ok());
  v1::Template anything;
  anything.set_rest(true);
  const v1::InResponse found = client.in("all", anything);
  ASSERT_EQ(found.tuples_size(), 1);
  EXPECT_EQ(found.tuples(0).tuple().SerializeAsString(), all.SerializeAsString());
}

TEST_F(Operations, TheOldestIsChosenUnlessAskedOtherwise) {
  for (const int number : {2, 1, 3}) ASSERT_TRUE(client.out("s", tuple("n", number)).ok());
  v1::InRequest request;
  request.set_space("s");
  *request.mutable_template_() = wanted("n", v1::TYPE_INT);
  request.set_wait_ms(0);
  request.mutable_choice()->set_order(v1::ORDER_GREATEST);
  request.mutable_choice()->set_field(1);
  v1::InResponse greatest;
  ASSERT_TRUE(client.call(kIn, request, greatest).ok());
  EXPECT_EQ(found_int(greatest), 3);
  EXPECT_EQ(found_int(client.in("s", wanted("n", v1::TYPE_INT))), 2);
}

TEST_F(Operations, MaxTakesSeveralAtOnce) {
  for (int number = 0; number < 3; ++number) ASSERT_TRUE(client.out("s", tuple("n", number)).ok());
  v1::InRequest request;
  request.set_space("s");
  *request.mutable_template_() = wanted("n", v1::TYPE_INT);
  request.set_wait_ms(0);
  request.set_max(2);
  v1::InResponse found;
  ASSERT_TRUE(client.call(kIn, request, found).ok());
  EXPECT_EQ(found.tuples_size(), 2);
  EXPECT_EQ(client.count("s", wanted("n", v1::TYPE_INT)).ready(), 1);
}

TEST_F(Operations, ScanReturnsEveryTupleOncePageByPage) {
  for (int number = 0; number < 5; ++number) ASSERT_TRUE(client.out("s", tuple("n", number)).ok());
  v1::ScanRequest request;
  request.set_space("s");
  *request.mutable_template_() = wanted("n", v1::TYPE_INT);
  request.set_max(2);
  std::vector<int64_t> seen;
  do {
    v1::ScanResponse page;
    ASSERT_TRUE(client.call(kScan, request, page).ok());
    for (const v1::Found& found : page.tuples()) {
      seen.push_back(found.tuple().fields(1).int_value());
    }
    request.set_after(page.next());
    request.set_until(page.until());
  } while (request.after() != 0);
  EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(Operations, ATtlIsGrantedAndAPulseIsNotStored) {
  v1::OutRequest request = out_of("s", tuple("n", 1));
  request.set_ttl_ms(60'000);
  v1::OutResponse response;
  ASSERT_TRUE(client.call(kOut, request, response).ok());
  EXPECT_EQ(response.ttl_ms(), 60'000);
  request.clear_ttl_ms();
  request.set_pulse(true);
  ASSERT_TRUE(out(request).ok());
  EXPECT_EQ(client.count("s", wanted("n", 1)).ready(), 1);
}

TEST_F(Operations, AnErrorNamesItsBound) {
  const Outcome outcome = client.out("s", tuple("big", std::string(3000, 'x')));
  EXPECT_EQ(outcome.code, kResourceExhausted) << outcome.message;
  ASSERT_TRUE(outcome.problem);
  EXPECT_EQ(outcome.problem->bound(), "tuple_bytes_max");
  EXPECT_THAT(outcome.message, testing::HasSubstr("2000"));
}

TEST_F(Operations, ATupleTooManyIsRefusedAndTheOthersStay) {
  v1::CreateSpaceRequest create;
  create.set_name("s");
  create.mutable_policy()->set_tuples_max(3);
  v1::CreateSpaceResponse created;
  ASSERT_TRUE(client.call("tuplespace.v1.Admin/CreateSpace", create, created).ok());
  for (int number = 0; number < 3; ++number) ASSERT_TRUE(client.out("s", tuple("n", 1)).ok());
  const Outcome outcome = client.out("s", tuple("n", 1));
  EXPECT_EQ(outcome.code, kResourceExhausted);
  ASSERT_TRUE(outcome.problem);
  EXPECT_EQ(outcome.problem->bound(), "tuples_max");
  EXPECT_EQ(client.count("s", wanted("n", 1)).ready(), 3);
}

TEST_F(Operations, WhatMakesNoTupleIsRefused) {
  EXPECT_EQ(client.out("not a name", tuple("n")).code, kInvalidArgument);
  EXPECT_EQ(client.out("", tuple("n")).code, kInvalidArgument);
  v1::Tuple without_kind;
  without_kind.add_fields();
  EXPECT_EQ(client.out("s", without_kind).code, kInvalidArgument);
  v1::OutRequest no_ttl = out_of("s", tuple("n"));
  no_ttl.set_ttl_ms(0);
  EXPECT_EQ(out(no_ttl).code, kInvalidArgument);
}

TEST_F(Operations, ANegativeWaitIsRefused) {
  v1::InRequest request;
  request.set_space("s");
  request.set_wait_ms(-1);
  v1::InResponse response;
  const Outcome outcome = client.call(kIn, request, response);
  EXPECT_EQ(outcome.code, kInvalidArgument);
  ASSERT_TRUE(outcome.problem);
  EXPECT_EQ(outcome.problem->bound(), "wait_ms");
}

TEST_F(Operations, CountOfAnUnknownSpaceIsNotFound) {
  v1::CountRequest request;
  request.set_space("nowhere");
  v1::CountResponse response;
  EXPECT_EQ(client.call(kCount, request, response).code, kNotFound);
}

TEST_F(Operations, AnUnknownMethodIsUnimplemented) {
  EXPECT_EQ(client.call_bytes("tuplespace.v1.TupleSpace/Nope", "").code, kUnimplemented);
}

TEST_F(Operations, BytesThatAreNoMessageAreRefusedAndTheServerGoesOn) {
  for (const char* method : {kOut, kIn, "tuplespace.v1.TupleSpace/Rd", kCount, kScan,
                             "tuplespace.v1.Sessions/Open", "tuplespace.v1.Sessions/KeepAlive",
                             "tuplespace.v1.Admin/CreateSpace", "grpc.health.v1.Health/Check"}) {
    EXPECT_EQ(client.call_bytes(method, "\xff\xff\xff\xff\x07garbage").code, kInvalidArgument)
        << method;
  }
  EXPECT_TRUE(client.out("s", tuple("n", 1)).ok());
}

TEST_F(Operations, AMessageBeyondTheFrameIsRefusedAndTheServerGoesOn) {
  EXPECT_EQ(client.out("s", tuple(std::string(5 << 20, 'x'))).code, kResourceExhausted);
  EXPECT_TRUE(client.out("s", tuple("n", 1)).ok());
}

}  // namespace
}  // namespace tuplespace::integration
