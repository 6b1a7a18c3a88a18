// At most so many in any stretch of time, together.
//
// Tuples:       ("used", limiter, who), which vanish after the stretch. Who puts one, where fewer
//               than `most` are there, may go on. Nothing has to be set up.
// Caller dies:  what he used is used until its time is over.
// Server dies:  in a durable space what was used is used, its time goes on; in a space in memory
//               nothing was used.
// Order:        who waits in the order they came, while the server lives.
// Exact:        in no stretch, wherever it begins, more than `most` (the server's clock).
// Threads:      any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuplespace/client.h"

namespace tuplespace::client::recipes {

class RateLimiter {
 public:
  // Everybody has to say the same numbers.
  RateLimiter(Connection connection, std::string space, std::string limiter, uint64_t most,
              milliseconds stretch);

  // Waits until he may go on. `who` is for people to read. Errors: DEADLINE_EXCEEDED.
  Status pass(std::string_view who, std::optional<milliseconds> wait = {});

 private:
  Connection connection_;
  const std::string space_;
  const std::string limiter_;
  const uint64_t most_;
  const milliseconds stretch_;
};

}  // namespace tuplespace::client::recipes
