// The first answers of numbered operations: kept, recorded, given again, confirmed, given back.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"

namespace tuplespace {
namespace {

record::NumberedAnswer spelled(Number number, const KeptAnswer& answer) {
  record::NumberedAnswer spelled;
  spelled.number = number;
  spelled.hash = answer.hash;
  spelled.kind = answer.kind;
  spelled.sequence = answer.sequence;
  spelled.ttl = answer.ttl;
  for (const HeldTuple& held : answer.tuples) spelled.taken.push_back(held.id);
  spelled.detail = answer.detail;
  return spelled;
}

}  // namespace

void Shard::Parts::keep(Session& session, Number number, KeptAnswer& answer, bool durable) {
  answer.bytes += kKeptAnswerBytes;
  session.unconfirmed_bytes += answer.bytes;
  if (durable) record_answer(session, number, answer);
}

void Shard::Parts::record_answer(Session& session, Number number, KeptAnswer& answer) {
  session.durable = true;
  if (session.collecting == nullptr) {
    session.collecting = &session.batches[answer.sequence];
    session.collecting->sequence = answer.sequence;
    collecting.push_back(&session);
  }
  record::append(spelled(number, answer), session.collected);
  ++session.collected_count;
  ++session.collecting->unconfirmed;
  answer.batch = session.collecting;
}

void Shard::Parts::finish_answers() {
  for (Session* session : collecting) {
    AnswerBatch& batch = *session->collecting;
    if (batch.unconfirmed > 0) {
      batch.highest = session->highest;
      effects->batch.put(
          record::answers_key(config.shard, session->id, batch.sequence),
          record::finish_answers(batch.highest, session->collected_count, session->collected));
      batch.written = true;
    } else {
      session->batches.erase(batch.sequence);
    }
    session->collecting = nullptr;
    session->collected.clear();
    session->collected_count = 0;
  }
  collecting.clear();
  for (Session* session : emptying) erase_emptied(*session);
  emptying.clear();
}

// The highest number that a session has used stays on disk in one record at least.
void Shard::Parts::erase_emptied(Session& session) {
  Number known = session.batches.empty() ? 0 : session.batches.rbegin()->second.highest;
  std::vector<AnswerBatch> gone = std::exchange(session.emptied, {});
  if (session.marker) gone.push_back(*session.marker);
  const auto last = std::max_element(
      gone.begin(), gone.end(), [](const auto& a, const auto& b) { return a.highest < b.highest; });
  session.marker.reset();
  if (last->highest > known) {
    session.marker = *last;
    effects->batch.put(record::answers_key(config.shard, session.id, last->sequence),
                       record::finish_answers(last->highest, 0, {}));
  }
  for (const AnswerBatch& batch : gone) {
    if (session.marker && session.marker->sequence == batch.sequence) continue;
    effects->batch.erase(record::answers_key(config.shard, session.id, batch.sequence));
  }
}

Answer Shard::Parts::answer_again(Session& session, Number number, const KeptAnswer& kept) {
  Answer answer;
  answer.sequence = kept.sequence;
  if (session.durable) {  // it may have been asked for again before it was durable
    answer.mark = Mark::kSynced;
    answer.batch = effects->batch_number;
    write_session(session);
  }
  std::string_view detail = kept.detail;
  switch (kept.kind) {
    case record::AnswerKind::kOut: answer.what = OutAnswer{kept.ttl}; return answer;
    case record::AnswerKind::kUntilTaken:
      detail.remove_prefix(detail.size() - 1);
      answer.what = OutAnswer{kept.ttl, static_cast<Fate>(detail[0])};
      return answer;
    case record::AnswerKind::kHold: hold_again(number, kept, answer); return answer;
    case record::AnswerKind::kSettle:
      answer.what = SettleAnswer{record::take_integer<Sequence>(detail)};
      return answer;
    case record::AnswerKind::kRenew: answer.what = RenewAnswer{kept.ttl.value_or(0)}; return answer;
    case record::AnswerKind::kEndLease: answer.what = EndLeaseAnswer{}; return answer;
    case record::AnswerKind::kAtomic: return atomic_again(number, kept, std::move(answer));
    case record::AnswerKind::kCollect: answer.what = collect_again(kept); return answer;
    case record::AnswerKind::kEndTransaction:
      answer.what = EndTransactionAnswer{record::take_integer<uint8_t>(detail) != 0};
      return answer;
    case record::AnswerKind::kBegin:
      answer.what = BeginAnswer{record::take_integer<TransactionId>(detail), kept.ttl.value_or(0)};
      return answer;
    case record::AnswerKind::kTakeUnder: answer.what = taken_again(kept); return answer;
    default: break;
  }
  TakeAnswer found;
  for (const HeldTuple& held : kept.tuples) {
    const auto space = spaces.find(held.space);
    if (space == spaces.end()) {
      answer.status = {Code::kAborted,
                       fmt::format("operation {} took from a space that was dropped", number)};
      return answer;
    }
    const Entry& entry = space->second->slab[held.slot];
    found.tuples.push_back({entry.id, entry.tuple, static_cast<uint32_t>(entry.attempt)});
  }
  if (kept.kind == record::AnswerKind::kTakeAnyOf) read_matched(kept.detail, found.tuples);
  answer.what = std::move(found);
  return answer;
}

void Shard::Parts::confirm_ranges(Session& session, const std::vector<NumberRange>& ranges) {
  std::vector<HeldTuple> none;
  for (const NumberRange& range : ranges) {
    for (const Number number : session.answers.numbers_in(range)) {
      forget_answer(session, number, false, none);
    }
  }
}

void Shard::Parts::return_ranges(Session& session, const std::vector<NumberRange>& ranges) {
  std::vector<HeldTuple> returned;
  std::vector<Sequence> batches;
  for (const NumberRange& range : ranges) {
    for (const Number number : session.answers.numbers_in(range)) {
      const AnswerBatch* batch = session.answers.find(number)->batch;
      if (batch != nullptr) batches.push_back(batch->sequence);
      forget_answer(session, number, true, returned);
    }
  }
  std::sort(batches.begin(), batches.end());
  batches.erase(std::unique(batches.begin(), batches.end()), batches.end());
  for (const Sequence sequence : batches) spell_again(session, sequence);
  give_back(std::move(returned));
}

// A record that is kept for other answers must not say any more that these were taken: another
// session may take them now.
void Shard::Parts::spell_again(Session& session, Sequence sequence) {
  const auto found = session.batches.find(sequence);
  if (found == session.batches.end()) return;  // erased as a whole
  std::string body;
  uint32_t count = 0;
  for (const Number number : session.answers.numbers()) {
    const KeptAnswer& kept = *session.answers.find(number);
    if (kept.batch != &found->second) continue;
    record::append(spelled(number, kept), body);
    ++count;
  }
  if (session.collecting == &found->second) {
    session.collected = std::move(body);
    session.collected_count = count;
  } else {
    effects->batch.put(record::answers_key(config.shard, session.id, sequence),
                       record::finish_answers(found->second.highest, count, body));
  }
}

// What was taken is either gone for good, or appended to `returned`, no longer held.
void Shard::Parts::forget_answer(Session& session, Number number, bool give_back,
                                 std::vector<HeldTuple>& returned) {
  const KeptAnswer& kept = *session.answers.find(number);
  for (const HeldTuple& held : kept.tuples) {
    const auto at = spaces.find(held.space);
    if (at == spaces.end()) continue;  // dropped meanwhile
    Space& space = *at->second;
    space.erase_held(held.slot);
    note_freed(space);
    if (give_back) {
      returned.push_back(held);
      continue;
    }
    if (space.durability != Durability::kMemory) {  // nobody waits for this to be durable
      effects->batch.erase(record::TupleKey(config.shard, held.space, held.id).view());
    }
    forget_tuple(space, held.slot, Fate::kTaken);
  }
  session.unconfirmed_bytes -= kept.bytes;
  if (AnswerBatch* batch = kept.batch;
      batch != nullptr && --batch->unconfirmed == 0 && batch->written) {
    if (session.emptied.empty()) emptying.push_back(&session);
    session.emptied.push_back(*batch);
    session.batches.erase(batch->sequence);
  }
  session.answers.erase(number);
}

// Oldest first: they are offered as they would have come.
void Shard::Parts::give_back(std::vector<HeldTuple> returned) {
  std::sort(returned.begin(), returned.end(),
            [](const HeldTuple& a, const HeldTuple& b) { return a.id < b.id; });
  for (const HeldTuple& held : returned) {
    return_tuple(*spaces.at(held.space), held.slot, "its session ended");
  }
}

// A take under holds is answered again while they last.
void Shard::Parts::hold_again(Number number, const KeptAnswer& kept, Answer& answer) {
  TakeAnswer found;
  found.hold = kept.ttl.value_or(0);
  for (std::string_view detail = kept.detail; !detail.empty();) {
    const auto token = record::take_integer<Token>(detail);
    const auto matched = record::take_integer<uint32_t>(detail);
    const auto hold = holds.find(token);
    if (hold == holds.end()) {
      answer.status = {Code::kAborted, fmt::format("operation {} took under hold {}, which has "
                                                   "ended since: the tuple was given back",
                                                   number, token)};
      return;
    }
    const Entry& entry = spaces.at(hold->second.space)->slab[hold->second.slot];
    found.tuples.push_back(
        {entry.id, entry.tuple, static_cast<uint32_t>(entry.attempt), matched, token});
  }
  answer.what = std::move(found);
}

}  // namespace tuplespace
