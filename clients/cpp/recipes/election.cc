#include "tuplespace/recipes/election.h"

#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::client::recipes {

Election::Election(Connection connection, std::string space, std::string group)
    : connection_(std::move(connection)), space_(std::move(space)), group_(std::move(group)) {}

Result<Lock> Election::campaign(std::string_view candidate, std::optional<milliseconds> wait) {
  const Arguments named{{"group", group_}, {"candidate", std::string(candidate)}};
  const auto anybody = parse_template("('leader', $group, ?)", named);
  const auto me = parse_tuple("('leader', $group, $candidate)", named);
  if (!anybody.ok()) return anybody.status();
  if (!me.ok()) return me.status();
  const Result<Did> did =
      connection_.atomic(Atomic().none(space_, *anybody).out(space_, *me, {.bound = true}), {wait});
  if (!did.ok()) return did.status();
  return Lock(connection_, space_, *me, did->steps[1].id);
}

Result<Election::Leader> Election::leader(std::optional<milliseconds> wait) {
  const auto anybody = parse_template("('leader', $group, ?who:string)", {{"group", group_}});
  if (!anybody.ok()) return anybody.status();
  const Result<Match> match = connection_.space(space_).rd(*anybody, {.wait = wait});
  if (!match.ok()) return match.status();
  return Leader{match->bound("who")->as_string(), match->id()};
}

Result<Watch> Election::watch() {
  const auto anybody = parse_template("('leader', $group, ?)", {{"group", group_}});
  if (!anybody.ok()) return anybody.status();
  return connection_.space(space_).watch(*anybody, {.snapshot = true});
}

}  // namespace tuplespace::client::recipes
