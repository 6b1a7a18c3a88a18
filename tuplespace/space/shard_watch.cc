// Watchers: events as they happen, and the history to resume from.
#include "tuplespace/space/shard_parts.h"

namespace tuplespace {

void Shard::Parts::watch(Operation& operation) {
  refuse(operation.reply, {Code::kUnimplemented, "this server is older than that operation"});
}

}  // namespace tuplespace
