// Holds and leases: settled, renewed, ended.
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {

void Shard::Parts::settle(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

Status Shard::Parts::check_settle(const Settle&) const {
  return {Code::kUnimplemented, "this server is older than that operation"};
}

Sequence Shard::Parts::apply_settle(const Settle&) { return 0; }

Status Shard::Parts::check_hold(Duration, const Caller&) const {
  return {Code::kUnimplemented, "this server is older than that operation"};
}

Token Shard::Parts::hold_tuple(Space&, Slot, Duration, const Caller&) { return 0; }

void Shard::Parts::renew(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

void Shard::Parts::end_lease(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

}  // namespace tuplespace
