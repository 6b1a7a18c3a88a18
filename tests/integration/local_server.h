// LocalServer is a server in this process, on a port of its own, with its records in memory; a
// restart keeps them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tuplespace/engine/engine.h"
#include "tuplespace/server/server.h"
#include "tuplespace/store/memory_store.h"

namespace tuplespace::integration {

class LocalServer {
 public:
  // `change` may change settings before the first start.
  explicit LocalServer(const std::function<void(Config&)>& change = {});
  ~LocalServer();

  void stop();
  // On another port, with the same records.
  void restart();

  const std::string& address() const { return server_->address(); }
  void drain() { server_->drain(); }

 private:
  void start();

  Config config_;
  const std::shared_ptr<MemoryRecords> records_ = std::make_shared<MemoryRecords>();
  std::unique_ptr<MemoryStore> store_;
  SystemClock clock_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace tuplespace::integration
