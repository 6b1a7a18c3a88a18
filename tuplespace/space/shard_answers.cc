// The first answers of numbered operations: kept, recorded, given again, confirmed, given back.
#include <algorithm>
#include <map>
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

void Shard::Parts::keep(const Caller& caller, KeptAnswer answer, bool durable) {
  Session& session = *session_of(caller);
  answer.bytes += kKeptAnswerBytes;
  session.unconfirmed_bytes += answer.bytes;
  if (durable) record_answer(session, caller.number, answer);
  session.answers.insert_or_assign(caller.number, std::move(answer));
}

void Shard::Parts::record_answer(Session& session, Number number, KeptAnswer& answer) {
  session.durable = true;
  if (session.collecting == nullptr) {
    auto made = std::make_unique<AnswerBatch>();
    made->sequence = answer.sequence;
    session.collecting = made.get();
    session.batches.emplace(made->sequence, std::move(made));
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
      effects->batch.put(record::answers_key(config.shard, session->id, batch.sequence),
                         record::finish_answers(session->collected_count, session->collected));
      batch.written = true;
    } else {
      session->batches.erase(batch.sequence);
    }
    session->collecting = nullptr;
    session->collected.clear();
    session->collected_count = 0;
  }
  collecting.clear();
}

Answer Shard::Parts::answer_again(Session& session, Number number, const KeptAnswer& kept) {
  Answer answer;
  answer.sequence = kept.sequence;
  if (session.durable) {  // it may have been asked for again before it was durable
    answer.mark = Mark::kSynced;
    answer.batch = effects->batch_number;
    write_session(session);
  }
  if (kept.kind == record::AnswerKind::kOut) {
    answer.what = OutAnswer{kept.ttl};
    return answer;
  }
  if (kept.kind == record::AnswerKind::kAtomic) {
    return atomic_again(number, kept, std::move(answer));
  }
  if (kept.kind == record::AnswerKind::kCollect) {
    answer.what = collect_again(kept);
    return answer;
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

std::vector<Number> Shard::Parts::answered_in(const Session& session, const NumberRange& range) {
  std::vector<Number> numbers;
  if (range.last < range.first) return numbers;
  if (range.last - range.first <= session.answers.size()) {
    for (uint64_t i = 0; i <= range.last - range.first; ++i) {
      if (session.answers.contains(range.first + i)) numbers.push_back(range.first + i);
    }
    return numbers;
  }
  for (const auto& [number, kept] : session.answers) {
    if (range.first <= number && number <= range.last) numbers.push_back(number);
  }
  return numbers;
}

void Shard::Parts::confirm_ranges(Session& session, const std::vector<NumberRange>& ranges) {
  std::vector<HeldTuple> none;
  for (const NumberRange& range : ranges) {
    for (const Number number : answered_in(session, range)) {
      forget_answer(session, number, false, none);
    }
  }
}

void Shard::Parts::return_ranges(Session& session, const std::vector<NumberRange>& ranges) {
  std::vector<HeldTuple> returned;
  std::vector<Sequence> batches;
  for (const NumberRange& range : ranges) {
    for (const Number number : answered_in(session, range)) {
      const AnswerBatch* batch = session.answers.at(number).batch;
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
  std::map<Number, const KeptAnswer*> left;
  for (const auto& [number, kept] : session.answers) {
    if (kept.batch == found->second.get()) left.emplace(number, &kept);
  }
  std::string body;
  for (const auto& [number, kept] : left) record::append(spelled(number, *kept), body);
  const auto count = static_cast<uint32_t>(left.size());
  if (session.collecting == found->second.get()) {
    session.collected = std::move(body);
    session.collected_count = count;
  } else {
    effects->batch.put(record::answers_key(config.shard, session.id, sequence),
                       record::finish_answers(count, body));
  }
}

// What was taken is either gone for good, or appended to `returned`, no longer held.
void Shard::Parts::forget_answer(Session& session, Number number, bool give_back,
                                 std::vector<HeldTuple>& returned) {
  const auto found = session.answers.find(number);
  if (found == session.answers.end()) return;
  KeptAnswer& kept = found->second;
  for (const HeldTuple& held : kept.tuples) {
    const auto at = spaces.find(held.space);
    if (at == spaces.end()) continue;  // dropped meanwhile
    Space& space = *at->second;
    space.erase_held(held.slot);
    if (give_back) {
      returned.push_back(held);
      continue;
    }
    if (space.durability != Durability::kMemory) {  // nobody waits for this to be durable
      effects->batch.erase(record::TupleKey(config.shard, held.space, held.id).view());
    }
    space.free(held.slot);
  }
  session.unconfirmed_bytes -= kept.bytes;
  if (AnswerBatch* batch = kept.batch;
      batch != nullptr && --batch->unconfirmed == 0 && batch->written) {
    effects->batch.erase(record::answers_key(config.shard, session.id, batch->sequence));
    session.batches.erase(batch->sequence);
  }
  session.answers.erase(found);
}

// Oldest first: they are offered as they would have come.
void Shard::Parts::give_back(std::vector<HeldTuple> returned) {
  std::sort(returned.begin(), returned.end(),
            [](const HeldTuple& a, const HeldTuple& b) { return a.id < b.id; });
  for (const HeldTuple& held : returned) {
    Space& space = *spaces.at(held.space);
    Entry& entry = space.slab[held.slot];
    entry.attempt = std::min<uint64_t>(entry.attempt + 1, UINT16_MAX);
    ++figures.given_back;
    next_sequence();
    if (space.is_expired(held.slot, now)) {
      expire(space, held.slot);
    } else {
      become_available(space, held.slot, OnDisk::kStale);
    }
  }
}

}  // namespace tuplespace
