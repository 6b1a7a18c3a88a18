// How a shard's state is spelled on disk. Format 1.
//
// Keys are big-endian: shard u16, kind u8, then what the kind says. Recovery reads them in order,
// so a space comes before its tuples and held tuples are known before they are met.
//
//   kind  key goes on with        value (version u8 = 1 first, check u32 last)
//   01    -                       shard: sequence limit u64, next space id u32, time i64
//   02    space u32               space: name, durability u8, order u8, tuples_max u64,
//                                 tuple_bytes_max u64
//   03    session u64             session: ttl i64, epoch u64, secret
//   04    session u64, seq u64    answers: count u32, then per answer: number u64, hash u64,
//                                 kind u8, sequence u64, ttl i64 (-1: none), taken u32, id u64 each,
//                                 from kind 3 on: detail (its length u32 in front)
//   05    space u32, id u64       tuple: flags u8, out time i64, owner u32, attempts u16 if flag 1,
//                                 visible-at i64 if flag 2, expires-at i64 if flag 4, the canonical
//                                 bytes
//
// Integers in values are little-endian; names and secrets have their length in front (u32); the
// check is the low half of XXH3-64 over all before it.
//
//   example: tuple 7 of space 1 in shard 0, ("a", 7), written at time 1000 by nobody
//   key   00 00 05 00 00 00 01 00 00 00 00 00 00 00 07
//   value 01 00 e8 03 00 00 00 00 00 00 00 00 00 00 16 61 00 0d 07, check
//
// A tuple that a session took keeps its record until the session confirms; that it is taken is
// said by the answer record alone. Space ids and sequence numbers are never used again.
//
// To change the format: raise kFormat in store/rocksdb_store.h, keep reading what is old here by
// its version byte, keep a data directory of the old format under tests/, say it in CHANGELOG.
//
// Threads: any (functions of their arguments).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/space/operation.h"
#include "tuplespace/space/slab.h"

namespace tuplespace::record {

enum class Kind : uint8_t { kShard = 1, kSpace = 2, kSession = 3, kAnswers = 4, kTuple = 5 };

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
// Every tuple of a space lies in [first, second).
std::pair<std::string, std::string> tuple_key_range(uint16_t shard, uint32_t space);

struct Key {
  uint16_t shard;
  Kind kind;
  uint32_t space = 0;     // kSpace, kTuple
  uint64_t id = 0;        // kTuple: the tuple. kSession, kAnswers: the session
  Sequence sequence = 0;  // kAnswers
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
  Policy policy;  // durability is set
};
std::string encode(const SpaceState& state);
Result<SpaceState> decode_space(std::string_view value);

struct SessionState {
  Duration ttl = 0;
  uint64_t epoch = 0;
  std::string secret;
};
std::string encode(const SessionState& state);
Result<SessionState> decode_session(std::string_view value);

enum class AnswerKind : uint8_t {
  kOut = 1,
  kTake = 2,
  kHold = 3,            // a take under holds: they hold the tuples
  kSettle = 4,          // detail: id u64
  kCollect = 5,         // detail: count u64
  kAtomic = 6,          // detail: see atomic_answer.h
  kRenew = 7,           // of a durable lease; detail: ttl i64
  kEndLease = 8,
  kEndTransaction = 9,  // a commit
  kUntilTaken = 10,     // detail: tuple id u64, fate u8 (0: not yet)
  kTakeAnyOf = 11,      // of several templates; detail: per taken tuple which, u32
};

// The first answer of a numbered operation that changed something.
struct NumberedAnswer {
  Number number = 0;
  uint64_t hash = 0;
  AnswerKind kind = AnswerKind::kOut;
  Sequence sequence = 0;
  std::optional<Duration> ttl;
  std::vector<Sequence> taken;
  std::string detail = {};
};
// Appends one answer to the body of an answers record; finish_answers() completes it.
void append(const NumberedAnswer& answer, std::string& body);
std::string finish_answers(uint32_t count, std::string_view body);
Result<std::vector<NumberedAnswer>> decode_answers(std::string_view value);

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

}  // namespace tuplespace::record
