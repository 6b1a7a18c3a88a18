#include "tests/simulation/server.h"

#include <utility>

#include "tuplespace/server/config.h"
#include "tuplespace/server/listener.h"
#include "tuplespace/server/rpc.h"

namespace tuplespace::simulation {
namespace {

class Asker : public Receiver {
 public:
  void on_answer(Answer&& answer) override { answer_ = std::move(answer); }
  std::optional<Answer> answer_;
};

std::unique_ptr<Store> store_on(std::shared_ptr<MemoryRecords> records) {
  return std::make_unique<MemoryStore>(MemoryStoreOptions{true, std::move(records)});
}

}  // namespace

Server::Server(const ServerSetup& setup, MovedClock& clock)
    : setup_(setup), clock_(clock), records_(std::make_shared<MemoryRecords>()) {
  config_.engine.shards = setup.shards;
  config_.engine.lanes = setup.lanes;
  config_.engine.shard.seed = setup.seed;
  config_.engine.shard.session_ttl = 3'000;
  config_.engine.poller = [](size_t) { return std::make_unique<QuietPoller>(); };
  // Only figures of administration look at it; it is never started.
  Result<std::unique_ptr<Listener>> listener = Listener::open({"127.0.0.1:0", false, 1});
  TS_CHECK(listener.ok());
  listener_ = std::move(*listener);
}

Server::~Server() {
  if (live_ == nullptr) return;
  live_->common.reset();
  live_->engine.reset();
}

bool Server::start() {
  records_store_ = store_on(records_);
  live_ = std::make_unique<Live>(*records_store_);
  if (setup_.lying_disk) live_->disk.lie();
  if (const auto batches = std::exchange(start_fails_, std::nullopt)) {
    live_->disk.fail_after(*batches);
  }
  Result<std::unique_ptr<Engine>> engine = Engine::open(config_.engine, live_->disk, clock_);
  if (live_->disk.failed()) {
    live_.reset();
    return false;
  }
  TS_CHECK(engine.ok());
  live_->engine = std::move(*engine);
  live_->calls = std::make_unique<CallServer>(methods(), lanes(), config_.calls);
  live_->common.emplace(config_, *live_->engine, *live_->calls, *listener_, clock_.now());
  for (size_t lane = 0; lane < lanes(); ++lane) {
    live_->common->services.push_back(std::make_unique<Service>(*live_->common, lane));
  }
  return true;
}

void Server::crash(Draw& draw, bool power) {
  live_->common->services.clear();
  live_->common.reset();
  live_->calls.reset();
  live_->engine.reset();
  live_->disk.crash(draw, power);
  live_.reset();
}

Time Server::round(size_t lane, const std::function<void(CallHandler&, Queue&)>& events) {
  Service& service = *live_->common->services[lane];
  Queue& queue = static_cast<Queue&>(live_->calls->queue(lane));
  live_->engine->run_on(lane, [&] { events(service, queue); });
  const Time next = live_->engine->run_once(lane, clock_.now());
  service.before_poll();
  return next;
}

Answer Server::ask(uint16_t shard, Operation operation) {
  Asker asker;
  const uint64_t receiver = live_->engine->add_receiver(0, &asker);
  operation.reply = {receiver, 1};
  live_->engine->submit_to(shard, std::move(operation));
  for (int rounds = 0; !asker.answer_; ++rounds) {
    TS_CHECK(rounds < 1000);
    for (size_t lane = 0; lane < lanes(); ++lane) {
      (void)round(lane, [](CallHandler&, Queue&) {});
    }
    live_->disk.catch_up();
  }
  live_->engine->forget_receiver(receiver);
  return std::move(*asker.answer_);
}

Sequence Server::last(uint16_t shard) {
  Operation probe;
  probe.what = Take{"nobody.knows.it", Template::of({}, {}, true).value(), false, 0, {}, 1};
  return ask(shard, std::move(probe)).sequence;
}

}  // namespace tuplespace::simulation
