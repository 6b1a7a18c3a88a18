// health: grpc.health.v1. The server and each of its services are SERVING until the server
// drains, then NOT_SERVING.
//
// Threads: lane.
// Bounds:  streams_max.
#pragma once

#include <string>

#include "tuplespace/server/service.h"

namespace tuplespace {

void check_health(Service& service, UnaryCall& call);

class HealthWatch final : public StreamHandler {
 public:
  HealthWatch(Service& service, Stream& stream);

  // Tells the watcher what it has not been told. Called when the server begins to drain.
  void tell();

  void on_message(std::string_view bytes) override;
  void on_reads_end() override;
  void on_written() override;
  void on_broken() override;

 private:
  Service& service_;
  Stream& stream_;
  bool asked_ = false;
  std::string name_;
  int told_ = -1;
};

}  // namespace tuplespace
