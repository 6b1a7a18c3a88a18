#include "tests/crash/unary_caller.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <chrono>

#include "tuplespace/v1/space.pb.h"

namespace tuplespace::crash {

struct UnaryCaller::Parts {
  std::shared_ptr<grpc::Channel> channel;

  template <typename Request, typename Response>
  grpc::Status call(const char* method, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    const grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::NORMAL_RPC);
    return grpc::internal::BlockingUnaryCall<Request, Response>(channel.get(), rpc, &context,
                                                                request, response);
  }
};

UnaryCaller::UnaryCaller(const std::string& address) : parts_(std::make_unique<Parts>()) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  parts_->channel =
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

UnaryCaller::~UnaryCaller() = default;

UnaryAnswer UnaryCaller::out(const std::string& space, uint64_t id) {
  v1::OutRequest request;
  request.set_space(space);
  request.mutable_tuple()->add_fields()->set_string_value("t");
  request.mutable_tuple()->add_fields()->set_int_value(static_cast<int64_t>(id));
  v1::OutResponse response;
  if (!parts_->call("/tuplespace.v1.TupleSpace/Out", request, &response).ok()) {
    return {Outcome::kUnknown};
  }
  return {Outcome::kDone, response.sequence()};
}

UnaryAnswer UnaryCaller::inp(const std::string& space, uint64_t id) {
  v1::InRequest request;
  request.set_space(space);
  request.mutable_template_()->add_fields()->mutable_value()->set_string_value("t");
  request.mutable_template_()->add_fields()->mutable_value()->set_int_value(
      static_cast<int64_t>(id));
  request.set_wait_ms(0);
  v1::InResponse response;
  if (!parts_->call("/tuplespace.v1.TupleSpace/In", request, &response).ok()) {
    return {Outcome::kUnknown};
  }
  return {response.tuples().empty() ? Outcome::kNothing : Outcome::kDone, response.sequence()};
}

}  // namespace tuplespace::crash
