// Channels and statuses of gRPC as we want them; for link.cc and admin.cc only.
//
// Threads: any (functions of their arguments).
#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include "tuplespace/status.h"

namespace tuplespace::client {

// Makes a channel that shares nothing with any other, neither connection nor back-off.
std::shared_ptr<grpc::Channel> make_channel(const std::string& target, int message_bytes_max);

// Translates; codes that we have no name for become the nearest that we have.
Status to_status(const grpc::Status& status);

}  // namespace tuplespace::client
