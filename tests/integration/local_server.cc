#include "tests/integration/local_server.h"

#include <gtest/gtest.h>

namespace tuplespace::integration {

LocalServer::LocalServer(const std::function<void(Config&)>& change) {
  config_.listen = "127.0.0.1:0";
  set_log_level(Level::kWarning);
  if (change) change(config_);
  start();
}

LocalServer::~LocalServer() { stop(); }

void LocalServer::start() {
  store_ = std::make_unique<MemoryStore>(MemoryStoreOptions{false, records_});
  Result<std::unique_ptr<Server>> server = Server::open(config_);
  TS_CHECK(server.ok());
  server_ = std::move(*server);
  Result<std::unique_ptr<Engine>> engine = Engine::open(server_->engine_config(), *store_, clock_);
  if (!engine.ok()) std::fprintf(stderr, "%s\n", engine.status().to_string().c_str());
  TS_CHECK(engine.ok());
  engine_ = std::move(*engine);
  const Status started = server_->start(*engine_);
  TS_CHECK(started.ok());
}

void LocalServer::stop() {
  if (server_ == nullptr) return;
  server_->drain();
  server_.reset();
  engine_.reset();
  TS_CHECK(store_->close().ok());
}

void LocalServer::restart() {
  stop();
  start();
}

}  // namespace tuplespace::integration
