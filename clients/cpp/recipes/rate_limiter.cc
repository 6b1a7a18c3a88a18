#include "tuplespace/recipes/rate_limiter.h"

#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::client::recipes {

RateLimiter::RateLimiter(Connection connection, std::string space, std::string limiter,
                         uint64_t most, milliseconds stretch)
    : connection_(std::move(connection)),
      space_(std::move(space)),
      limiter_(std::move(limiter)),
      most_(most),
      stretch_(stretch) {}

Status RateLimiter::pass(std::string_view who, std::optional<milliseconds> wait) {
  const Arguments named{{"limiter", limiter_}, {"who", std::string(who)}};
  const auto used = parse_template("('used', $limiter, ?)", named);
  const auto use = parse_tuple("('used', $limiter, $who)", named);
  if (!used.ok()) return used.status();
  if (!use.ok()) return use.status();
  return connection_
      .atomic(Atomic().fewer_than(most_, space_, *used).out(space_, *use, {.ttl = stretch_}),
              {wait})
      .status();
}

}  // namespace tuplespace::client::recipes
