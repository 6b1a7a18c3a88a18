// How a shard's state is spelled on disk: the examples of record.h, and every record there and
// back.
#include "tuplespace/space/record.h"

#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", static_cast<unsigned char>(c));
  }
  return text;
}

std::string unhex(std::string_view text) {
  std::string bytes;
  for (size_t at = 0; at + 1 < text.size(); at += 3) {
    bytes += static_cast<char>(std::stoi(std::string(text.substr(at, 2)), nullptr, 16));
  }
  return bytes;
}

TEST(Record, ATupleIsSpelledAsTheHeaderSays) {
  EXPECT_EQ(hex(record::TupleKey(0, 1, 7).view()), "00 00 05 00 00 00 01 00 00 00 00 00 00 00 07");
  Entry entry;
  entry.tuple = tuple("('a', 7)");
  entry.id = 7;
  entry.out_at = 1'000;
  std::string value;
  record::encode_tuple(entry, Due(), value);

  ASSERT_GT(value.size(), 4u);
  EXPECT_EQ(hex(value.substr(0, value.size() - 4)),
            "01 00 e8 03 00 00 00 00 00 00 00 00 00 00 16 61 00 0d 07");
}

TEST(Record, ATuplesAttemptsAndTimesComeBack) {
  Entry entry;
  entry.tuple = tuple("('a', [1, {'k': null}])");
  entry.out_at = 123'456'789;
  entry.attempt = 3;
  std::string value;
  record::encode_tuple(entry, Due{200, 300}, value);
  const Result<record::TupleState> state = record::decode_tuple(value);

  ASSERT_TRUE(state.ok()) << state.status().to_string();
  EXPECT_EQ(state->out_at, 123'456'789);
  EXPECT_EQ(state->attempt, 3);
  EXPECT_EQ(state->due.visible_at, 200);
  EXPECT_EQ(state->due.expires_at, 300);
  EXPECT_EQ(state->bytes, entry.tuple.bytes());
  EXPECT_EQ(state->arity, 2u);
}

