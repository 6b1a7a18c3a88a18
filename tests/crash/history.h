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
// Always: no tuple is taken twice, none is taken or found that was never placed.
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

struct HistoryFigures {
  uint64_t sent = 0;          // operations
  uint64_t acknowledged = 0;  // answered: it happened
  uint64_t refused = 0;       // answered: it did not happen
  uint64_t unknown = 0;       // never answered
  uint64_t pending = 0;       // without an answer when a crash came, of all crashes
  uint64_t tail_lost = 0;     // acknowledged in async spaces, lost with an unsynced tail
};

class History {
 public:
  // An `out` under a new id.
  TupleId out_sent(Promise promise);
  void out_done(TupleId id, uint64_t sequence);
  void out_refused(TupleId id);
  void out_unknown(TupleId id);

  // An `in`; which tuple it takes is known when it is answered.
  void take_sent();
  void take_done(TupleId id, uint64_t sequence);
  void take_refused();  // also: nothing was there
  // An `in` that asked for this tuple and may have taken it.
  void take_unknown(TupleId id);
  // A session lost count of what it took: that must not happen.
  void take_lost(const std::string& why);

  // The server is dead, and all answers it gave have been told here.
  void crashed(Crash crash);

  // Everything is at rest, and exactly these tuples are there. Returns what is wrong. What is
  // there counts as placed from now on, the rest as gone.
  std::vector<std::string> check(const std::set<TupleId>& present);

  size_t tuples() const;  // placed and not taken, as far as is known
  HistoryFigures figures() const;

 private:
  enum class Placed : uint8_t { kSent, kDone, kUnknown };
  struct Take {
    uint64_t sequence;
    bool before_crash;
  };
  struct Record {
    Promise promise;
    Placed placed = Placed::kSent;
    uint64_t sequence = 0;
    bool before_crash = false;  // placed before the last crash
    bool maybe_taken = false;
    std::vector<Take> takes;
  };
  struct Judgement;

  void judge(TupleId id, const Record& record, bool present, Judgement& judgement) const;
  void judge_after_power_cut(TupleId id, const Record& record, bool present,
                             Judgement& judgement) const;

  mutable std::mutex mutex_;
  TupleId next_ = 1;
  std::map<TupleId, Record> records_;
  bool power_was_cut_ = false;
  uint64_t last_sync_answer_ = 0;  // the highest sequence number of one, before the crash
  uint64_t in_flight_ = 0;
  uint64_t taken_ = 0;
  std::vector<std::string> wrong_;  // seen between checks
  HistoryFigures figures_;
};

}  // namespace tuplespace::crash
