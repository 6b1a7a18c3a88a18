// conformance runs *.script files on one back end:
//
//   conformance --on shard|embedded:|HOST:PORT|PROGRAM FILE...
//
// and ends with "ran N, skipped M" and, if something failed, exit code 1.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "tests/conformance/make_backend.h"
#include "tests/conformance/play.h"

namespace tuplespace::conformance {
namespace {

Result<Script> load(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return invalid(fmt::format("cannot read {}", path.string()));
  std::ostringstream text;
  text << file.rdbuf();
  return parse_script(path.stem().string(), text.str());
}

int run(const std::string& where, const std::vector<std::string>& paths) {
  int ran = 0, skipped = 0, failed = 0;
  for (const std::string& path : paths) {
    const Result<Script> script = load(path);
    if (!script.ok()) {
      fmt::print(stderr, "{}\n", script.status().message());
      return 2;
    }
    // Each script begins with an empty server.
    Result<std::unique_ptr<Backend>> backend = make_backend(where);
    if (!backend.ok()) {
      fmt::print(stderr, "{}\n", backend.status().to_string());
      return 2;
    }
    if (!can_play(*script, **backend)) {
      ++skipped;
      continue;
    }
    ++ran;
    if (const Status status = play(*script, **backend); !status.ok()) {
      ++failed;
      fmt::print(stderr, "{}\n", status.message());
    }
  }
  fmt::print("{}: ran {}, skipped {}, failed {}\n", where, ran, skipped, failed);
  return failed > 0 ? 1 : 0;
}

}  // namespace
}  // namespace tuplespace::conformance

int main(int argc, char** argv) {
  if (argc < 4 || std::string_view(argv[1]) != "--on") {
    fmt::print(stderr, "usage: conformance --on shard|embedded:|PROGRAM FILE...\n");
    return 2;
  }
  return tuplespace::conformance::run(argv[2], {argv + 3, argv + argc});
}
