// Spaces, figures, health and reflection.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "tests/integration/local_server.h"
#include "tests/integration/wire_client.h"

namespace tuplespace::integration {
namespace {

namespace health = grpc::health::v1;
namespace reflection = grpc::reflection::v1alpha;
using testing::Contains;
using testing::ElementsAre;

constexpr int kInvalidArgument = 3;
constexpr int kNotFound = 5;
constexpr int kAlreadyExists = 6;

constexpr char kCreate[] = "tuplespace.v1.Admin/CreateSpace";
constexpr char kList[] = "tuplespace.v1.Admin/ListSpaces";
constexpr char kDrop[] = "tuplespace.v1.Admin/DropSpace";
constexpr char kCheck[] = "grpc.health.v1.Health/Check";
constexpr char kWatch[] = "grpc.health.v1.Health/Watch";
constexpr char kReflection[] = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

struct Admin : testing::Test {
  Outcome create(const std::string& name, const v1::Policy& policy) {
    v1::CreateSpaceRequest request;
    request.set_name(name);
    *request.mutable_policy() = policy;
    return client.call(kCreate, request, created);
  }
  std::vector<std::string> list(const std::string& prefix) {
    v1::ListSpacesRequest request;
    request.set_prefix(prefix);
    v1::ListSpacesResponse response;
    EXPECT_TRUE(client.call(kList, request, response).ok());
    std::vector<std::string> names;
    for (const v1::SpaceInfo& space : response.spaces()) names.push_back(space.name());
    return names;
  }
  Outcome check(const std::string& service, health::HealthCheckResponse& response) {
    health::HealthCheckRequest request;
    request.set_service(service);
    return client.call(kCheck, request, response);
  }

