// tuplespace: settings -> connection -> command -> close -> exit code.
#include <signal.h>

#include "clients/cli/commands.h"
#include "clients/cli/format.h"
#include "clients/cli/terminal.h"

namespace tuplespace::cli {

int fail(const Status& status) {
  complain(status.message());
  return kError;
}

int fail_text(const Status& status, const Settings& settings) {
  complain(with_caret(status.message(), settings.text));
  return kError;
}

namespace {

int run_command(client::Connection& connection, const Settings& settings, Interrupt* interrupt) {
  const std::string& command = settings.command;
  if (command == "out" && settings.from_pipe) {
    return run_out_from_pipe(connection, settings, *interrupt);
  }
  if (command == "out") return run_out(connection, settings);
  if (command == "in" || command == "inp") return run_in(connection, settings, *interrupt);
  if (command == "rd" || command == "rdp") return run_rd(connection, settings, *interrupt);
  if (command == "scan") return run_scan(connection, settings);
  if (command == "count") return run_count(connection, settings);
  if (command == "spaces") return run_spaces(connection, settings);
  if (command == "stats") return run_stats(connection, settings);
  if (command == "create") return run_create(connection, settings);
  if (command == "drop") return run_drop(connection, settings);
  return run_bench(connection, settings, *interrupt);
}

// Errors in the text are said before anybody asks a server.
Status check_text(const Settings& settings) {
  if (!settings.has_text) return {};
  if (settings.command == "out") return read_tuple(settings).status();
  return read_template(settings).status();
}

// Commands that wait, or do much, end in order; the others end where a signal finds them.
bool ends_in_order(const Settings& settings) {
  return settings.from_pipe || settings.command == "bench" || settings.command.starts_with("in") ||
         settings.command.starts_with("rd");
}

int run(Settings settings) {
  settings.take.choice.field_name = settings.choice_field;
  signal(SIGPIPE, SIG_IGN);
  if (const Status status = check_text(settings); !status.ok()) return fail_text(status, settings);
  if (settings.command == "inp" || settings.command == "rdp") {
    settings.take.wait = client::milliseconds(0);
  }
  std::optional<Interrupt> interrupt;
  if (ends_in_order(settings)) interrupt.emplace();
  auto connection = client::connect(
      settings.server, {.timeout = client::milliseconds(0), .patience = settings.patience});
  if (!connection.ok()) return fail(connection.status());
  const int code = run_command(*connection, settings, interrupt ? &*interrupt : nullptr);
  const Status closed = connection->close();
  if (!closed.ok() && code == kFound) return fail(closed);
  return code;
}

}  // namespace
}  // namespace tuplespace::cli

int main(int count, char** words) {
  tuplespace::cli::Parsed parsed = tuplespace::cli::parse_settings(count, words);
  if (!parsed.settings) return parsed.exit_code;
  return tuplespace::cli::run(*std::move(parsed.settings));
}
