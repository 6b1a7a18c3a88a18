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
#include <string>

#include "tuplespace/space/kept_answers.h"
#include "tuplespace/space/operation.h"

namespace tuplespace {

struct Session {
  SessionId id = 0;
  std::string secret;
  uint64_t epoch = 0;
  Duration ttl = 0;
  Time lease_end = kNever;  // kNever: a stream holds it
  bool timer_set = false;
  bool durable = false;  // something of it was written to disk

  Number highest = 0;
  KeptAnswers answers;
  absl::flat_hash_map<Number, uint64_t> waits;  // ids of Wait
  uint64_t unconfirmed_bytes = 0;

  std::map<Sequence, AnswerBatch> batches;
  // The answers of this turn, not yet in the batch.
  AnswerBatch* collecting = nullptr;
  std::string collected;
  uint32_t collected_count = 0;
};

}  // namespace tuplespace
