#include "tests/integration/wire_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>

#include <thread>

namespace tuplespace::integration {
namespace {

grpc::ByteBuffer to_buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string to_string(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.DumpToSingleSlice(&slice).ok()) return {};
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

Outcome outcome_of(const grpc::Status& status, const grpc::ClientContext& context) {
  Outcome outcome{status.error_code(), status.error_message(), std::nullopt};
  const auto& trailing = context.GetServerTrailingMetadata();
  if (const auto at = trailing.find("tuplespace-problem-bin"); at != trailing.end()) {
    outcome.problem.emplace();
    EXPECT_TRUE(
        outcome.problem->ParseFromArray(at->second.data(), static_cast<int>(at->second.size())));
  }
  return outcome;
}

void set_deadline(grpc::ClientContext& context, milliseconds deadline) {
  context.set_deadline(std::chrono::system_clock::now() + deadline);
}

class Call final : public PendingCall {
 public:
  Call(std::shared_ptr<grpc::Channel> channel, const std::string& method, std::string request,
       Message* response, milliseconds deadline)
      : channel_(std::move(channel)), name_("/" + method), request_(std::move(request)) {
    set_deadline(context_, deadline);
    outcome_ = std::async(std::launch::async, [this, response] { return run(response); });
  }
  ~Call() override { context_.TryCancel(); }

  void cancel() override { context_.TryCancel(); }
  Outcome wait() override { return outcome_.get(); }

 private:
  Outcome run(Message* response) {
    const grpc::internal::RpcMethod method(name_.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    grpc::ByteBuffer answer;
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(
            channel_.get(), method, &context_, to_buffer(request_), &answer);
    if (status.ok() && response != nullptr) {
      EXPECT_TRUE(response->ParseFromString(to_string(answer)));
    }
    return outcome_of(status, context_);
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string name_;
  const std::string request_;
  grpc::ClientContext context_;
  std::future<Outcome> outcome_;
};

class BidiStream final : public WireStream {
 public:
  BidiStream(std::shared_ptr<grpc::Channel> channel, const std::string& method,
             milliseconds deadline)
      : channel_(std::move(channel)), name_("/" + method) {
    set_deadline(context_, deadline);
    const grpc::internal::RpcMethod rpc(name_.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING);
    stream_.reset(
        grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
            channel_.get(), rpc, &context_));
  }
  ~BidiStream() override {
    if (finished_) return;
    context_.TryCancel();
    (void)finish();
  }

  bool send(const std::string& bytes) override { return stream_->Write(to_buffer(bytes)); }
  bool receive(Message& message) override {
    grpc::ByteBuffer buffer;
    if (!stream_->Read(&buffer)) return false;
    EXPECT_TRUE(message.ParseFromString(to_string(buffer)));
    return true;
  }
  void no_more() override { stream_->WritesDone(); }
  void cancel() override { context_.TryCancel(); }
  Outcome finish() override {
    finished_ = true;
    grpc::ByteBuffer rest;
    while (stream_->Read(&rest)) {
    }
    return outcome_of(stream_->Finish(), context_);
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::string name_;
  grpc::ClientContext context_;
  bool finished_ = false;
  std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream_;
};

}  // namespace

struct WireClient::Parts {
  std::shared_ptr<grpc::Channel> channel;
};

WireClient::WireClient(const std::string& address) : parts_(new Parts) {
  grpc::ChannelArguments arguments;
  // A connection of its own, not one shared with other clients of the process.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  parts_->channel =
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

WireClient::~WireClient() = default;

Outcome WireClient::call(const std::string& method, const Message& request, Message& response,
                         milliseconds deadline) {
  return start(method, request, response, deadline)->wait();
}

Outcome WireClient::call_bytes(const std::string& method, const std::string& request) {
  return Call(parts_->channel, method, request, nullptr, kLong).wait();
}

std::unique_ptr<PendingCall> WireClient::start(const std::string& method, const Message& request,
                                               Message& response, milliseconds deadline) {
  return std::make_unique<Call>(parts_->channel, method, request.SerializeAsString(), &response,
                                deadline);
}

std::unique_ptr<WireStream> WireClient::stream(const std::string& method, milliseconds deadline) {
  return std::make_unique<BidiStream>(parts_->channel, method, deadline);
}

Outcome WireClient::out(const std::string& space, const v1::Tuple& tuple) {
  v1::OutRequest request;
  request.set_space(space);
  *request.mutable_tuple() = tuple;
  v1::OutResponse response;
  return call("tuplespace.v1.TupleSpace/Out", request, response);
}

v1::InResponse WireClient::in(const std::string& space, const v1::Template& wanted,
                              int64_t wait_ms) {
  v1::InRequest request;
  request.set_space(space);
  *request.mutable_template_() = wanted;
  request.set_wait_ms(wait_ms);
  v1::InResponse response;
  const Outcome outcome = call("tuplespace.v1.TupleSpace/In", request, response);
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  return response;
}

v1::RdResponse WireClient::rd(const std::string& space, const v1::Template& wanted,
                              int64_t wait_ms) {
  v1::RdRequest request;
  request.set_space(space);
  *request.mutable_template_() = wanted;
  request.set_wait_ms(wait_ms);
  v1::RdResponse response;
  const Outcome outcome = call("tuplespace.v1.TupleSpace/Rd", request, response);
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  return response;
}

v1::CountResponse WireClient::count(const std::string& space, const v1::Template& wanted) {
  v1::CountRequest request;
  request.set_space(space);
  *request.mutable_template_() = wanted;
  v1::CountResponse response;
  const Outcome outcome = call("tuplespace.v1.TupleSpace/Count", request, response);
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  return response;
}

v1::SpaceInfo WireClient::describe(const std::string& space) {
  v1::DescribeSpaceRequest request;
  request.set_name(space);
  v1::SpaceInfo response;
  (void)call("tuplespace.v1.Admin/DescribeSpace", request, response);
  return response;
}

uint64_t WireClient::figure(const std::string& name) {
  v1::StatsResponse response;
  const Outcome outcome = call("tuplespace.v1.Admin/Stats", v1::StatsRequest(), response);
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  EXPECT_TRUE(response.counters().contains(name)) << name;
  return response.counters().contains(name) ? response.counters().at(name) : 0;
}

void WireClient::await_waiters(uint64_t waiters) {
  const auto give_up = std::chrono::steady_clock::now() + kLong;
  while (figure("waiters") != waiters) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "there are not " << waiters;
    std::this_thread::yield();
  }
}

}  // namespace tuplespace::integration
