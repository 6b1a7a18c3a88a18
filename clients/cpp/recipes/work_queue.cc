#include "tuplespace/recipes/work_queue.h"

#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::client::recipes {
namespace {

constexpr uint32_t kPriorityField = 2;

Result<Template> any_job(const std::string& queue) {
  return parse_template("('job', $queue, ?int, ?)", {{"queue", queue}});
}

}  // namespace

Job::Job(Connection connection, std::string space, Match match)
    : connection_(std::move(connection)), space_(std::move(space)), match_(std::move(match)) {}

Status Job::done(const std::vector<Output>& results) {
  Atomic done;
  done.settle(space_, match_.token());
  for (const Output& result : results) done.out(result.space, result.tuple);
  return connection_.atomic(done).status();
}

Status Job::again(milliseconds after) { return match_.back(after).status(); }

Status Job::failed(std::string_view reason) { return match_.dead(reason).status(); }

WorkQueue::WorkQueue(Connection connection, std::string space, std::string queue, milliseconds hold)
    : connection_(std::move(connection)),
      space_(std::move(space)),
      queue_(std::move(queue)),
      hold_(hold) {}

Status WorkQueue::put(const Value& payload, const PutOptions& options) {
  const auto job = Tuple::of({Value("job"), Value(queue_), Value(options.priority), payload});
  if (!job.ok()) return job.status();
  OutOptions out;
  if (options.delay.count() > 0) out.delay = options.delay;
  return connection_.space(space_).out(*job, out).status();
}

Result<Job> WorkQueue::take(std::optional<milliseconds> wait) {
  const auto any = any_job(queue_);
  if (!any.ok()) return any.status();
  Result<Match> match = connection_.space(space_).in(
      *any,
      {.wait = wait, .choice = {.order = Order::kLeast, .field = kPriorityField}, .hold = hold_});
  if (!match.ok()) return match.status();
  return Job(connection_, space_, *std::move(match));
}

Result<Counted> WorkQueue::count() {
  const auto any = any_job(queue_);
  return any.ok() ? connection_.space(space_).count(*any) : Result<Counted>(any.status());
}

}  // namespace tuplespace::client::recipes
