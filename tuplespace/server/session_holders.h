// SessionHolders knows which stream holds a session, server-wide: there is at most one.
//
// Threads: any.
// Bounds:  one entry per open stream, which streams_max bounds.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "tuplespace/space/operation.h"

namespace tuplespace {

class SessionHolders {
 public:
  struct Holder {
    size_t lane = 0;
    uint64_t stream = 0;  // the lane's own id for it
    bool operator==(const Holder&) const = default;
  };

  // Makes `holder` the holder of `session` and returns who was it before.
  std::optional<Holder> claim(SessionId session, Holder holder) {
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = holders_.try_emplace(session, holder);
    if (is_new) return std::nullopt;
    return std::exchange(at->second, holder);
  }

  // Forgets `holder` if it is still the one.
  void release(SessionId session, Holder holder) {
    const std::lock_guard lock(mutex_);
    const auto at = holders_.find(session);
    if (at != holders_.end() && at->second == holder) holders_.erase(at);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<SessionId, Holder> holders_;
};

}  // namespace tuplespace
