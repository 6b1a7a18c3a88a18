#include "tuplespace/space/record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace::record {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kCheckBytes = 4;

enum TupleFlags : uint8_t { kAttempted = 1, kDelayed = 2, kExpires = 4 };

template <typename Int>
void put_big(Int value, char* at) {
  for (size_t i = sizeof value; i-- > 0;
       value = static_cast<Int>(static_cast<uint64_t>(value) >> 8))
    at[i] = static_cast<char>(value);
}

template <typename Int>
char* put_little(Int value, char* at) {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(at, &value, sizeof value);
  } else {
    for (size_t i = 0; i < sizeof value; ++i) {
      at[i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
    }
  }
  return at + sizeof value;
}

template <typename Int>
Int get_little(const char* at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(at[i])) << (8 * i);
  }
  return static_cast<Int>(value);
}

template <typename Int>
Int get_big(const char* at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i) value = value << 8 | static_cast<uint8_t>(at[i]);
  return static_cast<Int>(value);
}

std::string key_of(uint16_t shard, Kind kind, size_t size) {
  std::string key(size, '\0');
  put_big(shard, key.data());
  key[2] = static_cast<char>(kind);
  return key;
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <typename Int>
  Writer& integer(Int value) {
    char bytes[sizeof value];
    put_little(value, bytes);
    out_.append(bytes, sizeof bytes);
    return *this;
  }
  Writer& text(std::string_view value) {
    integer(static_cast<uint32_t>(value.size()));
    out_ += value;
    return *this;
  }
  void check() { integer(static_cast<uint32_t>(XXH3_64bits(out_.data(), out_.size()))); }

 private:
  std::string& out_;
};

// Reads what Writer wrote; once something is missing, ok() is false and everything is zero.
class Reader {
 public:
  // Looks at the version and the check.
  explicit Reader(std::string_view value) : left_(value) {
    if (value.size() < 1 + kCheckBytes) return;
    const std::string_view body = value.substr(0, value.size() - kCheckBytes);
    left_ = value.substr(body.size());
    ok_ = true;
    const auto check = integer<uint32_t>();
    left_ = body;
    ok_ = check == static_cast<uint32_t>(XXH3_64bits(body.data(), body.size())) &&
          integer<uint8_t>() == kVersion;
  }

  template <typename Int>
  Int integer() {
    if (!ok_ || left_.size() < sizeof(Int)) {
      ok_ = false;
      return 0;
    }
    const Int value = get_little<Int>(left_.data());
    left_.remove_prefix(sizeof(Int));
    return value;
  }
  std::string_view text() {
    const auto size = integer<uint32_t>();
    if (!ok_ || left_.size() < size) {
      ok_ = false;
      return {};
    }
    const std::string_view value = left_.substr(0, size);
    left_.remove_prefix(size);
    return value;
  }
  std::string_view rest() { return std::exchange(left_, {}); }

  // True if everything was there and nothing is left.
  bool complete() const { return ok_ && left_.empty(); }
  bool ok() const { return ok_; }

 private:
  std::string_view left_;
  bool ok_ = false;
};

Status damaged(const char* what) {
  return {Code::kDataLoss, fmt::format("a {} record is damaged or of an unknown version", what)};
}

}  // namespace

std::string shard_key(uint16_t shard) { return key_of(shard, Kind::kShard, 3); }

std::string space_key(uint16_t shard, uint32_t space) {
  std::string key = key_of(shard, Kind::kSpace, 7);
  put_big(space, key.data() + 3);
  return key;
}

std::string session_key(uint16_t shard, SessionId session) {
  std::string key = key_of(shard, Kind::kSession, 11);
  put_big(session, key.data() + 3);
  return key;
}

std::string answers_key(uint16_t shard, SessionId session, Sequence sequence) {
  std::string key = key_of(shard, Kind::kAnswers, 19);
  put_big(session, key.data() + 3);
  put_big(sequence, key.data() + 11);
  return key;
}

TupleKey::TupleKey(uint16_t shard, uint32_t space, Sequence id) {
  put_big(shard, bytes);
  bytes[2] = static_cast<char>(Kind::kTuple);
  put_big(space, bytes + 3);
  put_big(id, bytes + 7);
}

std::pair<std::string, std::string> tuple_key_range(uint16_t shard, uint32_t space) {
  const TupleKey first(shard, space, 0);
  const TupleKey last(shard, space, UINT64_MAX);
  return {std::string(first.view()), std::string(last.view())};
}

Result<Key> parse_key(std::string_view key) {
  if (key.size() < 3) return damaged("key of a");
  Key parsed{get_big<uint16_t>(key.data()), static_cast<Kind>(key[2])};
  const char* const at = key.data() + 3;
  size_t size = 3;
  switch (parsed.kind) {
    case Kind::kShard: break;
    case Kind::kSpace: size = 7; break;
    case Kind::kSession: size = 11; break;
    case Kind::kAnswers: size = 19; break;
    case Kind::kTuple: size = 15; break;
    default: return damaged("key of a");
  }
  if (key.size() != size) return damaged("key of a");
  if (parsed.kind == Kind::kSpace || parsed.kind == Kind::kTuple) {
    parsed.space = get_big<uint32_t>(at);
  }
  if (parsed.kind == Kind::kTuple) parsed.id = get_big<uint64_t>(at + 4);
  if (parsed.kind == Kind::kSession || parsed.kind == Kind::kAnswers) {
    parsed.id = get_big<uint64_t>(at);
  }
  if (parsed.kind == Kind::kAnswers) parsed.sequence = get_big<uint64_t>(at + 8);
  return parsed;
}

