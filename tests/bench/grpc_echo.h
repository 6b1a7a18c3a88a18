// The raw gRPC peers: what the platform itself can do, with no tuple space behind it.
//
// EchoServer answers with the bytes it got, on one completion queue and one thread:
//   /bench.Echo/Unary   one call, one answer;
//   /bench.Echo/Stream  one frame, one answer, unless a write is still going on: then what came
//                       in the meantime is sent together when it completes (coalesced).
// The load functions are the callers, each on one completion queue and one thread.
//
// Threads: EchoServer::run() on one; the load functions block.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/bench/load.h"

namespace tuplespace::bench {

class EchoServer {
 public:
  // Listens on a free port of 127.0.0.1.
  EchoServer();
  ~EchoServer();

  int port() const;
  // Answers until the process is ended.
  [[noreturn]] void run();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Unary calls of `path` with the same request each time, load.outstanding at once. If
// `calls_max` is not 0, ends after that many.
Tally unary_load(const std::string& address, const std::string& path, const std::string& request,
                 const Load& load, uint64_t calls_max);

// load.outstanding operations of `operation_bytes` on one echo stream. Coalesced: whatever is
// ready when a write completes goes out in one message; otherwise one operation a message.
Tally stream_load(const std::string& address, size_t operation_bytes, bool coalesced,
                  const Load& load);

// Opens `streams` echo streams, one connection each, prints "ready" and keeps them idle until
// standard input ends.
void idle_streams(const std::string& address, size_t streams);

}  // namespace tuplespace::bench
