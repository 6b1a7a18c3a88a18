// One leader of a group, and everybody knows who.
//
// Tuples:       ("leader", group, candidate), bound to the candidate's session. Who puts it, where
//               there is none, leads; its id is his term.
// Leader dies:  his session ends with its lease, the tuple vanishes, the candidate that waits
//               longest leads, in a later term. Until then nobody leads but him.
// Server dies:  it is back with the leader; in a space in memory there is an election.
// Leader cut off: he may believe that he leads while another does already. leads() asks; what he
//               writes elsewhere carries his term, and is refused there after a later one.
// Order:        candidates in the order in which they came, while the server lives.
// Threads:      any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuplespace/client.h"
#include "tuplespace/recipes/lock.h"

namespace tuplespace::client::recipes {

class Election {
 public:
  struct Leader {
    std::string candidate;
    uint64_t term = 0;
  };

  Election(Connection connection, std::string space, std::string group);

  // Waits until `candidate` leads: as long as the Lock is not released. Its fence() is the term.
  Result<Lock> campaign(std::string_view candidate, std::optional<milliseconds> wait = {});

  // Waits until somebody leads, and says who. Nothing within `wait`: DEADLINE_EXCEEDED.
  Result<Leader> leader(std::optional<milliseconds> wait = {});

  // Tells of leaders that come (kOut) and go (kExpire, kIn), beginning with the present one.
  Result<Watch> watch();

 private:
  Connection connection_;
  const std::string space_;
  const std::string group_;
};

}  // namespace tuplespace::client::recipes
