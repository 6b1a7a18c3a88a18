// Map and reduce over a bag of tasks: one program splits the work, any number of workers do it.
//
// Tuples:       ("task", job, number, input), taken under a hold
//               ("result", job, number, output), put at the instant in which its task goes
// Worker dies:  his task is back in the bag, and another does it. Its result is there exactly once.
// Master dies:  tasks and results stay; who calls collect() for the same job goes on. They are
//               taken all at once: if he dies before his library has confirmed that, all are back.
// Server dies:  in a durable space nothing is lost and nothing done twice.
// Order:        tasks in the order of their numbers, results in the order of numbers, too.
// Threads:      any.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tuplespace/client.h"

namespace tuplespace::client::recipes {

class MapReduce {
 public:
  using Map = std::function<Value(const Value& input)>;

  // `hold`: how long a worker has for one task.
  MapReduce(Connection connection, std::string space, std::string job,
            milliseconds hold = std::chrono::seconds(30));

  // Puts all tasks at one instant. Bound: the server's effects_max (10 000).
  Status split(const std::vector<Value>& inputs);

  // Does one task. Errors: DEADLINE_EXCEEDED: none within `wait`. FAILED_PRECONDITION: it took
  // longer than the hold, so another does it.
  Status work(const Map& map, std::optional<milliseconds> wait = {});

  // Waits for the outputs of `count` tasks, and takes them, in the order of numbers.
  // Errors: DEADLINE_EXCEEDED: not all of them within `wait`; they stay.
  Result<std::vector<Value>> collect(size_t count, std::optional<milliseconds> wait = {});

 private:
  Connection connection_;
  const std::string space_;
  const std::string job_;
  const milliseconds hold_;
};

}  // namespace tuplespace::client::recipes
