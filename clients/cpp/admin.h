// The administrative calls of a remote connection: unary, one at a time, each on a channel of its
// own. They are rare and change nothing that a session must remember.
//
// Threads: any.
// Errors:  UNAVAILABLE when the server does not answer in time; then a change may have happened.
#pragma once

#include <string>
#include <vector>

#include "clients/cpp/backend.h"

namespace tuplespace::client {

class Admin {
 public:
  // `target` as gRPC understands it; `patience` bounds each call.
  Admin(std::string target, milliseconds patience)
      : target_(std::move(target)), patience_(patience) {}

  Result<bool> create(const std::string& name, const Policy& policy) const;
  Result<uint64_t> drop(const std::string& name) const;
  Result<std::vector<SpaceInfo>> list(const std::string& prefix) const;
  Result<SpaceInfo> describe(const std::string& name) const;
  Result<ServerStats> stats() const;

 private:
  const std::string target_;
  const milliseconds patience_;
};

}  // namespace tuplespace::client
