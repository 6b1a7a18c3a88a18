// Transactions: commit, abort, leases.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {

void Shard::Parts::end_transaction(Operation& operation) {
  if (!admit(operation)) return;
  const EndTransaction end = std::get<EndTransaction>(operation.what);
  Transaction* const x = open_transaction(end.transaction);
  if (x == nullptr) return refuse(operation.reply, transaction_has_ended(end.transaction));
  Answer answer;
  bool durable = false;
  if (!end.commit) {
    abort(*x);
    ++figures.aborted;
  } else if (Status status = check_nones(*x); !status.ok()) {
    if (status.code() == Code::kAborted) {
      abort(*x);
      ++figures.aborted;
    }
    return refuse(operation.reply, std::move(status));
  } else {
    durable = commit(*x, answer);
    ++figures.committed;
  }
  std::string detail;
  record::append_integer(detail, static_cast<uint8_t>(end.commit));
  keep_answer(operation.caller, record::AnswerKind::kEndTransaction, durable, {},
              std::move(detail));
  answer.sequence = last;
  answer.what = EndTransactionAnswer{end.commit};
  reply(operation.reply, std::move(answer));
}

// Whether every none that it was told would be one if it ran alone at this instant.
Status Shard::Parts::check_nones(const Transaction& x) {
  size_t examined = 0;
  for (const Transaction::None& none : x.nones) {
    Result<bool> absent = is_absent(x, none, examined);
    if (!absent.ok()) return absent.status();
    if (*absent) continue;
    return {Code::kAborted,
            fmt::format("commit of transaction {}: it was told that nothing matches {} in \"{}\", "
                        "which does not hold any more; nothing of it has happened, begin again",
                        x.id, to_text(none.wanted), none.space),
            {"transaction", true, false}};
  }
  return {};
}

// Three ways in which it is not: there is one now; another transaction has taken one and may give
// it back; it has taken one itself afterwards, which somebody else had put.
Result<bool> Shard::Parts::is_absent(const Transaction& x, const Transaction::None& none,
                                     size_t& examined) {
  Space* const space = find_space(none.space);
  if (space == nullptr) return true;
  Take take;
  take.space = none.space;
  take.wanted = none.wanted;
  take.extras = none.extras;
  take.remove = false;  // whoever has read it, it is there
  const Plan plan = plan_of(none.wanted, config.seed);
  std::vector<Filing> further;
  for (const Template& one : any_of(take)) further.push_back({plan_of(one, config.seed), 0, {}});
  SearchRequest request = request_for({take, plan, further, Order::kOldest, 0, -1});
  request.candidates_max = config.examine_max - std::min(examined, config.examine_max);
  request.may_build = false;
  Cursor cursor;
  const SearchResult there = search(*space, request, cursor, [](uint64_t) { return 0; });
  examined += there.examined;
  figures.candidates += there.examined;
  if (!there.found.empty()) return false;
  for (const auto& [id, other] : transactions) {
    for (const auto& [tuple, taken] : other->taken) {
      if (taken.space != space->id() || (other.get() == &x && taken.at <= none.at)) continue;
      ++examined;
      if (none.matches(space->slab[taken.slot].tuple)) return false;
    }
  }
  if (there.finished && examined <= config.examine_max) return true;
  return exhausted(fmt::format("commit of transaction {}: whether nothing matches {} in \"{}\" "
                               "needs more tuples looked at than examine_max {}; it is still open",
                               x.id, to_text(none.wanted), none.space, config.examine_max),
                   "examine_max", false);
}

// It is not open any more, and what waits under it ends. Returns what it was.
std::unique_ptr<Transaction> Shard::Parts::close(Transaction& x) {
  for (const uint64_t id : std::vector<uint64_t>(x.waits.begin(), x.waits.end())) {
    refuse(waits.at(id)->reply, transaction_has_ended(x.id));
    end_wait(*waits.at(id));
  }
  if (const auto session = sessions.find(x.session); session != sessions.end()) {
    session->second->transactions.erase(x.id);
  }
  may_be_deadlock();
  const auto found = transactions.find(x.id);
  std::unique_ptr<Transaction> closed = std::move(found->second);
  transactions.erase(found);
  for (const auto& [id, where] : closed->written) written_by.erase(id);
  return closed;
}

// Returns whether something durable was changed; `answer` is told what it rests on.
bool Shard::Parts::commit(Transaction& open, Answer& answer) {
  const std::unique_ptr<Transaction> x = close(open);
  next_sequence();
  std::vector<uint32_t> changed;
  for (const auto& [id, where] : x->written) changed.push_back(where.space);
  for (const auto& [id, where] : x->taken) changed.push_back(where.space);
  std::sort(changed.begin(), changed.end());
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  // Whoever is served rests on all of it.
  for (const uint32_t id : changed) {
    if (spaces.at(id)->durability != Durability::kMemory) touch(*spaces.at(id));
  }
  for (const auto& [id, taken] : x->taken) {
    Space& space = *spaces.at(taken.space);
    tell(space, EventKind::kIn, taken.slot);
    space.erase_held(taken.slot);
    note_freed(space);
    erase_tuple(space, id);
    forget_tuple(space, taken.slot, Fate::kTaken);
  }
  together = true;  // all of it is there before a taker is served
  for (const auto& [id, where] : x->written) show_written(*spaces.at(where.space), where.slot);
  unlock(*x);
  together = false;
  bool durable = false;
  for (const uint32_t id : changed) {
    const Space& space = *spaces.at(id);
    if (space.mark() == Mark::kNone) continue;
    durable = true;
    answer.mark = std::max(answer.mark, space.mark());
    answer.batch = std::max(answer.batch, space.last_batch);
  }
  return durable;
}

