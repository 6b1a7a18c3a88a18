// Watch is told what happens to matching tuples of a space, in order.
//
//   auto watch = space.watch("('job', ...)", {.snapshot = true});
//   while (true) {
//     auto event = watch->next();
//     if (!event.ok()) break;
//     if (event->kind == EventKind::kGap) forget_everything();
//     ...
//   }
//
// It goes on by itself after a broken connection and a restart of the server, where it was: a
// space that keeps a history tells what happened meanwhile. Where something may be missing there
// is a kGap, never silence; after it a snapshot follows, if one was asked for. (But after a kGap
// with `sequence` 0 and `gap_end` above it, that comes of our being too slow, the snapshot is
// incomplete: whoever needs all of it watches anew.)
//
// Order:   as the space's sequence numbers.
// Threads: next() on one thread at a time; cancel() any.
// Bounds:  what we did not read yet is bounded at the server (watch_bytes_max), or in this process
//          by kWatchEventsMax; beyond it there is a kGap.
// Errors:  next() says CANCELLED after cancel(), DEADLINE_EXCEEDED when nothing came in time,
//          UNAVAILABLE when no server was found within ConnectOptions::patience, ABORTED when the
//          space was dropped, else what the server refuses. Except for DEADLINE_EXCEEDED it is
//          over.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "tuplespace/arguments.h"
#include "tuplespace/match.h"

namespace tuplespace::client {

class EventSource;

enum class EventKind : uint8_t {
  kOut = 1,      // became available for the first time
  kIn,           // was taken
  kReturn,       // became available again
  kExpire,       // its ttl ended
  kPulse,        // was only shown
  kGap,          // events after `sequence` and up to `gap_end` are not known any more
  kSnapshotEnd,  // what was available has been told, as kOut
};

// Returns "out", "in" and so on.
const char* event_name(EventKind kind);

// Some of the first five kinds.
class EventKinds {
 public:
  template <typename... Kinds>
  EventKinds(Kinds... kinds) : bits_((0u | ... | (1u << static_cast<int>(kinds)))) {}

  void add(EventKind kind) { bits_ |= 1u << static_cast<int>(kind); }
  bool has(EventKind kind) const {
    return bits_ == 0 || (bits_ >> static_cast<int>(kind) & 1) != 0;
  }
  uint32_t bits() const { return bits_; }  // 0: all

 private:
  uint32_t bits_;
};

struct WatchOptions {
  EventKinds kinds = {};  // which are told; none given: all
  bool snapshot = false;  // begin with what is available, as kOut, up to kSnapshotEnd
  uint64_t after = 0;     // begin behind this sequence number; 0: now
};

struct Event {
  EventKind kind = EventKind::kOut;
  Match match;            // unless kGap or kSnapshotEnd
  uint64_t sequence = 0;  // the instant
  uint64_t gap_end = 0;   // kGap; 0: not known, the snapshot begins anew
};

inline constexpr size_t kWatchEventsMax = 65'536;

class Watch {
 public:
  explicit Watch(std::unique_ptr<EventSource> source);
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  ~Watch();

  // Waits for the next event, without end or at most so long.
  Result<Event> next(std::optional<milliseconds> wait = {});

  // Ends it; a next() under way says CANCELLED.
  void cancel();

  // All up to here has been told: another watch goes on from there (WatchOptions::after).
  // 0: not yet possible.
  uint64_t sequence() const;

 private:
  std::unique_ptr<EventSource> source_;
};

}  // namespace tuplespace::client
