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

  // `session` and `secret` own a space that is bound or collected.
  Result<bool> create(const std::string& name, const Policy& policy, uint64_t session,
                      const std::string& secret) const;
  Result<uint64_t> drop(const std::string& name) const;
  Result<std::vector<SpaceInfo>> list(const std::string& prefix) const;
  Result<SpaceInfo> describe(const std::string& name) const;
  Result<ServerStats> stats() const;
  Result<Blocked> blocked(const std::string& space) const;
  Result<std::vector<HoldInfo>> holds(const std::string& space, uint64_t session) const;
  Status release(const std::string& space, uint64_t token) const;
  Result<Explanation> explain(const std::string& space, const Template& wanted) const;
  Result<std::vector<SessionInfo>> sessions(uint64_t after) const;
  Status end_session(uint64_t session) const;

 private:
  const std::string target_;
  const milliseconds patience_;
};

}  // namespace tuplespace::client
