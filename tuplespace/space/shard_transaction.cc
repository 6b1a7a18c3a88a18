// Transactions: what is done under one, how it ends.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

Status has_ended(TransactionId id) {
  return {Code::kAborted,
          fmt::format("transaction {} is not open: it was committed or aborted, its lease or its "
                      "session ended, or the server was started again; begin another",
                      id),
          {"transaction", false, false}};
}

// What a repeated take is answered: tuples that the transaction may have taken from anywhere.
std::string spell_found(const std::vector<Found>& tuples) {
  std::string spelled;
  for (const Found& found : tuples) {
    record::append_integer(spelled, found.id);
    record::append_integer(spelled, found.attempt);
    record::append_integer(spelled, found.matched);
    record::append_integer(spelled, static_cast<uint32_t>(found.tuple.arity()));
    record::append_integer(spelled, static_cast<uint32_t>(found.tuple.bytes().size()));
    spelled += found.tuple.bytes();
  }
  return spelled;
}

}  // namespace

Status Shard::Parts::check_transaction(TransactionId id, size_t more) const {
  const auto found = transactions.find(id);
  if (found == transactions.end() || found->second->until <= now) return has_ended(id);
  if (found->second->size() + more <= config.effects_max) return {};
  return exhausted(fmt::format("transaction {} has read, taken and put {} tuples, effects_max is "
                               "{}; do less in one",
                               id, found->second->size(), config.effects_max),
                   "effects_max", false);
}

Transaction* Shard::Parts::open_transaction(TransactionId id) {
  const auto found = transactions.find(id);
  return found == transactions.end() || found->second->until <= now ? nullptr : found->second.get();
}

// ---- begin ----

void Shard::Parts::begin_transaction(Operation& operation) {
  if (!admit(operation)) return;
  const Begin& begin = std::get<Begin>(operation.what);
  if (!is_space_name(begin.space)) return refuse(operation.reply, bad_space_name(begin.space));
  if (begin.ttl < 0) {
    return refuse(operation.reply, invalid(fmt::format("begin: ttl is {} ms; it must be above 0, "
                                                       "or 0 for the default",
                                                       begin.ttl),
                                           "ttl"));
  }
  if (transactions.size() >= config.transactions_max) {
    return refuse(
        operation.reply,
        exhausted(fmt::format("{} transactions are open, transactions_max is {}; end some",
                              transactions.size(), config.transactions_max),
                  "transactions_max"));
  }
  auto made = std::make_unique<Transaction>();
  Transaction& x = *made;
  x.id = static_cast<TransactionId>(config.shard) << kTransactionShardShift | next_sequence();
  const bool of_session = operation.caller.number != 0 && !begin.detached;
  x.session = of_session ? operation.caller.session : 0;
  const Duration granted =
      std::min(begin.ttl == 0 ? config.transaction_ttl : begin.ttl, config.transaction_ttl_max);
  x.until = now + granted;
  wheel.add({x.until, Timer::Kind::kTransaction, x.id, 0, 0});
  if (x.session != 0) session_of(operation.caller)->transactions.insert(x.id);
  const TransactionId id = x.id;
  transactions.emplace(id, std::move(made));
  std::string detail;
  record::append_integer(detail, id);
  keep_answer(operation.caller, record::AnswerKind::kBegin, false, granted, std::move(detail));
  Answer answer;
  answer.sequence = last;
  answer.what = BeginAnswer{id, granted};
  reply(operation.reply, std::move(answer));
}

// ---- what is done under one ----

// Requires: the operation was checked, and the space exists.
void Shard::Parts::out_under(Space& space, Operation& operation, const Due& due,
                             const OutAnswer& granted) {
  Out& out = std::get<Out>(operation.what);
  const std::shared_ptr<const OutExtras> extras = out.extras;
  Transaction& x = *transactions.at(extras->transaction);
  figures.outs += 1 + extras->more.size();
  const Sequence id = next_sequence();
  put_under(x, space, std::move(out.tuple), id, due);
  for (const Tuple& tuple : extras->more) put_under(x, space, tuple, next_sequence(), due);
  if (operation.caller.number != 0) {
    Session& session = *session_of(operation.caller);
    KeptAnswer& kept = session.answers.insert(operation.caller.number);
    kept.hash = operation.caller.hash;
    kept.kind = record::AnswerKind::kOut;
    kept.sequence = id;
    kept.ttl = granted.ttl;
    keep(session, operation.caller.number, kept, false);
  }
  new_answer(operation.reply, space, id).what = granted;
}

