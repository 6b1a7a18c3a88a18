// blocked, held, explain, session: who waits, who holds, why nothing is found.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "clients/cli/commands.h"
#include "clients/cli/format.h"
#include "clients/cli/hint.h"
#include "clients/cli/output.h"
#include "clients/cli/terminal.h"

namespace tuplespace::cli {
namespace {

using Moment = client::system_clock::time_point;

// "2m 5s": how long something has lasted, or will.
std::string span_text(client::system_clock::duration span) {
  using namespace std::chrono;
  const auto all = duration_cast<milliseconds>(std::max(span, {}));
  if (all < seconds(10)) return fmt::format("{:.1f}s", duration<double>(all).count());
  if (all < minutes(1)) return fmt::format("{}s", duration_cast<seconds>(all).count());
  if (all < hours(1)) {
    return fmt::format("{}m {}s", duration_cast<minutes>(all).count(),
                       duration_cast<seconds>(all % minutes(1)).count());
  }
  return fmt::format("{}h {}m", duration_cast<hours>(all).count(),
                     duration_cast<minutes>(all % hours(1)).count());
}

std::string since_text(Moment since) { return span_text(client::system_clock::now() - since); }
std::string until_text(const std::optional<Moment>& until) {
  return until ? "in " + span_text(*until - client::system_clock::now()) : "-";
}

int64_t ms_of(Moment moment) {
  return std::chrono::duration_cast<client::milliseconds>(moment.time_since_epoch()).count();
}

std::string who(uint64_t session, const std::string& name) {
  if (session == 0) return "-";
  return name.empty() ? std::to_string(session) : fmt::format("{} {}", session, name);
}

std::string quoted(const std::string& text) {
  const std::string json = to_json(Tuple::of({Value(text)}).value());
  return json.substr(1, json.size() - 2);
}

// Rows whose columns are as wide as they must be.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { add(std::move(head)); }
  void add(std::vector<std::string> row) {
    widths_.resize(row.size());
    for (size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], row[i].size());
    rows_.push_back(std::move(row));
  }
  bool empty() const { return rows_.size() == 1; }
  void print(Output& output) const {
    for (const std::vector<std::string>& row : rows_) {
      std::string line;
      for (size_t i = 0; i + 1 < row.size(); ++i) {
        line += fmt::format("{:<{}}  ", row[i], widths_[i]);
      }
      output.add(line + row.back());
    }
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> widths_;
};

int finish(Output& output, bool found) {
  output.flush();
  if (!output.ok()) return kError;
  return found ? kFound : kNothing;
}

}  // namespace

int run_blocked(client::Connection& connection, const Settings& settings) {
  const auto blocked = connection.blocked(settings.space);
  if (!blocked.ok()) return fail(blocked.status());
  Output output(STDOUT_FILENO);
  Table table({"since", "until", "session", "space", "waits for"});
  for (const client::Blocked::Wait& wait : blocked->waits) {
    if (settings.form == Form::kJson) {
      output.add(fmt::format(
          R"({{"space": "{}", "what": {}, "since_ms": {}, "deadline_ms": {}, "session": {}, )"
          R"("session_name": "{}", "suspended": {}, "searching": {}}})",
          wait.space, quoted(wait.what), ms_of(wait.since),
          wait.deadline ? std::to_string(ms_of(*wait.deadline)) : "null", wait.session,
          wait.session_name, wait.suspended, wait.searching));
      continue;
    }
    const char* const state = wait.suspended   ? " (its client is away)"
                              : wait.searching ? " (still looking)"
                                               : "";
    table.add({since_text(wait.since), until_text(wait.deadline),
               who(wait.session, wait.session_name), wait.space, wait.what + state});
  }
  if (settings.form != Form::kJson && !table.empty()) table.print(output);
  if (blocked->deadlock) complain("deadlock: nobody who waits can be served by who waits");
  return finish(output, !blocked->waits.empty());
}

