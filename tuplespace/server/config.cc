#include "tuplespace/server/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <functional>
#include <span>

namespace tuplespace {
namespace {

constexpr const char* kVersion = TUPLESPACE_VERSION;

struct Unit {
  const char* name;
  uint64_t factor;
};
constexpr Unit kSizes[] = {
    {"TiB", uint64_t{1} << 40}, {"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}};
constexpr Unit kDurations[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

Result<uint64_t> parse_with(std::string_view text, std::span<const Unit> units, const char* like) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(rest, static_cast<size_t>(text.data() + text.size() - rest));
  if (error == std::errc()) {
    for (const Unit& known : units) {
      if (unit != known.name && !(unit.empty() && known.factor == 1)) continue;
      if (number > UINT64_MAX / 2 / known.factor) break;
      return number * known.factor;
    }
  }
  return invalid(fmt::format("\"{}\" is not {}", text, like));
}

std::string text_with(uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value >= unit.factor && value % unit.factor == 0) {
      return fmt::format("{}{}", value / unit.factor, unit.name);
    }
  }
  return fmt::format("{}{}", value, units.back().name);
}

// One option: how it is read, and what --help says of it.
struct Setting {
  std::string name;
  std::string type;     // unit or choice
  std::string initial;  // its default, as text
  std::string range;    // "" if the type says it
  std::string why;
  std::function<Status(std::string_view text)> read;  // null: a switch
  std::function<void()> turn_on;                      // of a switch
};

// Builds the table of settings over one Config.
class Settings {
 public:
  explicit Settings(Config& config) : config_(config) { describe(); }
  const std::vector<Setting>& all() const { return all_; }

 private:
  void describe();
  void describe_spaces();
  void describe_connections();

  void text(const char* name, const char* type, std::string& value, const char* why) {
    all_.push_back({name, type, value, "", why,
                    [&value](std::string_view given) -> Status {
                      if (given.empty()) return invalid("it is empty");
                      value = given;
                      return {};
                    },
                    nullptr});
  }

  template <typename Number>
  void number(const char* name, Number& value, uint64_t least, uint64_t most, const char* why) {
    whole(
        name, "number", value, least, most, why,
        [](std::string_view given) -> Result<uint64_t> {
          uint64_t parsed = 0;
          const auto [rest, error] =
              std::from_chars(given.data(), given.data() + given.size(), parsed);
          if (error == std::errc() && rest == given.data() + given.size()) return parsed;
          return invalid(fmt::format("\"{}\" is not a number", given));
        },
        [](uint64_t shown) { return std::to_string(shown); });
  }
  template <typename Number>
  void size(const char* name, Number& value, uint64_t least, uint64_t most, const char* why) {
    whole(name, "size", value, least, most, why, parse_size, size_text);
  }
  void duration(const char* name, Duration& value, uint64_t least, uint64_t most, const char* why) {
    whole(
        name, "duration", value, least, most, why,
        [](std::string_view given) -> Result<uint64_t> {
          const Result<Duration> parsed = parse_duration(given);
          if (!parsed.ok()) return parsed.status();
          return static_cast<uint64_t>(*parsed);
        },
        [](uint64_t shown) { return duration_text(static_cast<Duration>(shown)); });
  }

  template <typename Number, typename Parse, typename Show>
  void whole(const char* name, const char* type, Number& value, uint64_t least, uint64_t most,
             const char* why, Parse parse, Show show) {
    const std::string range = fmt::format("{} to {}", show(least), show(most));
    all_.push_back({name, type, show(static_cast<uint64_t>(value)), range, why,
                    [=, &value](std::string_view given) -> Status {
                      const Result<uint64_t> parsed = parse(given);
                      if (!parsed.ok()) return parsed.status();
                      if (*parsed < least || *parsed > most) {
                        return invalid(fmt::format("{} is outside {}", given, range));
                      }
                      value = static_cast<Number>(*parsed);
                      return {};
                    },
                    nullptr});
  }

  template <typename Enum>
  void choice(const char* name, std::vector<std::pair<std::string, Enum>> names, Enum& value,
              const char* why) {
    std::string type, initial;
    for (const auto& [word, meaning] : names) {
      type += (type.empty() ? "" : "|") + word;
      if (meaning == value) initial = word;
    }
    all_.push_back({name, type, initial, "", why,
                    [=, &value](std::string_view given) -> Status {
                      for (const auto& [word, meaning] : names) {
                        if (given != word) continue;
                        value = meaning;
                        return {};
                      }
                      return invalid(fmt::format("\"{}\" is none of {}", given, type));
                    },
                    nullptr});
  }

  void flag(const char* name, bool& value, const char* why) {
    all_.push_back({name, "", "off", "", why, nullptr, [&value] { value = true; }});
  }

