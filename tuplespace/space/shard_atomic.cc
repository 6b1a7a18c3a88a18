// Several steps at one instant.
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {

void Shard::Parts::atomic(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

}  // namespace tuplespace
