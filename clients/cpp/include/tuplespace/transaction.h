// Transaction is several operations, on spaces of one shard, that others see at one instant or
// never.
//
//   auto transaction = connection.begin("accounts");
//   auto from = transaction->space("accounts").in("('account', 1, ?n:int)");
//   ...
//   Status done = transaction->commit();
//
// What it puts is seen by nobody else until it commits. What it reads nobody else may take, what it
// takes nobody else may read, until it ends. A probe that found nothing is asked again at commit.
// It ends with its lease, with our session, and with a restart of the server: then it is aborted.
// A copy speaks of the same transaction; dropping it does nothing (the lease will).
//
// Threads: any.
// Errors:  ABORTED: it has ended, or a probe would find something now; nothing has happened.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tuplespace/match.h"

namespace tuplespace::client {

class Backend;
class Space;

class Transaction {
 public:
  Transaction(std::shared_ptr<Backend> backend, uint64_t id, milliseconds lease);

  uint64_t id() const { return id_; }
  milliseconds lease() const { return lease_; }  // granted by begin

  // A handle whose out, in, rd, inp and rdp, in all their forms, happen in this transaction.
  Space space(std::string name) const;

  Status commit();
  Status abort();
  // Lets its lease end this long after now; says what is granted.
  Result<milliseconds> renew(milliseconds lease);

 private:
  std::shared_ptr<Backend> backend_;
  uint64_t id_;
  milliseconds lease_;
};

}  // namespace tuplespace::client
