// raw_call makes unary calls as any program can, without the client library, over connections that
// come back soon after the server does.
//
// Threads: any.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <memory>
#include <string>

namespace tuplespace::crash {

inline std::shared_ptr<grpc::Channel> connect_soon(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// Without a deadline: it would hide an answer that never comes.
template <typename Request, typename Response>
grpc::Status raw_call(grpc::Channel& channel, const char* method, const Request& request,
                      Response* response) {
  grpc::ClientContext context;
  const grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::NORMAL_RPC);
  return grpc::internal::BlockingUnaryCall<Request, Response>(&channel, rpc, &context, request,
                                                              response);
}

}  // namespace tuplespace::crash
