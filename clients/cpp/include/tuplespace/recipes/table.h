// The table of the dining philosophers, or: whoever needs several things takes all of them at one
// instant, so nobody waits for another with something in his hands.
//
// Tuples:       ("fork", table, number), taken under holds, both in one atomic
// Eater dies:   his holds end with their lease or his session: both forks are back at their place.
// Server dies:  in a durable space forks and holds are there again; who waits waits.
// Lease lost:   who eats for longer than his hold has no forks any more: put_back() says so.
// Order:        in the order they came, of those whose forks are both there: nobody is passed over
//               for ever by neighbours who take turns, as long as each puts his forks back.
// Deadlock:     never. Taking one fork after the other is what Policy::deadlock finds.
// Threads:      any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuplespace/client.h"

namespace tuplespace::client::recipes {

class Table {
 public:
  // Two forks in one hand.
  class Forks {
   public:
    Forks(Connection connection, std::string space, uint64_t left, uint64_t right);

    // Errors: FAILED_PRECONDITION: they were lost before, and nothing was changed.
    Status put_back();

   private:
    Connection connection_;
    std::string space_;
    uint64_t left_;
    uint64_t right_;
  };

  Table(Connection connection, std::string space, std::string table, int64_t seats,
        milliseconds hold = std::chrono::seconds(30));

  // Lays the forks. Once; a second time changes nothing as long as no fork is in a hand.
  Status lay();

  // Waits for both forks of a seat, from 0. Errors: DEADLINE_EXCEEDED.
  Result<Forks> take(int64_t seat, std::optional<milliseconds> wait = {});

 private:
  Connection connection_;
  const std::string space_;
  const std::string table_;
  const int64_t seats_;
  const milliseconds hold_;
};

}  // namespace tuplespace::client::recipes
