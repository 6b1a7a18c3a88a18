#include "tuplespace/engine/directory.h"

#include <mutex>

namespace tuplespace {

uint16_t Directory::find(const std::string& space) const {
  const std::shared_lock lock(mutex_);
  const auto at = shards_.find(space);
  return at == shards_.end() ? 0 : at->second;
}

void Directory::insert(const std::string& space, uint16_t shard) {
  const std::lock_guard lock(mutex_);
  shards_.emplace(space, shard);
}

void Directory::erase(const std::string& space, uint16_t shard) {
  const std::lock_guard lock(mutex_);
  const auto at = shards_.find(space);
  if (at != shards_.end() && at->second == shard) shards_.erase(at);
}

const std::string* space_of(const Operation& operation) {
  return std::visit(
      [](const auto& what) -> const std::string* {
        using What = std::decay_t<decltype(what)>;
        if constexpr (requires { what.space; }) {
          return &what.space;
        } else if constexpr (std::is_same_v<What, ListSpaces>) {
          return what.name.empty() ? nullptr : &what.name;
        } else if constexpr (requires { what.name; }) {
          return &what.name;
        } else {
          return nullptr;
        }
      },
      operation.what);
}

}  // namespace tuplespace
