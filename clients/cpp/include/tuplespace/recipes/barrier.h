// Where several wait for one another: a gate, a latch, a double barrier.
//
//   recipe          its tuples                            who waits goes on when
//   Gate            ("open", name)                        it is there
//   Latch           ("arrived", name, who)                `count` of them are there
//   DoubleBarrier   ("inside", name, round, who)  bound   enter: ("entered", name, round) is there,
//                   ("entered", name, round)              put by the one who was the last to come;
//                                                         leave: nobody is inside any more
//
// Somebody dies: who arrived at a latch has arrived, also if he dies then; each name counts once,
//                so who does a part again counts once, too. Inside a barrier he vanishes with his
//                session: before all have come, the others wait for who takes his place; later,
//                nobody waits for him to leave.
// Server dies:   who waited waits; in a space in memory nobody has arrived.
// Order:         all at once.
// Clean up:      a gate is closed with close(); arrivals and rounds are gone after `keep`.
// Threads:       any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuplespace/client.h"

namespace tuplespace::client::recipes {

class Gate {
 public:
  Gate(Space space, std::string name);

  // Errors: DEADLINE_EXCEEDED: it was not open within `wait`.
  Status pass(std::optional<milliseconds> wait = {});
  Status open();
  Status close();

 private:
  Space space_;
  const std::string name_;
};

class Latch {
 public:
  Latch(Connection connection, std::string space, std::string name, uint64_t count,
        milliseconds keep = std::chrono::hours(24));

  // Says that `who` has arrived; false: he had before.
  Result<bool> arrive(std::string_view who);
  // Errors: DEADLINE_EXCEEDED: fewer than `count` within `wait`.
  Status wait(std::optional<milliseconds> wait = {});

 private:
  Connection connection_;
  const std::string space_;
  const std::string name_;
  const uint64_t count_;
  const milliseconds keep_;
};

// Each round is begun and left together. Rounds are numbered by those who take part.
class DoubleBarrier {
 public:
  DoubleBarrier(Connection connection, std::string space, std::string name, uint64_t size,
                milliseconds keep = std::chrono::hours(24));

  // Waits until all have entered. Errors: DEADLINE_EXCEEDED; then he is not inside.
  Status enter(int64_t round, std::string_view who, std::optional<milliseconds> wait = {});
  // Waits until all have left. Errors: DEADLINE_EXCEEDED; he has left all the same.
  Status leave(int64_t round, std::string_view who, std::optional<milliseconds> wait = {});

 private:
  Connection connection_;
  const std::string space_;
  const std::string name_;
  const uint64_t size_;
  const milliseconds keep_;
};

}  // namespace tuplespace::client::recipes
