// Transactions: how one begins, and what is done under it. How it ends: shard_transaction_end.cc.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

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
  if (found == transactions.end() || found->second->until <= now) return transaction_has_ended(id);
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
  keep_out(operation.caller, id, granted, false);
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

}  // namespace tuplespace
