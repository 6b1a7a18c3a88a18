#include "tuplespace/recipes/registry.h"

#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::client::recipes {
namespace {

Result<Template> any_service(std::string_view name) {
  return parse_template("('service', $name, ?string, ?)", {{"name", std::string(name)}});
}

Registry::Service service_of(const Match& match) { return {match[2].as_string(), match[3]}; }

}  // namespace

Registry::Registry(Connection connection, std::string space)
    : connection_(std::move(connection)), space_(std::move(space)) {}

Result<uint64_t> Registry::offer(std::string_view name, std::string_view instance,
                                 const Value& address) {
  const Arguments named{{"name", std::string(name)}, {"instance", std::string(instance)}};
  const auto same = parse_template("('service', $name, $instance, ?)", named);
  const auto tuple = Tuple::of({Value("service"), Value(name), Value(instance), address});
  if (!same.ok()) return same.status();
  if (!tuple.ok()) return tuple.status();
  const auto did =
      connection_.try_atomic(Atomic().none(space_, *same).out(space_, *tuple, {.bound = true}));
  if (!did.ok()) return did.status();
  if (did->has_value()) return (*did)->steps[1].id;
  return Status(Code::kAlreadyExists, "offer: an instance \"" + std::string(instance) +
                                          "\" of service \"" + std::string(name) +
                                          "\" is there; give this one another name");
}

Status Registry::withdraw(uint64_t id) {
  return connection_.space(space_).cancel(Lease::tuple(id));
}

Result<Registry::Service> Registry::find(std::string_view name, std::optional<milliseconds> wait) {
  const auto any = any_service(name);
  if (!any.ok()) return any.status();
  const Result<Match> match =
      connection_.space(space_).rd(*any, {.wait = wait, .choice = {.order = Order::kRandom}});
  if (!match.ok()) return match.status();
  return service_of(*match);
}

Result<std::vector<Registry::Service>> Registry::find_all(std::string_view name) {
  const auto any = any_service(name);
  if (!any.ok()) return any.status();
  std::vector<Service> services;
  const Status status = connection_.space(space_).scan(*any, [&](const Match& match) {
    services.push_back(service_of(match));
    return true;
  });
  if (!status.ok() && status.code() != Code::kNotFound) return status;  // nobody was ever there
  return services;
}

Result<Watch> Registry::watch(std::string_view name) {
  const auto any = any_service(name);
  if (!any.ok()) return any.status();
  return connection_.space(space_).watch(*any, {.snapshot = true});
}

}  // namespace tuplespace::client::recipes
