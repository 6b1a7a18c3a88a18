// EngineRecord is what the engine itself keeps in the store: how often it was started, how many
// shards there are, and the last time it knew.
//
// On disk, one record. Its key sorts after those of every shard (a shard's begin with its number,
// two bytes, far below 0xfffe) and before the store's own (0xffff). Numbers are big-endian:
//
//   key     ff fe "engine"
//   value   version u8 = 1 · shards u16 · incarnation u64 · last time u64
//
//   {shards 2, incarnation 7, last_time 1'000'000}:
//           01 0002 0000000000000007 00000000000f4240
//
// To change it: a new version, read beside the old ones; what is written is always the newest.
//
// Threads: any (a value).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tuplespace/clock.h"
#include "tuplespace/status.h"

namespace tuplespace {

struct EngineRecord {
  uint16_t shards = 0;       // 0: the store is new
  uint64_t incarnation = 0;  // starts so far
  Time last_time = 0;        // the clock was never above it by more than a few seconds

  bool operator==(const EngineRecord&) const = default;
};

inline constexpr std::string_view kEngineRecordKey =
    "\xff\xfe"
    "engine";

std::string encode(const EngineRecord& record);

// Returns the record, or DATA_LOSS or FAILED_PRECONDITION (a newer version wrote it).
Result<EngineRecord> decode_engine_record(std::string_view value);

}  // namespace tuplespace
