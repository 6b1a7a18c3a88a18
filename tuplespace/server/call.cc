#include "tuplespace/server/call.h"

#include <fmt/format.h>
#include <grpcpp/alarm.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "tuplespace/server/wire.h"

namespace tuplespace {
namespace {

// What the tags of the queue point to.
class Event {
 public:
  virtual void fire(bool ok) = 0;

 protected:
  ~Event() = default;
};

// An event that calls a member function of its owner.
template <typename Owner, void (Owner::*kFire)(bool)>
class EventOf final : public Event {
 public:
  explicit EventOf(Owner* owner) : owner_(owner) {}
  void fire(bool ok) override { (owner_->*kFire)(ok); }

 private:
  Owner* owner_;
};

// All methods, with requests and responses as bytes. No code is generated for them.
class RawService final : public grpc::Service {
 public:
  explicit RawService(std::span<const Method> methods) {
    for (const Method& method : methods) {
      const auto type = method.kind == Method::Kind::kStream
                            ? grpc::internal::RpcMethod::BIDI_STREAMING
                            : grpc::internal::RpcMethod::NORMAL_RPC;
      AddMethod(new grpc::internal::RpcServiceMethod(method.name, type, nullptr));
      MarkMethodAsync(static_cast<int>(names_++));
    }
  }

  void request_unary(size_t method, grpc::ServerContext* context, grpc::ByteBuffer* request,
                     grpc::internal::ServerAsyncStreamingInterface* call,
                     grpc::ServerCompletionQueue* queue, Event* accepted) {
    RequestAsyncUnary(static_cast<int>(method), context, request, call, queue, queue, accepted);
  }
  void request_stream(size_t method, grpc::ServerContext* context,
                      grpc::internal::ServerAsyncStreamingInterface* call,
                      grpc::ServerCompletionQueue* queue, Event* accepted) {
    RequestAsyncBidiStreaming(static_cast<int>(method), context, call, queue, queue, accepted);
  }

 private:
  size_t names_ = 0;
};

std::string_view flatten(const grpc::ByteBuffer& buffer, grpc::Slice& whole) {
  if (!buffer.TrySingleSlice(&whole).ok() && !buffer.DumpToSingleSlice(&whole).ok()) return {};
  return {reinterpret_cast<const char*>(whole.begin()), whole.size()};
}

grpc::ByteBuffer to_buffer(std::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return {&slice, 1};
}

grpc::Status to_grpc(const WireError& error) {
  return {static_cast<grpc::StatusCode>(error.code), error.message};
}

class LaneQueue;

class UnarySlot final : public UnaryCall {
 public:
  UnarySlot(LaneQueue& queue, uint64_t index) : queue_(queue), index_(index) {}

  void arm(size_t method, bool waits);
  bool is(uint64_t token) const { return serving_ && token == this->token(); }

  std::string_view request() const override { return request_; }
  size_t method() const override { return method_; }
  uint64_t token() const override { return generation_ << kIndexBits | index_; }
  void reply(std::string_view response) override;
  void fail(const Status& status) override;

  static constexpr int kIndexBits = 24;

 private:
  void on_accepted(bool ok);
  void on_finished(bool) { event_came(); }
  void on_done(bool);
  void event_came();

  LaneQueue& queue_;
  const uint64_t index_;
  uint64_t generation_ = 0;
  size_t method_ = 0;
  bool waits_ = false;
  bool serving_ = false;  // given to the handler and not ended
  int events_ = 0;        // that will still come for this call
  std::string_view request_;
  grpc::ByteBuffer buffer_;
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>> writer_;
  EventOf<UnarySlot, &UnarySlot::on_accepted> accepted_{this};
  EventOf<UnarySlot, &UnarySlot::on_finished> finished_{this};
  EventOf<UnarySlot, &UnarySlot::on_done> done_{this};
};

// Deletes itself when its last event has come.
class StreamCall final : public Stream {
 public:
  StreamCall(LaneQueue& queue, size_t method);