  LocalServer server{[](Config& config) {
    config.engine.lanes = 2;
    config.engine.shards = 3;
  }};
  WireClient client{server.address()};
  v1::CreateSpaceResponse created;
};

TEST_F(Admin, CreatingTwiceWithOnePolicyIsOkAndWithAnotherIsNot) {
  v1::Policy policy;
  policy.set_durability(v1::DURABILITY_ASYNC);
  policy.set_shard(2);
  ASSERT_TRUE(create("jobs", policy).ok());
  EXPECT_TRUE(created.created());
  ASSERT_TRUE(create("jobs", policy).ok());
  EXPECT_FALSE(created.created());
  EXPECT_EQ(created.space().policy().durability(), v1::DURABILITY_ASYNC);
  policy.set_durability(v1::DURABILITY_MEMORY);
  EXPECT_EQ(create("jobs", policy).code, kAlreadyExists);
}

TEST_F(Admin, APolicyThatCannotBeIsRefused) {
  v1::Policy policy;
  EXPECT_EQ(create("no name", policy).code, kInvalidArgument);
  policy.set_shard(3);
  EXPECT_EQ(create("jobs", policy).code, kInvalidArgument);
  policy.set_shard(0);
  policy.set_order(v1::ORDER_LEAST);
  EXPECT_EQ(create("jobs", policy).code, kInvalidArgument);
}

TEST_F(Admin, SpacesOfAllShardsAreListedByName) {
  v1::Policy policy;
  policy.set_shard(1);
  ASSERT_TRUE(create("b/1", policy).ok());
  policy.set_shard(2);
  ASSERT_TRUE(create("b/0", policy).ok());
  ASSERT_TRUE(client.out("a", tuple("n", 1)).ok());
  EXPECT_THAT(list(""), ElementsAre("a", "b/0", "b/1"));
  EXPECT_THAT(list("b/"), ElementsAre("b/0", "b/1"));
}

TEST_F(Admin, DescribeSaysWhatIsThere) {
  ASSERT_TRUE(client.out("a", tuple("n", 1)).ok());
  const v1::SpaceInfo space = client.describe("a");
  EXPECT_EQ(space.name(), "a");
  EXPECT_EQ(space.ready(), 1);
  EXPECT_GT(space.bytes(), 0);
  v1::DescribeSpaceRequest request;
  request.set_name("nowhere");
  v1::SpaceInfo none;
  EXPECT_EQ(client.call("tuplespace.v1.Admin/DescribeSpace", request, none).code, kNotFound);
}

TEST_F(Admin, ADroppedSpaceIsGone) {
  v1::DropSpaceRequest request;
  request.set_name("a");
  v1::DropSpaceResponse response;
  EXPECT_EQ(client.call(kDrop, request, response).code, kNotFound);
  ASSERT_TRUE(client.out("a", tuple("n", 1)).ok());
  ASSERT_TRUE(client.call(kDrop, request, response).ok());
  EXPECT_EQ(response.tuples(), 1);
  EXPECT_THAT(list(""), ElementsAre());
}

TEST_F(Admin, StatsCountWhatHappened) {
  const uint64_t before = client.figure("server_unary_calls");
  ASSERT_TRUE(client.out("a", tuple("n", 1)).ok());
  EXPECT_EQ(client.figure("server_unary_calls"), before + 2);
  EXPECT_EQ(client.figure("server_connections"), 1);
  EXPECT_EQ(client.figure("incarnation"), 1);
  v1::StatsResponse stats;
  ASSERT_TRUE(client.call("tuplespace.v1.Admin/Stats", v1::StatsRequest(), stats).ok());
  EXPECT_EQ(stats.incarnation(), 1);
  EXPECT_FALSE(stats.version().empty());
}

TEST_F(Admin, HealthKnowsTheServerAndItsServices) {
  health::HealthCheckResponse response;
  for (const char* service : {"", "tuplespace.v1.TupleSpace", "tuplespace.v1.Sessions"}) {
    ASSERT_TRUE(check(service, response).ok()) << service;
    EXPECT_EQ(response.status(), health::HealthCheckResponse::SERVING);
  }
  EXPECT_EQ(check("nope", response).code, kNotFound);
}

TEST_F(Admin, AHealthWatchHearsOfTheDrain) {
  const auto watch = client.stream(kWatch);
  ASSERT_TRUE(watch->send(health::HealthCheckRequest()));
  watch->no_more();
  health::HealthCheckResponse response;
  ASSERT_TRUE(watch->receive(response));
  EXPECT_EQ(response.status(), health::HealthCheckResponse::SERVING);
  server.drain();
  ASSERT_TRUE(watch->receive(response));
  EXPECT_EQ(response.status(), health::HealthCheckResponse::NOT_SERVING);
}

TEST_F(Admin, AHealthWatchOfAnUnknownServiceSaysSo) {
  const auto watch = client.stream(kWatch);
  health::HealthCheckRequest request;
  request.set_service("nope");
  ASSERT_TRUE(watch->send(request));
  health::HealthCheckResponse response;
  ASSERT_TRUE(watch->receive(response));
  EXPECT_EQ(response.status(), health::HealthCheckResponse::SERVICE_UNKNOWN);
}

TEST_F(Admin, ReflectionListsServicesAndFindsFilesBySymbol) {
  const auto stream = client.stream(kReflection);
  reflection::ServerReflectionRequest request;
  request.set_list_services("*");
  ASSERT_TRUE(stream->send(request));
  reflection::ServerReflectionResponse response;
  ASSERT_TRUE(stream->receive(response));
  std::vector<std::string> services;
  for (const auto& service : response.list_services_response().service()) {
    services.push_back(service.name());
  }
  EXPECT_THAT(services,
              ElementsAre("grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection",
                          "tuplespace.v1.Admin", "tuplespace.v1.Sessions",
                          "tuplespace.v1.Transactions", "tuplespace.v1.TupleSpace"));

  request.set_file_containing_symbol("tuplespace.v1.TupleSpace.Out");
  ASSERT_TRUE(stream->send(request));
  ASSERT_TRUE(stream->receive(response));
  std::vector<std::string> files;
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(bytes));
    files.push_back(file.name());
  }
  EXPECT_THAT(files, ElementsAre("tuplespace/v1/tuple.proto", "tuplespace/v1/space.proto"));

  request.set_file_by_filename("nope.proto");
  ASSERT_TRUE(stream->send(request));
  ASSERT_TRUE(stream->receive(response));
  EXPECT_EQ(response.error_response().error_code(), kNotFound);
  stream->no_more();
  EXPECT_TRUE(stream->finish().ok());
}

}  // namespace
}  // namespace tuplespace::integration
