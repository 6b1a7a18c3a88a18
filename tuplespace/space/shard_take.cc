// Reads, takes and waits of a shard.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/counting.h"
#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

const char* verb(const Take& take) { return take.remove ? "in" : "rd"; }

// The first of its templates that matches; one more than the last, if none does.
uint32_t matched_by(const Take& take, const std::vector<Template>& any_of,
                    std::string_view tuple_bytes) {
  if (take.wanted.matches(tuple_bytes)) return 0;
  uint32_t at = 1;
  for (const Template& further : any_of) {
    if (further.matches(tuple_bytes)) break;
    ++at;
  }
  return at;
}

// Which of several templates each tuple matched, as an answer's record spells it.
std::string spell_matched(const std::vector<Found>& tuples) {
  std::string spelled;
  for (const Found& found : tuples) record::append_integer(spelled, found.matched);
  return spelled;
}

}  // namespace

const std::vector<Template>& Shard::Parts::any_of(const Take& take) {
  static const std::vector<Template> kNone;
  return take.extras != nullptr ? take.extras->any_of : kNone;
}

bool Shard::Parts::may_match(const Take& take, std::string_view tuple_bytes) {
  const std::vector<Template>& further = any_of(take);
  return matched_by(take, further, tuple_bytes) <= further.size();
}

Found Shard::Parts::found_for(const Take& take, const Entry& entry) {
  Found found{entry.id, entry.tuple, static_cast<uint32_t>(entry.attempt)};
  const std::vector<Template>& further = any_of(take);
  if (!further.empty()) found.matched = matched_by(take, further, entry.tuple.bytes());
  return found;
}

Status Shard::Parts::check_extras(const Take& take, int* group) const {
  if (take.extras == nullptr) return {};
  const TakeExtras& extras = *take.extras;
  const auto context = [&] { return fmt::format("{} of space \"{}\": ", verb(take), take.space); };
  if (!take.remove && (extras.hold || extras.group)) {
    return invalid(context() + "only `in` takes, so only `in` has hold and group", "hold");
  }
  if (extras.transaction != 0) {
    if (extras.hold || extras.group) {
      return invalid(context() +
                         "what a transaction takes is its own until it ends: it takes "
                         "without hold and group",
                     "transaction");
    }
    return check_transaction(extras.transaction, take.max);
  }
  if (extras.hold && *extras.hold <= 0) {
    return invalid(context() + fmt::format("hold is {} ms; it must be above 0", *extras.hold),
                   "hold");
  }
  if (extras.hold && holds.size() + take.max > config.holds_max) {
    return exhausted(context() + fmt::format("there are {} holds, holds_max is {}; settle some",
                                             holds.size(), config.holds_max),
                     "holds_max");
  }
  if (!extras.group) return {};
  if (take.max != 1 || !extras.any_of.empty() ||
      (take.choice.order != Order::kDefault && take.choice.order != Order::kOldest)) {
    return invalid(context() + "group takes the oldest one of one template", "group");
  }
  *group = extras.group->name.empty() ? static_cast<int>(extras.group->field)
                                      : take.wanted.field_of_name(extras.group->name);
  if (*group < 0 || static_cast<size_t>(*group) >= take.wanted.fields().size()) {
    return invalid(
        context() + fmt::format("group asks for field {}, which the template {} has not",
                                extras.group->name.empty() ? std::to_string(extras.group->field)
                                                           : "\"" + extras.group->name + "\"",
                                to_text(take.wanted)),
        "group");
  }
  return {};
}

bool Shard::Parts::keeps_what_it_takes(const Wait& wait) {
  const TakeExtras* const extras = wait.take.extras.get();
  return wait.caller.number != 0 ||
         (extras != nullptr && (extras->hold || extras->transaction != 0));
}

Status Shard::Parts::check_take(Take& take, const Space* space, Order* order, uint32_t* field,
                                int* group) const {
  const auto context = [&] { return fmt::format("{} of space \"{}\": ", verb(take), take.space); };
  if (take.wait && *take.wait < 0) {
    return invalid(
        context() + fmt::format("wait is {} ms; it must be 0 (a probe) or more", *take.wait),
        "wait");
  }
  TS_RETURN_IF_ERROR(refuse_references(take.wanted));
  for (const Template& further : any_of(take)) TS_RETURN_IF_ERROR(refuse_references(further));
  if (any_of(take).size() >= config.steps_max) {
    return exhausted(context() + fmt::format("it asks for any of {} templates, steps_max is {}",
                                             any_of(take).size() + 1, config.steps_max),
                     "steps_max", false);
  }
  if (take.max == 0) take.max = 1;
  if (take.max > config.take_max) {
    return exhausted(
        context() + fmt::format("max is {}, take_max is {}", take.max, config.take_max), "take_max",
        false);
  }
  TS_RETURN_IF_ERROR(check_extras(take, group));
  *order = take.choice.order;
  if (*group >= 0) *order = Order::kOldest;
  if (*order == Order::kDefault) *order = space != nullptr ? space->policy.order : Order::kOldest;
  *field = take.choice.field;
  if (*order != Order::kLeast && *order != Order::kGreatest) return {};
  if (!take.choice.field_name.empty()) {
    const int index = take.wanted.field_of_name(take.choice.field_name);
    if (index < 0) {
      return invalid(context() + fmt::format("the template {} binds no field \"{}\"",
                                             to_text(take.wanted), take.choice.field_name),
                     "choice");
    }
    *field = static_cast<uint32_t>(index);
  }
  const auto check_field = [&](const Template& wanted) {
    if (*field < wanted.fields().size()) return Status();
    return invalid(context() + fmt::format("choice asks for field {}, the template {} has fields "
                                           "0 to {}",
                                           *field, to_text(wanted),
                                           static_cast<int>(wanted.fields().size()) - 1),
                   "choice");
  };
  TS_RETURN_IF_ERROR(check_field(take.wanted));
  for (const Template& further : any_of(take)) TS_RETURN_IF_ERROR(check_field(further));
  return {};
}