  void read() override;
  void write(std::string_view bytes) override;
  bool writing() const override { return writing_; }
  void finish(const Status& status) override;
  size_t method() const override { return method_; }
  std::string peer() const override { return context_.peer(); }

 private:
  void on_accepted(bool ok);
  void on_read(bool ok);
  void on_written(bool ok);
  void on_finished(bool);
  void on_done(bool);
  void start_finish();
  void delete_if_over();

  LaneQueue& queue_;
  const size_t method_;
  StreamHandler* handler_ = nullptr;
  bool reading_ = false;
  bool writing_ = false;
  bool finishing_ = false;
  bool done_came_ = false;
  std::optional<Status> end_;  // finish() was called and waits for the write
  grpc::ByteBuffer incoming_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{&context_};
  EventOf<StreamCall, &StreamCall::on_accepted> accepted_{this};
  EventOf<StreamCall, &StreamCall::on_read> read_{this};
  EventOf<StreamCall, &StreamCall::on_written> written_{this};
  EventOf<StreamCall, &StreamCall::on_finished> finished_{this};
  EventOf<StreamCall, &StreamCall::on_done> done_{this};
};

class LaneQueue final : public CallQueue {
 public:
  LaneQueue(std::span<const Method> methods, RawService& service, const CallLimits& limits,
            std::unique_ptr<grpc::ServerCompletionQueue> queue)
      : methods_(methods), service_(service), limits_(limits), queue_(std::move(queue)) {}

  // ---- Poller ----
  void poll(Duration milliseconds) override {
    gpr_timespec until = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    if (milliseconds == 0) {
      until = gpr_inf_past(GPR_CLOCK_MONOTONIC);
    } else if (milliseconds < 1'000'000'000) {
      until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                           gpr_time_from_millis(milliseconds, GPR_TIMESPAN));
    }
    // One event a turn: what gRPC read in one go is queued and comes without another look at the
    // sockets, and asking until nothing is left would cost such a look each time.
    void* tag = nullptr;
    bool ok = false;
    if (queue_->AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<Event*>(tag)->fire(ok);
    }
  }

  void wake() override {
    if (!alarm_set_.exchange(true)) {
      alarm_.Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC), static_cast<Event*>(&woken_));
    }
  }

  // ---- calls ----
  UnaryCall* find(uint64_t token) override {
    const uint64_t index = token & ((uint64_t{1} << UnarySlot::kIndexBits) - 1);
    if (index >= slots_.size() || !slots_[index]->is(token)) return nullptr;
    return slots_[index].get();
  }
  size_t in_flight() const override { return in_flight_; }

  void arm(size_t method) {
    if (closing()) return;
    if (methods_[method].kind == Method::Kind::kStream) {
      new StreamCall(*this, method);
      return;
    }
    if (free_.empty()) {
      slots_.push_back(std::make_unique<UnarySlot>(*this, slots_.size()));
      free_.push_back(slots_.back().get());
    }
    UnarySlot* slot = free_.back();
    free_.pop_back();
    slot->arm(method, methods_[method].kind == Method::Kind::kWaiting);
  }
  void arm_all(CallHandler* handler) {
    handler_ = handler;
    for (size_t method = 0; method < methods_.size(); ++method) {
      for (int i = 0; i < methods_[method].armed; ++i) arm(method);
    }
  }

  // A call began, ended, or never began.
  void call_began(size_t method) {
    ++in_flight_;
    arm(method);
  }
  void call_ended(UnarySlot* slot) {
    --in_flight_;
    free_.push_back(slot);
  }

  // After close() nothing is armed and no call is begun.
  void close() { closing_ = true; }
  bool closing() const { return closing_.load(std::memory_order_relaxed); }

  void serve_until_shutdown() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_->Next(&tag, &ok)) static_cast<Event*>(tag)->fire(ok);
  }
  void shutdown() { queue_->Shutdown(); }

  CallHandler& handler() { return *handler_; }
  RawService& service() { return service_; }
  const CallLimits& limits() const { return limits_; }
  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

 private:
  void on_woken(bool) { alarm_set_ = false; }

  const std::span<const Method> methods_;
  RawService& service_;
  const CallLimits limits_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  CallHandler* handler_ = nullptr;
  std::atomic<bool> closing_{false};
  std::vector<std::unique_ptr<UnarySlot>> slots_;
  std::vector<UnarySlot*> free_;
  size_t in_flight_ = 0;
  std::atomic<bool> alarm_set_{false};
  grpc::Alarm alarm_;
  EventOf<LaneQueue, &LaneQueue::on_woken> woken_{this};
};

