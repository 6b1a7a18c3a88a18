// Services by name: who offers one is there as long as he lives, and who needs one waits for it.
//
// Tuples:       ("service", name, instance, address), bound to the session of who offers it.
// Offerer dies: his session ends with its lease, his tuples vanish. Until then a look-up may find
//               him, and a call to his address fails: look up again.
// Server dies:  it is back with all services; in a space in memory they have to be offered again.
// Duplicates:   two instances of a service have two names; a second one of the same name is
//               refused as long as the first is there. One who comes back under his own name uses a
//               named session (ConnectOptions::name): that ends his older one.
// Order:        look-ups choose one at random, or show all in the order they came.
// Threads:      any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuplespace/client.h"

namespace tuplespace::client::recipes {

class Registry {
 public:
  struct Service {
    std::string instance;
    Value address;
  };

  Registry(Connection connection, std::string space);

  // Offers a service until withdraw(), or the end of our session; returns its id.
  // Errors: ALREADY_EXISTS: that instance is there.
  Result<uint64_t> offer(std::string_view name, std::string_view instance, const Value& address);
  // Errors: NOT_FOUND: it was gone already.
  Status withdraw(uint64_t id);

  // Waits for one. Errors: DEADLINE_EXCEEDED.
  Result<Service> find(std::string_view name, std::optional<milliseconds> wait = {});
  Result<std::vector<Service>> find_all(std::string_view name);
  // Tells of services that come (kOut) and go (kExpire), beginning with those that are there.
  Result<Watch> watch(std::string_view name);

 private:
  Connection connection_;
  const std::string space_;
};

}  // namespace tuplespace::client::recipes
