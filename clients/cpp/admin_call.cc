#include "clients/cpp/admin_call.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "clients/cpp/channel.h"
#include "tuplespace/raw/space.pb.h"

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

}  // namespace

Status call_admin(const std::string& target, std::chrono::milliseconds patience, const char* method,
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

}  // namespace tuplespace::client
