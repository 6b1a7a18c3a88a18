// History is the oracle of the crash campaign: it remembers what clients asked for and what they
// were told, outside of the store that is made to fail, and says what contradicts it.
//
// Every tuple is placed once under an id of its own, in a space that is either `sync` or `async`.
// An operation is *sent*, then *answered* with its sequence number, or its outcome is *unknown*.
// When everything is at rest after a crash, the tuples that are there are compared:
//
//   after a kill       nothing answered may be missing or undone
//   after a power cut  nothing answered in a sync space may be, and of the rest only an unsynced
//                      tail: what survived, and what a sync answer came after, lies before
//                      everything that is lost, in the order of sequence numbers
//
// Always: no tuple is taken twice, none is taken or found that was never placed, and none is there
// after somebody was told that it is not.
//
// The time between two starts of the server is a *life*. Every life ends with a tail of its own,
// and what a later life shows has survived. Which life an operation belongs to is said by its
// sequence number, not by when its answer was told: see life_of(). Async spaces may be in a shard
// of their own, which counts for itself and has a tail of its own.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace tuplespace::crash {

using TupleId = uint64_t;

enum class Promise : uint8_t { kSync, kAsync };
enum class Crash : uint8_t { kKill, kPowerCut };

// A start continues at the limit that was synced ahead of the numbers used, and the limit is raised
// by this much: so a life that uses less than half of it has the numbers of one multiple.
inline constexpr uint64_t kNumbersOfALife = 1 << 24;
constexpr uint64_t life_of(uint64_t sequence) { return sequence / kNumbersOfALife; }

// An instant of the sync spaces and one of the async spaces.
struct Instants {
  uint64_t sync = 0;
  uint64_t async = 0;

  uint64_t of(Promise promise) const { return promise == Promise::kSync ? sync : async; }
};

struct HistoryFigures {
  uint64_t sent = 0;          // operations
  uint64_t acknowledged = 0;  // answered: it happened
  uint64_t refused = 0;       // answered: it did not happen
  uint64_t unknown = 0;       // never answered
  uint64_t pending = 0;       // without an answer when a crash came, of all crashes
  uint64_t tail_lost = 0;     // acknowledged in async spaces, lost with an unsynced tail
  uint64_t lost = 0;          // acknowledged, and may not be lost

  uint64_t ended() const { return acknowledged + refused + unknown; }
};

class History {
 public:
  explicit History(uint16_t async_shard = 0) : async_shard_(async_shard) {}

  // An `out` under a new id.
  TupleId out_sent(Promise promise);
  void out_done(TupleId id, uint64_t sequence);
  void out_refused(TupleId id);
  void out_unknown(TupleId id);

  // An `in`; which tuple it takes is known when it is answered.
  void take_sent();
  void take_done(TupleId id, uint64_t sequence);
  void take_refused();  // it took nothing
  // An `in` that asked for this tuple without waiting, and was told at `sequence` that it is not
  // there.
  void take_found_nothing(TupleId id, uint64_t sequence);
  // An `in` that asked for this tuple and may have taken it.
  void take_unknown(TupleId id);

  // A client was told what nobody may be told.
  void wrong(const std::string& what);

  // The server is dead.
  void crashed(Crash crash);

  // Everything is at rest, exactly these tuples are there, and a sync answer says that all of it,
  // up to `now`, is synced. Returns what is wrong. What is there counts as placed at `now` from
  // here on, the rest as gone.
  std::vector<std::string> check(const std::set<TupleId>& present, Instants now);

  size_t tuples() const;  // placed and not taken, as far as is known
  HistoryFigures figures() const;

 private:
  enum class Placed : uint8_t { kSent, kDone, kUnknown };
  struct Record {
    Promise promise;
    Placed placed = Placed::kSent;
    uint64_t sequence = 0;  // if placed is kDone
    bool maybe_taken = false;
    std::vector<uint64_t> takes;    // at these
    uint64_t found_nothing_at = 0;  // 0: never
  };
  struct Judgement;

  void judge(TupleId id, const Record& record, bool present, Judgement& judgement) const;

  const uint16_t async_shard_;  // sync spaces are in shard 0

  mutable std::mutex mutex_;
  TupleId next_ = 1;
  std::map<TupleId, Record> records_;
  bool power_was_cut_ = false;
  Instants checked_at_;  // what came before is synced
  uint64_t in_flight_ = 0;
  uint64_t taken_ = 0;
  std::vector<std::string> wrong_;  // seen between checks
  HistoryFigures figures_;
};

}  // namespace tuplespace::crash
