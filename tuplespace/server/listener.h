// Listener owns the port: it binds, accepts, counts connections and hands them on. gRPC has no
// bound on connections of its own, and does not say why a port cannot be had.
//
// It keeps a second descriptor of each connection to learn when it ends.
//
// Threads: one of its own, which calls `adopt`; open(), start() and stop() any one.
// Bounds:  connections_max; beyond it a connection is closed as soon as it is accepted.
// Errors:  INVALID_ARGUMENT: not an address, or beyond loopback without leave;
//          FAILED_PRECONDITION: taken, naming by whom.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "tuplespace/status.h"

namespace tuplespace {

class Listener {
 public:
  struct Options {
    std::string address;  // host:port, [::1]:port or unix:/path
    bool beyond_loopback = false;
    size_t connections_max = 20'000;
  };

  // Takes the address; nobody can connect yet.
  static Result<std::unique_ptr<Listener>> open(const Options& options);
  ~Listener();

  // Lets connections in. `adopt` owns the socket it is given.
  Status start(std::function<void(int fd)> adopt);

  // Lets nobody in any more; connections live on.
  void stop();

  // The address with the port it got: "127.0.0.1:40123".
  const std::string& address() const { return address_; }

  size_t connections() const { return connections_; }
  uint64_t refused() const { return refused_; }

 private:
  explicit Listener(const Options& options) : options_(options) {}
  Status bind_unix(const std::string& path);
  Status bind_tcp();
  void run();
  void accept_all();
  void close_ended(int fd);

  const Options options_;
  std::string address_;
  std::string unix_path_;  // to be removed at the end; "" for TCP
  int socket_ = -1;
  int epoll_ = -1;
  int stop_event_ = -1;
  std::function<void(int fd)> adopt_;
  std::atomic<size_t> connections_{0};
  std::atomic<uint64_t> refused_{0};
  std::thread thread_;
};

}  // namespace tuplespace
