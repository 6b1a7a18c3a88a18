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
        const auto named = [](const std::string& name) { return name.empty() ? nullptr : &name; };
        if constexpr (requires { what.space; }) {
          return named(what.space);
        } else if constexpr (requires { what.lease.space; }) {
          return named(what.lease.space);
        } else if constexpr (std::is_same_v<What, Atomic>) {
          for (const Steps& steps : *what.alternatives) {
            for (const Step& step : steps) {
              return std::visit([](const auto& part) { return &part.space; }, step);
            }
          }
          return nullptr;
        } else if constexpr (std::is_same_v<What, OpenSession>) {
          return nullptr;  // its name is the session's
        } else if constexpr (std::is_same_v<What, ListSpaces>) {
          return named(what.name);
        } else if constexpr (requires { what.name; }) {
          return &what.name;
        } else {
          return nullptr;
        }
      },
      operation.what);
}

std::vector<const std::string*> further_spaces_of(const Operation& operation) {
  std::vector<const std::string*> spaces;
  if (const auto* collect = std::get_if<Collect>(&operation.what)) {
    spaces.push_back(&collect->into);
  } else if (const auto* atomic = std::get_if<Atomic>(&operation.what)) {
    for (const Steps& steps : *atomic->alternatives) {
      for (const Step& step : steps) {
        spaces.push_back(std::visit([](const auto& part) { return &part.space; }, step));
      }
    }
  }
  return spaces;
}

TransactionId transaction_of(const Operation& operation) {
  if (const auto* end = std::get_if<EndTransaction>(&operation.what)) return end->transaction;
  if (const auto* renew = std::get_if<Renew>(&operation.what)) return renew->lease.transaction;
  if (const auto* end = std::get_if<EndLease>(&operation.what)) return end->lease.transaction;
  if (const auto* out = std::get_if<Out>(&operation.what); out != nullptr && out->extras) {
    return out->extras->transaction;
  }
  if (const auto* take = std::get_if<Take>(&operation.what); take != nullptr && take->extras) {
    return take->extras->transaction;
  }
  return 0;
}

}  // namespace tuplespace
