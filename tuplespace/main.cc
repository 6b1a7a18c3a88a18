// tuplespaced: settings -> store -> engine -> server; a signal -> drain -> exit code.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "tuplespace/engine/engine.h"
#include "tuplespace/log.h"
#include "tuplespace/server/config.h"
#include "tuplespace/server/server.h"
#include "tuplespace/store/memory_store.h"
#include "tuplespace/store/rocksdb_store.h"

namespace tuplespace {
namespace {

constexpr int kExitUsage = 2;
constexpr int kExitStorage = 3;

int fail(int code, const Status& status) {
  std::fprintf(stderr, "tuplespaced: %s\n", status.message().c_str());
  return code;
}

// A connection takes two descriptors, and the store some; the usual soft limit is 1024.
void fit_descriptors(Config& config) {
  constexpr rlim_t kOthers = 1'024;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = 2 * config.connections_max + kOthers;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return;
  config.connections_max = std::max<size_t>(limit.rlim_cur / 4, 1);
  log(Level::kWarning, "connections_max_lowered",
      {{"connections_max", config.connections_max}, {"descriptors_max", limit.rlim_cur}});
}

// Every thread that is started later inherits the mask, so that only wait_for_signal() hears.
void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

// Returns the signal; the next one ends the process at once.
int wait_for_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  int number = 0;
  sigwait(&signals, &number);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  return number;
}

Result<std::unique_ptr<Store>> open_store(const Config& config) {
  if (!config.on_disk) return std::unique_ptr<Store>(std::make_unique<MemoryStore>());
  RocksDbOptions options;
  options.path = config.data;
  options.async_sync_ms = config.async_sync;
  options.unsafe_no_sync = config.unsafe_no_sync;
  Result<std::unique_ptr<RocksDbStore>> store = RocksDbStore::open(options);
  if (!store.ok()) return store.status();
  return std::unique_ptr<Store>(std::move(*store));
}

int run(Config config) {
  set_log_level(config.log_level);
  fit_descriptors(config);
  block_signals();
  Result<std::unique_ptr<Server>> server = Server::open(config);
  if (!server.ok()) return fail(kExitUsage, server.status());

  Result<std::unique_ptr<Store>> store = open_store(config);
  if (!store.ok()) return fail(kExitStorage, store.status());
  if (config.unsafe_no_sync) log(Level::kWarning, "unsafe_no_sync", {{"data", config.data}});
  SystemClock clock;
  Result<std::unique_ptr<Engine>> engine = Engine::open((*server)->engine_config(), **store, clock);
  if (!engine.ok()) return fail(kExitStorage, engine.status());

  if (const Status status = (*server)->start(**engine); !status.ok()) {
    return fail(kExitUsage, status);
  }
  log(Level::kInfo, "started",
      {{"version", TUPLESPACE_VERSION},
       {"incarnation", (*engine)->incarnation()},
       {"data", config.on_disk ? config.data : "(memory)"}});
  std::printf("listening on %s\n", (*server)->address().c_str());
  std::fflush(stdout);

  const int number = wait_for_signal();
  log(Level::kInfo, "signal", {{"number", number}});
  (*server)->drain();
  const Status closed = (*store)->close();
  if (!closed.ok()) return fail(kExitStorage, closed);
  log(Level::kInfo, "stopped");
  return 0;
}

}  // namespace
}  // namespace tuplespace

int main(int count, char** words) {
  const tuplespace::Result<tuplespace::ParsedConfig> parsed =
      tuplespace::parse_config({words + 1, words + count});
  if (!parsed.ok()) return tuplespace::fail(tuplespace::kExitUsage, parsed.status());
  if (!parsed->print.empty()) {
    std::fputs(parsed->print.c_str(), stdout);
    return 0;
  }
  return tuplespace::run(parsed->config);
}
