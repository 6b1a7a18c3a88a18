// lock and barrier: processes that wait for one another.
//
// barrier's tuples: ("round", NAME, n), and for each who waits in it ("waits", NAME, n, who), which
// vanishes with him, so that who died is not counted. The last to come raises the round.
#include <fmt/format.h>
#include <unistd.h>

#include "clients/cli/child.h"
#include "clients/cli/commands.h"
#include "clients/cli/terminal.h"
#include "tuplespace/recipes/lock.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace::cli {
namespace {

std::string this_process() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return fmt::format("{}:{}", host, getpid());
}

// How a wait ended that brought nothing.
int end_without(const Status& status, const Interrupt& interrupt) {
  if (interrupt.signalled()) return kInterrupted;
  return status.code() == Code::kDeadlineExceeded ? kNothing : fail(status);
}

std::string canonical(const Value& value) {
  std::string bytes;
  TS_CHECK(encode(value, {}, bytes).ok());
  return bytes;
}

// (what, name, more...)
Template about(const char* what, const std::string& name, std::vector<Pattern> more) {
  std::vector<Pattern> fields = {value_pattern(canonical(Value(what))),
                                 value_pattern(canonical(Value(name)))};
  for (Pattern& pattern : more) fields.push_back(std::move(pattern));
  return Template::of(std::move(fields), {}, false).value();
}

Tuple round_tuple(const std::string& name, int64_t round) {
  return Tuple::of({Value("round"), Value(name), Value(round)}).value();
}

// Waits for `atomic`, unless the interrupt comes first.
Result<client::Did> get(client::Connection& connection, const client::Atomic& atomic,
                        std::optional<client::milliseconds> wait, Interrupt& interrupt) {
  auto call = connection.atomic_async(atomic, {.wait = wait});
  const Interrupt::Guard guard(interrupt, [&call] { call.cancel(); });
  return call.get();
}

// Stands in the round that is under way; the first one of all begins it.
Result<int64_t> join(client::Connection& connection, const Settings& settings,
                     const std::string& who) {
  const Template any_round = about("round", settings.name, {type_pattern(Type::kInt)});
  while (true) {
    auto round = connection.space(settings.space).rdp(any_round);
    if (!round.ok()) return round.status();
    const int64_t number = *round ? (**round)[2].as_int() : 0;
    const Tuple waits =
        Tuple::of({Value("waits"), Value(settings.name), Value(number), Value(who)}).value();
    client::Atomic atomic;
    if (*round) {
      atomic.rd(settings.space, Template::exactly((*round)->tuple()));
    } else {
      atomic.none(settings.space, any_round).out(settings.space, round_tuple(settings.name, 0));
    }
    atomic.out(settings.space, waits, {.bound = true});
    const auto joined = connection.try_atomic(atomic);
    if (!joined.ok()) return joined.status();
    if (*joined) return number;  // else it ended meanwhile
  }
}

}  // namespace

int run_barrier(client::Connection& connection, const Settings& settings, Interrupt& interrupt) {
  const Result<int64_t> round = join(connection, settings, this_process());
  if (!round.ok()) return fail(round.status());
  const Template waiting =
      about("waits", settings.name,
            {value_pattern(canonical(Value(*round))), type_pattern(Type::kString)});
  const Template this_round = Template::exactly(round_tuple(settings.name, *round));
  client::Atomic atomic;
  atomic.in(settings.space, this_round)
      .more_than(settings.size - 1, settings.space, waiting)
      .out(settings.space, round_tuple(settings.name, *round + 1));
  atomic.otherwise().rd(settings.space,
                        about("round", settings.name,
                              {range_pattern(canonical(Value(*round)), false, "", true).value()}));
  const auto met = get(connection, atomic, settings.take.wait, interrupt);
  return met.ok() ? kFound : end_without(met.status(), interrupt);
}

int run_lock(client::Connection& connection, const Settings& settings, Interrupt& interrupt) {
  client::recipes::Mutex mutex(connection, settings.space, settings.name);
  Result<client::recipes::Lock> lock = [&] {
    const Interrupt::Guard guard(interrupt, [&connection] { (void)connection.close(); });
    return mutex.lock(this_process(), settings.take.wait);
  }();
  if (!lock.ok()) return end_without(lock.status(), interrupt);
  Child child;
  if (const Status started = child.start(
          {settings.words, {{"TUPLE_TOKEN", std::to_string(lock->fence())}}, {}, false});
      !started.ok()) {
    return fail(started);
  }
  bool lost = false;
  bool told = false;
  while (!child.wait(settings.lease / 4, told ? -1 : interrupt.fd())) {
    if (told) continue;
    const auto held = interrupt.came() ? Result<bool>(true) : lock->held();
    lost = !held.ok() || !*held;
    if (!lost && !interrupt.came()) continue;
    if (lost) complain(fmt::format("the lock \"{}\" is lost", settings.name));
    child.terminate();
    told = true;
  }
  if (lost) return kError;
  const Status released = lock->release();
  if (!released.ok()) return fail(released);
  return child.exit_code();
}

}  // namespace tuplespace::cli
