// Reflection answers grpc.reflection.v1alpha from the descriptors that are linked in, so that
// grpcurl and its like need no .proto files.
//
// Threads: lane.
// Bounds:  one request at a time.
#pragma once

#include "tuplespace/server/service.h"

namespace tuplespace {

class Reflection final : public StreamHandler {
 public:
  Reflection(Service& service, Stream& stream);

  void on_message(std::string_view bytes) override;
  void on_reads_end() override;
  void on_written() override;
  void on_broken() override;

 private:
  void finish(const Status& status);

  Service& service_;
  Stream& stream_;
};

}  // namespace tuplespace
