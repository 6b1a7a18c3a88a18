// All matches moved or copied to another space.
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {

void Shard::Parts::collect(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

}  // namespace tuplespace
