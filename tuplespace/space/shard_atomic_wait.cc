// Atomics that wait: in line with those that wait for the same, looked at when something changed
// that can matter, served in their turn among the takers.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"

namespace tuplespace {

void Shard::Parts::park_atomic(Operation& operation, bool building_index) {
  if (waits.size() >= config.waiters_max) {
    return refuse(operation.reply,
                  exhausted(fmt::format("atomic: {} operations wait, waiters_max is {}",
                                        waits.size(), config.waiters_max),
                            "waiters_max"));
  }
  auto wait = std::make_unique<Wait>();
  wait->kind = Wait::Kind::kAtomic;
  wait->id = next_wait++;
  wait->atomic = std::move(std::get<Atomic>(operation.what));
  wait->caller = std::move(operation.caller);
  wait->reply = operation.reply;
  wait->since = now;
  if (wait->atomic.wait && !wait->probe()) {
    wait->deadline = *wait->atomic.wait > kNever - now ? kNever : now + *wait->atomic.wait;
  }
  Result<AtomicGroup*> group = group_for(*wait);
  if (!group.ok()) return refuse(wait->reply, group.status());
  wait->line = (*group)->id;
  (*group)->awake.insert(wait->id);
  ++(*group)->waits;
  (*group)->probes += wait->probe();
  for (const uint32_t space : (*group)->spaces) ++interests_of(*spaces.at(space)).waits;
  if (building_index) wait_for_index(**group);
  enroll(std::move(wait));
}

// The line of those who wait for the same as `wait`, made if it is the first.
Result<AtomicGroup*> Shard::Parts::group_for(const Wait& wait) {
  std::string conditions = conditions_of(*wait.atomic.alternatives);
  if (const auto found = group_by_conditions.find(conditions); found != group_by_conditions.end()) {
    return groups.at(found->second).get();
  }
  auto made = std::make_unique<AtomicGroup>();
  AtomicGroup& group = *made;
  group.id = wait.id;
  for (const std::string& name : spaces_of_conditions(*wait.atomic.alternatives)) {
    Space& space = space_to_wait_for(name);
    interests_of(space);
    group.spaces.push_back(space.id());
  }
  for (Concern& concern : concerns_of(*wait.atomic.alternatives)) {
    Space& space = space_to_wait_for(concern.space);
    AtomicGroup::Interest interest{std::make_unique<Wait>(), concern.leaving};
    Wait& filed = *interest.filed;
    filed.kind = Wait::Kind::kAtomic;
    filed.line = group.id;
    filed.space = space.id();
    filed.take.remove = false;  // each one that matches is told
    filed.take.wanted = std::move(concern.wanted);
    filed.filing.plan = plan_of(filed.take.wanted, config.seed);
    AtomicInterests& interests = interests_of(space);
    Status status = (concern.leaving ? interests.leaving : interests.arriving).add(filed);
    if (!status.ok()) {
      unfile(group);
      return status;
    }
    group.interests.push_back(std::move(interest));
  }
  group.conditions = conditions;
  group_by_conditions.emplace(std::move(conditions), group.id);
  groups.emplace(group.id, std::move(made));
  return &group;
}

AtomicInterests& Shard::Parts::interests_of(Space& space) {
  if (space.interests == nullptr) {
    space.interests =
        std::make_unique<AtomicInterests>(config.seed, config.residual_waiters_max, changes);
  }
  return *space.interests;
}

// Nobody waits for it any more.
void Shard::Parts::unfile(AtomicGroup& group) {
  for (AtomicGroup::Interest& interest : group.interests) {
    AtomicInterests& interests = *spaces.at(interest.filed->space)->interests;
    (interest.leaving ? interests.leaving : interests.arriving).remove(*interest.filed);
  }
  group.interests.clear();
  for (const uint32_t id : group.spaces) {
    Space& space = *spaces.at(id);
    if (space.interests->waits > 0) continue;  // another group's
    space.interests.reset();
    forget_if_unused(space);
  }
}

void Shard::Parts::end_atomic(Wait& wait) {
  AtomicGroup& group = *groups.at(wait.line);
  group.awake.erase(wait.id);
  group.probes -= wait.probe();
  for (const uint32_t space : group.spaces) --spaces.at(space)->interests->waits;
  if (--group.waits == 0) {
    unfile(group);
    group_by_conditions.erase(group.conditions);
    groups.erase(wait.line);
  }
  dismiss(wait);
}

void Shard::Parts::suspend_atomic(const Wait& wait) { groups.at(wait.line)->awake.erase(wait.id); }

// Its session is back, and offered what came meanwhile.
void Shard::Parts::resume_atomic(Wait& wait) {
  AtomicGroup& group = *groups.at(wait.line);
  group.awake.insert(wait.id);
  if (!wait.probe() && *group.awake.begin() != wait.id) return;  // others are before it in vain
  Status refusal;
  switch (try_atomic(wait.atomic, wait.caller, wait.reply, refusal)) {
    case Tried::kDone: break;
    case Tried::kRefused: refuse(wait.reply, std::move(refusal)); break;
    case Tried::kBuilding: return wait_for_index(group);
    case Tried::kCannot:
      if (!wait.probe()) return;
      nothing_happened(wait.atomic, wait.reply, Ended::kNone);
      break;
  }
  ++changes.count;
  end_atomic(wait);
}

void Shard::Parts::wait_for_index(AtomicGroup& group) {
  if (group.building) return;
  group.building = true;
  groups_building.push_back(group.id);
}

// Those that waited for an index look again. True while some still do.
bool Shard::Parts::continue_atomics() {
  for (const uint64_t id : std::exchange(groups_building, {})) {
    const auto found = groups.find(id);
    if (found == groups.end()) continue;
    found->second->building = false;
    found->second->failed_at = 0;
    while (try_group(id)) {
    }
    may_be_deadlock();
  }
  return !groups_building.empty();
}

// Lets the first in line happen, if it can. False: it cannot, so neither can those behind it.
bool Shard::Parts::try_group(uint64_t id) {
  const auto found = groups.find(id);
  if (found == groups.end() || found->second->awake.empty()) return false;
  AtomicGroup& group = *found->second;
  if (group.building || group.failed_at == changes.count) return false;
  Wait& first = *waits.at(*group.awake.begin());
  Status refusal;
  switch (try_atomic(first.atomic, first.caller, first.reply, refusal)) {
    case Tried::kDone:
      ++changes.count;
      end_atomic(first);
      return true;
    case Tried::kBuilding: wait_for_index(group); return false;
    case Tried::kCannot:
      group.failed_at = changes.count;
      if (group.probes == 0) return false;
      break;
    case Tried::kRefused: break;  // and so are all of them
  }
  const std::vector<uint64_t> line(group.awake.begin(), group.awake.end());
  for (const uint64_t id_of_wait : line) {
    Wait& wait = *waits.at(id_of_wait);
    if (!refusal.ok()) {
      refuse(wait.reply, refusal);
    } else if (wait.probe()) {
      nothing_happened(wait.atomic, wait.reply, Ended::kNone);
    } else {
      continue;
    }
    end_atomic(wait);
  }
  return false;
}

// A tuple that somebody may wait for with an atomic: it joins the available ones, readers are
// served at once, takers and atomics in their turn (serve_changes). `print` is its fingerprint.
void Shard::Parts::arrive(Space& space, Slot slot, const Tuple& tuple, OnDisk on_disk) {
  const Sequence id = space.slab[slot].id;
  if (on_disk != OnDisk::kYes) put_tuple(space, slot);
  space.insert_available(slot, print);
  ++changes.count;
  changes.arrivals.push_back({space.id(), slot, id});
  space.waiters.offer(space, tuple.bytes(), id, print, served);
  const Waiters::Served all = std::exchange(served, {});
  for (Wait* reader : all.readers) {
    complete_with(space, Asker(*reader), slot, OnDisk::kYes);
    end_wait(*reader);
  }
}

// True if an atomic waits for a tuple like this, or for one before it that is not served yet.
// `print` is its fingerprint.
bool Shard::Parts::concerns_atomics(Space& space, std::string_view tuple_bytes) {
  if (!changes.arrivals.empty()) return true;
  if (space.interests == nullptr || space.interests->arriving.size() == 0) return false;
  space.interests->arriving.offer(space, tuple_bytes, 0, print, served);
  return !served.readers.empty();
}

// The groups that are interested in a tuple, the one whose first waits longest in front.
std::vector<std::pair<uint64_t, uint64_t>> Shard::Parts::interested(Space& space,
                                                                    const Waiters& filed,
                                                                    std::string_view tuple_bytes) {
  std::vector<std::pair<uint64_t, uint64_t>> found;
  print.reset(tuple_bytes);
  filed.offer(space, tuple_bytes, 0, print, served);
  for (const Wait* interest : served.readers) {
    const AtomicGroup& group = *groups.at(interest->line);
    if (!group.awake.empty()) found.emplace_back(*group.awake.begin(), group.id);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

// Serves what has changed until nothing more happens. What an atomic puts is behind what came
// before.
void Shard::Parts::serve_changes() {
  while (!changes.empty()) {
    if (changes.arrivals.empty()) {
      serve_departures();
    } else if (!serve_arrival(Arrival(changes.arrivals.front()))) {
      changes.arrivals.pop_front();
    }
  }
}

// Offers a tuple to takers and atomics in order of arrival. True: an atomic happened, the tuple
// may still be there.
bool Shard::Parts::serve_arrival(const Arrival& arrival) {
  const auto found = spaces.find(arrival.space);
  if (found == spaces.end()) return false;
  Space& space = *found->second;
  const Entry& entry = space.slab[arrival.slot];
  if (entry.id != arrival.id || entry.state() != Presence::kAvailable) return false;
  const Tuple tuple = entry.tuple;
  std::vector<std::pair<uint64_t, uint64_t>> atomics;
  if (space.interests != nullptr)
    atomics = interested(space, space.interests->arriving, tuple.bytes());
  print.reset(tuple.bytes());
  space.waiters.offer(space, tuple.bytes(), arrival.id, print, served);
  Wait* const taker = allowed_taker(served.taker, space, arrival.slot);
  for (const auto& [first, group] : atomics) {
    if (taker != nullptr && taker->id < first) break;
    if (try_group(group)) return true;
  }
  if (taker == nullptr) return false;
  space.erase_available(arrival.slot);
  complete_with(space, Asker(*taker), arrival.slot, OnDisk::kYes);
  end_wait(*taker);
  return false;
}

// Lets one atomic happen that waited for a tuple to leave, or finds that none can.
void Shard::Parts::serve_departures() {
  for (const Departure& departure : std::exchange(changes.departures, {})) {
    const auto found = spaces.find(departure.space);
    if (found == spaces.end() || found->second->interests == nullptr) continue;
    for (const auto& [first, group] :
         interested(*found->second, found->second->interests->leaving, departure.tuple.bytes())) {
      changes.concerned.insert(group);
    }
  }
  std::vector<std::pair<uint64_t, uint64_t>> line;
  for (const uint64_t id : changes.concerned) {
    const auto group = groups.find(id);
    if (group == groups.end() || group->second->awake.empty()) continue;
    line.emplace_back(*group->second->awake.begin(), id);
  }
  std::sort(line.begin(), line.end());
  for (const auto& [first, group] : line) {
    if (try_group(group)) return;  // what it changed is served first
    changes.concerned.erase(group);
  }
  changes.concerned.clear();
}

// Ends the atomics whose conditions name a space.
void Shard::Parts::end_atomics_of(const Space& space, const Status& status) {
  std::vector<uint64_t> ending;
  for (const auto& [id, wait] : waits) {
    if (wait->kind != Wait::Kind::kAtomic) continue;
    const std::vector<uint32_t>& named = groups.at(wait->line)->spaces;
    if (std::find(named.begin(), named.end(), space.id()) != named.end()) ending.push_back(id);
  }
  std::sort(ending.begin(), ending.end());
  for (const uint64_t id : ending) {
    Wait& wait = *waits.at(id);
    refuse(wait.reply, status);
    end_atomic(wait);
  }
}

}  // namespace tuplespace
