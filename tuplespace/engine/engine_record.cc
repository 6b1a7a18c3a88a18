#include "tuplespace/engine/engine_record.h"

#include <fmt/format.h>

namespace tuplespace {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kBytes = 1 + 2 + 8 + 8;

void put(std::string& to, uint64_t number, int bytes) {
  for (int at = bytes - 1; at >= 0; --at) to += static_cast<char>(number >> (8 * at));
}

uint64_t get(std::string_view& from, size_t bytes) {
  uint64_t number = 0;
  for (const unsigned char c : from.substr(0, bytes)) number = number << 8 | c;
  from.remove_prefix(bytes);
  return number;
}

}  // namespace

std::string encode(const EngineRecord& record) {
  std::string value;
  value.reserve(kBytes);
  put(value, kVersion, 1);
  put(value, record.shards, 2);
  put(value, record.incarnation, 8);
  put(value, static_cast<uint64_t>(record.last_time), 8);
  return value;
}

Result<EngineRecord> decode_engine_record(std::string_view value) {
  if (value.empty()) return Status(Code::kDataLoss, "the engine's record is empty");
  const uint64_t version = get(value, 1);
  if (version != kVersion) {
    return Status(Code::kFailedPrecondition,
                  fmt::format("the data was written by another version: the engine's record has "
                              "version {}, this program reads {}; start the newer program",
                              version, kVersion));
  }
  if (value.size() != kBytes - 1) {
    return Status(Code::kDataLoss, fmt::format("the engine's record has {} bytes instead of {}",
                                               value.size() + 1, kBytes));
  }
  EngineRecord record;
  record.shards = static_cast<uint16_t>(get(value, 2));
  record.incarnation = get(value, 8);
  record.last_time = static_cast<Time>(get(value, 8));
  return record;
}

}  // namespace tuplespace
