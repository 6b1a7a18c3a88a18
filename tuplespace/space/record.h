// How a shard's state is spelled on disk. Format 2.
//
// Keys are big-endian: shard u16, kind u8, then what the kind says. Recovery reads them in order,
// so a space comes before its tuples and held tuples are known before they are met.
//
//   kind  key goes on with        value (version u8 first, 1 if not said otherwise; check u32 last)
//   01    -                       shard: sequence limit u64, next space id u32, time i64
//   02    space u32               space, version 2: name, durability u8, order u8, tuples_max u64,
//                                 tuple_bytes_max u64, deliveries_max u32, history u32,
//                                 deadlock u8, flags u8 (1 bound, 2 collected), ttl i64,
//                                 created u64, owner u64, expires-at i64 (none: kNever);
//                                 version 1 ends after tuple_bytes_max
//   03    session u64             session, version 2: ttl i64, epoch u64, secret, name,
//                                 participant u8; version 1 ends after secret
//   04    session u64, seq u64    answers, version 2: highest u64, the highest number that the
//                                 session has used (not in version 1), count u32, then per answer:
//                                 number u64, hash u64, kind u8, sequence u64, ttl i64 (-1: none),
//                                 taken u32, id u64 each, from kind 3 on: detail (its length u32 in
//                                 front)
//   05    space u32, id u64       tuple: flags u8, out time i64, owner u32, attempts u16 if flag 1,
//                                 visible-at i64 if flag 2, expires-at i64 if flag 4, bound session
//                                 u64 if flag 8, the canonical bytes
//   06    space u32, token u64    hold: tuple id u64, session u64 (0: none), lease i64, since i64
//   07    space u32, seq u64      event, of a space with history: kind u8, tuple u64, attempt u16,
//                                 the canonical bytes
//
// Integers in values are little-endian; names and secrets have their length in front (u32); the
// check is the low half of XXH3-64 over all before it.
//
//   example: tuple 7 of space 1 in shard 0, ("a", 7), written at time 1000 by nobody
//   key   00 00 05 00 00 00 01 00 00 00 00 00 00 00 07
//   value 01 00 e8 03 00 00 00 00 00 00 00 00 00 00 16 61 00 0d 07, check
//
//   example: that it was taken, told at instant 9, after one give-back
//   key   00 00 07 00 00 00 01 00 00 00 00 00 00 00 09
//   value 01 02 07 00 00 00 00 00 00 00 01 00 16 61 00 0d 07, check
//
// A tuple that a session took keeps its record until the session confirms; that it is taken is
// said by the answer record alone, and of a tuple under a hold by the hold's record. Space ids and
// sequence numbers are never used again.
//
// To change the format: raise kStoreFormat in store/data_directory.h, keep reading what is old here
// by its version byte, keep a data directory of the old format in tests/integration/data, say it in
// CHANGELOG.
//
// Threads: any (functions of their arguments).
#pragma once

#include <absl/container/inlined_vector.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/space/answer.h"
#include "tuplespace/space/slab.h"

