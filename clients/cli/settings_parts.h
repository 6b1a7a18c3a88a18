// What the files that speak for settings.h share.
//
// Threads: one.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "clients/cli/settings.h"

namespace tuplespace::cli {

// What CLI11 fills before it is translated.
struct Raw {
  Settings settings;
  std::string patience, wait, ttl, delay, choice, json, durability, order, tuple_bytes_max;
  std::string duration, tuple_bytes, lease, deadlock;
  std::vector<std::string> kinds;
  uint64_t most = UINT64_MAX;  // `work`, `watch`
  int jobs = 1;                // `work`
  bool lines = false, byte_lines = false, json_lines = false;
  std::vector<std::pair<std::string, std::string>> arguments;
};

CLI::Validator duration_validator();
void add_space(CLI::App* command, Raw& raw);
CLI::Option* add_text(CLI::App* command, Raw& raw, const char* name, const char* what);
// --json, --lines and so on: how tuples are read, or printed.
void add_forms(CLI::App* command, Raw& raw, bool reads);

// ---- settings_coordination.cc ----

void add_under(CLI::App* command, Raw& raw);
void add_coordination(CLI::App& app, Raw& raw);
void add_programs(CLI::App& app, Raw& raw);
// Returns what is wrong, or "".
std::string read_coordination(const Raw& raw, Settings& settings);

}  // namespace tuplespace::cli
