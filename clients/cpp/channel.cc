#include "clients/cpp/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

namespace tuplespace::client {

std::shared_ptr<grpc::Channel> make_channel(const std::string& target, int message_bytes_max) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(message_bytes_max);
  arguments.SetMaxSendMessageSize(message_bytes_max);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A server that is stopped or unplugged says nothing: it is asked, and given up after 15 s.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

Status to_status(const grpc::Status& status) {
  if (status.ok()) return {};
  Code code = static_cast<Code>(status.error_code());
  switch (status.error_code()) {
    case grpc::StatusCode::UNKNOWN: code = Code::kInternal; break;
    case grpc::StatusCode::OUT_OF_RANGE: code = Code::kInvalidArgument; break;
    case grpc::StatusCode::UNAUTHENTICATED: code = Code::kPermissionDenied; break;
    default: break;
  }
  return {code, status.error_message()};
}

}  // namespace tuplespace::client