namespace tuplespace::record {

enum class Kind : uint8_t {
  kShard = 1,
  kSpace = 2,
  kSession = 3,
  kAnswers = 4,
  kTuple = 5,
  kHold = 6,
  kEvent = 7,
};

// ---- keys ----

std::string shard_key(uint16_t shard);
std::string space_key(uint16_t shard, uint32_t space);
std::string session_key(uint16_t shard, SessionId session);
std::string answers_key(uint16_t shard, SessionId session, Sequence sequence);

// A tuple's key, on the stack: it is made for every change.
struct TupleKey {
  char bytes[15];
  TupleKey(uint16_t shard, uint32_t space, Sequence id);
  std::string_view view() const { return {bytes, sizeof bytes}; }
};
std::string hold_key(uint16_t shard, uint32_t space, Token token);
std::string event_key(uint16_t shard, uint32_t space, Sequence sequence);
// Every record of this kind (kTuple, kHold, kEvent) of a space lies in [first, second).
std::pair<std::string, std::string> key_range(uint16_t shard, Kind kind, uint32_t space);

struct Key {
  uint16_t shard;
  Kind kind;
  uint32_t space = 0;     // kSpace, kTuple, kHold, kEvent
  uint64_t id = 0;        // kTuple: the tuple. kHold: the token. kSession, kAnswers: the session
  Sequence sequence = 0;  // kAnswers, kEvent
};
Result<Key> parse_key(std::string_view key);

// ---- values ----

struct ShardState {
  Sequence sequence_limit = 0;
  uint32_t next_space = 1;
  Time time = 0;
};
std::string encode(const ShardState& state);
Result<ShardState> decode_shard(std::string_view value);

struct SpaceState {
  std::string name;
  Policy policy;         // durability is set
  Sequence created = 0;  // the instant; 0: not known
  SessionId owner = 0;   // bound, collected: whose
  Time expires_at = kNever;
};
std::string encode(const SpaceState& state);
Result<SpaceState> decode_space(std::string_view value);

struct SessionState {
  Duration ttl = 0;
  uint64_t epoch = 0;
  std::string secret;
  std::string name = {};     // "": none
  bool participant = false;  // in the detection of deadlock
};
std::string encode(const SessionState& state);
Result<SessionState> decode_session(std::string_view value);

enum class AnswerKind : uint8_t {
  kOut = 1,
  kTake = 2,
  kHold = 3,     // a take under holds, which hold the tuples; ttl is their lease;
                 // detail: per tuple token u64, matched u32
  kSettle = 4,   // detail: id u64
  kCollect = 5,  // detail: count u64
  kAtomic = 6,   // detail: see atomic_answer.h
  kRenew = 7,    // ttl is what was granted
  kEndLease = 8,
  kEndTransaction = 9,  // detail: u8, 1 a commit, 0 an abort
  kUntilTaken = 10,     // detail: space u32, tuple id u64, fate u8 (0: not yet)
  kTakeAnyOf = 11,      // of several templates; detail: per taken tuple which, u32
  // Of open transactions, which do not outlive a restart: never on disk.
  kBegin = 12,      // detail: transaction u64
  kTakeUnder = 13,  // detail: per tuple what it was
};

// The first answer of a numbered operation that changed something.
struct NumberedAnswer {
  Number number = 0;
  uint64_t hash = 0;
  AnswerKind kind = AnswerKind::kOut;
  Sequence sequence = 0;
  std::optional<Duration> ttl;
  absl::InlinedVector<Sequence, 1> taken;
  std::string detail = {};  // from kind 3 on
};
// Appends one answer to the body of an answers record; finish_answers() completes it.
void append(const NumberedAnswer& answer, std::string& body);
std::string finish_answers(Number highest, uint32_t count, std::string_view body);

struct AnswersState {
  Number highest = 0;  // that the session had used; version 1 says nothing of it
  std::vector<NumberedAnswer> answers;
};
Result<AnswersState> decode_answers(std::string_view value);

struct HoldState {
  Sequence tuple = 0;
  SessionId session = 0;
  Duration lease = 0;
  Time since = 0;
};
std::string encode(const HoldState& state);
Result<HoldState> decode_hold(std::string_view value);

// Integers in the details of answers, little-endian like all others.
template <typename Int>
void append_integer(std::string& detail, Int value) {
  for (size_t i = 0; i < sizeof value; ++i) {
    detail += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  }
}
// Takes one from the front of `detail`; 0 if it is too short.
template <typename Int>
Int take_integer(std::string_view& detail) {
  uint64_t value = 0;
  if (detail.size() < sizeof(Int)) return 0;
  for (size_t i = 0; i < sizeof(Int); ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(detail[i])) << (8 * i);
  }
  detail.remove_prefix(sizeof(Int));
  return static_cast<Int>(value);
}

// Replaces `out` by a tuple's record.
void encode_tuple(const Entry& entry, const Due& due, std::string& out);

struct TupleState {
  Time out_at = 0;
  uint16_t attempt = 0;
  Due due;
  std::string_view bytes;  // canonical, checked; part of the value that was decoded
  size_t arity = 0;
};
Result<TupleState> decode_tuple(std::string_view value);

// An event's sequence number is in its key.
std::string encode(const SpaceEvent& event);
Result<SpaceEvent> decode_event(std::string_view value);

}  // namespace tuplespace::record