// ---- UnarySlot ----

void UnarySlot::arm(size_t method, bool waits) {
  method_ = method;
  waits_ = waits;
  context_.emplace();
  writer_.emplace(&*context_);
  if (waits) context_->AsyncNotifyWhenDone(static_cast<Event*>(&done_));
  queue_.service().request_unary(method, &*context_, &buffer_, &*writer_, queue_.queue(),
                                 &accepted_);
}

void UnarySlot::on_accepted(bool ok) {
  if (!ok) return;  // the server shuts down; the slot dies with the queue
  queue_.call_began(method_);
  events_ = waits_ ? 1 : 0;
  if (queue_.closing()) {
    ++events_;
    event_came();
    return;
  }
  serving_ = true;
  if (queue_.in_flight() > queue_.limits().in_flight_max) {
    const size_t bound = queue_.limits().in_flight_max;
    fail(exhausted(fmt::format("{} unary calls are in flight, in_flight_max is {}; ask again, use "
                               "a stream, or raise the setting",
                               queue_.in_flight(), bound),
                   "in_flight_max"));
  } else {
    grpc::Slice whole;
    request_ = flatten(buffer_, whole);
    queue_.handler().on_unary(*this);
    request_ = {};
  }
  buffer_.Clear();  // a call that waits holds no request
}

void UnarySlot::reply(std::string_view response) {
  TS_CHECK(serving_);
  serving_ = false;
  ++events_;
  writer_->Finish(to_buffer(response), grpc::Status::OK, static_cast<Event*>(&finished_));
}

void UnarySlot::fail(const Status& status) {
  TS_CHECK(serving_);
  serving_ = false;
  ++events_;
  const WireError error = to_wire(status);
  context_->AddTrailingMetadata(kProblemKey, error.problem);
  writer_->FinishWithError(to_grpc(error), static_cast<Event*>(&finished_));
}

void UnarySlot::on_done(bool) {
  if (serving_) {
    serving_ = false;
    queue_.handler().on_cancelled(token());
  }
  event_came();
}

void UnarySlot::event_came() {
  if (--events_ > 0) return;
  ++generation_;
  writer_.reset();
  context_.reset();
  buffer_.Clear();
  queue_.call_ended(this);
}

// ---- StreamCall ----

StreamCall::StreamCall(LaneQueue& queue, size_t method) : queue_(queue), method_(method) {
  context_.AsyncNotifyWhenDone(static_cast<Event*>(&done_));
  queue_.service().request_stream(method, &context_, &stream_, queue_.queue(), &accepted_);
}

void StreamCall::on_accepted(bool ok) {
  if (!ok) {  // the server shuts down; for a call that never began `done` does not come
    delete this;
    return;
  }
  queue_.arm(method_);
  if (!queue_.closing()) handler_ = queue_.handler().on_stream(*this);
}

void StreamCall::read() {
  if (reading_ || done_came_) return;
  reading_ = true;
  stream_.Read(&incoming_, static_cast<Event*>(&read_));
}

void StreamCall::on_read(bool ok) {
  reading_ = false;
  if (handler_ != nullptr && ok) {
    grpc::Slice whole;
    const std::string_view message = flatten(incoming_, whole);
    incoming_.Clear();
    handler_->on_message(message);
  } else if (handler_ != nullptr) {
    handler_->on_reads_end();
  }
  delete_if_over();
}

