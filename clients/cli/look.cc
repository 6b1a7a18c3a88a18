// scan, count, spaces, stats, create, drop: looking at spaces and making them.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "clients/cli/commands.h"
#include "clients/cli/format.h"
#include "clients/cli/hint.h"
#include "clients/cli/output.h"
#include "clients/cli/quantity.h"
#include "clients/cli/terminal.h"

namespace tuplespace::cli {
namespace {

constexpr size_t kBufferMax = 64 << 10;

const char* durability_name(client::Durability durability) {
  switch (durability) {
    case client::Durability::kSync: return "sync";
    case client::Durability::kAsync: return "async";
    case client::Durability::kMemory: return "memory";
    case client::Durability::kDefault: return "default";
  }
  return "?";
}

// A miss on a space that is not there names those that are.
int fail_in(client::Connection& connection, const Settings& settings, const Status& status) {
  if (status.code() != Code::kNotFound) return fail(status);
  complain(fmt::format("no space \"{}\"; {}", settings.space, spaces_hint(connection)));
  return kError;
}

int finish(Output& output) {
  output.flush();
  if (!output.ok() && !output.closed()) complain("standard output: " + output.error());
  return output.ok() ? kFound : kError;
}

std::string json_of(const client::SpaceInfo& space) {
  return fmt::format(
      R"({{"name": "{}", "durability": "{}", "ready": {}, "held": {}, "delayed": {}, )"
      R"("waiters": {}, "bytes": {}}})",
      space.name, durability_name(space.policy.durability), space.ready, space.held, space.delayed,
      space.waiters, space.bytes);
}

}  // namespace

int run_scan(client::Connection& connection, const Settings& settings) {
  const Result<Template> wanted = read_template(settings);
  if (!wanted.ok()) return fail_text(wanted.status(), settings);
  Output output(STDOUT_FILENO);
  Progress progress(isatty(STDOUT_FILENO) == 0);
  uint64_t printed = 0;
  Status wrong;
  const Status scanned =
      connection.space(settings.space).scan(*wanted, [&](const client::Match& match) {
        const Result<std::string> line = print(match.tuple(), settings);
        if (!line.ok()) {
          wrong = line.status();
          return false;
        }
        output.add(*line);
        progress.at(++printed);
        if (output.bytes() >= kBufferMax) output.flush();
        return output.ok();
      });
  progress.finish(printed);
  if (!scanned.ok()) return fail_in(connection, settings, scanned);
  const int written = finish(output);
  if (!wrong.ok()) return fail(wrong);
  return written == kFound && printed == 0 ? kNothing : written;
}

int run_count(client::Connection& connection, const Settings& settings) {
  const Result<Template> wanted = read_template(settings);
  if (!wanted.ok()) return fail_text(wanted.status(), settings);
  const auto counted = connection.space(settings.space).count(*wanted);
  if (!counted.ok()) return fail_in(connection, settings, counted.status());
  if (!settings.all) {
    fmt::print("{}\n", counted->ready);
    return counted->ready > 0 ? kFound : kNothing;
  }
  fmt::print("{} ready, {} held, {} delayed\n", counted->ready, counted->held, counted->delayed);
  return counted->ready + counted->held + counted->delayed > 0 ? kFound : kNothing;
}

int run_spaces(client::Connection& connection, const Settings& settings) {
  const auto spaces = connection.list(settings.space);
  if (!spaces.ok()) return fail(spaces.status());
  Output output(STDOUT_FILENO);
  size_t width = 5;
  for (const client::SpaceInfo& space : *spaces) width = std::max(width, space.name.size());
  if (settings.form != Form::kJson && !spaces->empty()) {
    output.add(
        fmt::format("{:<{}}  durability       ready      held   delayed   waiters  "
                    "     bytes",
                    "space", width));
  }
  for (const client::SpaceInfo& space : *spaces) {
    if (settings.form == Form::kJson) {
      output.add(json_of(space));
    } else {
      output.add(fmt::format("{:<{}}  {:<10}  {:>10}  {:>8}  {:>8}  {:>8}  {:>10}", space.name,
                             width, durability_name(space.policy.durability), space.ready,
                             space.held, space.delayed, space.waiters, space.bytes));
    }
  }
  const int written = finish(output);
  return written == kFound && spaces->empty() ? kNothing : written;
}

int run_stats(client::Connection& connection, const Settings& settings) {
  const auto stats = connection.stats();
  if (!stats.ok()) return fail(stats.status());
  Output output(STDOUT_FILENO);
  const bool json = settings.form == Form::kJson;
  std::string line = fmt::format(R"({{"version": "{}", "incarnation": {}, "uptime_ms": {})",
                                 stats->version, stats->incarnation, stats->uptime.count());
  if (!json) {
    output.add("version " + stats->version);
    output.add(fmt::format("incarnation {}", stats->incarnation));
    output.add(fmt::format("uptime_ms {}", stats->uptime.count()));
  }
  for (const auto& [name, value] : stats->counters) {
    line += fmt::format(R"(, "{}": {})", name, value);
    if (!json) output.add(fmt::format("{} {}", name, value));
  }
  if (json) output.add(line + "}");
  return finish(output);
}

int run_create(client::Connection& connection, const Settings& settings) {
  const auto created = connection.create(settings.space, settings.policy);
  if (!created.ok()) return fail(created.status());
  if (!*created && on_terminal()) {
    fmt::print(stderr, "\"{}\" was there already, with this policy\n", settings.space);
  }
  return kFound;
}

int run_drop(client::Connection& connection, const Settings& settings) {
  const auto dropped = connection.drop(settings.space);
  if (!dropped.ok()) return fail_in(connection, settings, dropped.status());
  if (on_terminal()) {
    fmt::print(stderr, "\"{}\" is gone, with {} tuples\n", settings.space, grouped(*dropped));
  }
  return kFound;
}

}  // namespace tuplespace::cli
