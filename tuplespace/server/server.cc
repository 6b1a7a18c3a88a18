#include "tuplespace/server/server.h"

#include <optional>
#include <utility>

#include "tuplespace/log.h"
#include "tuplespace/server/listener.h"
#include "tuplespace/server/rpc.h"
#include "tuplespace/server/service.h"

namespace tuplespace {
namespace {

constexpr Duration kFarewell = 1'000;  // for clients to read their last answers

// The engine owns its pollers; the queues belong to gRPC's server.
class QueuePoller final : public Poller {
 public:
  explicit QueuePoller(CallQueue& queue) : queue_(queue) {}
  void poll(Duration milliseconds) override { queue_.poll(milliseconds); }
  void wake() override { queue_.wake(); }

 private:
  CallQueue& queue_;
};

}  // namespace

struct Server::Parts {
  Parts(const Config& settings, std::unique_ptr<Listener> open_listener)
      : config(settings),
        listener(std::move(open_listener)),
        calls(methods(), settings.engine.lanes, settings.calls) {}

  const Config& config;
  const std::unique_ptr<Listener> listener;
  std::optional<Service::Common> common;  // outlives the calls, which are ended by their handlers
  CallServer calls;
  bool serving = false;
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  drain();
  parts_->calls.shutdown(0);
}

Result<std::unique_ptr<Server>> Server::open(const Config& config) {
  Result<std::unique_ptr<Listener>> listener =
      Listener::open({config.listen, config.insecure, config.connections_max});
  if (!listener.ok()) return listener.status();
  return std::unique_ptr<Server>(new Server(std::make_unique<Parts>(config, std::move(*listener))));
}

const std::string& Server::address() const { return parts_->listener->address(); }

EngineConfig Server::engine_config() {
  EngineConfig engine = parts_->config.engine;
  engine.poller = [parts = parts_.get()](size_t lane) {
    return std::make_unique<QueuePoller>(parts->calls.queue(lane));
  };
  engine.before_poll = [parts = parts_.get()](size_t lane) {
    parts->common->services[lane]->before_poll();
  };
  return engine;
}

Status Server::start(Engine& engine) {
  Parts& parts = *parts_;
  parts.common.emplace(parts.config, engine, parts.calls, *parts.listener, engine.now());
  std::vector<CallHandler*> handlers;
  for (size_t lane = 0; lane < engine.lanes(); ++lane) {
    parts.common->services.push_back(std::make_unique<Service>(*parts.common, lane));
    handlers.push_back(parts.common->services.back().get());
  }
  TS_RETURN_IF_ERROR(parts.calls.start(handlers));
  engine.start();
  parts.serving = true;
  TS_RETURN_IF_ERROR(parts.listener->start([&parts](int fd) { parts.calls.adopt(fd); }));
  log(Level::kInfo, "listening", {{"address", address()}, {"lanes", engine.lanes()}});
  return {};
}

void Server::drain() {
  Parts& parts = *parts_;
  if (!std::exchange(parts.serving, false)) return;
  log(Level::kInfo, "draining", {{"at_most_ms", parts.config.drain}});
  parts.common->draining = true;
  parts.listener->stop();
  Engine& engine = parts.common->engine;
  for (const auto& service : parts.common->services) {
    engine.run_on(service->lane(), [&service] { service->tell_health(); });
  }
  engine.stop(engine.now() + parts.config.drain);
  for (const auto& service : parts.common->services) {
    service->abandon_streams(
        {Code::kUnavailable, "the server is going down; connect again", {"", true, false}});
  }
  parts.calls.shutdown(kFarewell);
}

}  // namespace tuplespace
