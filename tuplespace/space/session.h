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
#include <absl/container/flat_hash_set.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuplespace/space/kept_answers.h"
#include "tuplespace/space/operation.h"

namespace tuplespace {

struct Session {
  SessionId id = 0;
  std::string secret;
  std::string name;            // "": none
  bool participant = false;    // in the detection of deadlock
  std::vector<uint32_t> tied;  // spaces that remember it: see Participants, Lifetime::users
  uint64_t epoch = 0;
  Duration ttl = 0;
  Time lease_end = kNever;  // kNever: a stream holds it
  bool timer_set = false;
  bool durable = false;  // something of it was written to disk

  absl::flat_hash_set<Token> holds;
  absl::flat_hash_set<TransactionId> transactions;  // open, begun by it
  // Tuples that vanish with it: by id, where they are.
  std::map<Sequence, std::pair<uint32_t, Slot>> bound;

  Number highest = 0;
  KeptAnswers answers;
  absl::flat_hash_map<Number, uint64_t> waits;  // ids of Wait
  uint64_t unconfirmed_bytes = 0;

  std::map<Sequence, AnswerBatch> batches;
  // Records whose answers are all confirmed: erased at the end of the turn, but for the one that
  // alone knows the highest number, which stays without answers.
  std::vector<AnswerBatch> emptied;
  std::optional<AnswerBatch> marker;  // on disk, without answers

  // The answers of this turn, not yet in the batch.
  AnswerBatch* collecting = nullptr;
  std::string collected;
  uint32_t collected_count = 0;
};

}  // namespace tuplespace
