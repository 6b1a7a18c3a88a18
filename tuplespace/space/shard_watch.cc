// Watchers of a shard: events as they happen, snapshots, and the history to resume from.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

constexpr size_t kPageBytesMax = 1 << 20;  // of tuples after the first, in a page of the past
constexpr size_t kPageMax = 1000;          // tuples of a snapshot's page

}  // namespace

// ---- what happens ----

// An event's number is that of the instant that makes it, unless the instant told one already.
void Shard::Parts::tell_event(Space& space, EventKind kind, Found found) {
  if (last <= settled) next_sequence();
  settled = last;
  ++figures.events;
  const SpaceEvent event{last, kind, std::move(found)};
  Watching& watching = *space.watching;
  if (watching.watchers.size() > 0) {
    const std::string_view bytes = event.found.tuple.bytes();
    event_print.reset(bytes);
    figures.candidates += watching.watchers.find(bytes, event_print, concerned);
    for (Watcher* watcher : concerned) {
      if (watcher->is_told_now(event)) news_of(*watcher).events.push_back(event);
    }
  }
  if (!watching.history) return;
  const Sequence fell_out = watching.history->add(event);
  if (space.durability == Durability::kMemory) return;
  effects->batch.put(record::event_key(config.shard, space.id(), event.sequence),
                     record::encode(event));
  if (fell_out != 0) {
    effects->batch.erase(record::event_key(config.shard, space.id(), fell_out));
  }
  touch(space);
}

// Nobody was told of what was never seen; that a taken one is gone for good says its ttl alone.
void Shard::Parts::tell_end(Space& space, Slot slot, Fate fate) {
  const Entry& entry = space.slab[slot];
  const Presence state = entry.state();
  if ((state == Presence::kDelayed && entry.attempt == 0) || state == Presence::kWritten) return;
  if (state == Presence::kHeld && fate != Fate::kExpired) return;
  tell(space, EventKind::kExpire, slot);
}

WatchAnswer& Shard::Parts::news_of(Watcher& watcher) {
  if (!watcher.has_news) news.push_back(watcher.id);
  watcher.has_news = true;
  return watcher.news;
}

void Shard::Parts::send_news(Watcher& watcher) {
  if (!std::exchange(watcher.has_news, false)) return;
  Answer answer = about(*spaces.at(watcher.space));
  // Before the snapshot is complete there is nothing to resume from.
  answer.sequence = watcher.phase == Watcher::Phase::kLive        ? last
                    : watcher.phase == Watcher::Phase::kReplaying ? watcher.told
                                                                  : 0;
  answer.what = std::exchange(watcher.news, {});
  reply(watcher.reply, std::move(answer));
}

void Shard::Parts::finish_news() {
  for (const uint64_t id : std::exchange(news, {})) {
    if (const auto found = watchers.find(id); found != watchers.end()) send_news(*found->second);
  }
}

// ---- who watches ----

Watching& Shard::Parts::watching_of(Space& space) {
  if (space.watching == nullptr) {
    space.watching = std::make_unique<Watching>(config.seed, config.residual_waiters_max);
  }
  return *space.watching;
}

void Shard::Parts::begin_history(Space& space, Sequence since) {
  if (space.policy.history == 0) return;
  watching_of(space).history.emplace(space.policy.history, used);
  space.watching->history->forget_to(since);
}

Status Shard::Parts::check_watch(const Operation& operation) const {
  const Watch& watch = std::get<Watch>(operation.what);
  if (!is_space_name(watch.space)) return bad_space_name(watch.space);
  const auto context = [&] { return fmt::format("watch of space \"{}\": ", watch.space); };
  if (watchers_by_reply.contains({operation.reply.receiver, operation.reply.token})) {
    return invalid(context() + "its caller watches already under this mark", "reply");
  }
  if (watchers.size() >= config.watchers_max) {
    return exhausted(context() + fmt::format("{} watch already, watchers_max is {}",
                                             watchers.size(), config.watchers_max),
                     "watchers_max");
  }
  return {};
}

