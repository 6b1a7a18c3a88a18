// Server is what tuplespaced is made of, but for the store: a listener, gRPC on the lanes of an
// engine, and a service for each of them.
//
//   open()           takes the address
//   engine_config()  what Engine::open() is given
//   start()          starts the engine and lets clients in
//   drain()          answers what is going on and stops the engine; the store may be closed
//
// Threads: one at a time.
// Errors:  those of Listener::open().
#pragma once

#include <memory>
#include <string>

#include "tuplespace/engine/engine.h"
#include "tuplespace/server/config.h"

namespace tuplespace {

class Server {
 public:
  // Takes the address; nobody can connect yet. `config` must outlive the server.
  static Result<std::unique_ptr<Server>> open(const Config& config);
  ~Server();

  // The config's engine, with the lanes' poller and what runs before they poll.
  EngineConfig engine_config();

  // Starts the engine and lets clients in. `engine` was opened with engine_config(), and must
  // outlive drain().
  Status start(Engine& engine);

  // Health says NOT_SERVING and nothing new is taken on; what was committed is answered; waits
  // end with UNAVAILABLE, streams too. Stops the engine. At most Config::drain and two seconds.
  void drain();

  // Where it listens, with the port it got.
  const std::string& address() const;

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tuplespace
