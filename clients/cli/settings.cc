#include "clients/cli/settings.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include "clients/cli/quantity.h"
#include "clients/cli/settings_parts.h"

namespace tuplespace::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  tuplespace out jobs '("resize", 7, "cat.png")'            add a tuple
  tuplespace in jobs '("resize", ?id:int, ?)' --wait 5s     take one, wait for it
  tuplespace rd jobs '("resize", >5, ...)'                  read one, leave it there
  tuplespace out lines --lines <file                        one tuple a line
  tuplespace in lines '(?)' --lines --max 1000              up to 1000 of them back
  tuplespace out jobs '("job", $id:int, $file)' --arg id 7 --arg file "$f"

Templates: ? anything, ?int a type, ?id:int with a name, 3..9 >5 "a"|"b" "pre"* /re/, ... the rest.
Exit codes: 0 found, 1 nothing there, 2 error, 130 interrupted.)";

}  // namespace

CLI::Validator duration_validator() {
  return CLI::Validator(
      [](std::string& text) {
        return parse_duration(text) ? std::string()
                                    : "\"" + text + "\" is no duration; write 250ms, 5s or 2h";
      },
      "TIME", "duration");
}

namespace {

CLI::Validator size_validator() {
  return CLI::Validator(
      [](std::string& text) {
        return parse_size(text) ? std::string()
                                : "\"" + text + "\" is no size; write 100, 16KiB or 2GiB";
      },
      "SIZE", "size");
}

}  // namespace

void add_space(CLI::App* command, Raw& raw) {
  command->add_option("SPACE", raw.settings.space, "The space's name")->required();
}

CLI::Option* add_text(CLI::App* command, Raw& raw, const char* name, const char* what) {
  CLI::Option* const option = command->add_option(name, raw.settings.text, what);
  command->add_option("--arg", raw.arguments, "What $NAME stands for; $NAME:int parses it")
      ->type_name("NAME VALUE");
  return option;
}

void add_forms(CLI::App* command, Raw& raw, bool reads) {
  CLI::Option* const json =
      command
          ->add_option("--json", raw.json,
                       reads ? "The tuple is in JSON" : "Print JSON; =tagged: {\"$int\": \"7\"}")
          ->expected(0, 1)
          ->type_name(reads ? "" : "[=tagged]");
  if (!reads) json->check(CLI::IsMember({"", "tagged"}));
  command->add_flag("--lines", raw.lines,
                    reads ? "Read standard input: every line is a tuple of one string"
                          : "Print tuples of one string, one a line");
  command->add_flag("--byte-lines", raw.byte_lines,
                    reads ? "The same, lines are bytes" : "Print tuples of one bytes value");
  command->add_flag("--json-lines", raw.json_lines,
                    reads ? "Read standard input: every line is a tuple in JSON" : "As --json");
}

