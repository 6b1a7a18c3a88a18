// What people ask of a shard: who waits, who holds, why nothing matches.
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {

void Shard::Parts::blocked(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

void Shard::Parts::list_holds(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

void Shard::Parts::explain(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

void Shard::Parts::list_sessions(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

}  // namespace tuplespace
