// All matches moved or copied to another space, at one instant.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

std::string context(const Collect& collect) {
  return fmt::format("{} of space \"{}\" into \"{}\": ",
                     collect.remove ? "collect" : "copy_collect", collect.space, collect.into);
}

Status check_names(const Collect& collect) {
  TS_RETURN_IF_ERROR(refuse_references(collect.wanted));
  if (!is_space_name(collect.into)) return bad_space_name(collect.into);
  if (collect.into != collect.space) return {};
  return invalid(context(collect) + "they are the same space; name another", "into");
}

}  // namespace

void Shard::Parts::collect(Operation& operation) {
  if (!admit(operation)) return;
  const Collect& collect = std::get<Collect>(operation.what);
  if (Status status = check_names(collect); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  Space* from = find_space(collect.space);
  if (from == nullptr || !from->exists) return refuse(operation.reply, no_space(collect.space));
  const Plan plan = plan_of(collect.wanted, config.seed);
  SearchRequest request;
  request.wanted = &collect.wanted;
  request.plan = &plan;
  request.order = Order::kOldest;
  request.field = 0;
  request.max = config.effects_max + 1;
  request.bytes_max = SIZE_MAX;
  request.candidates_max = config.examine_max;
  request.now = now;
  if (collect.remove) request.locks = &locks;
  Cursor cursor;
  const auto no_draw = [](uint64_t) { return uint64_t{0}; };
  SearchResult found = search(*from, request, cursor, no_draw);
  const bool index_is_built = !found.building;
  if (found.building) {
    building.push_back(from->id());
    request.may_build = false;  // it must be done now: with what there is
    found = search(*from, request, cursor, no_draw);
  }
  figures.candidates += found.examined;
  if (found.found.size() > config.effects_max) {
    return refuse(operation.reply,
                  exhausted(context(collect) +
                                fmt::format("more than effects_max {} tuples match {}; ask for "
                                            "fewer at once",
                                            config.effects_max, to_text(collect.wanted)),
                            "effects_max", false));
  }
  if (!found.finished) {
    return refuse(
        operation.reply,
        exhausted(context(collect) +
                      fmt::format("{} needs more tuples looked at than examine_max {}; bind a "
                                  "field by value or type{}",
                                  to_text(collect.wanted), config.examine_max,
                                  index_is_built ? "" : ", or ask again when its index is built"),
                  "examine_max", !index_is_built));
  }
  if (collect.remove) {
    const auto is_locked = [&](Slot slot) { return from->slab[slot].locked != 0; };
    found.found.erase(std::remove_if(found.found.begin(), found.found.end(), is_locked),
                      found.found.end());
  }
  if (Status status = check_collected(collect, *from, found.found); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  CollectAnswer collected;
  collected.count = found.found.size();
  Answer answer = about(*from);
  if (collected.count > 0) {
    const Sequence instant = next_sequence();
    Space& into = **space_to_put(collect.into);
    const bool took = collect.remove && from->durability != Durability::kMemory;
    const bool durable = took || into.durability != Durability::kMemory;
    // Whoever is served rests on what was moved, and on the answer's record.
    const bool leaves_a_trace = took || (durable && operation.caller.number != 0);
    if (leaves_a_trace && into.durability != Durability::kMemory) touch(into);
    together = true;
    for (const Slot slot : found.found) move_into(*from, slot, into, collect.remove);
    together = false;
    if (operation.caller.number != 0) {
      Session& session = *session_of(operation.caller);
      KeptAnswer& kept = session.answers.insert(operation.caller.number);
      kept.hash = operation.caller.hash;
      kept.kind = record::AnswerKind::kCollect;
      kept.sequence = instant;
      record::append_integer(kept.detail, collected.count);
      keep(session, operation.caller.number, kept, durable);
    }
    answer = about(*from);
    answer.sequence = instant;
    answer.mark = std::max(answer.mark, into.mark());
    if (into.mark() != Mark::kNone) answer.batch = std::max(answer.batch, into.last_batch);
    if (answer.batch == effects->batch_number) effects->mark = std::max(effects->mark, answer.mark);
  }
  answer.what = collected;
  reply(operation.reply, std::move(answer));
}

// Whether all of them may be put, before one is.
Status Shard::Parts::check_collected(const Collect& collect, const Space& from,
                                     const Slots& slots) const {
  if (slots.empty()) return {};
  const auto found = by_name.find(collect.into);
  const Space* into = found == by_name.end() ? nullptr : found->second;
  if (into == nullptr || !into->exists) TS_RETURN_IF_ERROR(check_creation(collect.into, 0));
  Coming coming;
  for (const Slot slot : slots) {
    const Tuple& tuple = from.slab[slot].tuple;
    const auto bytes = static_cast<int64_t>(tuple.footprint());
    if (collect.remove) {  // it makes room where it was
      --coming.tuples;
      coming.bytes -= bytes;
    }
    TS_RETURN_IF_ERROR(check_put({collect.into, {}, {}, {}, false}, tuple, into, coming));
    ++coming.tuples;
    ++coming.in_space;
    coming.bytes += bytes;
  }
  return {};
}

// Gives a tuple, or a copy of it, a new place in another space; its time goes on as it was.
void Shard::Parts::move_into(Space& from, Slot slot, Space& into, bool remove) {
  const Entry& entry = from.slab[slot];
  const Tuple tuple = entry.tuple;
  const uint64_t attempt = remove ? entry.attempt : 0;
  Due due;
  due.expires_at = from.slab.due(entry).expires_at;
  if (remove) {
    due.bound = from.slab.due(entry).bound;
    tell(from, EventKind::kIn, slot);
    from.erase_available(slot);
    erase_tuple(from, entry.id);
    forget_tuple(from, slot, Fate::kTaken);
    ++figures.takes;
  }
  ++figures.outs;
  put_new(into, tuple, next_sequence(), due, attempt);
}

CollectAnswer Shard::Parts::collect_again(const KeptAnswer& kept) {
  CollectAnswer collected;
  std::string_view detail = kept.detail;
  collected.count = record::take_integer<uint64_t>(detail);
  return collected;
}

}  // namespace tuplespace
