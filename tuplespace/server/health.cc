#include "tuplespace/server/health.h"

#include <fmt/format.h>

#include <optional>

#include "grpc/health/v1/health.pb.h"
#include "tuplespace/server/rpc.h"

namespace tuplespace {
namespace {

namespace health = grpc::health::v1;

// Nothing if the server has no service of that name.
std::optional<health::HealthCheckResponse::ServingStatus> health_of(Service& service,
                                                                    const std::string& name) {
  bool known = name.empty();
  for (const Method& method : methods()) {
    const std::string_view path = method.name;
    known = known || path.substr(1, path.rfind('/') - 1) == name;
  }
  if (!known) return std::nullopt;
  return service.common().draining ? health::HealthCheckResponse::NOT_SERVING
                                   : health::HealthCheckResponse::SERVING;
}

}  // namespace

void check_health(Service& service, UnaryCall& call) {
  health::HealthCheckRequest request;
  const std::string_view bytes = call.request();
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return call.fail(invalid("not a HealthCheckRequest"));
  }
  const auto status = health_of(service, request.service());
  if (!status) {
    return call.fail({Code::kNotFound, fmt::format("no service \"{}\"", request.service())});
  }
  health::HealthCheckResponse response;
  response.set_status(*status);
  service.reply(call, response);
}

HealthWatch::HealthWatch(Service& service, Stream& stream) : service_(service), stream_(stream) {
  service_.add_health_watch(this);
  stream_.read();
}

void HealthWatch::on_message(std::string_view bytes) {
  health::HealthCheckRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    stream_.finish(invalid("not a HealthCheckRequest"));
    return on_broken();
  }
  asked_ = true;
  name_ = request.service();
  tell();
}

void HealthWatch::tell() {
  if (!asked_ || stream_.writing()) return;
  const int status =
      health_of(service_, name_).value_or(health::HealthCheckResponse::SERVICE_UNKNOWN);
  if (status == told_) return;
  told_ = status;
  health::HealthCheckResponse response;
  response.set_status(static_cast<health::HealthCheckResponse::ServingStatus>(status));
  stream_.write(response.SerializeAsString());
}

void HealthWatch::on_reads_end() {}

void HealthWatch::on_written() { tell(); }

void HealthWatch::on_broken() {
  service_.forget_health_watch(this);
  service_.retire(this);
}

}  // namespace tuplespace
