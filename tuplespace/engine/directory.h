// Directory knows the spaces that are not in shard 0. A name it does not know belongs to shard
// 0: exists there, or would be created there.
//
// Order:   a name is inserted on the lane of shard 0 only, before its CreateSpace is handed to
//          the shard's lane; it is erased on that lane, at the instant the shard lost it. So a
//          lane whose shard has no space of that name sends the operation to shard 0, which
//          sends it on to where the directory says: it settles after one turn or two.
// Threads: any.
// Bounds:  ShardConfig::spaces_max of each shard.
#pragma once

#include <cstdint>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "tuplespace/space/operation.h"

namespace tuplespace {

class Directory {
 public:
  // Returns the shard of `space`; 0 for those unknown here.
  uint16_t find(const std::string& space) const;

  // Requires: shard != 0, `space` is not known.
  void insert(const std::string& space, uint16_t shard);

  // Forgets `space` if it is in `shard`.
  void erase(const std::string& space, uint16_t shard);

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, uint16_t> shards_;
};

// Returns the space that `operation` is about, nullptr if it is about none.
const std::string* space_of(const Operation& operation);

// Returns the other spaces that must be in the same shard.
std::vector<const std::string*> further_spaces_of(const Operation& operation);

// Returns the transaction that `operation` ends, prolongs or is part of; 0: none.
TransactionId transaction_of(const Operation& operation);

}  // namespace tuplespace