std::string encode(const ShardState& state) {
  std::string value;
  Writer writer(value);
  writer.integer(kVersion).integer(state.sequence_limit).integer(state.next_space);
  writer.integer(state.time).check();
  return value;
}

Result<ShardState> decode_shard(std::string_view value) {
  Reader reader(value);
  ShardState state;
  state.sequence_limit = reader.integer<uint64_t>();
  state.next_space = reader.integer<uint32_t>();
  state.time = reader.integer<int64_t>();
  if (!reader.complete()) return damaged("shard");
  return state;
}

std::string encode(const SpaceState& state) {
  std::string value;
  Writer writer(value);
  writer.integer(kVersion).text(state.name);
  writer.integer(static_cast<uint8_t>(*state.policy.durability));
  writer.integer(static_cast<uint8_t>(state.policy.order));
  writer.integer(state.policy.tuples_max).integer(state.policy.tuple_bytes_max).check();
  return value;
}

Result<SpaceState> decode_space(std::string_view value) {
  Reader reader(value);
  SpaceState state;
  state.name = reader.text();
  state.policy.durability = static_cast<Durability>(reader.integer<uint8_t>());
  state.policy.order = static_cast<Order>(reader.integer<uint8_t>());
  state.policy.tuples_max = reader.integer<uint64_t>();
  state.policy.tuple_bytes_max = reader.integer<uint64_t>();
  if (!reader.complete()) return damaged("space");
  return state;
}

std::string encode(const SessionState& state) {
  std::string value;
  Writer writer(value);
  writer.integer(kVersion).integer(state.ttl).integer(state.epoch).text(state.secret).check();
  return value;
}

Result<SessionState> decode_session(std::string_view value) {
  Reader reader(value);
  SessionState state;
  state.ttl = reader.integer<int64_t>();
  state.epoch = reader.integer<uint64_t>();
  state.secret = reader.text();
  if (!reader.complete()) return damaged("session");
  return state;
}

void append(const NumberedAnswer& answer, std::string& body) {
  char fixed[37];  // there is one for every operation: appended in one piece
  char* at = put_little(answer.number, fixed);
  at = put_little(answer.hash, at);
  at = put_little(static_cast<uint8_t>(answer.kind), at);
  at = put_little(answer.sequence, at);
  at = put_little(answer.ttl.value_or(-1), at);
  at = put_little(static_cast<uint32_t>(answer.taken.size()), at);
  body.append(fixed, at);
  for (const Sequence id : answer.taken) Writer(body).integer(id);
}

std::string finish_answers(uint32_t count, std::string_view body) {
  std::string value;
  value.reserve(body.size() + 9);
  Writer writer(value);
  writer.integer(kVersion).integer(count);
  value += body;
  writer.check();
  return value;
}

Result<std::vector<NumberedAnswer>> decode_answers(std::string_view value) {
  Reader reader(value);
  std::vector<NumberedAnswer> answers;
  for (auto count = reader.integer<uint32_t>(); count > 0 && reader.ok(); --count) {
    NumberedAnswer answer;
    answer.number = reader.integer<uint64_t>();
    answer.hash = reader.integer<uint64_t>();
    answer.kind = static_cast<AnswerKind>(reader.integer<uint8_t>());
    answer.sequence = reader.integer<uint64_t>();
    if (const auto ttl = reader.integer<int64_t>(); ttl >= 0) answer.ttl = ttl;
    for (auto taken = reader.integer<uint32_t>(); taken > 0 && reader.ok(); --taken) {
      answer.taken.push_back(reader.integer<uint64_t>());
    }
    answers.push_back(std::move(answer));
  }
  if (!reader.complete()) return damaged("numbered answers");
  return answers;
}

void encode_tuple(const Entry& entry, const Due& due, std::string& out) {
  out.clear();
  uint8_t flags = 0;
  if (entry.attempt > 0) flags |= kAttempted;
  if (due.visible_at > 0) flags |= kDelayed;
  if (due.expires_at != kNever) flags |= kExpires;
  char fixed[14];
  char* at = put_little(kVersion, fixed);
  at = put_little(flags, at);
  at = put_little(static_cast<int64_t>(entry.out_at), at);
  put_little(uint32_t{0}, at);  // owner: nobody is known yet
  out.append(fixed, sizeof fixed);
  Writer writer(out);
  if (flags & kAttempted) writer.integer(static_cast<uint16_t>(entry.attempt));
  if (flags & kDelayed) writer.integer(due.visible_at);
  if (flags & kExpires) writer.integer(due.expires_at);
  out += entry.tuple.bytes();
  writer.check();
}

Result<TupleState> decode_tuple(std::string_view value) {
  Reader reader(value);
  TupleState state;
  const auto flags = reader.integer<uint8_t>();
  state.out_at = reader.integer<int64_t>();
  reader.integer<uint32_t>();
  if (flags & kAttempted) state.attempt = reader.integer<uint16_t>();
  if (flags & kDelayed) state.due.visible_at = reader.integer<int64_t>();
  if (flags & kExpires) state.due.expires_at = reader.integer<int64_t>();
  state.bytes = reader.rest();
  if (!reader.complete()) return damaged("tuple");
  // The check says that these are the bytes that were written, and those were canonical.
  for (std::string_view rest = state.bytes; !rest.empty(); take_field(rest)) ++state.arity;
  return state;
}

}  // namespace tuplespace::record
