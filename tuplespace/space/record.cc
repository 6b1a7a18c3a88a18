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
constexpr uint8_t kAnswersVersion = 2;
constexpr uint8_t kSpaceVersion = 2;
constexpr uint8_t kSessionVersion = 2;
constexpr size_t kCheckBytes = 4;

enum TupleFlags : uint8_t { kAttempted = 1, kDelayed = 2, kExpires = 4, kBound = 8 };
enum SpaceFlags : uint8_t { kBoundSpace = 1, kCollected = 2 };

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
  // Looks at the version, which may be any up to `newest`, and the check.
  explicit Reader(std::string_view value, uint8_t newest = kVersion) : left_(value) {
    if (value.size() < 1 + kCheckBytes) return;
    const std::string_view body = value.substr(0, value.size() - kCheckBytes);
    left_ = value.substr(body.size());
    ok_ = true;
    const auto check = integer<uint32_t>();
    left_ = body;
    ok_ = check == static_cast<uint32_t>(XXH3_64bits(body.data(), body.size()));
    version_ = integer<uint8_t>();
    ok_ = ok_ && version_ >= 1 && version_ <= newest;
  }

  uint8_t version() const { return version_; }

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
  uint8_t version_ = 0;
  bool ok_ = false;
};

bool has_detail(AnswerKind kind) { return kind > AnswerKind::kTake; }

// Space u32 and a number u64: of tuples and events.
void put_in_space(Kind kind, uint16_t shard, uint32_t space, uint64_t number, char* key) {
  put_big(shard, key);
  key[2] = static_cast<char>(kind);
  put_big(space, key + 3);
  put_big(number, key + 7);
}

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
  put_in_space(Kind::kTuple, shard, space, id, bytes);
}

std::string hold_key(uint16_t shard, uint32_t space, Token token) {
  std::string key = key_of(shard, Kind::kHold, 15);
  put_big(space, key.data() + 3);
  put_big(token, key.data() + 7);
  return key;
}

std::pair<std::string, std::string> key_range(uint16_t shard, Kind kind, uint32_t space) {
  std::string first = key_of(shard, kind, 15);
  put_big(space, first.data() + 3);
  std::string last = first;
  put_big(UINT64_MAX, last.data() + 7);
  return {std::move(first), std::move(last)};
}

std::string event_key(uint16_t shard, uint32_t space, Sequence sequence) {
  std::string key(15, '\0');
  put_in_space(Kind::kEvent, shard, space, sequence, key.data());
  return key;
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
    case Kind::kTuple:
    case Kind::kHold:
    case Kind::kEvent: size = 15; break;
    default: return damaged("key of a");
  }
  if (key.size() != size) return damaged("key of a");
  const bool of_space = parsed.kind == Kind::kTuple || parsed.kind == Kind::kHold;
  if (of_space || parsed.kind == Kind::kSpace || parsed.kind == Kind::kEvent) {
    parsed.space = get_big<uint32_t>(at);
  }
  if (of_space) parsed.id = get_big<uint64_t>(at + 4);
  if (parsed.kind == Kind::kEvent) parsed.sequence = get_big<uint64_t>(at + 4);
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
  const Policy& policy = state.policy;
  std::string value;
  Writer writer(value);
  writer.integer(kSpaceVersion).text(state.name);
  writer.integer(static_cast<uint8_t>(*policy.durability));
  writer.integer(static_cast<uint8_t>(policy.order));
  writer.integer(policy.tuples_max).integer(policy.tuple_bytes_max);
  writer.integer(policy.deliveries_max).integer(policy.history);
  writer.integer(static_cast<uint8_t>(policy.deadlock));
  writer.integer(
      static_cast<uint8_t>((policy.bound ? kBoundSpace : 0) | (policy.collected ? kCollected : 0)));
  writer.integer(policy.ttl).integer(state.created).integer(state.owner);
  writer.integer(state.expires_at).check();
  return value;
}

