// What ends by itself unless somebody says something: holds, leases, transactions.
#include "clients/cpp/ask.h"
#include "clients/cpp/call.h"
#include "clients/cpp/match.h"
#include "tuplespace/client.h"

namespace tuplespace::client {
namespace {

const std::string kNoSpace;  // of calls that are about a transaction

Result<milliseconds> renew_lease(Backend& backend, const std::string& space, const Lease& lease,
                                 milliseconds ttl) {
  const Extras extras{.lease = &lease, .ttl = ttl};
  const Ask ask{.verb = Verb::kRenew, .space = space, .extras = &extras};
  Reply reply;
  TS_RETURN_IF_ERROR(ask_and_wait(backend, ask, Confirm::kAutomatic, reply));
  return reply.ttl.value_or(ttl);
}

Status end_transaction(Backend& backend, Verb verb, uint64_t id) {
  const Extras extras{.number = id};
  const Ask ask{.verb = verb, .space = kNoSpace, .extras = &extras};
  Reply reply;
  return ask_and_wait(backend, ask, Confirm::kAutomatic, reply);
}

}  // namespace

// ---- spaces ----

Call<Settled> Space::settle_async(uint64_t token, const Settlement& how) {
  const Extras extras{.number = token, .settlement = &how};
  return start_call<Settled>(backend_, {.verb = Verb::kSettle, .space = *name_, .extras = &extras},
                             Builder(backend_, Verb::kSettle, *name_, {}, {}),
                             check_ask({}, *name_, Verb::kSettle));
}

Result<Settled> Space::settle(uint64_t token, const Settlement& how) {
  TS_RETURN_IF_ERROR(check_ask({}, *name_, Verb::kSettle));
  const Extras extras{.number = token, .settlement = &how};
  const Ask ask{.verb = Verb::kSettle, .space = *name_, .extras = &extras};
  Reply reply;
  TS_RETURN_IF_ERROR(ask_and_wait(*backend_, ask, Confirm::kAutomatic, reply));
  return Settled{reply.number, reply.sequence};
}

Result<milliseconds> Space::renew(const Lease& lease, milliseconds ttl) {
  TS_RETURN_IF_ERROR(check_ask({}, *name_, Verb::kRenew));
  return renew_lease(*backend_, *name_, lease, ttl);
}

Status Space::cancel(const Lease& lease) {
  TS_RETURN_IF_ERROR(check_ask({}, *name_, Verb::kCancel));
  const Extras extras{.lease = &lease};
  const Ask ask{.verb = Verb::kCancel, .space = *name_, .extras = &extras};
  Reply reply;
  return ask_and_wait(*backend_, ask, Confirm::kAutomatic, reply);
}

// ---- transactions ----

Transaction::Transaction(std::shared_ptr<Backend> backend, uint64_t id, milliseconds lease)
    : backend_(std::move(backend)), id_(id), lease_(lease) {}

Space Transaction::space(std::string name) const { return {backend_, std::move(name), id_}; }

Status Transaction::commit() { return end_transaction(*backend_, Verb::kCommit, id_); }

Status Transaction::abort() { return end_transaction(*backend_, Verb::kAbort, id_); }

Result<milliseconds> Transaction::renew(milliseconds lease) {
  return renew_lease(*backend_, kNoSpace, Lease(Lease::Kind::kTransaction, id_), lease);
}

Result<Transaction> Connection::begin(const std::string& space, milliseconds lease, bool detached) {
  TS_RETURN_IF_ERROR(check_ask({}, space, Verb::kBegin));
  const Extras extras{.ttl = lease, .detached = detached};
  const Ask ask{.verb = Verb::kBegin, .space = space, .extras = &extras};
  Reply reply;
  TS_RETURN_IF_ERROR(ask_and_wait(*backend_, ask, Confirm::kAutomatic, reply));
  return Transaction(backend_, reply.number, reply.ttl.value_or(lease));
}

Transaction Connection::transaction(uint64_t id) const {
  return Transaction(backend_, id, milliseconds(0));
}

}  // namespace tuplespace::client
