#include "tests/bench/grpc_echo.h"

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/service_type.h>

#include <cstdio>
#include <deque>
#include <optional>
#include <vector>

namespace tuplespace::bench {
namespace {

constexpr size_t kUnaryCallsReady = 256;  // requested from gRPC ahead of need

// What a completion queue hands back.
struct Event {
  virtual ~Event() = default;
  virtual void done(bool ok) = 0;
};

// An event that calls a member of its owner.
template <typename Owner, void (Owner::*kMember)(bool)>
struct Calls : Event {
  explicit Calls(Owner* o) : owner(o) {}
  void done(bool ok) override { (owner->*kMember)(ok); }
  Owner* owner;
};

class EchoService : public grpc::Service {
 public:
  EchoService() {
    add("/bench.Echo/Unary", grpc::internal::RpcMethod::NORMAL_RPC);
    add("/bench.Echo/Stream", grpc::internal::RpcMethod::BIDI_STREAMING);
    MarkMethodRaw(0);
    MarkMethodRaw(1);
  }

  void request_unary(grpc::ServerContext* context, grpc::ByteBuffer* request,
                     grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>* writer,
                     grpc::ServerCompletionQueue* queue, void* tag) {
    RequestAsyncUnary(0, context, request, writer, queue, queue, tag);
  }
  void request_stream(grpc::ServerContext* context,
                      grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>* stream,
                      grpc::ServerCompletionQueue* queue, void* tag) {
    RequestAsyncBidiStreaming(1, context, stream, queue, queue, tag);
  }

 private:
  void add(const char* path, grpc::internal::RpcMethod::RpcType type) {
    AddMethod(new grpc::internal::RpcServiceMethod(path, type, nullptr));
  }
};

class UnaryCall {
 public:
  UnaryCall(EchoService& service, grpc::ServerCompletionQueue& queue)
      : service_(service), queue_(queue) {
    request();
  }

 private:
  void request() {
    parts_.emplace();
    service_.request_unary(&parts_->context, &parts_->message, &parts_->writer, &queue_, &came_);
  }
  void came(bool ok) {
    if (ok) parts_->writer.Finish(parts_->message, grpc::Status::OK, &gone_);
  }
  void gone(bool) { request(); }

  struct Parts {
    grpc::ServerContext context;
    grpc::ByteBuffer message;
    grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer{&context};
  };
  EchoService& service_;
  grpc::ServerCompletionQueue& queue_;
  std::optional<Parts> parts_;
  Calls<UnaryCall, &UnaryCall::came> came_{this};
  Calls<UnaryCall, &UnaryCall::gone> gone_{this};
};

// Appends the bytes of `buffer` to `out`.
void append(const grpc::ByteBuffer& buffer, std::string& out) {
  std::vector<grpc::Slice> slices;
  (void)buffer.Dump(&slices);
  for (const grpc::Slice& slice : slices) {
    out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
}

grpc::ByteBuffer buffer_of(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

class StreamCall {
 public:
  StreamCall(EchoService& service, grpc::ServerCompletionQueue& queue)
      : service_(service), queue_(queue) {
    service_.request_stream(&context_, &stream_, &queue_, &came_);
  }

 private:
  void came(bool ok) {
    if (!ok) return;
    new StreamCall(service_, queue_);  // for the next caller; deletes itself
    stream_.Read(&message_, &read_);
  }
  void read(bool ok) {
    if (!ok) {
      ended_ = true;
      if (!writing_) stream_.Finish(grpc::Status::OK, &finished_);
      return;
    }
    append(message_, pending_);
    stream_.Read(&message_, &read_);
    if (!writing_) write();
  }
  void wrote(bool ok) {
    writing_ = false;
    if (ok && !pending_.empty()) return write();
    if (ended_) stream_.Finish(grpc::Status::OK, &finished_);
  }
  void write() {
    writing_ = true;
    stream_.Write(buffer_of(pending_), &wrote_);
    pending_.clear();
  }
  void finished(bool) { delete this; }

  EchoService& service_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{&context_};
  grpc::ByteBuffer message_;
  std::string pending_;  // came while a write was going on
  bool writing_ = false;
  bool ended_ = false;
  Calls<StreamCall, &StreamCall::came> came_{this};
  Calls<StreamCall, &StreamCall::read> read_{this};
  Calls<StreamCall, &StreamCall::wrote> wrote_{this};
  Calls<StreamCall, &StreamCall::finished> finished_{this};
};

std::shared_ptr<grpc::Channel> connect(const std::string& address, int separate = 0) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("bench.connection", separate);  // channels of equal arguments share one
  auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10))) {
    give_up("no gRPC server at " + address);
  }
  return channel;
}

