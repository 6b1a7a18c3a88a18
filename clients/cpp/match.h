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
  Builder(const std::shared_ptr<Backend>& backend, Verb verb, const std::string& space,
          const Template& wanted, const TakeOptions& options);

  // Of an atomic, of which it keeps a copy.
  Builder(const std::shared_ptr<Backend>& backend, const Atomic& atomic,
          std::optional<milliseconds> wait);

  // True if what is taken waits for Match::confirm().
  bool manual() const { return manual_; }

  // Requires: reply.tuples is not empty.
  Match one(Reply& reply) const;
  std::vector<Match> many(Reply& reply) const;
  // Of an atomic. Requires: reply.did.
  Did did(Reply& reply) const;

  // Says that nothing came in time, or how else a wait ended.
  static Status nothing(Verb verb, const std::string& space, std::optional<milliseconds> wait,
                        Ended ended);
  Status nothing(const std::string& space, Ended ended) const {
    return nothing(verb_, space, wait_, ended);
  }

  // A match of a template whose names are not asked for.
  static Match plain(FoundTuple& found, uint64_t sequence);

 private:
  // What few takes need.
  struct Further {
    std::shared_ptr<Backend> backend;
    std::string space;
    std::vector<std::shared_ptr<const Template>> any_of;  // those with names
    std::optional<Atomic> atomic;
  };

  Match match(FoundTuple& found, const Reply& reply) const;
  std::shared_ptr<Receipt> receipt(const Reply& reply) const;

  Verb verb_;
  bool manual_;
  std::optional<milliseconds> wait_;
  std::shared_ptr<Backend> backend_;  // only if manual
  std::shared_ptr<const Template> wanted_;
  std::shared_ptr<const Further> further_;
};

// Nobody will see what `reply` took under holds: it goes back.
void let_go(const std::shared_ptr<Backend>& backend, const std::string& space, const Reply& reply);

}  // namespace tuplespace::client