// What a transaction has put is there for all.
void Shard::Parts::show_written(Space& space, Slot slot) {
  Entry& entry = space.slab[slot];
  entry.set_state(Presence::kFree);  // in no list yet
  const Due& due = space.slab.due(entry);
  if (space.is_expired(slot, now)) {
    forget_tuple(space, slot, Fate::kExpired);
  } else if (due.visible_at > now) {
    space.insert_delayed(slot);
    put_tuple(space, slot);
  } else {
    become_available(space, slot, OnDisk::kNo);
  }
}

void Shard::Parts::abort(Transaction& open) {
  const std::unique_ptr<Transaction> x = close(open);
  next_sequence();
  for (const auto& [id, where] : x->written) {
    Space& space = *spaces.at(where.space);
    space.slab[where.slot].set_state(Presence::kFree);
    forget_tuple(space, where.slot, Fate::kWithdrawn);
  }
  std::vector<std::pair<Sequence, Transaction::Where>> taken(x->taken.begin(), x->taken.end());
  for (const auto& [id, where] : taken) {
    spaces.at(where.space)->erase_held(where.slot);
    note_freed(*spaces.at(where.space));
  }
  for (const auto& [id, where] : taken) put_back(*spaces.at(where.space), where.slot);
  unlock(*x);
}

// At its old place and with its old attempt: nobody was told that it was taken.
void Shard::Parts::put_back(Space& space, Slot slot) {
  const SessionId bound = space.slab.due(space.slab[slot]).bound;
  if (space.is_expired(slot, now)) {
    expire(space, slot);
  } else if (bound != 0 && !sessions.contains(bound)) {
    tell(space, EventKind::kExpire, slot);
    vanish(space, slot, Fate::kWithdrawn);
  } else {
    serve(space, slot, OnDisk::kYes);
  }
}

// The locks of a transaction that is closed end: who waited for that is served.
void Shard::Parts::unlock(const Transaction& x) {
  for (const auto& [id, where] : x.read) {
    const auto found = spaces.find(where.space);
    if (found == spaces.end()) continue;
    Space& space = *found->second;
    const ReadLocks::Readers left = locks.remove(id, x.id);
    if (left.size() == 1) serve_waits_of(*transactions.at(left[0]), space, where.slot);
    if (!left.empty()) continue;
    space.slab[where.slot].locked = 0;
    if (space.waiters.size() == 0 && space.interests == nullptr) continue;
    space.erase_available(where.slot);
    serve(space, where.slot, OnDisk::kYes);
  }
}

void Shard::Parts::transaction_due(TransactionId id) {
  const auto found = transactions.find(id);
  if (found == transactions.end() || found->second->until > now) return;  // it was renewed
  ++figures.aborted;
  abort(*found->second);
}

void Shard::Parts::abort_all_of(const Session& session) {
  std::vector<TransactionId> open(session.transactions.begin(), session.transactions.end());
  std::sort(open.begin(), open.end());
  for (const TransactionId id : open) {
    ++figures.aborted;
    abort(*transactions.at(id));
  }
}

// Those that have to do with a space that is dropped.
void Shard::Parts::abort_all_of(const Space& space) {
  std::vector<TransactionId> concerned;
  const auto is_there = [&](const auto& one) { return one.second.space == space.id(); };
  for (const auto& [id, x] : transactions) {
    if (std::any_of(x->written.begin(), x->written.end(), is_there) ||
        std::any_of(x->read.begin(), x->read.end(), is_there) ||
        std::any_of(x->taken.begin(), x->taken.end(), is_there)) {
      concerned.push_back(id);
    }
  }
  std::sort(concerned.begin(), concerned.end());
  for (const TransactionId id : concerned) {
    ++figures.aborted;
    abort(*transactions.at(id));
  }
}

// ---- its lease ----

void Shard::Parts::renew_transaction(Operation& operation) {
  const Renew& renew = std::get<Renew>(operation.what);
  Transaction* const x = open_transaction(renew.lease.transaction);
  if (x == nullptr) return refuse(operation.reply, lease_has_ended(renew.lease));
  const Duration granted = std::min(renew.ttl, config.transaction_ttl_max);
  x->until = now + granted;
  wheel.add({x->until, Timer::Kind::kTransaction, x->id, 0, 0});
  next_sequence();
  keep_answer(operation.caller, record::AnswerKind::kRenew, false, granted);
  Answer answer;
  answer.sequence = last;
  answer.what = RenewAnswer{granted};
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::abort_by_lease(Operation& operation) {
  const Lease& lease = std::get<EndLease>(operation.what).lease;
  Transaction* const x = open_transaction(lease.transaction);
  if (x == nullptr) return refuse(operation.reply, lease_has_ended(lease));
  ++figures.aborted;
  abort(*x);
  keep_answer(operation.caller, record::AnswerKind::kEndLease, false);
  Answer answer;
  answer.sequence = last;
  answer.what = EndLeaseAnswer{};
  reply(operation.reply, std::move(answer));
}

}  // namespace tuplespace
