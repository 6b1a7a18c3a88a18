// Builder makes matches out of replies, and statuses out of replies without tuples.
//
// Threads: any (immutable).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clients/cpp/backend.h"

namespace tuplespace::client {

struct Builder {
 public:
  // Keeps a copy of `wanted` only if it has names: that is what matches need it for.
  Builder(const std::shared_ptr<Backend>& backend, Verb verb, const Template& wanted,
          const TakeOptions& options);

  // True if what is taken waits for Match::confirm().
  bool manual() const { return manual_; }

  // Requires: reply.tuples is not empty.
  Match one(Reply& reply) const;
  std::vector<Match> many(Reply& reply) const;

  // Says that nothing came in time.
  static Status nothing(Verb verb, const std::string& space, std::optional<milliseconds> wait);
  Status nothing(const std::string& space) const { return nothing(verb_, space, wait_); }

 private:
  Match match(FoundTuple& found, uint64_t sequence) const;
  std::shared_ptr<Receipt> receipt(const Reply& reply) const;

  Verb verb_;
  bool manual_;
  std::optional<milliseconds> wait_;
  std::shared_ptr<Backend> backend_;  // only if manual
  std::shared_ptr<const Template> wanted_;
};

}  // namespace tuplespace::client
