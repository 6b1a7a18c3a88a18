// Holds and leases: settled, renewed, ended.
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {

void Shard::Parts::settle(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

void Shard::Parts::renew(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

void Shard::Parts::end_lease(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

}  // namespace tuplespace
