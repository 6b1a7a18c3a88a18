// crash_campaign: a real server under load from many clients dies again and again, and an oracle
// that knows what was sent, answered and pending says whether anything was lost or doubled.
//
// It begins with crashes while the data directory is made. One cycle: load, a crash at a random
// moment (SIGKILL, or a power cut of the file system that the data is on), sometimes another one
// during recovery, restart, load again, rest, comparison.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>

#include "tests/crash/history.h"
#include "tests/crash/load.h"
#include "tests/crash/loop_disk.h"
#include "tests/crash/server_process.h"

namespace tuplespace::crash {
namespace {

constexpr int kExitStorage = 3;       // of tuplespaced: it cannot open its data
constexpr int kExitStoreFailed = 74;  // of tuplespaced: its data cannot be written any more
constexpr int kExitWrong = 1;
constexpr int kExitCannotRun = 77;  // ctest shows it as not run

struct Settings {
  std::string server;
  std::string directory;    // for data and images; empty: a new one that goes away
  std::string file_system;  // empty: kill only
  int cycles = 50;
  uint64_t seed = 0;
  bool two_shards = false;
  bool unsafe_no_sync = false;
  std::string chronicle;  // the file that historians write; empty: none work
  bool only_historians = false;

  uint16_t async_shard() const { return two_shards ? 1 : 0; }
};

class Campaign {
 public:
  Campaign(const Settings& settings, std::string directory)
      : settings_(settings), directory_(std::move(directory)), random_(settings.seed) {}

  // Errors: what this machine lacks for it.
  Status prepare();
  // Returns true if nothing was wrong.
  bool run();
  // What was wrong is that something synced was lost: the oracle says so, or the server itself,
  // which refuses to start then.
  bool lost_synced() const { return history_.figures().lost > 0 || server_refuses_; }
  // Ends server and mounts, not the clients.
  void abandon();

 private:
  uint64_t below(uint64_t n) { return random_() % n; }
  void rest(uint64_t milliseconds_max) {
    std::this_thread::sleep_for(std::chrono::microseconds(below(1000 * milliseconds_max)));
  }
  Mix random_mix();
  Status start();
  Status cycle();
  Status crash();
  Status crash_early();
  Status compare();
  Status check_worth() const;
  void report(int cycles) const;

