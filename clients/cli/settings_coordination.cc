// The options of commands that coordinate: watch, atomic, transactions, leases, work, lock,
// barrier.
#include "clients/cli/quantity.h"
#include "clients/cli/settings_parts.h"

namespace tuplespace::cli {
namespace {

constexpr client::milliseconds kHold(30'000);  // of `work`
constexpr client::milliseconds kLockLease(10'000);

void add_json(CLI::App* command, Raw& raw) {
  command->add_option("--json", raw.json, "Print JSON")->expected(0)->type_name("");
}

void add_program(CLI::App* command, Raw& raw) {
  command->add_option("CMD", raw.settings.words, "Behind --: the program and its arguments")
      ->required()
      ->type_name("-- CMD...");
}

void add_lease(CLI::App* command, Raw& raw, const char* name, const char* what) {
  command->add_option(name, raw.lease, what)->check(duration_validator());
}

void add_wait(CLI::App* command, Raw& raw) {
  command->add_option("--wait", raw.wait, "At most so long")->check(duration_validator());
}

void add_leases(CLI::App& app, Raw& raw) {
  CLI::App* const begin =
      app.add_subcommand("begin", "Begin a transaction and print its number, for --under");
  add_space(begin, raw);
  add_lease(begin, raw, "--lease", "It is aborted after this (30s)");
  for (const auto& [name, what] :
       {std::pair{"commit", "Make all of a transaction happen, at one instant"},
        std::pair{"abort", "End a transaction; nothing of it has happened"}}) {
    app.add_subcommand(name, what)
        ->add_option("TRANSACTION", raw.settings.transaction, "Its number")
        ->required();
  }
  CLI::App* const renew = app.add_subcommand("renew", "Let a lease end later, counted from now");
  renew->add_option("SPACE", raw.settings.space, "Of the hold or tuple");
  renew->add_option("--hold", raw.settings.token, "The token of a hold");
  renew->add_option("--tuple", raw.settings.tuple, "The id of a tuple with a ttl");
  renew->add_option("--transaction", raw.settings.transaction, "The number of a transaction");
  renew->add_option("--for", raw.lease, "How long")->check(duration_validator())->required();
  CLI::App* const release = app.add_subcommand("release", "Give back what a hold holds");
  add_space(release, raw);
  release->add_option("TOKEN", raw.settings.token, "The hold's, as `held` prints it")->required();
}

void add_at_once(CLI::App& app, Raw& raw) {
  CLI::App* const atomic = app.add_subcommand(
      "atomic",
      "Do several steps at one instant, or wait until all of them can happen. Steps: "
      "'in SPACE TEMPLATE', 'rd SPACE TEMPLATE', 'out SPACE FIELDS', 'count SPACE TEMPLATE < N', "
      "'settle SPACE TOKEN done'; 'or' begins an alternative. Names that in and rd bind stand for "
      "their values in later steps: $id, $n+1");
  atomic->add_option("STEPS", raw.settings.words, "One word each")
      ->required()
      ->type_name("STEP...");
  atomic->add_option("--arg", raw.arguments, "What $NAME stands for; $NAME:int parses it")
      ->type_name("NAME VALUE");
  add_wait(atomic, raw);
  add_json(atomic, raw);
  for (const auto& [name, what] : {std::pair{"collect", "Move all matching tuples, at one instant"},
                                   std::pair{"copy-collect", "Copy all matching tuples"}}) {
    CLI::App* const collect = app.add_subcommand(name, what);
    add_space(collect, raw);
    add_text(collect, raw, "TEMPLATE", "For instance '(\"job\", ?)'")->required();
    collect->add_option("INTO", raw.settings.into, "To this space")->required();
  }
}

void add_questions(CLI::App& app, Raw& raw) {
  CLI::App* const blocked = app.add_subcommand("blocked", "Print who waits for what, since when");
  blocked->add_option("SPACE", raw.settings.space, "In this space; in all, if absent");
  CLI::App* const held = app.add_subcommand("held", "Print who holds what, since and until when");
  held->add_option("SPACE", raw.settings.space, "In this space; in all, if absent");
  held->add_option("--session", raw.settings.session, "Only what this session holds");
  CLI::App* const session = app.add_subcommand("session", "List the sessions, or end one");
  session->add_option("--end", raw.settings.session, "End this one: what it holds goes back");
  for (CLI::App* const command : {blocked, held, session}) add_json(command, raw);
  CLI::App* const explain = app.add_subcommand("explain", "Say why a template finds nothing");
  add_space(explain, raw);
  add_text(explain, raw, "TEMPLATE", "For instance '(\"job\", ?int)'")->required();

  CLI::App* const watch = app.add_subcommand("watch", "Print what happens, as it happens");
  add_space(watch, raw);
  add_text(watch, raw, "TEMPLATE", "All, if absent");
  watch->add_flag("--snapshot", raw.settings.watch.snapshot, "Begin with what is there, as out");
  watch->add_option("--after", raw.settings.watch.after, "Begin behind this sequence number")
      ->type_name("N");
  watch->add_option("--kinds", raw.kinds, "Only these: out,in,return,expire,pulse")
      ->delimiter(',')
      ->check(CLI::IsMember({"out", "in", "return", "expire", "pulse"}));
  watch->add_option("--max", raw.most, "End after so many events")->type_name("N");
  add_json(watch, raw);
}

}  // namespace

void add_under(CLI::App* command, Raw& raw) {
  command->add_option("--under", raw.settings.transaction, "In this transaction (begin)")
      ->type_name("TRANSACTION");
}

void add_coordination(CLI::App& app, Raw& raw) {
  add_at_once(app, raw);
  add_leases(app, raw);
  add_questions(app, raw);
}

void add_programs(CLI::App& app, Raw& raw) {
  CLI::App* const work = app.add_subcommand(
      "work",
      "Take tuples under a hold and run a program for each, with the tuple as JSON on its standard "
      "input, TUPLE_ATTEMPT and TUPLE_TOKEN in its environment. Exit code 0: done; else it goes "
      "back");
  add_space(work, raw);
  add_text(work, raw, "TEMPLATE", "For instance '(\"job\", ?)'")->required();
  work->add_option("-j,--jobs", raw.jobs, "Programs side by side (1)")->check(CLI::Range(1, 4096));
  work->add_option("--results", raw.settings.into,
                   "Lines of its standard output become tuples there, at the instant of done: of "
                   "one string, or as --json-lines and --byte-lines say")
      ->type_name("SPACE");
  add_lease(work, raw, "--hold", "Renewed while the program runs (30s)");
  work->add_option("--group", raw.settings.field, "One at a time of those alike in this field")
      ->type_name("FIELD");
  work->add_option("--max", raw.most, "End after so many")->type_name("N");
  add_wait(work, raw);
  work->add_flag("--byte-lines", raw.byte_lines, "Results are bytes");
  work->add_flag("--json-lines", raw.json_lines, "Results are tuples in JSON");
  add_program(work, raw);

  CLI::App* const lock = app.add_subcommand(
      "lock",
      "Run a program while nobody else has the lock; it gets SIGTERM when the lock is lost, "
      "and the fencing token as TUPLE_TOKEN");
  add_space(lock, raw);
  lock->add_option("NAME", raw.settings.name, "Of the lock")->required();
  add_wait(lock, raw);
  add_lease(lock, raw, "--lease", "Who dies loses the lock after this (10s)");
  add_program(lock, raw);

  CLI::App* const barrier = app.add_subcommand("barrier", "Wait until N have come");
  add_space(barrier, raw);
  barrier->add_option("NAME", raw.settings.name, "Of the barrier")->required();
  barrier->add_option("N", raw.settings.size, "How many")
      ->required()
      ->check(CLI::Range(uint64_t{1}, uint64_t{100'000}));
  add_wait(barrier, raw);
}

std::string read_coordination(const Raw& raw, Settings& settings) {
  const std::string& command = settings.command;
  if (command == "work" || command == "watch") settings.max = raw.most;
  if (command == "work") settings.callers = raw.jobs;
  if (command == "work" && raw.lease.empty()) settings.lease = kHold;
  if (command == "lock" && raw.lease.empty()) settings.lease = kLockLease;
  for (const std::string& kind : raw.kinds) {
    for (const client::EventKind known :
         {client::EventKind::kOut, client::EventKind::kIn, client::EventKind::kReturn,
          client::EventKind::kExpire, client::EventKind::kPulse}) {
      if (kind == client::event_name(known)) settings.watch.kinds.add(known);
    }
  }
  if (command != "renew") return "";
  const int leases = (settings.token != 0) + (settings.tuple != 0) + (settings.transaction != 0);
  if (leases != 1) return "renew needs one of --hold, --tuple and --transaction";
  if (settings.transaction == 0 && settings.space.empty()) {
    return "renew needs the SPACE of the hold or tuple";
  }
  return "";
}

}  // namespace tuplespace::cli
