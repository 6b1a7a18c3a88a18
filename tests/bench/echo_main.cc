// bench_echo: the raw gRPC peers as a program. `bench_echo serve` prints its port; the other
// commands load a server and print one line of JSON.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <cstdio>

#include "tests/bench/grpc_echo.h"

namespace {

// Returns the bytes that pairs of hexadecimal digits stand for.
std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tuplespace::bench;

  CLI::App app{"Raw gRPC echo: the limits of the platform."};
  app.require_subcommand(1);
  Load load;
  std::string address, path = "/bench.Echo/Unary", request_hex;
  size_t operation_bytes = 90, streams = 1;
  uint64_t calls_max = 0;

  CLI::App* serve = app.add_subcommand("serve", "echo server on a free port");
  CLI::App* unary = app.add_subcommand("unary", "unary calls");
  CLI::App* stream = app.add_subcommand("stream", "one operation a message");
  CLI::App* coalesced = app.add_subcommand("coalesced", "what is pending a message");
  CLI::App* idle = app.add_subcommand("idle", "idle streams, a connection each");
  for (CLI::App* command : {unary, stream, coalesced, idle}) {
    command->add_option("--address", address)->required();
    command->add_option("--outstanding", load.outstanding);
    command->add_option("--seconds", load.seconds);
    command->add_option("--warm-up", load.warm_up_s);
  }
  unary->add_option("--path", path);
  unary->add_option("--request", request_hex, "in hexadecimal; default 90 bytes");
  unary->add_option("--calls", calls_max, "0: as long as --seconds");
  stream->add_option("--bytes", operation_bytes);
  coalesced->add_option("--bytes", operation_bytes);
  idle->add_option("--streams", streams);
  CLI11_PARSE(app, argc, argv);

  if (*serve) {
    EchoServer server;
    fmt::print("listening on 127.0.0.1:{}\n", server.port());
    std::fflush(stdout);
    server.run();
  }
  if (*idle) {
    idle_streams(address, streams);
    return 0;
  }
  const std::string request = request_hex.empty() ? std::string(90, 'r') : from_hex(request_hex);
  Tally tally = *unary ? unary_load(address, path, request, load, calls_max)
                       : stream_load(address, operation_bytes, bool(*coalesced), load);
  fmt::print("{}\n", tally.json());
  std::fflush(stdout);
  std::_Exit(0);  // a stream may still be open; the process takes it along
}