Result<SpaceState> decode_space(std::string_view value) {
  Reader reader(value, kSpaceVersion);
  SpaceState state;
  Policy& policy = state.policy;
  state.name = reader.text();
  policy.durability = static_cast<Durability>(reader.integer<uint8_t>());
  policy.order = static_cast<Order>(reader.integer<uint8_t>());
  policy.tuples_max = reader.integer<uint64_t>();
  policy.tuple_bytes_max = reader.integer<uint64_t>();
  if (reader.version() >= 2) {
    policy.deliveries_max = reader.integer<uint32_t>();
    policy.history = reader.integer<uint32_t>();
    policy.deadlock = static_cast<Deadlock>(reader.integer<uint8_t>());
    const auto flags = reader.integer<uint8_t>();
    policy.bound = (flags & kBoundSpace) != 0;
    policy.collected = (flags & kCollected) != 0;
    policy.ttl = reader.integer<int64_t>();
    state.created = reader.integer<uint64_t>();
    state.owner = reader.integer<uint64_t>();
    state.expires_at = reader.integer<int64_t>();
  }
  if (!reader.complete()) return damaged("space");
  return state;
}

std::string encode(const SessionState& state) {
  std::string value;
  Writer writer(value);
  writer.integer(kSessionVersion).integer(state.ttl).integer(state.epoch).text(state.secret);
  writer.text(state.name).integer(static_cast<uint8_t>(state.participant)).check();
  return value;
}

Result<SessionState> decode_session(std::string_view value) {
  Reader reader(value, kSessionVersion);
  SessionState state;
  state.ttl = reader.integer<int64_t>();
  state.epoch = reader.integer<uint64_t>();
  state.secret = reader.text();
  if (reader.version() >= 2) {
    state.name = reader.text();
    state.participant = reader.integer<uint8_t>() != 0;
  }
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
  if (has_detail(answer.kind)) Writer(body).text(answer.detail);
}

std::string finish_answers(Number highest, uint32_t count, std::string_view body) {
  std::string value;
  value.reserve(body.size() + 17);
  Writer writer(value);
  writer.integer(kAnswersVersion).integer(highest).integer(count);
  value += body;
  writer.check();
  return value;
}

Result<AnswersState> decode_answers(std::string_view value) {
  Reader reader(value, kAnswersVersion);
  AnswersState state;
  if (reader.version() >= 2) state.highest = reader.integer<uint64_t>();
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
    if (has_detail(answer.kind)) answer.detail = reader.text();
    state.highest = std::max(state.highest, answer.number);
    state.answers.push_back(std::move(answer));
  }
  if (!reader.complete()) return damaged("numbered answers");
  return state;
}

std::string encode(const HoldState& state) {
  std::string value;
  Writer writer(value);
  writer.integer(kVersion).integer(state.tuple).integer(state.session).integer(state.lease);
  writer.integer(state.since).check();
  return value;
}

Result<HoldState> decode_hold(std::string_view value) {
  Reader reader(value);
  HoldState state;
  state.tuple = reader.integer<uint64_t>();
  state.session = reader.integer<uint64_t>();
  state.lease = reader.integer<int64_t>();
  state.since = reader.integer<int64_t>();
  if (!reader.complete()) return damaged("hold");
  return state;
}

void encode_tuple(const Entry& entry, const Due& due, std::string& out) {
  out.clear();
  uint8_t flags = 0;
  if (entry.attempt > 0) flags |= kAttempted;
  if (due.visible_at > 0) flags |= kDelayed;
  if (due.expires_at != kNever) flags |= kExpires;
  if (due.bound != 0) flags |= kBound;
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
  if (flags & kBound) writer.integer(due.bound);
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
  if (flags & kBound) state.due.bound = reader.integer<uint64_t>();
  state.bytes = reader.rest();
  if (!reader.complete()) return damaged("tuple");
  // The check says that these are the bytes that were written, and those were canonical.
  for (std::string_view rest = state.bytes; !rest.empty(); take_field(rest)) ++state.arity;
  return state;
}

std::string encode(const SpaceEvent& event) {
  std::string value;
  Writer writer(value);
  writer.integer(kVersion).integer(static_cast<uint8_t>(event.kind)).integer(event.found.id);
  writer.integer(static_cast<uint16_t>(event.found.attempt));
  value += event.found.tuple.bytes();
  writer.check();
  return value;
}

Result<SpaceEvent> decode_event(std::string_view value) {
  Reader reader(value);
  SpaceEvent event;
  event.kind = static_cast<EventKind>(reader.integer<uint8_t>());
  event.found.id = reader.integer<uint64_t>();
  event.found.attempt = reader.integer<uint16_t>();
  const std::string_view bytes = reader.rest();
  if (!reader.complete()) return damaged("event");
  size_t arity = 0;
  for (std::string_view rest = bytes; !rest.empty(); take_field(rest)) ++arity;
  event.found.tuple = Tuple::from_canonical(bytes, arity);
  return event;
}

}  // namespace tuplespace::record