TEST(Record, TheShardsOwnStateComesBack) {
  const auto state = record::decode_shard(record::encode(record::ShardState{99, 7, 1'234}));

  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->sequence_limit, 99u);
  EXPECT_EQ(state->next_space, 7u);
  EXPECT_EQ(state->time, 1'234);
}

TEST(Record, AnEventIsSpelledAsTheHeaderSays) {
  EXPECT_EQ(hex(record::event_key(0, 1, 9)), "00 00 07 00 00 00 01 00 00 00 00 00 00 00 09");
  const SpaceEvent event{9, EventKind::kIn, {7, tuple("('a', 7)"), 1}};
  const std::string value = record::encode(event);

  ASSERT_GT(value.size(), 4u);
  EXPECT_EQ(hex(value.substr(0, value.size() - 4)),
            "01 02 07 00 00 00 00 00 00 00 01 00 16 61 00 0d 07");
  const auto decoded = record::decode_event(value);
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(decoded->kind, EventKind::kIn);
  EXPECT_EQ(decoded->found.id, 7u);
  EXPECT_EQ(decoded->found.attempt, 1u);
  EXPECT_EQ(decoded->found.tuple, event.found.tuple);
}

TEST(Record, ASpaceComesBack) {
  Policy policy{Durability::kAsync, 0, Order::kRandom, 5, 1'000};
  policy.deliveries_max = 3;
  policy.history = 100;
  policy.deadlock = Deadlock::kFail;
  policy.ttl = 60'000;
  policy.bound = true;
  policy.collected = true;
  record::SpaceState space{"a/b", policy};
  space.created = 17;
  space.owner = 4;
  space.expires_at = 1'060'000;
  const auto state = record::decode_space(record::encode(space));

  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->name, "a/b");
  EXPECT_EQ(state->policy, policy);
  EXPECT_EQ(state->created, 17u);
  EXPECT_EQ(state->owner, 4u);
  EXPECT_EQ(state->expires_at, 1'060'000);
}

TEST(Record, ASessionComesBack) {
  const std::string secret("\0s", 2);
  const auto state =
      record::decode_session(record::encode(record::SessionState{500, 3, secret, "cook", true}));

  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->ttl, 500);
  EXPECT_EQ(state->epoch, 3u);
  EXPECT_EQ(state->secret, secret);
  EXPECT_EQ(state->name, "cook");
  EXPECT_TRUE(state->participant);
}

// What version 1 wrote, byte by byte.
TEST(Record, SpacesAndSessionsOfVersion1AreRead) {
  const auto space = record::decode_space(unhex(
      "01 03 00 00 00 61 2f 62 02 05 05 00 00 00 00 00 00 00 e8 03 00 00 00 00 00 00 e9 e7 34 1a"));
  ASSERT_TRUE(space.ok()) << space.status().to_string();
  EXPECT_EQ(space->name, "a/b");
  EXPECT_EQ(space->policy, (Policy{Durability::kAsync, 0, Order::kRandom, 5, 1'000}));
  EXPECT_EQ(space->expires_at, kNever);

  const auto session = record::decode_session(
      unhex("01 f4 01 00 00 00 00 00 00 03 00 00 00 00 00 00 00 02 00 00 00 00 73 76 e4 95 ef"));
  ASSERT_TRUE(session.ok()) << session.status().to_string();
  EXPECT_EQ(session->ttl, 500);
  EXPECT_EQ(session->epoch, 3u);
  EXPECT_EQ(session->secret, std::string("\0s", 2));
  EXPECT_EQ(session->name, "");
  EXPECT_FALSE(session->participant);
}

TEST(Record, AnswersComeBackInTheirOrder) {
  std::string body;
  record::append({1, 11, record::AnswerKind::kOut, 100, 5'000, {}, {}}, body);
  record::append({2, 22, record::AnswerKind::kTake, 101, {}, {7, 9}, {}}, body);
  record::append({3, 33, record::AnswerKind::kHold, 102, 250, {}, "tokens"}, body);
  const auto state = record::decode_answers(record::finish_answers(9, 3, body));

  ASSERT_TRUE(state.ok()) << state.status().to_string();
  EXPECT_EQ(state->highest, 9u);
  const std::vector<record::NumberedAnswer>& answers = state->answers;
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].ttl, 5'000);
  EXPECT_EQ(answers[1].number, 2u);
  EXPECT_EQ(answers[1].hash, 22u);
  EXPECT_THAT(answers[1].taken, testing::ElementsAre(7u, 9u));
  EXPECT_EQ(answers[2].detail, "tokens");
}

TEST(Record, KeysAscendAsRecoveryNeedsThem) {
  using namespace record;
  const std::vector<std::string> keys = {shard_key(1),
                                         space_key(1, 2),
                                         session_key(1, 5),
                                         answers_key(1, 5, 1),
                                         answers_key(1, 5, 256),
                                         std::string(TupleKey(1, 2, 3).view()),
                                         std::string(TupleKey(1, 2, 256).view()),
                                         std::string(TupleKey(1, 3, 1).view()),
                                         hold_key(1, 2, 4),
                                         hold_key(1, 2, 256),
                                         event_key(1, 2, 255),
                                         event_key(1, 2, 256),
                                         event_key(1, 3, 1),
                                         shard_key(2)};
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  const auto [first, end] = key_range(1, Kind::kTuple, 2);
  EXPECT_LE(first, keys[5]);
  EXPECT_GT(end, keys[6]);
  EXPECT_LE(end, keys[7]);
  const auto [first_event, events_end] = key_range(1, Kind::kEvent, 2);
  EXPECT_LE(first_event, keys[10]);
  EXPECT_GT(events_end, keys[11]);
  EXPECT_LE(events_end, keys[12]);
}

TEST(Record, EveryTurnedBitOfAValueIsSeen) {
  Entry entry;
  entry.tuple = tuple("('a', 7)");
  std::string value;
  record::encode_tuple(entry, Due{0, 300}, value);
  for (size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string damaged = value;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(record::decode_tuple(damaged).ok()) << "bit " << bit;
  }
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(record::decode_tuple(value.substr(0, size)).ok()) << "cut at " << size;
  }
}

}  // namespace
}  // namespace tuplespace