// Handles events until `over()`, then drops what is still going on.
template <typename Over>
void drive(grpc::CompletionQueue& queue, Over over) {
  void* tag;
  bool ok;
  while (!over() && queue.Next(&tag, &ok)) static_cast<Event*>(tag)->done(ok);
}

// One of the unary calls side by side.
class UnaryCaller : public Event {
 public:
  UnaryCaller(grpc::GenericStub& stub, grpc::CompletionQueue& queue, const std::string& path,
              const grpc::ByteBuffer& request, Tally& tally, uint64_t& calls_left)
      : stub_(stub),
        queue_(queue),
        path_(path),
        request_(request),
        tally_(tally),
        calls_left_(calls_left) {}

  void call() {
    if (calls_left_ == 0) return;
    --calls_left_;
    context_.emplace();
    begun_ns_ = steady_ns();
    reader_ = stub_.PrepareUnaryCall(&*context_, path_, request_, &queue_);
    reader_->StartCall();
    reader_->Finish(&answer_, &status_, this);
    busy_ = true;
  }
  void done(bool) override {
    busy_ = false;
    if (!status_.ok()) give_up(path_ + ": " + status_.error_message());
    const int64_t now = steady_ns();
    tally_.add(begun_ns_, now);
    if (!tally_.over(now)) call();
  }
  bool busy() const { return busy_; }

 private:
  grpc::GenericStub& stub_;
  grpc::CompletionQueue& queue_;
  const std::string& path_;
  const grpc::ByteBuffer& request_;
  Tally& tally_;
  uint64_t& calls_left_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
  grpc::ByteBuffer answer_;
  grpc::Status status_;
  int64_t begun_ns_ = 0;
  bool busy_ = false;
};

// The client's side of one echo stream.
class StreamCaller {
 public:
  StreamCaller(grpc::GenericStub& stub, grpc::CompletionQueue& queue)
      : stream_(stub.PrepareCall(&context_, "/bench.Echo/Stream", &queue)) {
    stream_->StartCall(&started_);
  }

  // Keeps load.outstanding operations going until the tally is over.
  void go(size_t operation_bytes, bool coalesced, const Load& load, Tally& tally) {
    operation_.assign(operation_bytes, 'o');
    operations_a_message_ = coalesced ? load.outstanding : 1;
    tally_ = &tally;
    pending_ = load.outstanding;
    if (started_already_) begin();
  }
  bool ready() const { return started_already_; }
  bool over() const { return over_; }
  void cancel() { context_.TryCancel(); }

 private:
  void started(bool ok) {
    if (!ok) give_up("the echo stream did not start");
    started_already_ = true;
    if (tally_ != nullptr) begin();
  }
  void begin() {
    stream_->Read(&answer_, &read_);
    write();
  }
  void read(bool ok) {
    if (!ok) {
      over_ = true;
      return;
    }
    const int64_t now = steady_ns();
    for (size_t n = answer_.Length() / operation_.size(); n > 0; --n) {
      tally_->add(begun_ns_.front(), now);
      begun_ns_.pop_front();
      ++pending_;
    }
    over_ = tally_->over(now);
    if (over_) return;
    stream_->Read(&answer_, &read_);
    if (!writing_) write();
  }
  void wrote(bool ok) {
    writing_ = false;
    if (ok && pending_ > 0 && !over_) write();
  }
  void write() {
    message_.clear();
    const int64_t now = steady_ns();
    for (size_t n = 0; n < operations_a_message_ && pending_ > 0; ++n, --pending_) {
      message_ += operation_;
      begun_ns_.push_back(now);
    }
    writing_ = true;
    stream_->Write(buffer_of(message_), &wrote_);
  }