namespace {

void add_choice(CLI::App* command, Raw& raw) {
  command
      ->add_option("--choice", raw.choice,
                   "Which one: oldest, newest, random, least:FIELD or greatest:FIELD "
                   "(FIELD: 0-based, or a name that the template gives)")
      ->type_name("ORDER");
  command->add_option("--max", raw.settings.max, "Up to so many, at least one")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000'000}))
      ->type_name("N");
}

void add_out(CLI::App& app, Raw& raw) {
  CLI::App* const out = app.add_subcommand("out", "Add a tuple, or many from standard input");
  add_space(out, raw);
  add_text(out, raw, "TUPLE", "For instance '(\"job\", 7)'");
  out->add_option("--ttl", raw.ttl, "It vanishes after this")->check(duration_validator());
  out->add_option("--delay", raw.delay, "Nobody sees it before")->check(duration_validator());
  out->add_flag("--pulse", raw.settings.out.pulse, "Only those who wait now see it");
  add_under(out, raw);
  add_forms(out, raw, true);
}

void add_takes(CLI::App& app, Raw& raw) {
  const std::pair<const char*, const char*> takes[] = {
      {"in", "Take a matching tuple; wait for it"},
      {"rd", "Read a matching tuple; wait for it"},
      {"inp", "Take a matching tuple if there is one"},
      {"rdp", "Read a matching tuple if there is one"}};
  for (const auto& [name, what] : takes) {
    CLI::App* const take = app.add_subcommand(name, what);
    add_space(take, raw);
    add_text(take, raw, "TEMPLATE", "For instance '(\"job\", ?int)'")->required();
    if (std::string(name).size() == 2) {
      take->add_option("--wait", raw.wait, "At most so long")->check(duration_validator());
    }
    add_choice(take, raw);
    add_under(take, raw);
    add_forms(take, raw, false);
  }
}

void add_looks(CLI::App& app, Raw& raw) {
  CLI::App* const scan = app.add_subcommand("scan", "Print all matching tuples");
  add_space(scan, raw);
  add_text(scan, raw, "TEMPLATE", "All, if absent");
  add_forms(scan, raw, false);

  CLI::App* const count = app.add_subcommand("count", "Print how many tuples match");
  add_space(count, raw);
  add_text(count, raw, "TEMPLATE", "All, if absent");
  count->add_flag("--all", raw.settings.all, "Held and delayed ones, too");

  CLI::App* const spaces = app.add_subcommand("spaces", "List the spaces");
  spaces->add_option("PREFIX", raw.settings.space, "Only names that begin so");
  CLI::App* const stats = app.add_subcommand("stats", "Print the server's figures");
  for (CLI::App* const command : {spaces, stats}) {
    command->add_option("--json", raw.json, "Print JSON")->expected(0)->type_name("");
  }
}

void add_policies(CLI::App& app, Raw& raw) {
  client::Policy& policy = raw.settings.policy;
  CLI::App* const create = app.add_subcommand("create", "Create a space");
  add_space(create, raw);
  create->add_option("--durability", raw.durability, "sync, async or memory")
      ->check(CLI::IsMember({"sync", "async", "memory"}));
  create->add_option("--order", raw.order, "Who comes first: oldest, newest or random")
      ->check(CLI::IsMember({"oldest", "newest", "random"}));
  create->add_option("--deliveries-max", policy.deliveries_max,
                     "A tuple that is given back more often goes to SPACE.dead");
  create->add_option("--history", policy.history, "So many events are kept for watch --after");
  create->add_option("--deadlock", raw.deadlock, "Of sessions that take part: report or fail")
      ->check(CLI::IsMember({"report", "fail"}));
  create->add_option("--ttl", raw.ttl, "The space is dropped after this")
      ->check(duration_validator());
  create->add_option("--shard", policy.shard, "Below the server's --shards");
  create->add_option("--tuples-max", policy.tuples_max, "Tuples at once");
  create->add_option("--tuple-bytes-max", raw.tuple_bytes_max, "Of one tuple")
      ->check(size_validator());

  CLI::App* const drop = app.add_subcommand("drop", "Drop a space with all its tuples");
  add_space(drop, raw);

  CLI::App* const bench = app.add_subcommand(
      "bench", "Measure this server from here: out and in, in a space of its own");
  bench->add_option("--callers", raw.settings.callers, "Side by side")->check(CLI::Range(1, 4096));
  bench->add_option("--for", raw.duration, "How long, for each of two parts")
      ->check(duration_validator());
  bench->add_option("--tuple-bytes", raw.tuple_bytes, "About")->check(size_validator());
  bench->add_option("--durability", raw.durability, "Of its space; memory if absent")
      ->check(CLI::IsMember({"sync", "async", "memory"}));
}

// Returns what is wrong with `text`, or "".
std::string read_choice(const std::string& text, Settings& settings) {
  client::Choice& choice = settings.take.choice;
  if (text.empty()) return "";
  const std::map<std::string, client::Order> orders = {{"oldest", client::Order::kOldest},
                                                       {"newest", client::Order::kNewest},
                                                       {"random", client::Order::kRandom},
                                                       {"least", client::Order::kLeast},
                                                       {"greatest", client::Order::kGreatest}};
  const size_t colon = text.find(':');
  const auto order = orders.find(text.substr(0, colon));
  const bool needs_field = text.starts_with("least") || text.starts_with("greatest");
  const bool has_field = colon != std::string::npos && colon + 1 < text.size();
  if (order == orders.end() || needs_field != has_field) {
    return "--choice " + text + ": expected oldest, newest, random, least:FIELD or greatest:FIELD";
  }
  choice.order = order->second;
  if (!has_field) return "";
  const std::string field = text.substr(colon + 1);
  if (field.find_first_not_of("0123456789") != std::string::npos) {
    settings.choice_field = field;
  } else if (field.size() > 4) {
    return "--choice " + text + ": there are no tuples with that many fields";
  } else {
    choice.field = static_cast<uint32_t>(std::stoul(field));
  }
  return "";
}

client::Durability durability_of(const std::string& name) {
  if (name == "sync") return client::Durability::kSync;
  if (name == "async") return client::Durability::kAsync;
  if (name == "memory") return client::Durability::kMemory;
  return client::Durability::kDefault;
}

client::Order order_of(const std::string& name) {
  if (name == "oldest") return client::Order::kOldest;
  if (name == "newest") return client::Order::kNewest;
  if (name == "random") return client::Order::kRandom;
  return client::Order::kDefault;
}

// Returns what is wrong, or "".
std::string read_forms(const Raw& raw, bool has_json, Settings& settings) {
  const int forms = raw.lines + raw.byte_lines + raw.json_lines + has_json;
  if (forms > 1) return "--json, --lines, --byte-lines and --json-lines exclude each other";
  if (raw.lines) settings.form = Form::kLines;
  if (raw.byte_lines) settings.form = Form::kByteLines;
  if (raw.json_lines || has_json) settings.form = Form::kJson;
  if (raw.json == "tagged") settings.numbers = JsonNumbers::kTagged;
  if (settings.command == "work" && forms == 0) settings.form = Form::kLines;
  if (settings.command != "out") return "";
  settings.from_pipe = raw.lines || raw.byte_lines || raw.json_lines;
  if (settings.from_pipe && settings.has_text) {
    return "out takes a TUPLE or reads standard input, not both";
  }
  if (!settings.from_pipe && !settings.has_text) {
    return "out needs a TUPLE, or --lines, --byte-lines or --json-lines to read standard input";
  }
  return "";
}

// Returns what is wrong, or "".
std::string translate(const Raw& raw, const CLI::App& command, Settings& settings) {
  settings = raw.settings;
  settings.command = command.get_name();
  const auto given = [&](const char* name) {
    const CLI::Option* const option = command.get_option_no_throw(name);
    return option != nullptr && option->count() > 0;
  };
  settings.has_text = given("TUPLE") || given("TEMPLATE");
  if (!raw.lease.empty()) settings.lease = *parse_duration(raw.lease);
  if (std::string wrong = read_coordination(raw, settings); !wrong.empty()) return wrong;
  for (const auto& [name, value] : raw.arguments) settings.arguments[name] = value;
  if (!raw.patience.empty()) settings.patience = *parse_duration(raw.patience);
  if (!raw.wait.empty()) settings.take.wait = parse_duration(raw.wait);
  if (!raw.ttl.empty()) settings.out.ttl = parse_duration(raw.ttl);
  if (!raw.delay.empty()) settings.out.delay = parse_duration(raw.delay);
  if (!raw.duration.empty()) settings.duration = *parse_duration(raw.duration);
  if (!raw.tuple_bytes.empty()) settings.tuple_bytes = *parse_size(raw.tuple_bytes);
  settings.policy.durability = durability_of(raw.durability);
  settings.policy.order = order_of(raw.order);
  if (raw.deadlock == "report") settings.policy.deadlock = client::Deadlock::kReport;
  if (raw.deadlock == "fail") settings.policy.deadlock = client::Deadlock::kFail;
  if (settings.command == "create" && settings.out.ttl) settings.policy.ttl = *settings.out.ttl;
  if (!raw.tuple_bytes_max.empty()) {
    settings.policy.tuple_bytes_max = *parse_size(raw.tuple_bytes_max);
  }
  if (std::string wrong = read_choice(raw.choice, settings); !wrong.empty()) {
    return wrong;
  }
  return read_forms(raw, given("--json"), settings);
}

}  // namespace

Parsed parse_settings(int count, char** words) {
  CLI::App app("Talks to a tuple space: puts tuples in, takes and reads those that match.",
               "tuplespace");
  Raw raw;
  app.add_option("--server", raw.settings.server, "host:port or unix:/path")
      ->envname("TUPLESPACE_SERVER")
      ->capture_default_str();
  app.add_option("--patience", raw.patience, "How long to wait for a server that went away (60s)")
      ->check(duration_validator());
  app.set_version_flag("--version", "tuplespace " TUPLESPACE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kFooter);
  add_out(app, raw);
  add_takes(app, raw);
  add_looks(app, raw);
  add_coordination(app, raw);
  add_programs(app, raw);
  add_policies(app, raw);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error) == 0 ? kFound : kError};
  }
  Settings settings;
  const std::string wrong = translate(raw, *app.get_subcommands().front(), settings);
  if (!wrong.empty()) {
    std::fprintf(stderr, "tuplespace: %s\n", wrong.c_str());
    return {std::nullopt, kError};
  }
  return {std::move(settings), kFound};
}

}  // namespace tuplespace::cli
