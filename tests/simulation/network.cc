#include "tests/simulation/network.h"

#include <utility>

#include "tuplespace/server/rpc.h"

namespace tuplespace::simulation {
namespace {

constexpr size_t kSlowClient = 3;  // frames not taken by the client, beyond which writing lasts

const Status& broken() {
  static const Status kStatus(Code::kUnavailable, "the connection broke");
  return kStatus;
}

}  // namespace

size_t method_named(std::string_view name) {
  for (size_t at = 0; at < methods().size(); ++at) {
    if (methods()[at].name == name) return at;
  }
  TS_CHECK(false);
  return 0;
}

// ---- streams ----

void Link::cut(std::deque<Parcel>& parcels, Draw& draw) {
  if (!parcels.empty() && parcels.back().last) return;
  parcels.resize(draw.below(parcels.size() + 1));
  parcels.push_back({"", true, broken()});
}

void Link::break_off(Draw& draw, uint64_t step) {
  if (broken_) return;
  broken_ = true;
  broken_step_ = step;
  if (!server_over_) cut(up_, draw);
  cut(down_, draw);
}

void Link::lose_server(Draw& draw, uint64_t step) {
  handler_ = nullptr;
  if (!broken_) broken_step_ = step;
  server_over_ = true;
  up_.clear();
  broken_ = true;
  cut(down_, draw);
}

bool Link::can_go_up() const {
  if (server_over_) return false;
  if (!accepted_ || (writing_ && down_.size() < kSlowClient)) return true;
  return !up_.empty() && (reading_ || up_.front().last);
}

void Link::go_up(CallHandler& server) {
  if (!can_go_up()) return;
  if (!accepted_) {
    accepted_ = true;
    handler_ = server.on_stream(*this);
    return;
  }
  if (writing_ && down_.size() < kSlowClient) {
    writing_ = false;
    return handler_->on_written();
  }
  const Parcel parcel = std::move(up_.front());
  up_.pop_front();
  if (parcel.last) {
    server_over_ = true;
    return std::exchange(handler_, nullptr)->on_broken();
  }
  reading_ = false;
  handler_->on_message(parcel.bytes);
}

void Link::go_down() {
  const Parcel parcel = std::move(down_.front());
  down_.pop_front();
  if (parcel.last) client_over_ = true;
  if (client_ == nullptr) return;
  if (parcel.last) return std::exchange(client_, nullptr)->on_over(parcel.status);
  client_->on_frame(parcel.bytes);
}

void Link::write(std::string_view bytes) {
  TS_CHECK(!writing_);
  writing_ = true;
  if (!broken_) down_.push_back({std::string(bytes), false, {}});
}

void Link::finish(const Status& status) {
  handler_ = nullptr;
  server_over_ = true;
  up_.clear();
  if (!broken_) down_.push_back({"", true, status});
  broken_ = true;
}

// ---- unary calls ----

class Queue::Call final : public UnaryCall {
 public:
  Call(Queue& queue, uint64_t token, size_t method, std::string request, OnReply on_reply)
      : queue_(queue),
        token_(token),
        method_(method),
        request_(std::move(request)),
        on_reply_(std::move(on_reply)) {}

  std::string_view request() const override { return request_; }
  size_t method() const override { return method_; }
  uint64_t token() const override { return token_; }
  void reply(std::string_view response) override { end({}, response); }
  void fail(const Status& status) override { end(status, {}); }

 private:
  void end(const Status& status, std::string_view response) {
    on_reply_(status, response);
    queue_.ended_.push_back(std::move(queue_.calls_.at(token_)));  // its methods may be running
    queue_.calls_.erase(token_);
  }

  Queue& queue_;
  const uint64_t token_;
  const size_t method_;
  const std::string request_;
  const OnReply on_reply_;
};

uint64_t Queue::begin(CallHandler& server, size_t method, std::string request, OnReply on_reply) {
  ended_.clear();
  const uint64_t token = ++last_;
  calls_[token] =
      std::make_unique<Call>(*this, token, method, std::move(request), std::move(on_reply));
  server.on_unary(*calls_.at(token));
  return token;
}

void Queue::give_up(CallHandler& server, uint64_t token) {
  const auto at = calls_.find(token);
  if (at == calls_.end()) return;
  const bool tells = methods()[at->second->method()].kind == Method::Kind::kWaiting;
  if (!tells) return;  // it is answered, and nobody listens
  ended_.push_back(std::move(at->second));
  calls_.erase(at);
  server.on_cancelled(token);
}

UnaryCall* Queue::find(uint64_t token) {
  const auto at = calls_.find(token);
  return at == calls_.end() ? nullptr : at->second.get();
}

}  // namespace tuplespace::simulation

namespace tuplespace {

struct CallServer::Parts {
  std::vector<std::unique_ptr<simulation::Queue>> queues;
};

CallServer::CallServer(std::span<const Method>, size_t lanes, const CallLimits&)
    : parts_(std::make_unique<Parts>()) {
  for (size_t lane = 0; lane < lanes; ++lane) {
    parts_->queues.push_back(std::make_unique<simulation::Queue>());
  }
}

CallServer::~CallServer() = default;

CallQueue& CallServer::queue(size_t lane) { return *parts_->queues[lane]; }

Status CallServer::start(std::span<CallHandler* const>) { return {}; }

void CallServer::adopt(int) { TS_CHECK(false); }

void CallServer::shutdown(Duration) {}

}  // namespace tuplespace
