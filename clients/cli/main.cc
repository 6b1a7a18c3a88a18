// tuplespace: settings -> connection -> command -> close -> exit code.
#include <signal.h>

#include <algorithm>
#include <map>
#include <optional>
#include <variant>

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
  using Simple = int (*)(client::Connection&, const Settings&);
  using Waiting = int (*)(client::Connection&, const Settings&, Interrupt&);
  static const std::map<std::string, std::variant<Simple, Waiting>> kCommands = {
      {"out", run_out},         {"in", run_in},           {"inp", run_in},
      {"rd", run_rd},           {"rdp", run_rd},          {"scan", run_scan},
      {"count", run_count},     {"collect", run_collect}, {"copy-collect", run_collect},
      {"atomic", run_atomic},   {"begin", run_begin},     {"commit", run_end},
      {"abort", run_end},       {"renew", run_renew},     {"release", run_release},
      {"watch", run_watch},     {"blocked", run_blocked}, {"held", run_held},
      {"explain", run_explain}, {"session", run_session}, {"work", run_work},
      {"lock", run_lock},       {"barrier", run_barrier}, {"spaces", run_spaces},
      {"stats", run_stats},     {"create", run_create},   {"drop", run_drop},
      {"bench", run_bench}};
  if (settings.from_pipe && settings.command == "out") {
    return run_out_from_pipe(connection, settings, *interrupt);
  }
  const auto& command = kCommands.at(settings.command);
  if (const auto* simple = std::get_if<Simple>(&command)) return (*simple)(connection, settings);
  return std::get<Waiting>(command)(connection, settings, *interrupt);
}

// Errors in the text are said before anybody asks a server.
Status check_text(const Settings& settings) {
  if (!settings.has_text) return {};
  if (settings.command == "out") return read_tuple(settings).status();
  return read_template(settings).status();
}

// Commands that wait, or do much, end in order; the others end where a signal finds them.
bool ends_in_order(const Settings& settings) {
  for (const char* command :
       {"in", "inp", "rd", "rdp", "bench", "atomic", "watch", "work", "lock", "barrier"}) {
    if (settings.command == command) return true;
  }
  return settings.from_pipe;
}

// Who holds a lock must know that it is lost before anybody else has it.
client::ConnectOptions options_of(const Settings& settings) {
  client::ConnectOptions options{.timeout = client::milliseconds(0), .patience = settings.patience};
  if (settings.command == "work") {  // what a dead worker had is back when its hold would be
    options.session_ttl = std::max(settings.lease, client::milliseconds(1'000));
  }
  if (settings.command == "lock") {
    options.session_ttl = settings.lease;
    options.patience = std::min(options.patience, settings.lease / 2);
  }
  return options;
}

int run(Settings settings) {
  settings.take.choice.field_name = settings.choice_field;
  settings.out.transaction = settings.take.transaction = settings.transaction;
  if (settings.field >= 0) settings.take.group = client::FieldChoice(settings.field);
  signal(SIGPIPE, SIG_IGN);
  if (const Status status = check_text(settings); !status.ok()) return fail_text(status, settings);
  if (settings.command == "inp" || settings.command == "rdp") {
    settings.take.wait = client::milliseconds(0);
  }
  std::optional<Interrupt> interrupt;
  if (ends_in_order(settings)) interrupt.emplace();
  client::ConnectOptions options = options_of(settings);
  auto connection = client::connect(settings.server, options);
  if (connection.status().code() == Code::kUnavailable && settings.command == "work") {
    complain(connection.status().message() + "; waiting for it");
    options.timeout = settings.patience;
    connection = client::connect(settings.server, options);
  }
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