  const Settings& settings_;
  const std::string directory_;
  std::mt19937_64 random_;
  std::unique_ptr<LoopDisk> disk_;  // power cuts only
  std::unique_ptr<ServerProcess> server_;
  History history_{settings_.async_shard()};
  std::unique_ptr<Chronicle> chronicle_;
  std::unique_ptr<Load> load_;
  uint64_t crashes_ = 0;
  uint64_t violations_ = 0;
  bool server_refuses_ = false;
};

Status Campaign::prepare() {
  std::string data = directory_ + "/data";
  if (!settings_.file_system.empty()) {
    TS_RETURN_IF_ERROR(enter_mount_namespace());
    Result<std::unique_ptr<LoopDisk>> disk = LoopDisk::make(settings_.file_system, directory_);
    if (!disk.ok()) return disk.status();
    disk_ = std::move(*disk);
    data = disk_->path() + "/data";
  }
  std::vector<std::string> words{"--data", data, "--session-ttl", "10m"};
  if (settings_.two_shards) words.insert(words.end(), {"--shards", "2", "--lanes", "2"});
  if (settings_.unsafe_no_sync) words.push_back("--unsafe-no-sync");
  server_ = std::make_unique<ServerProcess>(settings_.server, words, directory_ + "/server.log");
  return {};
}

Status Campaign::start() {
  while (below(4) != 0) TS_RETURN_IF_ERROR(crash_early());  // while the data directory is made
  TS_RETURN_IF_ERROR(server_->start());
  LoadSetup setup{server_->address(), settings_.seed * 1000, settings_.async_shard(), nullptr,
                  settings_.only_historians};
  if (!settings_.chronicle.empty()) {
    chronicle_ = std::make_unique<Chronicle>(settings_.chronicle);
    setup.chronicle = chronicle_.get();
  }
  Result<std::unique_ptr<Load>> load = Load::open(setup, history_);
  if (!load.ok()) return load.status();
  load_ = std::move(*load);
  // Something synced on every connection: the sessions outlive a power cut.
  load_->resume({.sync = true, .async = false});
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  TS_RETURN_IF_ERROR(load_->pause());
  return compare();
}

bool Campaign::run() {
  int cycles = 0;
  Status status = start();
  while (status.ok() && violations_ == 0 && cycles < settings_.cycles) {
    ++cycles;
    status = cycle();
    if (cycles % 50 == 0) report(cycles);
  }
  if (status.ok() && violations_ == 0) {
    load_.reset();
    status = server_->stop();
    if (status.ok()) status = check_worth();
  }
  if (!status.ok()) {
    ++violations_;
    server_refuses_ = status.message().find("the disk lost or changed") != std::string::npos;
    fmt::print("violation in cycle {}: {}\n", cycles, status.to_string());
  }
  report(cycles);
  return violations_ == 0;
}

void Campaign::abandon() {
  if (server_->running()) server_->kill();
  disk_.reset();
}

Mix Campaign::random_mix() {
  if (settings_.only_historians) return {.sync = true, .async = false};
  const uint64_t kind = below(3);
  return {.sync = kind != 1, .async = kind != 0};
}

Status Campaign::cycle() {
  load_->resume(random_mix());
  rest(200);
  TS_RETURN_IF_ERROR(crash());
  while (below(5) == 0) TS_RETURN_IF_ERROR(crash_early());
  TS_RETURN_IF_ERROR(server_->start());
  rest(50);
  TS_RETURN_IF_ERROR(load_->pause());
  return compare();
}

// Before it serves anybody, or soon after.
Status Campaign::crash_early() {
  TS_RETURN_IF_ERROR(server_->begin());
  rest(60);
  return crash();
}

Status Campaign::crash() {
  ++crashes_;
  if (disk_) {
    // A process that goes on without its disk can be lied to: ext4 may say that something is synced
    // whose transaction the cut has just aborted. Without power nothing goes on.
    server_->freeze();
    TS_RETURN_IF_ERROR(disk_->cut_power());
  }
  const int end = server_->kill();
  // Without power it may have noticed first; otherwise it lives until it is killed.
  const bool noticed = disk_ && (end == kExitStorage || end == kExitStoreFailed);
  if (end != -SIGKILL && !noticed) {
    return {Code::kInternal,
            fmt::format("the server ended by itself with {}: {}", end, server_->end_of_log())};
  }
  history_.crashed(disk_ ? Crash::kPowerCut : Crash::kKill);
  return disk_ ? disk_->mount_again() : Status();
}

Status Campaign::compare() {
  if (settings_.only_historians) return {};  // their file is judged, nothing else
  const Result<Load::Present> present = load_->present();
  if (!present.ok()) return present.status();
  for (const std::string& wrong : history_.check(present->tuples, present->now)) {
    if (++violations_ <= 10) fmt::print("violation after crash {}: {}\n", crashes_, wrong);
  }
  return {};
}

// A campaign that shows nothing is wrong, too.
Status Campaign::check_worth() const {
  if (settings_.only_historians) {
    if (chronicle_->lines() >= 100) return {};
    return {Code::kInternal, "historians did nearly nothing"};
  }
  const HistoryFigures figures = history_.figures();
  const bool crashed_at_work = figures.pending > 0 || settings_.cycles < 10;
  if (figures.acknowledged >= 100 && crashed_at_work) return {};
  return {Code::kInternal, "nearly nothing was done, or nothing was pending at any crash"};
}

void Campaign::report(int cycles) const {
  const HistoryFigures figures = history_.figures();
  fmt::print(
      "{} {} cycles, {} crashes: {} operations sent, {} acknowledged, {} refused or empty, "
      "{} unknown; {} pending at a crash; {} lost with an unsynced tail; {} violations\n",
      settings_.file_system.empty() ? "kill" : "power cut " + settings_.file_system, cycles,
      crashes_, figures.sent, figures.acknowledged, figures.refused, figures.unknown,
      figures.pending, figures.tail_lost, violations_);
  if (chronicle_ != nullptr) {
    chronicle_->flush();
    fmt::print("{} operations are written down in {}\n", chronicle_->lines(), settings_.chronicle);
  }
  std::fflush(stdout);
}

int run(Settings settings) {
  const bool keeps = !settings.directory.empty();
  std::string directory = settings.directory;
  if (!keeps) {
    directory = std::filesystem::temp_directory_path() / "crash_campaign.XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) return kExitWrong;
  }
  std::filesystem::create_directories(directory);
  fmt::print("seed {}, directory {}\n", settings.seed, directory);
  std::fflush(stdout);
  auto campaign = std::make_unique<Campaign>(settings, directory);
  if (const Status status = campaign->prepare(); !status.ok()) {
    fmt::print("CANNOT RUN on this machine: {}\n", status.to_string());
    if (!keeps) std::filesystem::remove_all(directory);
    return kExitCannotRun;
  }
  const bool fine = campaign->run();
  bool passed = fine;
  if (settings.unsafe_no_sync) {
    passed = campaign->lost_synced();
    fmt::print(
        "a server that never syncs was {}\n",
        passed ? "caught, as it must be" : "NOT caught losing data: this test does not bite");
  }
  std::fflush(stdout);
  const int code = passed ? 0 : kExitWrong;
  if (fine) {
    campaign.reset();
  } else {
    campaign->abandon();
  }
  if (code == 0 && !keeps) std::filesystem::remove_all(directory);
  // Clients may wait for answers that will never come: they end with the process.
  if (!fine) std::_Exit(code);
  return code;
}

}  // namespace
}  // namespace tuplespace::crash

int main(int count, char** words) {
  tuplespace::crash::Settings settings;
  settings.seed = std::random_device()();
  CLI::App app("Crashes a tuplespaced again and again and checks what it promised.");
  app.add_option("--server", settings.server, "the tuplespaced to run")->required();
  app.add_option("--cycles", settings.cycles, "how many crashes, at least");
  app.add_option("--power", settings.file_system, "cut the power of this file system")
      ->check(CLI::IsMember({"ext4", "xfs"}));
  app.add_option("--directory", settings.directory, "for data, images and the server's log");
  app.add_option("--seed", settings.seed, "repeats the same choices");
  app.add_flag("--two-shards", settings.two_shards,
               "async spaces in a shard of their own, on a lane of its own");
  app.add_flag("--unsafe-no-sync", settings.unsafe_no_sync,
               "the negative control: the server does not sync, and has to be caught");
  app.add_option("--chronicle", settings.chronicle,
                 "let historians work, too, and write what they see into this file");
  app.add_flag("--only-historians", settings.only_historians, "no other load, and no oracle");
  CLI11_PARSE(app, count, words);
  return tuplespace::crash::run(settings);
}