void Shard::Parts::watch(Operation& operation) {
  if (operation.reply.receiver == 0) return;  // nobody would hear it
  if (Status status = check_watch(operation); !status.ok()) {
    return refuse(operation.reply, std::move(status));
  }
  auto made = std::make_unique<Watcher>();
  Watcher& watcher = *made;
  watcher.watch = std::move(std::get<Watch>(operation.what));
  watcher.id = next_watcher++;
  watcher.reply = operation.reply;
  watcher.plan = plan_of(watcher.watch.wanted, config.seed);
  Space& space = space_to_wait_for(watcher.watch.space);
  watcher.space = space.id();
  if (Status status = watching_of(space).watchers.add(watcher); !status.ok()) {
    refuse(operation.reply, std::move(status));
    return stop_watching(space);
  }
  watchers_by_reply[{watcher.reply.receiver, watcher.reply.token}] = watcher.id;
  watchers.emplace(watcher.id, std::move(made));
  begin_watcher(space, watcher);
  news_of(watcher);  // it hears at once that it watches
  if (watcher.phase != Watcher::Phase::kLive) catch_up(watcher);
}

void Shard::Parts::begin_watcher(const Space& space, Watcher& watcher) {
  const Watch& watch = watcher.watch;
  const std::optional<History>& history = space.watching->history;
  watcher.phase = watch.snapshot ? Watcher::Phase::kInSnapshot : Watcher::Phase::kLive;
  watcher.until = last;
  if (watch.after == 0) return;
  if (watch.after > last) {  // of another life of this server, or another shard's
    news_of(watcher).gap = {0, last};
    return;
  }
  const Sequence forgotten = history ? history->forgotten_to() : last;
  if (watch.after < forgotten && (watch.snapshot || !history)) {
    news_of(watcher).gap = {watch.after, last};
    return;
  }
  watcher.told = watch.after;  // a gap is told when the replay comes across it
  if (history) watcher.phase = Watcher::Phase::kReplaying;
  if (!history && watch.snapshot) {  // nothing has happened since: there is nothing to show again
    watcher.phase = Watcher::Phase::kLive;
    news_of(watcher).snapshot_end = true;
  }
}

// Tells a slice of the past. Returns how many events or tuples it looked at.
size_t Shard::Parts::catch_up(Watcher& watcher) {
  Space& space = *spaces.at(watcher.space);
  const size_t examined = watcher.phase == Watcher::Phase::kReplaying ? replay(space, watcher)
                                                                      : show_page(space, watcher);
  if (watcher.phase != Watcher::Phase::kLive) {
    catching_up.push_back(watcher.id);
  } else if (watcher.watch.snapshot) {
    news_of(watcher).snapshot_end = true;
  }
  return examined;
}

size_t Shard::Parts::replay(const Space& space, Watcher& watcher) {
  const History& history = *space.watching->history;
  if (watcher.told < history.forgotten_to()) {
    // A gap comes before the events of its answer.
    if (watcher.news.gap || !watcher.news.events.empty()) send_news(watcher);
    news_of(watcher).gap = {watcher.told, history.forgotten_to()};
    watcher.told = history.forgotten_to();
  }
  size_t examined = 0;
  size_t bytes = 0;
  size_t at = history.first_after(watcher.told);
  for (; at < history.size() && examined < config.slice_candidates; ++at, ++examined) {
    const SpaceEvent& event = history[at];
    if (watcher.is_kind_wanted(event.kind) && watcher.watch.wanted.matches(event.found.tuple)) {
      bytes += event.found.tuple.footprint();
      if (bytes > kPageBytesMax && !watcher.news.events.empty()) break;
      news_of(watcher).events.push_back(event);
    }
    watcher.told = event.sequence;
  }
  if (at == history.size()) {
    watcher.phase = Watcher::Phase::kLive;
    news_of(watcher);  // also if nothing matched: how far all has been told
  }
  return examined;
}

// Nobody is told that an open transaction has taken a tuple before it commits: to watchers it is
// still there, and belongs to the page of those with a place above `after`.
void Shard::Parts::add_taken_under(const Space& space, const Watcher& watcher, Sequence after,
                                   SearchResult& page) {
  const Sequence until = page.finished ? watcher.until : watcher.cursor.place;
  for (const auto& [id, x] : transactions) {
    for (auto at = x->taken.upper_bound(after); at != x->taken.end() && at->first <= until; ++at) {
      ++page.examined;
      const Slot slot = at->second.slot;
      if (at->second.space != space.id() || space.is_expired(slot, now)) continue;
      if (watcher.watch.wanted.matches(space.slab[slot].tuple)) page.found.push_back(slot);
    }
  }
  std::sort(page.found.begin(), page.found.end(),
            [&](Slot a, Slot b) { return space.slab[a].id < space.slab[b].id; });
}

