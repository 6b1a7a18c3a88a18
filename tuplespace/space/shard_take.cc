// Reads, takes, waits, counts and scans of a shard.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/counting.h"
#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

constexpr size_t kAnswerBytesMax = 1 << 20;  // of tuples after the first, so answers fit a frame
constexpr uint32_t kPage = 1000;             // tuples of a scan's page unless asked otherwise

const char* verb(const Take& take) { return take.remove ? "in" : "rd"; }

// For people: "in of space "jobs"".
std::string what_waits(const Wait& wait) {
  if (wait.kind == Wait::Kind::kAtomic) return "atomic";
  return fmt::format("{} of space \"{}\"", verb(wait.take), wait.take.space);
}

const std::vector<Template>& any_of(const Take& take) {
  static const std::vector<Template> kNone;
  return take.extras != nullptr ? take.extras->any_of : kNone;
}

// Which of several templates each tuple matched, as an answer's record spells it.
std::string spell_matched(const std::vector<Found>& tuples) {
  std::string spelled;
  for (const Found& found : tuples) {
    for (int shift = 0; shift < 32; shift += 8) {
      spelled += static_cast<char>(found.matched >> shift);
    }
  }
  return spelled;
}

}  // namespace

Status Shard::Parts::check_take(Take& take, const Space* space, Order* order,
                                uint32_t* field) const {
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
  *order = take.choice.order;
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

SearchResult Shard::Parts::search_for(Space& space, const Wait& wait, Cursor& cursor,
                                      size_t candidates) {
  SearchRequest request;
  request.wanted = &wait.take.wanted;
  request.plan = &wait.filing.plan;
  for (size_t i = 0; i < wait.further.size(); ++i) {
    request.further.push_back({&wait.take.extras->any_of[i], &wait.further[i].plan});
  }
  request.order = wait.order;
  request.field = wait.field;
  request.max = wait.take.max;
  request.bytes_max = kAnswerBytesMax;
  request.candidates_max = candidates;
  request.now = now;
  SearchResult result = search(space, request, cursor, [this](uint64_t n) { return draw(n); });
  figures.candidates += result.examined;
  if (result.building &&
      std::find(building.begin(), building.end(), space.id()) == building.end()) {
    building.push_back(space.id());
  }
  return result;
}

void Shard::Parts::take(Operation& operation) {
  if (!admit(operation)) return;
  Take& take = std::get<Take>(operation.what);
  Space* space = find_space(take.space);
  Wait wait;
  if (Status status = check_take(take, space, &wait.order, &wait.field); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  const bool probe = take.wait && *take.wait == 0;
  wait.take = std::move(take);
  wait.caller = std::move(operation.caller);
  wait.reply = operation.reply;
  wait.since = now;
  if (wait.take.wait && !probe) {
    wait.deadline = *wait.take.wait > kNever - now ? kNever : now + *wait.take.wait;
  }
  const bool by_field = wait.order == Order::kLeast || wait.order == Order::kGreatest;
  const int apart = by_field ? static_cast<int>(wait.field) : -1;
  wait.filing.plan = plan_of(wait.take.wanted, config.seed, apart);
  for (const Template& further : any_of(wait.take)) {
    wait.further.push_back({plan_of(further, config.seed, apart), 0, {}});
  }
  if (space == nullptr && probe) {
    if (!is_space_name(wait.take.space)) {
      return refuse(wait.reply, bad_space_name(wait.take.space));
    }
    ++figures.misses;
    Answer answer;
    answer.sequence = last;
    TakeAnswer nothing;
    nothing.ended = Ended::kNone;
    nothing.remove = wait.take.remove;
    answer.what = std::move(nothing);
    return reply(wait.reply, std::move(answer));
  }
  if (space != nullptr) {
    wait.space = space->id();
    const SearchResult result = search_for(*space, wait, wait.cursor, config.slice_candidates);
    if (!result.found.empty()) return complete(*space, wait, result.found, true, OnDisk::kYes);
    if (result.no_room) return refuse(wait.reply, no_room(wait));
    if (result.finished && probe) return answer_nothing(wait, Ended::kNone);
    wait.searching = !result.finished;
    if (wait.searching) ++figures.sliced;
  }
  if (waits.size() >= config.waiters_max) {
    return refuse(wait.reply, exhausted(fmt::format("{} of space \"{}\": {} operations wait, "
                                                    "waiters_max is {}",
                                                    verb(wait.take), wait.take.space, waits.size(),
                                                    config.waiters_max),
                                        "waiters_max"));
  }
  if (space == nullptr) {
    if (!is_space_name(wait.take.space)) {
      return refuse(wait.reply, bad_space_name(wait.take.space));
    }
    space = &space_to_wait_for(wait.take.space);
  }
  park(*space, std::make_unique<Wait>(std::move(wait)));
}

Status Shard::Parts::no_room(const Wait& wait) const {
  return exhausted(fmt::format("{} of space \"{}\": least and greatest need an index, and "
                               "indexes_max {} are in use; ask fewer different questions",
                               verb(wait.take), wait.take.space, config.indexes_max),
                   "indexes_max");
}

void Shard::Parts::park(Space& space, std::unique_ptr<Wait> wait) {
  wait->id = next_wait++;
  wait->space = space.id();
  if (Status status = space.waiters.add(*wait); !status.ok()) {
    refuse(wait->reply, std::move(status));
    return forget_if_unused(space);
  }
  if (wait->searching) unfinished.push_back(wait->id);
  enroll(std::move(wait));
}

// From now on it is known by its id, to its session, and to whoever cancels it.
void Shard::Parts::enroll(std::unique_ptr<Wait> wait) {
  if (wait->caller.number != 0) {
    session_of(wait->caller)->waits[wait->caller.number] = wait->id;
  } else if (wait->reply.receiver != 0) {
    waits_by_reply[{wait->reply.receiver, wait->reply.token}] = wait->id;
  }
  if (wait->deadline != kNever) wheel.add({wait->deadline, Timer::Kind::kWait, wait->id, 0, 0});
  waits.emplace(wait->id, std::move(wait));
}

void Shard::Parts::end_wait(Wait& wait) {
  if (wait.kind == Wait::Kind::kAtomic) return end_atomic(wait);
  Space& space = *spaces.at(wait.space);
  space.waiters.remove(wait);
  dismiss(wait);
  forget_if_unused(space);
}

// Undoes enroll().
void Shard::Parts::dismiss(Wait& wait) {
  if (wait.caller.number != 0) {
    if (Session* session = session_of(wait.caller)) session->waits.erase(wait.caller.number);
  } else {
    waits_by_reply.erase({wait.reply.receiver, wait.reply.token});
  }
  waits.erase(wait.id);
}

void Shard::end_waits(std::string_view space, const Status& status, Effects& effects) {
  parts_->effects = &effects;
  std::vector<uint64_t> ending;
  if (Space* named = parts_->find_space(space); named != nullptr) {
    parts_->end_atomics_of(*named, status);
  }
  for (const auto& [id, wait] : parts_->waits) {
    if (space.empty() || wait->take.space == space) ending.push_back(id);
  }
  std::sort(ending.begin(), ending.end());
  for (const uint64_t id : ending) {
    Wait& wait = *parts_->waits.at(id);
    parts_->refuse(wait.reply, status);
    parts_->end_wait(wait);
  }
}

void Shard::Parts::complete(Space& space, const Wait& wait, const Slots& slots, bool available,
                            OnDisk on_disk) {
  const bool remove = wait.take.remove;
  const bool hold = remove && wait.caller.number != 0;
  (remove ? figures.takes : figures.reads) += slots.size();
  const Sequence instant = remove ? next_sequence() : last;
  TakeAnswer found;
  found.remove = remove;
  found.tuples.reserve(slots.size());
  KeptAnswer kept;
  for (const Slot slot : slots) {
    const Entry& entry = space.slab[slot];
    found.tuples.push_back({entry.id, entry.tuple, static_cast<uint32_t>(entry.attempt)});
    if (!wait.further.empty()) {
      found.tuples.back().matched = static_cast<uint32_t>(wait.matched(entry.tuple.bytes()));
    }
    if (!remove) continue;
    if (available) space.erase_available(slot);
    if (hold) {
      space.insert_held(slot);
      kept.tuples.push_back({space.id(), slot, entry.id});
      kept.bytes += entry.tuple.footprint();
    } else {
      if (on_disk != OnDisk::kNo) erase_tuple(space, entry.id);
      space.free(slot);
    }
  }
  if (hold) {
    kept.hash = wait.caller.hash;
    kept.kind = record::AnswerKind::kTake;
    if (!wait.further.empty()) {
      kept.kind = record::AnswerKind::kTakeAnyOf;
      kept.detail = spell_matched(found.tuples);
    }
    kept.sequence = instant;
    const bool durable = space.durability != Durability::kMemory;
    keep(wait.caller, std::move(kept), durable);
    if (durable) touch(space);
  }
  Answer answer = about(space);
  answer.sequence = instant;
  answer.what = std::move(found);
  reply(wait.reply, std::move(answer));
}

void Shard::Parts::read_matched(std::string_view spelled, std::vector<Found>& tuples) {
  for (size_t i = 0; i < tuples.size() && 4 * i + 4 <= spelled.size(); ++i) {
    for (size_t byte = 4; byte-- > 0;) {
      tuples[i].matched = tuples[i].matched << 8 | static_cast<uint8_t>(spelled[4 * i + byte]);
    }
  }
}

void Shard::Parts::answer_nothing(const Wait& wait, Ended ended) {
  if (wait.kind == Wait::Kind::kAtomic) return nothing_happened(wait.atomic, wait.reply, ended);
  const Space& space = *spaces.at(wait.space);
  ++figures.misses;
  Answer answer = about(space);
  TakeAnswer nothing;
  nothing.ended = ended;
  nothing.remove = wait.take.remove;
  if (ended == Ended::kNone) {
    nothing.held = held_for(space, wait);
  }
  answer.what = std::move(nothing);
  reply(wait.reply, std::move(answer));
}

// How many held tuples a probe would have found; the oldest tell.
uint64_t Shard::Parts::held_for(const Space& space, const Wait& wait) const {
  if (wait.further.empty()) {
    return count_listed(space, space.held, wait.take.wanted, config.slice_candidates);
  }
  uint64_t matching = 0;
  size_t left = config.slice_candidates;
  for (auto at = space.held.begin(); at != space.held.end() && left > 0; --left) {
    const std::string_view bytes = space.slab[space.held.at(at)].tuple.bytes();
    matching += wait.matched(bytes) < wait.templates();
    at = space.held.next(at);
  }
  return matching;
}

void Shard::Parts::wait_due(uint64_t id) {
  const auto found = waits.find(id);
  if (found == waits.end() || found->second->deadline > now) return;
  Wait& wait = *found->second;
  if (wait.suspended) return;  // its session learns it when it resumes
  answer_nothing(wait, Ended::kTimeout);
  end_wait(wait);
}

// Returns how many tuples it looked at.
size_t Shard::Parts::continue_search(Wait& wait) {
  Space& space = *spaces.at(wait.space);
  const SearchResult result = search_for(space, wait, wait.cursor, config.slice_candidates);
  if (!result.found.empty()) {
    complete(space, wait, result.found, true, OnDisk::kYes);
    end_wait(wait);
  } else if (result.no_room) {
    refuse(wait.reply, no_room(wait));
    end_wait(wait);
  } else if (!result.finished) {
    unfinished.push_back(wait.id);
  } else if (wait.probe()) {
    answer_nothing(wait, Ended::kNone);
    end_wait(wait);
  } else {
    wait.searching = false;
  }
  return result.examined;
}

void Shard::Parts::cancel(const Cancel& cancel) {
  uint64_t id = 0;
  if (cancel.session != 0) {
    const auto session = sessions.find(cancel.session);
    if (session == sessions.end()) return;
    const auto wait = session->second->waits.find(cancel.number);
    if (wait == session->second->waits.end()) return;  // it has had its answer
    id = wait->second;
  } else {
    const auto wait = waits_by_reply.find({cancel.reply.receiver, cancel.reply.token});
    if (wait == waits_by_reply.end()) return;
    id = wait->second;
  }
  Wait& wait = *waits.at(id);
  refuse(wait.reply, {Code::kCancelled, what_waits(wait) + " was cancelled"});
  end_wait(wait);
}

void Shard::Parts::count(Operation& operation) {
  if (!admit(operation)) return;
  const Count& count = std::get<Count>(operation.what);
  if (Status status = refuse_references(count.wanted); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  Space* space = find_space(count.space);
  if (space == nullptr || !space->exists) return refuse(operation.reply, no_space(count.space));
  const Plan plan = plan_of(count.wanted, config.seed);
  const Counted counted = count_available(*space, count.wanted, plan, now, config.examine_max);
  if (counted.building) building.push_back(space->id());
  if (counted.too_many) {
    return refuse(
        operation.reply,
        exhausted(
            fmt::format("count of space \"{}\": {} needs {} or more tuples looked at, "
                        "examine_max is {}; bind a field by value or type{}",
                        count.space, to_text(count.wanted), counted.examined, config.examine_max,
                        counted.building ? ", or ask again when its index is built" : ""),
            "examine_max", counted.building));
  }
  figures.candidates += counted.examined;
  CountAnswer answered;
  answered.ready = counted.matching;
  answered.held = count_listed(*space, space->held, count.wanted, config.examine_max);
  answered.delayed = count_listed(*space, space->delayed, count.wanted, config.examine_max);
  Answer answer = about(*space);
  answer.what = answered;
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::scan(Operation& operation) {
  if (!admit(operation)) return;
  const Scan& scan = std::get<Scan>(operation.what);
  if (Status status = refuse_references(scan.wanted); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  Space* space = find_space(scan.space);
  if (space == nullptr || !space->exists) return refuse(operation.reply, no_space(scan.space));
  const Plan plan = plan_of(scan.wanted, config.seed);
  ScanAnswer page;
  page.until = scan.until != 0 ? scan.until : last;
  Cursor cursor;
  cursor.started = scan.after != 0;
  cursor.place = scan.after;
  SearchRequest request;
  request.wanted = &scan.wanted;
  request.plan = &plan;
  request.order = Order::kOldest;
  request.max = scan.max == 0 ? kPage : std::min<size_t>(scan.max, config.take_max);
  request.bytes_max = kAnswerBytesMax;
  request.candidates_max = config.slice_candidates;
  request.now = now;
  request.until = page.until;
  request.may_build = false;
  const SearchResult result = search(*space, request, cursor, [](uint64_t) { return 0; });
  figures.candidates += result.examined;
  for (const Slot slot : result.found) {
    const Entry& entry = space->slab[slot];
    page.tuples.push_back({entry.id, entry.tuple, static_cast<uint32_t>(entry.attempt)});
  }
  page.next = result.finished ? 0 : cursor.place;
  Answer answer = about(*space);
  answer.what = std::move(page);
  reply(operation.reply, std::move(answer));
}

}  // namespace tuplespace
