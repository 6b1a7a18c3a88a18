// Session is who asks: its numbered operations, what they were answered first, what it holds.
//
//   an operation's number is   left by
//   new                        apply() of the operation
//   waiting                    its answer, a cancel, the session's end
//   answered (kept)            confirmation, the session's end; if it changed something
//   gone                       -; a repetition is refused as stale
//
// Threads: lane.
// Bounds:  ShardConfig::operations_max waits and kept answers, unconfirmed_bytes_max.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuplespace/space/operation.h"
#include "tuplespace/space/record.h"
#include "tuplespace/space/slab.h"

namespace tuplespace {

// A tuple that a session took and has not confirmed.
struct HeldTuple {
  uint32_t space = 0;
  Slot slot = kNoSlot;
  Sequence id = 0;
};

// One answers record on disk; erased when the last of its answers is confirmed.
struct AnswerBatch {
  Sequence sequence = 0;  // of its key
  uint32_t unconfirmed = 0;
  bool written = false;  // false: still collecting in this turn
};

// What a kept answer takes besides the tuples it holds.
inline constexpr uint64_t kKeptAnswerBytes = 64;

// The first answer of a number, as long as it may be asked for again. What it took is held by its
// session until it is confirmed, unless `kind` says that somebody else holds it.
struct KeptAnswer {
  uint64_t hash = 0;
  record::AnswerKind kind = record::AnswerKind::kOut;
  Sequence sequence = 0;
  std::optional<Duration> ttl;
  std::vector<HeldTuple> tuples;
  std::string detail;  // what else the answer said, spelled as its kind does
  uint64_t bytes = 0;
  AnswerBatch* batch = nullptr;  // nullptr: not on disk
};

struct Session {
  SessionId id = 0;
  std::string secret;
  std::string name;          // "": none
  bool participant = false;  // in the detection of deadlock
  uint64_t epoch = 0;
  Duration ttl = 0;
  Time lease_end = kNever;  // kNever: a stream holds it
  bool timer_set = false;
  bool durable = false;  // something of it was written to disk

  Number highest = 0;
  absl::flat_hash_map<Number, KeptAnswer> answers;
  absl::flat_hash_map<Number, uint64_t> waits;  // ids of Wait
  uint64_t unconfirmed_bytes = 0;

  std::map<Sequence, std::unique_ptr<AnswerBatch>> batches;
  // The answers of this turn, not yet in the batch.
  AnswerBatch* collecting = nullptr;
  std::string collected;
  uint32_t collected_count = 0;
};

}  // namespace tuplespace