size_t Shard::Parts::show_page(Space& space, Watcher& watcher) {
  SearchRequest request;
  request.wanted = &watcher.watch.wanted;
  request.plan = &watcher.plan;
  request.order = Order::kOldest;
  request.field = 0;
  request.max = kPageMax;
  request.bytes_max = kPageBytesMax;
  request.candidates_max = config.slice_candidates;
  request.now = now;
  request.until = watcher.until;
  request.may_build = false;
  const Sequence after = watcher.cursor.place;
  SearchResult page = search(space, request, watcher.cursor, [](uint64_t) { return 0; });
  add_taken_under(space, watcher, after, page);
  figures.candidates += page.examined;
  for (const Slot slot : page.found) {
    const Entry& entry = space.slab[slot];
    news_of(watcher).events.push_back(
        {entry.id, EventKind::kOut, {entry.id, entry.tuple, static_cast<uint32_t>(entry.attempt)}});
  }
  if (page.finished) watcher.phase = Watcher::Phase::kLive;
  return page.examined;
}

bool Shard::Parts::catch_up_watchers() {
  size_t left = config.slice_candidates;
  for (size_t i = 0, n = catching_up.size(); i < n && left > 0; ++i) {
    const auto found = watchers.find(catching_up.front());
    catching_up.pop_front();
    if (found == watchers.end()) continue;
    left -= std::min(left, 1 + catch_up(*found->second));
  }
  return !catching_up.empty();
}

// ---- how it ends ----

// The last answer leaves after all that the watcher has been told.
void Shard::Parts::end_watcher(Watcher& watcher, const Status& status) {
  Space& space = *spaces.at(watcher.space);
  send_news(watcher);
  Answer answer = about(space);
  answer.status = status;
  reply(watcher.reply, std::move(answer));
  space.watching->watchers.remove(watcher);
  watchers_by_reply.erase({watcher.reply.receiver, watcher.reply.token});
  watchers.erase(watcher.id);
  stop_watching(space);
}

void Shard::Parts::stop_watching(Space& space) {
  if (space.watching != nullptr && !space.watching->is_needed()) space.watching.reset();
  forget_if_unused(space);
}

bool Shard::Parts::cancel_watch(const ReplyTo& to) {
  const auto found = watchers_by_reply.find({to.receiver, to.token});
  if (found == watchers_by_reply.end()) return false;
  Watcher& watcher = *watchers.at(found->second);
  end_watcher(watcher, {Code::kCancelled,
                        fmt::format("watch of space \"{}\" was cancelled", watcher.watch.space)});
  return true;
}

void Shard::Parts::end_watchers(std::string_view space, const Status& status) {
  std::vector<uint64_t> ending;
  for (const auto& [id, watcher] : watchers) {
    if (space.empty() || watcher->watch.space == space) ending.push_back(id);
  }
  std::sort(ending.begin(), ending.end());
  for (const uint64_t id : ending) end_watcher(*watchers.at(id), status);
}

// ---- recovery ----

Status Shard::Parts::recover_event(const record::Key& key, std::string_view value) {
  const auto found = spaces.find(key.space);
  if (found == spaces.end() || found->second->watching == nullptr ||
      !found->second->watching->history) {
    return {Code::kDataLoss, fmt::format("event {} is of space {}, which is unknown or keeps none",
                                         key.sequence, key.space)};
  }
  Result<SpaceEvent> event = record::decode_event(value);
  if (!event.ok()) return event.status();
  event->sequence = key.sequence;
  found->second->watching->history->add(*event);
  return {};
}

// What was in memory is gone, and that it went was told to nobody.
void Shard::Parts::recovered_history(Space& space) {
  if (space.watching == nullptr || !space.watching->history) return;
  if (space.durability == Durability::kMemory) {
    space.watching->history->forget_to(last);
  } else {
    space.watching->history->assume_forgotten();
  }
}

}  // namespace tuplespace
