// Watchers are those who are told what happens to matching tuples of a space. They are filed like
// waits, by the hash of the question that their template asks, so that an event finds whom it
// concerns by looking at a few hashes.
//
//   a watcher is   it is told                                            left by
//   replaying      kept events, a slice at a time; new ones join them    the newest kept event
//   in snapshot    what is available, as kOut in order of place, a page  the last place
//                  at a time; of other events those about tuples that
//                  it was shown, and those about newer tuples
//   live           every event, in the turn in which it happens          its end
//
// So a tuple that is taken before the snapshot has come to its place is not shown and its kIn is
// not told: the available tuples with a place up to where the snapshot came, and all newer ones,
// are at any time exactly what the watcher has been told.
//
// It is answered at once, and then once for each turn that has something for it. All up to an
// answer's sequence number has been told: with that as `after` it resumes. (0 before its snapshot
// is complete: then there is nothing to resume from.) If something after `after` may not be known
// any more, a gap says so, and the snapshot follows if one is asked for; without a gap there is no
// snapshot, for the watcher knows what is there.
//
// Nothing here bounds what a slow watcher has not read yet. Its receiver does, by a Cancel with
// its reply when that is too much: the last answer comes after all that was told.
//
// Threads: lane.
// Bounds:  ShardConfig::watchers_max, by the shard. residual_max watchers that only a look at each
// can decide, per hash; beyond it add()
//          is RESOURCE_EXHAUSTED.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <optional>
#include <string_view>
#include <vector>

#include "tuplespace/space/answer.h"
#include "tuplespace/space/history.h"
#include "tuplespace/space/question.h"
#include "tuplespace/space/search.h"

namespace tuplespace {

struct Watcher {
  enum class Phase : uint8_t { kReplaying, kInSnapshot, kLive };

  uint64_t id = 0;  // ascending in order of arrival
  uint32_t space = 0;
  Watch watch;
  Plan plan;
  ReplyTo reply;

  Phase phase = Phase::kLive;
  Sequence told = 0;   // kReplaying: all up to here has been
  Cursor cursor;       // kInSnapshot: how far it came
  Sequence until = 0;  // kInSnapshot: tuples put later are told by their events

  // What it is told at the end of this turn.
  WatchAnswer news;
  bool has_news = false;

  uint32_t shape = 0;  // where Watchers filed it

  bool is_kind_wanted(EventKind kind) const { return (watch.kinds >> static_cast<int>(kind)) & 1; }
  // True if it is told of a matching event now.
  bool is_told_now(const SpaceEvent& event) const;
};

class Watchers {
 public:
  Watchers(uint64_t seed, size_t residual_max) : seed_(seed), residual_max_(residual_max) {}

  // Files `watcher`, which must stay where it is until remove().
  Status add(Watcher& watcher);
  void remove(Watcher& watcher);

  size_t size() const { return size_; }

  // Replaces `found` by those whose template a tuple matches, in order of arrival. `print` is its
  // fingerprint. Returns how many were looked at.
  size_t find(std::string_view tuple_bytes, Fingerprint& print, std::vector<Watcher*>& found) const;

  // The ids of all, ascending.
  std::vector<uint64_t> ids() const;

 private:
  using Filed = absl::btree_map<uint64_t, Watcher*>;
  // Watchers that ask the same question.
  struct Shape {
    Question question;
    bool rest;
    absl::flat_hash_map<uint64_t, Filed> filed;
  };

  uint32_t shape_of(const Watcher& watcher);

  uint64_t seed_;
  size_t residual_max_;
  std::vector<Shape> shapes_;
  size_t size_ = 0;
};

// What a space that is watched, or keeps events, has for that.
struct Watching {
  Watching(uint64_t seed, size_t residual_max) : watchers(seed, residual_max) {}

  Watchers watchers;
  std::optional<History> history;  // Policy::history

  bool is_needed() const { return history.has_value() || watchers.size() > 0; }
};

}  // namespace tuplespace
