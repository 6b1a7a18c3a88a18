// Shard is the deterministic unit: spaces, sessions with their numbered answers, held tuples,
// timers and one sequence counter. It is a pure function of the records it recovered, the
// operations it is given and the time it is told; it does no I/O and knows no thread.
//
// Order:   every operation takes effect at one instant, the order of apply(). An answer carries
//          that instant's sequence number.
// Threads: lane.
// Bounds:  ShardConfig; beyond one RESOURCE_EXHAUSTED naming it, and nothing is changed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/space/answer.h"
#include "tuplespace/store/batch.h"
#include "tuplespace/tuple/value.h"

namespace tuplespace {

struct ShardConfig {
  uint16_t shard = 0;
  uint64_t seed = 0;  // of hashes and of random choice
  Limits limits;
  Durability durability = Durability::kSync;  // of spaces that do not say
  bool create_on_out = true;                  // `out` to an unknown space creates it

  size_t spaces_max = 10'000;
  uint64_t tuples_max = 1'000'000'000;      // in this shard
  uint64_t memory_max = uint64_t{8} << 30;  // bytes of tuples and indexes in this shard
  size_t waiters_max = 2'000'000;           // in this shard
  size_t residual_waiters_max = 1'000;      // per arity: waits that no index narrows down
  size_t watchers_max = 100'000;            // in this shard
  size_t history_max = 1'000'000;           // events that a space may be asked to keep
  size_t blocked_max = 1'000;               // waits, holds or sessions of one list
  size_t indexes_max = 16;                  // per arity of a space
  size_t slice_candidates = 4'096;          // tuples examined at a stretch
  size_t examine_max = 100'000;             // tuples examined by one count
  size_t take_max = 10'000;                 // tuples of one take or page
  size_t holds_max = 1'000'000;             // in this shard
  Duration hold_max = 24ll * 3600 * 1000;   // of a hold's lease
  size_t transactions_max = 100'000;        // open at once, in this shard
  Duration transaction_ttl = 30'000;        // default of a transaction's lease
  Duration transaction_ttl_max = 3'600'000;
  size_t effects_max = 10'000;  // tuples that one operation or transaction changes
  size_t steps_max = 32;        // of an alternative of an atomic, those that match;
                                // alternatives; templates of any_of
  size_t sessions_max = 100'000;
  size_t operations_max = 16'384;                // waits and unconfirmed answers of a session
  uint64_t unconfirmed_bytes_max = 64ull << 20;  // per session
  Duration session_ttl = 30'000;                 // default
  Duration session_ttl_min = 1'000;
  Duration session_ttl_max = 7ll * 24 * 3600 * 1000;
  Duration ttl_max = 10ll * 365 * 24 * 3600 * 1000;  // of a tuple or space, and of a delay
  Duration collect_every = 60'000;  // while tuples refer to collected spaces that no session uses
};

// What a turn of the lane produced: one batch, and answers that wait for it or for earlier ones.
struct Effects {
  Batch batch;
  Mark mark = Mark::kNone;    // the highest that an answer needs of `batch`
  uint64_t batch_number = 0;  // of `batch` in the shard's own count; set by the lane before
  std::vector<Answer> answers;
  // Shard 0 ended these sessions: the other shards must be told.
  std::vector<SessionId> ended_sessions;
  // These spaces ended by themselves: their names may be used in any shard.
  std::vector<std::string> dropped_spaces;
};

class Shard {
 public:
  explicit Shard(const ShardConfig& config);
  ~Shard();

  // Recovery: every record of this shard in key order, then recovered() once. `now` becomes the
  // time; sessions get their full lease from it.
  Status recover(std::string_view key, std::string_view value);
  Status recovered(Time now, Effects& effects);

  // The keys of a shard's records begin with this.
  static std::string key_prefix(uint16_t shard);

  // Does what `operation` asks, or parks it. Every operation with a reply gets one answer, now
  // or later, except that those of a suspended session wait for its resume. On a stream the
  // token of a reply is the operation's number: a resume answers to {its receiver, number}.
  void apply(Operation&& operation, Time now, Effects& effects);

  // Does what is due, and a slice of what is unfinished. Returns when it wants to be called
  // again: now, if there is unfinished work.
  Time tick(Time now, Effects& effects);

  // Completes effects.batch, and what watchers are told. Must be called once after the last apply()
  // and tick() that share these effects, before the batch is committed.
  void finish(Effects& effects);

  // Ends the waits and watches on `space` ("": on every space) with `status`, which they are
  // answered: the server is going down, or the space was created in another shard. Nothing is
  // changed.
  void end_waits(std::string_view space, const Status& status, Effects& effects);

  // The server refuses `out` while this is set: the disk is nearly full. "" for none.
  void refuse_out(std::string reason);

  // True if a space of this name exists.
  bool has_space(std::string_view name) const;

  // The sessions known here, ascending.
  std::vector<SessionId> sessions() const;

  struct Figures {
    uint64_t ready = 0, held = 0, delayed = 0, waiters = 0, sessions = 0, bytes = 0;
    uint64_t outs = 0, takes = 0, reads = 0, misses = 0, expired = 0, given_back = 0;
    uint64_t settled = 0, buried = 0, holds = 0;
    uint64_t committed = 0, aborted = 0, transactions = 0;
    uint64_t candidates = 0;  // tuples examined, ever
    uint64_t sliced = 0;      // searches that no index narrowed down
    uint64_t events = 0;      // that were told or kept
    uint64_t watchers = 0;
    uint64_t deadlocks = 0;
    uint64_t spaces_ended = 0;  // by themselves: ttl, bound, collected
  };
  Figures figures() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tuplespace