void Shard::Parts::put_under(Transaction& x, Space& space, Tuple tuple, Sequence id,
                             const Due& due) {
  const Slot slot = space.add(std::move(tuple), id, now);
  Entry& entry = space.slab[slot];
  entry.set_state(Presence::kWritten);
  if (due.visible_at > 0 || due.expires_at != kNever || due.bound != 0) {
    space.slab.set_due(entry, due);
  }
  if (due.bound != 0) bind(space, slot, due.bound);
  if (due.visible_at > 0 || due.expires_at != kNever) {
    wheel.add({due.visible_at > 0 ? due.visible_at : due.expires_at, Timer::Kind::kTuple, id,
               space.id(), slot});
  }
  x.written[id] = {space.id(), slot};
  written_by[id] = x.id;
  if (due.visible_at <= now) serve_waits_of(x, space, slot);
}

bool Shard::Parts::is_seen_by(const Transaction& x, const Space& space, Slot slot) const {
  const Entry& entry = space.slab[slot];
  const auto written = written_by.find(entry.id);
  return written != written_by.end() && written->second == x.id && !space.is_expired(slot, now) &&
         space.slab.due(entry).visible_at <= now;
}

// Adds what the transaction itself has put to what was found among the available ones.
void Shard::Parts::add_written(Space& space, const Inquiry& inquiry, SearchResult& result) {
  const Transaction& x = *transactions.at(inquiry.take.transaction());
  if (x.written.empty() || (result.found.empty() && !result.finished)) return;
  Slots& found = result.found;
  const size_t before = found.size();
  const bool random = inquiry.order == Order::kRandom;  // takes what others see first
  if (random && before == inquiry.take.max) return;
  for (const auto& [id, where] : x.written) {
    if (where.space != space.id() || !is_seen_by(x, space, where.slot)) continue;
    ++result.examined;
    if (may_match(inquiry.take, space.slab[where.slot].tuple.bytes())) found.push_back(where.slot);
  }
  if (found.size() == before) return;
  const FieldOrder by_field{&space.slab, inquiry.field, inquiry.order == Order::kGreatest};
  const auto is_before = [&](Slot a, Slot b) {
    switch (inquiry.order) {
      case Order::kNewest: return space.slab[a].id > space.slab[b].id;
      case Order::kLeast:
      case Order::kGreatest: return by_field(a, b);
      default: return space.slab[a].id < space.slab[b].id;
    }
  };
  if (!random) std::sort(found.begin(), found.end(), is_before);
  size_t bytes = 0;
  size_t kept = 0;
  while (kept < found.size() && kept < inquiry.take.max) {
    bytes += space.slab[found[kept]].tuple.footprint();
    if (kept > 0 && bytes > kAnswerBytesMax) break;
    ++kept;
  }
  found.resize(kept);
}

void Shard::Parts::hand_over_under(Space& space, const Asker& asker, std::span<const Slot> slots) {
  Transaction& x = *transactions.at(asker.take.transaction());
  const bool remove = asker.take.remove;
  (remove ? figures.takes : figures.reads) += slots.size();
  const Sequence instant = remove ? next_sequence() : last;
  TakeAnswer found;
  found.remove = remove;
  for (const Slot slot : slots) {
    Entry& entry = space.slab[slot];
    found.tuples.push_back(found_for(asker.take, entry));
    const bool own = entry.state() == Presence::kWritten;
    if (!remove) {
      if (own) continue;
      entry.locked = 1;
      locks.add(entry.id, x.id);
      x.read[entry.id] = {space.id(), slot};
    } else if (own) {  // it was never there
      forget_tuple(space, slot, Fate::kTaken);
    } else {
      if (entry.locked) forget_readers(entry);
      space.insert_held(slot);
      x.taken[entry.id] = {{space.id(), slot}, instant, now};
    }
  }
  if (!collected.empty()) note_handles(asker.caller, found.tuples);
  if (remove && asker.caller.number != 0) {
    keep_answer(asker.caller, record::AnswerKind::kTakeUnder, false, {}, spell_found(found.tuples));
  }
  new_answer(asker.reply, space, instant).what = std::move(found);
}