void StreamCall::write(std::string_view bytes) {
  TS_CHECK(!writing_ && !finishing_);
  if (done_came_) return;
  writing_ = true;
  stream_.Write(to_buffer(bytes), static_cast<Event*>(&written_));
}

void StreamCall::on_written(bool ok) {
  writing_ = false;
  if (end_ && !done_came_) {
    start_finish();
  } else if (handler_ != nullptr && ok) {
    handler_->on_written();
  }
  delete_if_over();
}

void StreamCall::finish(const Status& status) {
  handler_ = nullptr;
  if (end_ || done_came_) return;
  end_ = status;
  if (!writing_) start_finish();
}

void StreamCall::start_finish() {
  finishing_ = true;
  if (end_->ok()) {
    stream_.Finish(grpc::Status::OK, static_cast<Event*>(&finished_));
    return;
  }
  const WireError error = to_wire(*end_);
  context_.AddTrailingMetadata(kProblemKey, error.problem);
  stream_.Finish(to_grpc(error), static_cast<Event*>(&finished_));
}

void StreamCall::on_finished(bool) {
  finishing_ = false;
  delete_if_over();
}

void StreamCall::on_done(bool) {
  done_came_ = true;
  if (StreamHandler* handler = handler_; handler != nullptr) {
    handler_ = nullptr;
    handler->on_broken();
  }
  delete_if_over();
}

void StreamCall::delete_if_over() {
  if (done_came_ && !reading_ && !writing_ && !finishing_) delete this;
}

}  // namespace

// ---- CallServer ----

struct CallServer::Parts {
  Parts(std::span<const Method> methods, size_t lanes, const CallLimits& limits)
      : service(methods) {
    for (size_t lane = 0; lane < lanes; ++lane) {
      queues.push_back(
          std::make_unique<LaneQueue>(methods, service, limits, builder.AddCompletionQueue()));
    }
    builder.RegisterService(&service);
    builder.SetMaxReceiveMessageSize(static_cast<int>(limits.frame_bytes_max));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                               static_cast<int>(limits.concurrent_streams_max));
    // Peers that died without a word are found by pings, whether or not they have calls.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(limits.keepalive));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                               static_cast<int>(limits.keepalive_timeout));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    // Clients may ping as often as we do.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
    builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
    acceptor = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        grpc::InsecureServerCredentials());
  }

  RawService service;
  grpc::ServerBuilder builder;
  std::vector<std::unique_ptr<LaneQueue>> queues;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor;
  std::unique_ptr<grpc::Server> server;
  bool ended = false;
};

CallServer::CallServer(std::span<const Method> methods, size_t lanes, const CallLimits& limits)
    : parts_(new Parts(methods, lanes, limits)) {}

CallServer::~CallServer() { shutdown(0); }

CallQueue& CallServer::queue(size_t lane) { return *parts_->queues[lane]; }

Status CallServer::start(std::span<CallHandler* const> handlers) {
  parts_->server = parts_->builder.BuildAndStart();
  if (parts_->server == nullptr) return {Code::kInternal, "gRPC did not start; see its log"};
  for (size_t lane = 0; lane < parts_->queues.size(); ++lane) {
    parts_->queues[lane]->arm_all(handlers[lane]);
  }
  return {};
}

void CallServer::adopt(int fd) {
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.fd = fd;
  parts_->acceptor->HandleNewConnection(&connection);
}

void CallServer::shutdown(Duration grace) {
  if (std::exchange(parts_->ended, true)) return;
  std::vector<std::thread> threads;
  for (auto& queue : parts_->queues) {
    queue->close();
    threads.emplace_back([&queue] { queue->serve_until_shutdown(); });
  }
  if (parts_->server != nullptr) {
    parts_->server->Shutdown(
        gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_millis(grace, GPR_TIMESPAN)));
  }
  for (auto& queue : parts_->queues) queue->shutdown();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace tuplespace
