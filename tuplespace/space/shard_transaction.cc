// Transactions.
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {

void Shard::Parts::begin_transaction(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

void Shard::Parts::end_transaction(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

}  // namespace tuplespace
