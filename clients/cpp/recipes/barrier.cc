#include "tuplespace/recipes/barrier.h"

#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::client::recipes {
namespace {

// Copies the tuple of this text as soon as it is there.
Status await(Space space, std::string_view text, const Arguments& named,
             std::optional<milliseconds> wait) {
  const auto wanted = parse_template(text, named);
  if (!wanted.ok()) return wanted.status();
  return space.rd(*wanted, {.wait = wait}).status();
}

}  // namespace

// ---- gate ----

Gate::Gate(Space space, std::string name) : space_(std::move(space)), name_(std::move(name)) {}

Status Gate::pass(std::optional<milliseconds> wait) {
  return await(space_, "('open', $name)", {{"name", name_}}, wait);
}

Status Gate::open() {
  const auto tuple = parse_tuple("('open', $name)", {{"name", name_}});
  return tuple.ok() ? space_.out(*tuple).status() : tuple.status();
}

// It may have been opened more than once.
Status Gate::close() {
  const auto wanted = parse_template("('open', $name)", {{"name", name_}});
  if (!wanted.ok()) return wanted.status();
  while (true) {
    const auto open = space_.inp(*wanted);
    if (!open.ok() || !open->has_value()) return open.status();
  }
}

// ---- latch ----

Latch::Latch(Connection connection, std::string space, std::string name, uint64_t count,
             milliseconds keep)
    : connection_(std::move(connection)),
      space_(std::move(space)),
      name_(std::move(name)),
      count_(count),
      keep_(keep) {}

Result<bool> Latch::arrive(std::string_view who) {
  const auto tuple =
      parse_tuple("('arrived', $name, $who)", {{"name", name_}, {"who", std::string(who)}});
  if (!tuple.ok()) return tuple.status();
  const auto arrived = connection_.try_atomic(
      Atomic().none(space_, Template::exactly(*tuple)).out(space_, *tuple, {.ttl = keep_}));
  if (!arrived.ok()) return arrived.status();
  return arrived->has_value();
}

Status Latch::wait(std::optional<milliseconds> wait) {
  if (count_ == 0) return {};
  const auto any = parse_template("('arrived', $name, ?)", {{"name", name_}});
  if (!any.ok()) return any.status();
  return connection_.atomic(Atomic().more_than(count_ - 1, space_, *any), {wait}).status();
}

// ---- double barrier ----

namespace {

Arguments of_round(const std::string& name, int64_t round, std::string_view who) {
  return {{"name", name}, {"round", std::to_string(round)}, {"who", std::string(who)}};
}

}  // namespace

DoubleBarrier::DoubleBarrier(Connection connection, std::string space, std::string name,
                             uint64_t size, milliseconds keep)
    : connection_(std::move(connection)),
      space_(std::move(space)),
      name_(std::move(name)),
      size_(size),
      keep_(keep) {}

Status DoubleBarrier::enter(int64_t round, std::string_view who, std::optional<milliseconds> wait) {
  const Arguments named = of_round(name_, round, who);
  const auto inside = parse_template("('inside', $name, $round:int, ?)", named);
  const auto me = parse_tuple("('inside', $name, $round:int, $who)", named);
  const auto entered = parse_tuple("('entered', $name, $round:int)", named);
  if (!inside.ok()) return inside.status();
  if (!me.ok()) return me.status();
  if (!entered.ok()) return entered.status();
  const Atomic enter = Atomic()  // the last one lets all go on
                           .exactly(size_ - 1, space_, *inside)
                           .out(space_, *me, {.bound = true})
                           .out(space_, *entered, {.ttl = keep_})
                           .otherwise()
                           .out(space_, *me, {.bound = true});
  const Result<Did> did = connection_.atomic(enter);
  if (!did.ok()) return did.status();
  const uint64_t id = did->alternative == 0 ? did->steps[1].id : did->steps[0].id;
  const Status begun =
      await(connection_.space(space_), "('entered', $name, $round:int)", named, wait);
  if (!begun.ok()) (void)connection_.space(space_).cancel(Lease::tuple(id));
  return begun;
}

// He may have lost his session inside: then he has left already.
Status DoubleBarrier::leave(int64_t round, std::string_view who, std::optional<milliseconds> wait) {
  const Arguments named = of_round(name_, round, who);
  const auto inside = parse_template("('inside', $name, $round:int, ?)", named);
  const auto me = parse_tuple("('inside', $name, $round:int, $who)", named);
  if (!inside.ok()) return inside.status();
  if (!me.ok()) return me.status();
  const Result<Probed> mine = connection_.space(space_).inp(Template::exactly(*me));
  if (!mine.ok()) return mine.status();
  return connection_.atomic(Atomic().none(space_, *inside), {wait}).status();
}

}  // namespace tuplespace::client::recipes