TakeAnswer Shard::Parts::taken_again(const KeptAnswer& kept) {
  TakeAnswer found;
  for (std::string_view detail = kept.detail; !detail.empty();) {
    Found one;
    one.id = record::take_integer<Sequence>(detail);
    one.attempt = record::take_integer<uint32_t>(detail);
    one.matched = record::take_integer<uint32_t>(detail);
    const auto arity = record::take_integer<uint32_t>(detail);
    const auto bytes = record::take_integer<uint32_t>(detail);
    one.tuple = Tuple::from_canonical(detail.substr(0, bytes), arity);
    detail.remove_prefix(bytes);
    found.tuples.push_back(std::move(one));
  }
  return found;
}

// What a tuple's readers know of it is forgotten: it is taken by the only one, or gone.
void Shard::Parts::forget_readers(Entry& entry) {
  entry.locked = 0;
  for (const TransactionId reader : locks.remove_all(entry.id)) {
    transactions.at(reader)->read.erase(entry.id);
  }
}

void Shard::Parts::note_none(const Take& take) {
  const auto found = transactions.find(take.transaction());
  if (found == transactions.end()) return;
  found->second->nones.push_back({take.space, take.wanted, take.extras, last});
}

// How many tuples a take would have found, had no other transaction read them.
uint64_t Shard::Parts::read_for(const Space& space, const Take& take) const {
  absl::flat_hash_set<Sequence> matching;
  size_t left = config.slice_candidates;
  for (const auto& [id, x] : transactions) {
    if (id == take.transaction()) continue;
    for (const auto& [tuple, where] : x->read) {
      if (left == 0) break;
      --left;
      if (where.space != space.id()) continue;
      if (may_match(take, space.slab[where.slot].tuple.bytes())) matching.insert(tuple);
    }
  }
  return matching.size();
}

// The first of the waits under `x` that takes this tuple, or nullptr.
Wait* Shard::Parts::first_taker_under(const Transaction& x, Space& space, Slot slot) {
  const Entry& entry = space.slab[slot];
  for (const uint64_t id : x.waits) {
    Wait& wait = *waits.at(id);
    if (wait.take.remove && may_serve(wait, space, entry)) return &wait;
  }
  return nullptr;
}

bool Shard::Parts::may_serve(const Wait& wait, Space& space, const Entry& entry) {
  if (wait.kind != Wait::Kind::kTake || wait.space != space.id()) return false;
  print.reset(entry.tuple.bytes());
  return may_be_offered(space, wait, entry.id, entry.tuple.bytes(), print) &&
         may_match(wait.take, entry.tuple.bytes());
}

// Serves the waits under `x` with a tuple that only they may have now: one that it has put, or
// one that it alone has read.
void Shard::Parts::serve_waits_of(Transaction& x, Space& space, Slot slot) {
  const Entry& entry = space.slab[slot];
  if (entry.state() == Presence::kWritten) {
    for (const uint64_t id : std::vector<uint64_t>(x.waits.begin(), x.waits.end())) {
      Wait& wait = *waits.at(id);
      if (wait.take.remove || !may_serve(wait, space, entry)) continue;
      complete_with(space, Asker(wait), slot, OnDisk::kNo);
      end_wait(wait);
    }
  }
  Wait* const taker = first_taker_under(x, space, slot);
  if (taker == nullptr) return;
  if (entry.state() == Presence::kAvailable) space.erase_available(slot);
  complete_with(space, Asker(*taker), slot, OnDisk::kYes);
  end_wait(*taker);
}

// Who may take a tuple that is offered, if `first` is the first in line.
Wait* Shard::Parts::allowed_taker(Wait* first, Space& space, Slot slot) {
  const Entry& entry = space.slab[slot];
  if (first == nullptr || !entry.locked) return first;
  if (locks.may_take(entry.id, first->take.transaction())) return first;
  const ReadLocks::Readers* const readers = locks.readers(entry.id);
  return readers->size() > 1 ? nullptr
                             : first_taker_under(*transactions.at((*readers)[0]), space, slot);
}

// ---- the end ----

void Shard::Parts::end_transaction(Operation& operation) {
  if (!admit(operation)) return;
  const EndTransaction end = std::get<EndTransaction>(operation.what);
  Transaction* const x = open_transaction(end.transaction);
  if (x == nullptr) return refuse(operation.reply, has_ended(end.transaction));
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
    refuse(waits.at(id)->reply, has_ended(x.id));
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