int run_held(client::Connection& connection, const Settings& settings) {
  const auto holds = connection.holds(settings.space, settings.session);
  if (!holds.ok()) return fail(holds.status());
  Output output(STDOUT_FILENO);
  Table table({"since", "until", "session", "token", "attempt", "space", "tuple"});
  for (const client::HoldInfo& hold : *holds) {
    if (settings.form == Form::kJson) {
      output.add(fmt::format(
          R"({{"space": "{}", "tuple": {}, "id": {}, "attempt": {}, "token": {}, "session": {}, )"
          R"("session_name": "{}", "since_ms": {}, "until_ms": {}, "transaction": {}}})",
          hold.space, to_json(hold.tuple, settings.numbers), hold.id, hold.attempt, hold.token,
          hold.session, hold.session_name, ms_of(hold.since),
          hold.until ? std::to_string(ms_of(*hold.until)) : "null", hold.transaction));
      continue;
    }
    const std::string owner = hold.transaction != 0
                                  ? fmt::format("transaction {}", hold.transaction)
                                  : who(hold.session, hold.session_name);
    table.add({ms_of(hold.since) == 0 ? "-" : since_text(hold.since), until_text(hold.until), owner,
               hold.token == 0 ? "-" : std::to_string(hold.token), std::to_string(hold.attempt),
               hold.space, to_text(hold.tuple)});
  }
  if (settings.form != Form::kJson && !table.empty()) table.print(output);
  return finish(output, !holds->empty());
}

int run_explain(client::Connection& connection, const Settings& settings) {
  const Result<Template> wanted = read_template(settings);
  if (!wanted.ok()) return fail_text(wanted.status(), settings);
  const auto why = connection.explain(settings.space, *wanted);
  if (why.status().code() == Code::kNotFound) {
    complain(fmt::format("no space \"{}\"; {}", settings.space, spaces_hint(connection)));
    return kError;
  }
  if (!why.ok()) return fail(why.status());
  const std::string index =
      why->index.empty() ? "none: all tuples of that arity are looked at" : why->index;
  fmt::print("matches     {} ready, {} held, {} delayed\n", why->ready, why->held, why->delayed);
  fmt::print("index       {}{}\n", index, why->building ? " (still being built)" : "");
  fmt::print("candidates  {}\n", why->candidates);
  for (const client::Explanation::Near& near : why->near) {
    fmt::print("near miss   {}\n", near.text);
  }
  return why->ready > 0 ? kFound : kNothing;
}

int run_session(client::Connection& connection, const Settings& settings) {
  if (settings.session != 0) {
    const Status status = connection.end_session(settings.session);
    return status.ok() ? kFound : fail(status);
  }
  Output output(STDOUT_FILENO);
  Table table({"session", "connected", "ends", "waits", "unconfirmed", "holds", "name"});
  bool any = false;
  uint64_t after = 0;
  while (true) {
    const auto sessions = connection.sessions(after);
    if (!sessions.ok()) return fail(sessions.status());
    if (sessions->empty()) break;
    for (const client::SessionInfo& info : *sessions) {
      after = info.session;
      if (info.session == connection.session()) continue;  // of this command
      any = true;
      if (settings.form == Form::kJson) {
        output.add(
            fmt::format(R"({{"session": {}, "name": "{}", "connected": {}, "lease_end_ms": {}, )"
                        R"("waits": {}, "unconfirmed": {}, "holds": {}}})",
                        info.session, info.name, info.connected,
                        info.lease_end ? std::to_string(ms_of(*info.lease_end)) : "null",
                        info.waits, info.unconfirmed, info.holds));
        continue;
      }
      table.add({std::to_string(info.session), info.connected ? "yes" : "no",
                 until_text(info.lease_end), std::to_string(info.waits),
                 std::to_string(info.unconfirmed), std::to_string(info.holds), info.name});
    }
  }
  if (settings.form != Form::kJson && !table.empty()) table.print(output);
  return finish(output, any);
}

}  // namespace tuplespace::cli
