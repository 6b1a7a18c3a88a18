// rpc is the table of every method that the server serves. Its order is that of Method indexes.
//
// Threads: any (constant).
#pragma once

#include <memory>
#include <span>

#include "tuplespace/server/call.h"
#include "tuplespace/server/service.h"

namespace tuplespace {

struct Rpc {
  void (*unary)(Service& service, UnaryCall& call);  // null for streams
  std::unique_ptr<StreamHandler> (*stream)(Service& service, Stream& stream);
};

std::span<const Method> methods();
const Rpc& rpc(size_t method);

}  // namespace tuplespace
