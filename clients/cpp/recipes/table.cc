#include "tuplespace/recipes/table.h"

#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::client::recipes {
namespace {

Result<Tuple> fork(const std::string& table, int64_t number) {
  return Tuple::of({Value("fork"), Value(table), Value(number)});
}

}  // namespace

Table::Forks::Forks(Connection connection, std::string space, uint64_t left, uint64_t right)
    : connection_(std::move(connection)), space_(std::move(space)), left_(left), right_(right) {}

Status Table::Forks::put_back() {
  return connection_
      .atomic(Atomic()
                  .settle(space_, left_, Settlement::back())
                  .settle(space_, right_, Settlement::back()))
      .status();
}

Table::Table(Connection connection, std::string space, std::string table, int64_t seats,
             milliseconds hold)
    : connection_(std::move(connection)),
      space_(std::move(space)),
      table_(std::move(table)),
      seats_(seats),
      hold_(hold) {}

Status Table::lay() {
  const auto any = parse_template("('fork', $table, ?)", {{"table", table_}});
  if (!any.ok()) return any.status();
  Atomic lay;
  lay.none(space_, *any);
  for (int64_t number = 0; number < seats_; ++number) {
    const auto tuple = fork(table_, number);
    if (!tuple.ok()) return tuple.status();
    lay.out(space_, *tuple);
  }
  return connection_.try_atomic(lay).status();
}

Result<Table::Forks> Table::take(int64_t seat, std::optional<milliseconds> wait) {
  const auto left = fork(table_, seat);
  const auto right = fork(table_, (seat + 1) % seats_);
  if (!left.ok()) return left.status();
  if (!right.ok()) return right.status();
  const Result<Did> did = connection_.atomic(Atomic()
                                                 .in(space_, Template::exactly(*left), {hold_})
                                                 .in(space_, Template::exactly(*right), {hold_}),
                                             {wait});
  if (!did.ok()) return did.status();
  return Forks(connection_, space_, (*did)[0].token(), (*did)[1].token());
}

}  // namespace tuplespace::client::recipes
