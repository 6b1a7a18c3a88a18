// collect, copy-collect, atomic, begin, commit, abort, renew, release: what happens at one instant,
// and what ends by itself.
#include <fmt/format.h>
#include <unistd.h>

#include "clients/cli/commands.h"
#include "clients/cli/format.h"
#include "clients/cli/output.h"
#include "clients/cli/quantity.h"
#include "clients/cli/steps.h"
#include "clients/cli/terminal.h"

namespace tuplespace::cli {
namespace {

std::string json_of(const client::Did& did, const Settings& settings) {
  std::string steps;
  for (const client::Did::Step& step : did.steps) {
    steps += steps.empty() ? "" : ", ";
    if (step.found) {
      steps += fmt::format(R"({{"tuple": {}, "attempt": {}, "token": {}}})",
                           to_json(step.found->tuple(), settings.numbers), step.found->attempt(),
                           step.found->token());
    } else {
      steps += fmt::format(R"({{"id": {}, "count": {}}})", step.id, step.count);
    }
  }
  return fmt::format(R"({{"alternative": {}, "sequence": {}, "steps": [{}]}})", did.alternative,
                     did.sequence, steps);
}

}  // namespace

int run_collect(client::Connection& connection, const Settings& settings) {
  const Result<Template> wanted = read_template(settings);
  if (!wanted.ok()) return fail_text(wanted.status(), settings);
  client::Space space = connection.space(settings.space);
  const auto collected = settings.command == "collect" ? space.collect(*wanted, settings.into)
                                                       : space.copy_collect(*wanted, settings.into);
  if (!collected.ok()) return fail(collected.status());
  fmt::print("{}\n", collected->count);
  return collected->count > 0 ? kFound : kNothing;
}

int run_atomic(client::Connection& connection, const Settings& settings, Interrupt& interrupt) {
  const auto steps = parse_steps(settings.words, settings.arguments);
  if (!steps.ok()) return fail(steps.status());
  auto call = connection.atomic_async(*steps, {.wait = settings.take.wait});
  Result<client::Did> did = [&] {
    const Interrupt::Guard guard(interrupt, [&call] { call.cancel(); });
    return call.get();
  }();
  if (interrupt.signalled()) return kInterrupted;
  if (did.status().code() == Code::kDeadlineExceeded) return kNothing;
  if (!did.ok()) return fail(did.status());
  if (settings.form == Form::kJson) {
    fmt::print("{}\n", json_of(*did, settings));
    return kFound;
  }
  for (const client::Did::Step& step : did->steps) {
    if (step.found) fmt::print("{}\n", to_text(step.found->tuple()));
  }
  if (did->alternative > 0 && on_terminal()) {
    fmt::print(stderr, "alternative {} happened\n", did->alternative + 1);
  }
  return kFound;
}

int run_begin(client::Connection& connection, const Settings& settings) {
  const auto begun = connection.begin(settings.space, settings.lease, true);
  if (!begun.ok()) return fail(begun.status());
  fmt::print("{}\n", begun->id());
  if (on_terminal()) {
    fmt::print(stderr, "open for {} s; --under {} puts, takes and reads in it\n",
               begun->lease().count() / 1000, begun->id());
  }
  return kFound;
}

int run_end(client::Connection& connection, const Settings& settings) {
  client::Transaction transaction = connection.transaction(settings.transaction);
  const Status status = settings.command == "commit" ? transaction.commit() : transaction.abort();
  return status.ok() ? kFound : fail(status);
}

int run_renew(client::Connection& connection, const Settings& settings) {
  const auto granted = [&]() -> Result<client::milliseconds> {
    if (settings.transaction != 0) {
      return connection.transaction(settings.transaction).renew(settings.lease);
    }
    const client::Lease lease = settings.token != 0 ? client::Lease::hold(settings.token)
                                                    : client::Lease::tuple(settings.tuple);
    return connection.space(settings.space).renew(lease, settings.lease);
  }();
  if (!granted.ok()) return fail(granted.status());
  fmt::print("{}ms\n", granted->count());
  return kFound;
}

int run_release(client::Connection& connection, const Settings& settings) {
  const Status status = connection.release(settings.space, settings.token);
  return status.ok() ? kFound : fail(status);
}

}  // namespace tuplespace::cli
