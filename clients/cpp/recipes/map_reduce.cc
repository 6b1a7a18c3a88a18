#include "tuplespace/recipes/map_reduce.h"

#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::client::recipes {

MapReduce::MapReduce(Connection connection, std::string space, std::string job, milliseconds hold)
    : connection_(std::move(connection)),
      space_(std::move(space)),
      job_(std::move(job)),
      hold_(hold) {}

Status MapReduce::split(const std::vector<Value>& inputs) {
  std::vector<Tuple> tasks;
  for (const Value& input : inputs) {
    const auto number = static_cast<int64_t>(tasks.size());
    auto task = Tuple::of({Value("task"), Value(job_), Value(number), input});
    if (!task.ok()) return task.status();
    tasks.push_back(*std::move(task));
  }
  return tasks.empty() ? Status() : connection_.space(space_).out_many(tasks).status();
}

Status MapReduce::work(const Map& map, std::optional<milliseconds> wait) {
  const auto any = parse_template("('task', $job, ?int, ?)", {{"job", job_}});
  if (!any.ok()) return any.status();
  Result<Match> task = connection_.space(space_).in(*any, {.wait = wait, .hold = hold_});
  if (!task.ok()) return task.status();
  const auto result = Tuple::of({Value("result"), Value(job_), (*task)[2], map((*task)[3])});
  if (!result.ok()) return result.status();  // the task is back when its hold ends
  return connection_.atomic(Atomic().settle(space_, task->token()).out(space_, *result)).status();
}

// They are counted first and then taken all at once: no program has some of them.
Result<std::vector<Value>> MapReduce::collect(size_t count, std::optional<milliseconds> wait) {
  if (count == 0) return std::vector<Value>();
  const auto any = parse_template("('result', $job, ?int, ?)", {{"job", job_}});
  if (!any.ok()) return any.status();
  const Status all =
      connection_.atomic(Atomic().more_than(count - 1, space_, *any), {wait}).status();
  if (!all.ok()) return all;
  const auto results = connection_.space(space_).in_many(
      *any, static_cast<uint32_t>(count),
      {.wait = milliseconds(0), .choice = {.order = Order::kLeast, .field = 2}});
  if (!results.ok()) return results.status();
  std::vector<Value> outputs;
  for (const Match& match : *results) outputs.push_back(match[3]);
  return outputs;
}

}  // namespace tuplespace::client::recipes