  Config& config_;
  std::vector<Setting> all_;
};

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;
constexpr uint64_t kTiB = uint64_t{1} << 40;
constexpr uint64_t kMillion = 1'000'000;
constexpr uint64_t kDay = 86'400'000;

void Settings::describe() {
  text("--data", "directory", config_.data, "where tuples survive; one server at a time");
  text("--listen", "host:port|unix:/path", config_.listen,
       "[::1]:port for IPv6; port 0 takes a free one and prints it");
  choice<bool>("--store", {{"rocksdb", true}, {"memory", false}}, config_.on_disk,
               "memory keeps nothing over a restart and needs no --data");
  choice<Durability>(
      "--durability",
      {{"sync", Durability::kSync}, {"async", Durability::kAsync}, {"memory", Durability::kMemory}},
      config_.engine.shard.durability,
      "of spaces that do not say: sync survives power loss, async a crash of the "
      "process (synced every --async-sync), memory nothing");
  duration("--async-sync", config_.async_sync, 1, 60'000,
           "what async answers may lose at a power loss");
  number("--lanes", config_.engine.lanes, 1, 64,
         "threads that serve; more pay only with several shards and free cores");
  number("--shards", config_.engine.shards, 1, EngineConfig::kShardsMax,
         "units of atomicity; may grow, never shrink");
  size("--memory-max", config_.memory_max, 16 * kMiB, 64 * kTiB,
       "tuples and indexes; beyond it out is refused");
  size("--disk-free-min", config_.engine.disk_free_min, 0, kTiB,
       "below it out is refused, in still works");
  describe_spaces();
  describe_connections();
  choice<Level>("--log-level",
                {{"debug", Level::kDebug},
                 {"info", Level::kInfo},
                 {"warning", Level::kWarning},
                 {"error", Level::kError}},
                config_.log_level, "debug shows every connection and stream");
  flag("--insecure", config_.insecure,
       "allows --listen beyond loopback: anyone who reaches the port may read, take and drop");
  flag("--unsafe-no-sync", config_.unsafe_no_sync,
       "for tests of power cuts only: skips every sync and claims to have done it; loses data");
}

void Settings::describe_spaces() {
  ShardConfig& shard = config_.engine.shard;
  choice<bool>("--create-on-out", {{"yes", true}, {"no", false}}, shard.create_on_out,
               "no: out to an unknown space is NOT_FOUND");
  size("--tuple-bytes-max", shard.limits.tuple_bytes_max, 64, 2 * kMiB,
       "of one tuple, encoded; put large payloads elsewhere");
  number("--fields-max", shard.limits.fields_max, 1, 1024, "of a tuple or template");
  number("--depth-max", shard.limits.depth_max, 1, 64, "of lists and maps in one another");
  number("--spaces-max", shard.spaces_max, 1, kMillion, "per shard");
  number("--tuples-max", shard.tuples_max, 1, 1'000'000 * kMillion, "per shard");
  number("--waiters-max", shard.waiters_max, 1, 1'000 * kMillion, "waiting calls, per shard");
  number("--residual-waiters-max", shard.residual_waiters_max, 1, kMillion,
         "waiting templates that no index narrows down, per arity of a space");
  number("--indexes-max", shard.indexes_max, 1, 256,
         "per arity of a space; more serve more kinds of questions, and cost memory and time");
  number("--slice-candidates", shard.slice_candidates, 16, kMillion,
         "tuples examined at a stretch; fewer keep others quick during long searches");
  number("--examine-max", shard.examine_max, 1, 1'000 * kMillion, "tuples one count examines");
  number("--take-max", shard.take_max, 1, kMillion, "tuples of one in, rd or page of a scan");
  number("--sessions-max", shard.sessions_max, 1, 10 * kMillion, "open at once");
  duration("--session-ttl", shard.session_ttl, 1'000, 7 * kDay,
           "a session without a stream or call ends after this, unless it asked for less or more");
  number("--operations-max", shard.operations_max, 1, kMillion,
         "of a session: waiting, or answered and not confirmed");
  size("--unconfirmed-bytes-max", shard.unconfirmed_bytes_max, kMiB, 16 * kGiB,
       "of a session: answers not confirmed");
}

void Settings::describe_connections() {
  CallLimits& calls = config_.calls;
  size("--frame-bytes-max", calls.frame_bytes_max, 64 * 1024, kGiB,
       "of one message received; more than --tuple-bytes-max");
  number("--connections-max", config_.connections_max, 1, kMillion,
         "more are closed at once; each takes two file descriptors");
  number("--streams-max", config_.streams_max, 1, kMillion,
         "Stream calls, per lane; more are RESOURCE_EXHAUSTED");
  number("--in-flight-max", calls.in_flight_max, 1, kMillion,
         "unary calls, per lane; more are RESOURCE_EXHAUSTED");
  size("--answer-bytes-max", config_.answer_bytes_max, 64 * 1024, kGiB,
       "of a stream: answers not yet sent; beyond it nothing more is read from it");
  size("--watch-bytes-max", config_.watch_bytes_max, 64 * 1024, kGiB,
       "of a watcher: events not yet sent; beyond it he is told of a gap");
  duration("--wait-max", config_.wait_max, 1'000, 30 * kDay, "the longest wait of a unary call");
  duration("--keepalive", calls.keepalive, 1'000, kDay, "a silent connection is asked after this");
  duration("--keepalive-timeout", calls.keepalive_timeout, 100, kDay,
           "and closed if it does not answer within this");
  duration("--drain", config_.drain, 0, 8'000,
           "after SIGTERM: time for what is committed to be answered");
}

std::string help_text(const std::vector<Setting>& settings) {
  std::string help =
      "tuplespaced serves tuple spaces that survive it, over gRPC.\n\n"
      "Usage: tuplespaced [setting ...]\n\n"
      "Sizes are written 16MiB, durations 250ms, 5s, 2h. Every setting, its unit, default and "
      "range:\n\n";
  for (const Setting& setting : settings) {
    help += fmt::format("  {}{}{}\n", setting.name, setting.type.empty() ? "" : " ", setting.type);
    help += fmt::format("      default {}{}{}\n", setting.initial,
                        setting.range.empty() ? "" : ", range ", setting.range);
    help += fmt::format("      {}\n", setting.why);
  }
  help +=
      "  --help\n  --version\n\nExit codes: 0 stopped as asked, 2 a setting is wrong, 3 the data "
      "cannot be used, 74 writing failed.\n";
  return help;
}

uint64_t half_of_memory() {
  const auto pages = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::max(pages * page / 2 / kMiB, uint64_t{64}) * kMiB;
}

// What no single setting can know.
Status check(const Config& config) {
  const Limits& limits = config.engine.shard.limits;
  if (config.calls.frame_bytes_max < limits.tuple_bytes_max + 4096) {
    return invalid(
        fmt::format("--frame-bytes-max {} has no room for a tuple of "
                    "--tuple-bytes-max {}",
                    size_text(config.calls.frame_bytes_max), size_text(limits.tuple_bytes_max)),
        "frame_bytes_max");
  }
  if (config.engine.lanes > config.engine.shards) {
    return invalid(fmt::format("--lanes {} with --shards {}: a lane without a shard would idle; "
                               "ask for at least as many shards",
                               config.engine.lanes, config.engine.shards),
                   "lanes");
  }
  return {};
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  return parse_with(text, kSizes, "a size; write 512B, 64KiB, 16MiB or 2GiB");
}

Result<Duration> parse_duration(std::string_view text) {
  const Result<uint64_t> parsed =
      parse_with(text, std::span(kDurations, 5), "a duration; write 250ms, 5s, 2m, 2h or 1d");
  if (!parsed.ok()) return parsed.status();
  return static_cast<Duration>(*parsed);
}

std::string size_text(uint64_t bytes) { return text_with(bytes, kSizes); }

std::string duration_text(Duration milliseconds) {
  return text_with(static_cast<uint64_t>(milliseconds), kDurations);
}

Result<ParsedConfig> parse_config(const std::vector<std::string>& arguments) {
  ParsedConfig parsed;
  Config& config = parsed.config;
  config.memory_max = half_of_memory();
  const Settings settings(config);

  CLI::App app;
  app.set_help_flag();
  bool help = false;
  bool version = false;
  app.add_flag("--help,-h", help);
  app.add_flag("--version", version);
  Status wrong;
  for (const Setting& setting : settings.all()) {
    if (setting.turn_on) {
      app.add_flag_callback(setting.name, setting.turn_on);
      continue;
    }
    app.add_option_function<std::string>(setting.name, [&](const std::string& given) {
      const Status status = setting.read(given);
      if (!status.ok() && wrong.ok()) {
        wrong = invalid(fmt::format("{}: {} (default {}{}{})", setting.name, status.message(),
                                    setting.initial, setting.range.empty() ? "" : ", range ",
                                    setting.range));
      }
    });
  }
  try {
    app.parse(std::vector(arguments.rbegin(), arguments.rend()));  // CLI11 wants the last first
  } catch (const CLI::ParseError& error) {
    return invalid(fmt::format("{}; tuplespaced --help lists every setting", error.what()));
  }
  if (help) parsed.print = help_text(settings.all());
  if (version) parsed.print = fmt::format("tuplespaced {}\n", kVersion);
  if (!parsed.print.empty()) return parsed;
  TS_RETURN_IF_ERROR(wrong);
  TS_RETURN_IF_ERROR(check(config));
  config.engine.shard.memory_max = config.memory_max / config.engine.shards;
  return parsed;
}

}  // namespace tuplespace
