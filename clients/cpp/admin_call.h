// One call of the service Admin, on a channel of its own.
//
// Threads: any.
// Errors:  as Admin.
#pragma once

#include <chrono>
#include <string>

#include <google/protobuf/message.h>

#include "tuplespace/status.h"

namespace tuplespace::client {

// Calls /tuplespace.v1.Admin/`method` and waits.
Status call_admin(const std::string& target, std::chrono::milliseconds patience, const char* method,
                  const google::protobuf::Message& request, google::protobuf::Message& response);

}  // namespace tuplespace::client
