#include "tests/crash/unary_caller.h"

#include <chrono>

#include "tests/crash/raw_call.h"
#include "tuplespace/v1/space.pb.h"

namespace tuplespace::crash {

struct UnaryCaller::Parts {
  std::shared_ptr<grpc::Channel> channel;

  template <typename Request, typename Response>
  grpc::Status call(const char* method, const Request& request, Response* response) {
    return raw_call(*channel, method, request, response);
  }
};

namespace {

// A server that goes away while it works on a call is UNAVAILABLE; anything else it has said.
UnaryAnswer unknown(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return {Outcome::kUnknown};
  return {Outcome::kUnknown, 0,
          "code " + std::to_string(status.error_code()) + ", " + status.error_message()};
}

}  // namespace

UnaryCaller::UnaryCaller(const std::string& address) : parts_(std::make_unique<Parts>()) {
  parts_->channel = connect_soon(address);
}

UnaryCaller::~UnaryCaller() = default;

bool UnaryCaller::reaches_server(std::chrono::milliseconds at_most) {
  return parts_->channel->WaitForConnected(std::chrono::system_clock::now() + at_most);
}

UnaryAnswer UnaryCaller::out(const std::string& space, uint64_t id) {
  v1::OutRequest request;
  request.set_space(space);
  request.mutable_tuple()->add_fields()->set_string_value("t");
  request.mutable_tuple()->add_fields()->set_int_value(static_cast<int64_t>(id));
  v1::OutResponse response;
  const grpc::Status status = parts_->call("/tuplespace.v1.TupleSpace/Out", request, &response);
  if (!status.ok()) return unknown(status);
  return {Outcome::kDone, response.sequence()};
}

UnaryAnswer UnaryCaller::inp(const std::string& space, uint64_t id) {
  v1::InRequest request;
  request.set_space(space);
  request.mutable_template_()->add_fields()->mutable_value()->set_string_value("t");
  request.mutable_template_()->add_fields()->mutable_value()->set_int_value(
      static_cast<int64_t>(id));
  request.set_wait_ms(0);
  v1::InResponse response;
  const grpc::Status status = parts_->call("/tuplespace.v1.TupleSpace/In", request, &response);
  if (!status.ok()) return unknown(status);
  return {response.tuples().empty() ? Outcome::kNothing : Outcome::kDone, response.sequence()};
}

}  // namespace tuplespace::crash
