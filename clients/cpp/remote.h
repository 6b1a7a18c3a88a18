// connect_remote opens a connection to a server.
//
// Threads: any; each connection has one background thread of its own.
#pragma once

#include <memory>
#include <string>

#include "clients/cpp/backend.h"

namespace tuplespace::client {

// `address` is "host:port" or "unix:/path". Errors: as connect().
Result<std::shared_ptr<Backend>> connect_remote(const std::string& address,
                                                const ConnectOptions& options);

}  // namespace tuplespace::client
