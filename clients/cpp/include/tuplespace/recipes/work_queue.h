// Work that is done by somebody, once: a queue with acknowledgement, by priority, with delay.
//
// Tuples:       ("job", queue, priority, payload): taken under a hold, the least priority first, of
//               one priority the oldest place. A job put with a delay is seen when that is over.
//               Create the space with deliveries_max, and what fails too often goes to NAME.dead.
// Worker dies:  his hold ends with its lease or his session, whichever is first: the job is back at
//               its place, with attempt() + 1, and the worker that waits longest has it. So a job
//               is worked on at least once.
// Results:      put with done() at the instant in which the job goes, they are there exactly once,
//               however often it was worked on.
// Lease lost:   a worker that was too slow gets FAILED_PRECONDITION from done(): nothing was put,
//               another has the job, or did it. For what he does elsewhere: Job::fence().
// Server dies:  in a durable space holds, delays and jobs are there again, a hold with its whole
//               lease; done() happens once, or says that it did not.
// Order:        jobs as above; workers in the order they came, while the server lives.
// Threads:      any; a Job by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuplespace/client.h"

namespace tuplespace::client::recipes {

// A job that we have: until done() or failed() or the end of its hold.
class Job {
 public:
  Job(Connection connection, std::string space, Match match);

  Value payload() const { return match_[3]; }
  int64_t priority() const { return match_[2].as_int(); }
  uint32_t attempt() const { return match_.attempt(); }  // how often others had it before
  uint64_t fence() const { return match_.token(); }      // greater for each who had it later

  // A tuple that done() puts.
  struct Output {
    std::string space;
    Tuple tuple;
  };

  // The job goes, and the results come, at one instant.
  // Errors: FAILED_PRECONDITION: it is not ours any more, and nothing was put.
  Status done(const std::vector<Output>& results = {});
  // Somebody shall have it again, after a while.
  Status again(milliseconds after = milliseconds(0));
  // Nobody shall: it goes to NAME.dead, with the reason.
  Status failed(std::string_view reason);
  // We need longer. Errors: NOT_FOUND: it is not ours any more.
  Result<milliseconds> renew(milliseconds hold) { return match_.renew(hold); }

 private:
  Connection connection_;
  std::string space_;
  Match match_;
};

class WorkQueue {
 public:
  struct PutOptions {
    int64_t priority = 0;  // the least first
    milliseconds delay{0};
  };

  // `hold`: how long a worker has a job, unless he renews.
  WorkQueue(Connection connection, std::string space, std::string queue,
            milliseconds hold = std::chrono::seconds(30));

  Status put(const Value& payload, const PutOptions& options);
  Status put(const Value& payload) { return put(payload, PutOptions()); }

  // Waits for a job. Errors: DEADLINE_EXCEEDED.
  Result<Job> take(std::optional<milliseconds> wait = {});

  // How many jobs are ready, held, and delayed.
  Result<Counted> count();

 private:
  Connection connection_;
  const std::string space_;
  const std::string queue_;
  const milliseconds hold_;
};

}  // namespace tuplespace::client::recipes
