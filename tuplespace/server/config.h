// Config is every setting of tuplespaced: what --help shows, with unit, default, range and why
// one would change it.
//
// Errors:  parse_config() says which setting, what was given and what would be right.
// Threads: any (a value).
#pragma once

#include <string>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/engine/engine.h"
#include "tuplespace/log.h"
#include "tuplespace/server/call.h"
#include "tuplespace/status.h"

namespace tuplespace {

struct Config {
  std::string data = "./data";
  std::string listen = "127.0.0.1:7070";
  bool on_disk = true;  // --store rocksdb
  bool insecure = false;
  Level log_level = Level::kInfo;

  EngineConfig engine;
  uint64_t memory_max = 0;  // of all shards; 0: half of the machine's memory

  Duration async_sync = 100;
  bool unsafe_no_sync = false;

  CallLimits calls;
  size_t connections_max = 20'000;
  size_t streams_max = 20'000;
  uint64_t answer_bytes_max = 8u << 20;  // of one stream, not yet sent
  uint64_t watch_bytes_max = 8u << 20;   // of one watcher, not yet sent; beyond it a gap
  Duration wait_max = 3'600'000;
  Duration drain = 5'000;
};

struct ParsedConfig {
  Config config;
  std::string print;  // not empty: print it and end with success (--help, --version)
};

// Reads the arguments of the program, without its name.
Result<ParsedConfig> parse_config(const std::vector<std::string>& arguments);

// "16MiB", "5s", "250ms": each is read and written in one way.
Result<uint64_t> parse_size(std::string_view text);
Result<Duration> parse_duration(std::string_view text);
std::string size_text(uint64_t bytes);
std::string duration_text(Duration milliseconds);

}  // namespace tuplespace
