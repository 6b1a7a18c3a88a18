#include "clients/cpp/admin.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "clients/cpp/channel.h"
#include "tuplespace/raw/admin.pb.h"

namespace tuplespace::client {
namespace {

namespace proto = ::tuplespace::v1::raw;

constexpr int kAnswerMax = 64 << 20;
constexpr const char* kProblemKey = "tuplespace-problem-bin";

void read_problem(const grpc::ClientContext& context, Problem& problem) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(kProblemKey);
  proto::Problem message;
  if (found == trailers.end() ||
      !message.ParseFromArray(found->second.data(), static_cast<int>(found->second.size()))) {
    return;
  }
  problem = {message.bound(), message.retry(), message.outcome_unknown()};
}

// Calls /tuplespace.v1.Admin/`method` and waits.
Status call(const std::string& target, milliseconds patience, const char* method,
            const google::protobuf::Message& request, google::protobuf::Message& response) {
  grpc::GenericStub stub(make_channel(target, kAnswerMax));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  context.set_wait_for_ready(true);
  const std::string bytes = request.SerializeAsString();
  grpc::Slice slice(bytes);
  grpc::ByteBuffer asked(&slice, 1);
  grpc::ByteBuffer answered;
  grpc::Status finish;
  grpc::CompletionQueue queue;
  const auto reader =
      stub.PrepareUnaryCall(&context, std::string("/tuplespace.v1.Admin/") + method, asked, &queue);
  reader->StartCall();
  reader->Finish(&answered, &finish, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }

  if (!finish.ok()) {
    const Status status = to_status(finish);
    Problem problem;
    read_problem(context, problem);
    if (status.code() == Code::kDeadlineExceeded) {
      return {Code::kUnavailable,
              "no answer within " + std::to_string(patience.count()) + " ms: " + status.message(),
              {"", true, true}};
    }
    return {status.code(), status.message(), problem};
  }
  grpc::Slice whole;
  if (!answered.DumpToSingleSlice(&whole).ok() ||
      !response.ParseFromArray(whole.begin(), static_cast<int>(whole.size()))) {
    return {Code::kInternal, std::string("the server's answer to ") + method + " cannot be read"};
  }
  return {};
}

proto::Policy to_proto(const Policy& policy) {
  proto::Policy message;
  message.set_durability(static_cast<proto::Durability>(policy.durability));
  message.set_shard(policy.shard);
  message.set_order(static_cast<proto::Order>(policy.order));
  message.set_tuples_max(policy.tuples_max);
  message.set_tuple_bytes_max(policy.tuple_bytes_max);
  return message;
}

SpaceInfo from_proto(const proto::SpaceInfo& message) {
  SpaceInfo info;
  info.name = message.name();
  info.policy.durability = static_cast<Durability>(message.policy().durability());
  info.policy.shard = message.policy().shard();
  info.policy.order = static_cast<Order>(message.policy().order());
  info.policy.tuples_max = message.policy().tuples_max();
  info.policy.tuple_bytes_max = message.policy().tuple_bytes_max();
  info.ready = message.ready();
  info.held = message.held();
  info.delayed = message.delayed();
  info.waiters = message.waiters();
  info.bytes = message.bytes();
  for (const proto::IndexInfo& index : message.indexes()) {
    info.indexes.push_back({index.question(), index.keys(), index.building()});
  }
  return info;
}

}  // namespace

Result<bool> Admin::create(const std::string& name, const Policy& policy) const {
  proto::CreateSpaceRequest request;
  request.set_name(name);
  *request.mutable_policy() = to_proto(policy);
  proto::CreateSpaceResponse response;
  TS_RETURN_IF_ERROR(call(target_, patience_, "CreateSpace", request, response));
  return response.created();
}

Result<uint64_t> Admin::drop(const std::string& name) const {
  proto::DropSpaceRequest request;
  request.set_name(name);
  proto::DropSpaceResponse response;
  TS_RETURN_IF_ERROR(call(target_, patience_, "DropSpace", request, response));
  return uint64_t{response.tuples()};
}

Result<std::vector<SpaceInfo>> Admin::list(const std::string& prefix) const {
  proto::ListSpacesRequest request;
  request.set_prefix(prefix);
  proto::ListSpacesResponse response;
  TS_RETURN_IF_ERROR(call(target_, patience_, "ListSpaces", request, response));
  std::vector<SpaceInfo> spaces;
  for (const proto::SpaceInfo& space : response.spaces()) spaces.push_back(from_proto(space));
  return spaces;
}

Result<SpaceInfo> Admin::describe(const std::string& name) const {
  proto::DescribeSpaceRequest request;
  request.set_name(name);
  proto::SpaceInfo response;
  TS_RETURN_IF_ERROR(call(target_, patience_, "DescribeSpace", request, response));
  return from_proto(response);
}

Result<ServerStats> Admin::stats() const {
  proto::StatsResponse response;
  TS_RETURN_IF_ERROR(call(target_, patience_, "Stats", proto::StatsRequest(), response));
  ServerStats stats;
  stats.version = response.version();
  stats.incarnation = response.incarnation();
  stats.uptime = milliseconds(response.uptime_ms());
  stats.counters.assign(response.counters().begin(), response.counters().end());
  std::sort(stats.counters.begin(), stats.counters.end());
  return stats;
}

}  // namespace tuplespace::client
