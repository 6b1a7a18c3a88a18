// Transactions.
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {
namespace {

Status not_served() { return {Code::kUnimplemented, "this server is older than that operation"}; }

}  // namespace

void Shard::Parts::begin_transaction(Operation& operation) {
  refuse(operation.reply, not_served());
}

void Shard::Parts::end_transaction(Operation& operation) { refuse(operation.reply, not_served()); }

void Shard::Parts::renew_transaction(Operation& operation) {
  refuse(operation.reply, not_served());
}

void Shard::Parts::abort_by_lease(Operation& operation) { refuse(operation.reply, not_served()); }

}  // namespace tuplespace
