// Transactions are refused: they come with the next version.
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {
namespace {

Status not_served() { return {Code::kUnimplemented, "transactions come with a later version"}; }

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
