// watch: what happens to matching tuples, a line each.
#include <fmt/format.h>
#include <unistd.h>

#include "clients/cli/commands.h"
#include "clients/cli/format.h"
#include "clients/cli/output.h"
#include "clients/cli/terminal.h"

namespace tuplespace::cli {
namespace {

std::string json_of(const client::Event& event, const Settings& settings) {
  switch (event.kind) {
    case client::EventKind::kGap:
      return fmt::format(R"({{"kind": "gap", "from": {}, "to": {}}})", event.sequence,
                         event.gap_end);
    case client::EventKind::kSnapshotEnd: return R"({"kind": "snapshot-end"})";
    default:
      return fmt::format(R"({{"kind": "{}", "sequence": {}, "id": {}, "tuple": {}}})",
                         client::event_name(event.kind), event.sequence, event.match.id(),
                         to_json(event.match.tuple(), settings.numbers));
  }
}

std::string text_of(const client::Event& event) {
  switch (event.kind) {
    case client::EventKind::kGap:
      return fmt::format("gap {}..{}", event.sequence + 1, event.gap_end);
    case client::EventKind::kSnapshotEnd: return "snapshot-end";
    default:
      return fmt::format("{} {}", client::event_name(event.kind), to_text(event.match.tuple()));
  }
}

}  // namespace

int run_watch(client::Connection& connection, const Settings& settings, Interrupt& interrupt) {
  const Result<Template> wanted = read_template(settings);
  if (!wanted.ok()) return fail_text(wanted.status(), settings);
  client::WatchOptions options = settings.watch;
  auto watch = connection.space(settings.space).watch(*wanted, options);
  if (!watch.ok()) return fail(watch.status());
  const Interrupt::Guard guard(interrupt, [&watch] { watch->cancel(); });
  Output output(STDOUT_FILENO);
  Status status;
  for (uint64_t seen = 0; seen < settings.max && output.ok(); ++seen) {
    const Result<client::Event> event = watch->next();
    status = event.status();
    if (!status.ok()) break;
    output.add(settings.form == Form::kJson ? json_of(*event, settings) : text_of(*event));
    output.flush();  // who reads it wants it now
  }
  if (on_terminal() && watch->sequence() != 0) {
    fmt::print(stderr, "all up to {} was told; --after {} goes on there\n", watch->sequence(),
               watch->sequence());
  }
  if (interrupt.signalled()) return kInterrupted;
  if (interrupt.reader_gone() || !output.ok()) return kError;
  return status.ok() ? kFound : fail(status);
}

}  // namespace tuplespace::cli
