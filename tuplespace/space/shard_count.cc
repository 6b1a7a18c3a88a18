// Counts and scans of a shard.
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/counting.h"
#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

constexpr uint32_t kPage = 1000;  // tuples of a scan's page unless asked otherwise

}  // namespace

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
  if (!collected.empty()) note_handles(operation.caller, page.tuples);
  page.next = result.finished ? 0 : cursor.place;
  Answer answer = about(*space);
  answer.what = std::move(page);
  reply(operation.reply, std::move(answer));
}

}  // namespace tuplespace