SearchRequest Shard::Parts::request_for(const Inquiry& inquiry) const {
  SearchRequest request;
  request.wanted = &inquiry.take.wanted;
  request.plan = &inquiry.plan;
  for (size_t i = 0; i < inquiry.further.size(); ++i) {
    request.further.push_back({&inquiry.take.extras->any_of[i], &inquiry.further[i].plan});
  }
  request.order = inquiry.order;
  request.field = inquiry.field;
  request.group = inquiry.group;
  request.max = inquiry.take.max;
  request.bytes_max = kAnswerBytesMax;
  request.candidates_max = config.slice_candidates;
  request.now = now;
  if (inquiry.take.remove) request.locks = &locks;
  request.taker = inquiry.take.transaction();
  return request;
}

SearchResult Shard::Parts::search_for(Space& space, const Inquiry& inquiry, Cursor& cursor) {
  SearchResult result =
      search(space, request_for(inquiry), cursor, [this](uint64_t n) { return draw(n); });
  if (inquiry.take.transaction() != 0) add_written(space, inquiry, result);
  figures.candidates += result.examined;
  if (result.building &&
      std::find(building.begin(), building.end(), space.id()) == building.end()) {
    building.push_back(space.id());
  }
  return result;
}

// What is there already is answered without becoming a Wait.
void Shard::Parts::take(Operation& operation) {
  if (!admit(operation)) return;
  Take& take = std::get<Take>(operation.what);
  Space* space = find_space(take.space);
  Order order;
  uint32_t field;
  int group = -1;
  if (Status status = check_take(take, space, &order, &field, &group); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  const bool probe = take.wait && *take.wait == 0;
  if (space == nullptr && probe) {
    if (!is_space_name(take.space)) return refuse(operation.reply, bad_space_name(take.space));
    ++figures.misses;
    if (take.transaction() != 0) note_none(take);
    Answer answer;
    answer.sequence = last;
    TakeAnswer nothing;
    nothing.ended = Ended::kNone;
    nothing.remove = take.remove;
    answer.what = std::move(nothing);
    return reply(operation.reply, std::move(answer));
  }
  const bool by_field = order == Order::kLeast || order == Order::kGreatest;
  const int apart = by_field ? static_cast<int>(field) : -1;
  const Plan& plan = plans.of(take.wanted, apart);
  std::vector<Filing> further;
  for (const Template& one : any_of(take)) {
    further.push_back({plan_of(one, config.seed, apart), 0, {}});
  }
  Cursor cursor;
  bool searching = false;
  if (space != nullptr) {
    const SearchResult result =
        search_for(*space, Inquiry(take, plan, further, order, field, group), cursor);
    if (!result.found.empty()) {
      return complete(*space, Asker(take, operation.caller, operation.reply), result);
    }
    if (result.no_room) return refuse(operation.reply, no_room(take));
    if (result.finished && probe) {
      return answer_nothing(*space, take, operation.reply, Ended::kNone);
    }
    searching = !result.finished;
    if (searching) ++figures.sliced;
  }
  if (waits.size() >= config.waiters_max) {
    return refuse(operation.reply,
                  exhausted(fmt::format("{} of space \"{}\": {} operations wait, waiters_max is {}",
                                        verb(take), take.space, waits.size(), config.waiters_max),
                            "waiters_max"));
  }
  if (space == nullptr) {
    if (!is_space_name(take.space)) return refuse(operation.reply, bad_space_name(take.space));
    space = &space_to_wait_for(take.space);
  }
  auto wait = std::make_unique<Wait>();
  wait->order = order;
  wait->field = field;
  wait->group = group;
  wait->filing.plan = plan;
  wait->further = std::move(further);
  wait->searching = searching;
  wait->cursor = std::move(cursor);
  wait->caller = std::move(operation.caller);
  wait->reply = operation.reply;
  wait->since = now;
  if (take.wait && !probe) {
    wait->deadline = *take.wait > kNever - now ? kNever : now + *take.wait;
  }
  wait->take = std::move(take);
  park(*space, std::move(wait));
}

Status Shard::Parts::no_room(const Take& take) const {
  return exhausted(fmt::format("{} of space \"{}\": least and greatest need an index, and "
                               "indexes_max {} are in use; ask fewer different questions",
                               verb(take), take.space, config.indexes_max),
                   "indexes_max");
}

void Shard::Parts::complete(Space& space, const Asker& asker, const SearchResult& found) {
  if (asker.take.remove) {
    for (const Slot slot : found.found) {
      if (space.slab[slot].state() == Presence::kWritten) continue;  // by its own transaction
      if (found.hash.question != nullptr) {
        space.erase_available(slot, found.hash.question->fields(), found.hash);
      } else {
        space.erase_available(slot);
      }
    }
  }
  hand_over(space, asker, found.found, OnDisk::kYes);
}

void Shard::Parts::complete_with(Space& space, const Asker& asker, Slot slot, OnDisk on_disk) {
  hand_over(space, asker, {&slot, 1}, on_disk);
}

void Shard::Parts::hand_over(Space& space, const Asker& asker, std::span<const Slot> slots,
                             OnDisk on_disk) {
  if (asker.take.transaction() != 0) return hand_over_under(space, asker, slots);
  const bool remove = asker.take.remove;
  const TakeExtras* const extras = asker.take.extras.get();
  const bool leased = extras != nullptr && extras->hold;
  const bool several = extras != nullptr && !extras->any_of.empty();
  const Duration lease = leased ? std::min(*extras->hold, config.hold_max) : 0;
  const bool hold = remove && asker.caller.number != 0;  // by the session, if it is not leased
  (remove ? figures.takes : figures.reads) += slots.size();
  const Sequence instant = remove ? next_sequence() : last;
  TakeAnswer found;
  found.remove = remove;
  found.tuples.reserve(slots.size());
  Session* const session = hold ? session_of(asker.caller) : nullptr;
  KeptAnswer* const kept = hold ? &session->answers.insert(asker.caller.number) : nullptr;
  for (const Slot slot : slots) {
    const Entry& entry = space.slab[slot];
    found.tuples.push_back(found_for(asker.take, entry));
    if (!remove) continue;
    tell(space, EventKind::kIn, slot);
    if (leased) {
      found.tuples.back().token = hold_tuple(space, slot, lease, asker.caller);
      if (hold) {
        record::append_integer(kept->detail, found.tuples.back().token);
        record::append_integer(kept->detail, found.tuples.back().matched);
      }
    } else if (hold) {
      space.insert_held(slot);
      kept->tuples.push_back({space.id(), slot, entry.id});
      kept->bytes += entry.tuple.footprint();
    } else {
      if (on_disk != OnDisk::kNo) erase_tuple(space, entry.id);
      forget_tuple(space, slot, Fate::kTaken);
    }
  }
  found.hold = lease;
  if (hold) {
    kept->hash = asker.caller.hash;
    kept->kind = leased ? record::AnswerKind::kHold : record::AnswerKind::kTake;
    if (leased) kept->ttl = lease;
    if (!leased && several) {
      kept->kind = record::AnswerKind::kTakeAnyOf;
      kept->detail = spell_matched(found.tuples);
    }
    kept->sequence = instant;
    const bool durable = space.durability != Durability::kMemory;
    keep(*session, asker.caller.number, *kept, durable);
    if (durable) touch(space);
  }
  if (!collected.empty()) note_handles(asker.caller, found.tuples);
  new_answer(asker.reply, space, instant).what = std::move(found);
}

void Shard::Parts::read_matched(std::string_view spelled, std::vector<Found>& tuples) {
  for (Found& found : tuples) found.matched = record::take_integer<uint32_t>(spelled);
}

void Shard::Parts::answer_nothing(const Wait& wait, Ended ended) {
  if (wait.kind == Wait::Kind::kAtomic) return nothing_happened(wait.atomic, wait.reply, ended);
  answer_nothing(*spaces.at(wait.space), wait.take, wait.reply, ended);
}

void Shard::Parts::answer_nothing(const Space& space, const Take& take, ReplyTo to, Ended ended) {
  ++figures.misses;
  Answer answer = about(space);
  TakeAnswer nothing;
  nothing.ended = ended;
  nothing.remove = take.remove;
  if (ended == Ended::kNone) {
    nothing.held = held_for(space, take);
    if (take.transaction() != 0) note_none(take);
  }
  answer.what = std::move(nothing);
  reply(to, std::move(answer));
}

// How many tuples a probe would have found, did nobody hold them; the oldest tell.
uint64_t Shard::Parts::held_for(const Space& space, const Take& take) const {
  uint64_t matching = take.remove && !transactions.empty() ? read_for(space, take) : 0;
  if (any_of(take).empty()) {
    return matching + count_listed(space, space.held, take.wanted, config.slice_candidates);
  }
  size_t left = config.slice_candidates;
  for (auto at = space.held.begin(); at != space.held.end() && left > 0; --left) {
    const std::string_view bytes = space.slab[space.held.at(at)].tuple.bytes();
    matching += may_match(take, bytes);
    at = space.held.next(at);
  }
  return matching;
}

}  // namespace tuplespace
