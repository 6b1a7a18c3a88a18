// Planner thinks of what clients ask next: a deed and the request for it.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/deed.h"
#include "tests/simulation/draw.h"

namespace tuplespace::simulation {

// A hold that somebody has, and the deed that took it.
struct HeldToken {
  size_t deed;
  std::string space;
  Token token;
};

// The spaces of a simulation: every durability, a bound, dead letters, groups; with two shards
// some more in the second.
std::vector<SpaceSetup> spaces_of(uint16_t shards);

class Planner {
 public:
  Planner(Draw& draw, Past& past) : draw_(draw), past_(past) {}

  // `tokens` of the client; one that is settled for good is taken out.
  Deed next(bool has_session, std::vector<HeldToken>& tokens);

 private:
  void out(Deed& deed, bool has_session);
  void look(Deed& deed, bool take, bool has_session);
  void settle(Deed& deed, std::vector<HeldToken>& tokens);
  void lease(Deed& deed, const std::vector<HeldToken>& tokens);
  void collect(Deed& deed);
  void atomic(Deed& deed, std::vector<HeldToken>& tokens);
  void add_move(Deed& deed, v1::Alternative& alternative);
  void add_put(Deed& deed, v1::Alternative& alternative, const std::string& space);
  void add_room(Deed& deed, v1::Alternative& alternative);

  Uid new_uid(int key);
  Wanted wanted();
  std::optional<Duration> wait();

  Draw& draw_;
  Past& past_;
};

}  // namespace tuplespace::simulation