  grpc::ClientContext context_;
  Calls<StreamCaller, &StreamCaller::started> started_{this};
  Calls<StreamCaller, &StreamCaller::read> read_{this};
  Calls<StreamCaller, &StreamCaller::wrote> wrote_{this};
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  Tally* tally_ = nullptr;
  std::string operation_;
  std::string message_;
  size_t operations_a_message_ = 1;
  size_t pending_ = 0;            // operations to be sent
  std::deque<int64_t> begun_ns_;  // of those not answered; answers come in order
  grpc::ByteBuffer answer_;
  bool started_already_ = false;
  bool writing_ = false;
  bool over_ = false;
};

}  // namespace

struct EchoServer::Parts {
  EchoService service;
  int port = 0;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  std::unique_ptr<grpc::Server> server;
};

EchoServer::EchoServer() : parts_(new Parts) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &parts_->port);
  builder.RegisterService(&parts_->service);
  parts_->queue = builder.AddCompletionQueue();
  parts_->server = builder.BuildAndStart();
  if (parts_->server == nullptr) give_up("the echo server did not start");
}

EchoServer::~EchoServer() = default;

int EchoServer::port() const { return parts_->port; }

void EchoServer::run() {
  std::vector<std::unique_ptr<UnaryCall>> calls;
  for (size_t i = 0; i < kUnaryCallsReady; ++i) {
    calls.push_back(std::make_unique<UnaryCall>(parts_->service, *parts_->queue));
  }
  new StreamCall(parts_->service, *parts_->queue);  // deletes itself
  for (;;) drive(*parts_->queue, [] { return false; });
}

Tally unary_load(const std::string& address, const std::string& path, const std::string& request,
                 const Load& load, uint64_t calls_max) {
  grpc::GenericStub stub(connect(address));
  grpc::CompletionQueue queue;
  const grpc::ByteBuffer buffer = buffer_of(request);
  uint64_t calls_left = calls_max == 0 ? UINT64_MAX : calls_max;
  Tally tally(load);
  std::vector<std::unique_ptr<UnaryCaller>> callers;
  for (size_t i = 0; i < load.outstanding; ++i) {
    callers.push_back(std::make_unique<UnaryCaller>(stub, queue, path, buffer, tally, calls_left));
    callers.back()->call();
  }
  drive(queue, [&] {
    if (calls_left > 0 && !tally.over(steady_ns())) return false;
    for (const auto& caller : callers) {
      if (caller->busy()) return false;
    }
    return true;
  });
  return tally;
}

Tally stream_load(const std::string& address, size_t operation_bytes, bool coalesced,
                  const Load& load) {
  grpc::GenericStub stub(connect(address));
  auto* queue = new grpc::CompletionQueue;  // with the caller left to the end of the process
  auto* caller = new StreamCaller(stub, *queue);
  Tally tally(load);
  caller->go(operation_bytes, coalesced, load, tally);
  drive(*queue, [&] { return caller->over(); });
  caller->cancel();
  return tally;
}

void idle_streams(const std::string& address, size_t streams) {
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  std::vector<std::unique_ptr<StreamCaller>> callers;
  for (size_t i = 0; i < streams; ++i) {
    stubs.push_back(std::make_unique<grpc::GenericStub>(connect(address, static_cast<int>(i))));
    callers.push_back(std::make_unique<StreamCaller>(*stubs.back(), queue));
    drive(queue, [&] { return callers.back()->ready(); });
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  std::_Exit(0);
}

}  // namespace tuplespace::bench
