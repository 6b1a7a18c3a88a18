// The stream: frames of operations, confirmation, broken streams, restarts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/integration/local_server.h"
#include "tests/integration/wire_client.h"

namespace tuplespace::integration {
namespace {

constexpr char kStream[] = "tuplespace.v1.Sessions/Stream";

constexpr int kOk = 0;
constexpr int kCancelled = 1;
constexpr int kInvalidArgument = 3;
constexpr int kPermissionDenied = 7;
constexpr int kResourceExhausted = 8;
constexpr int kFailedPrecondition = 9;
constexpr int kAborted = 10;
constexpr int kUnimplemented = 12;
constexpr int kUnavailable = 14;

// One end of a stream, with the verbs of these tests.
class Caller {
 public:
  explicit Caller(WireClient& client) : stream_(client.stream(kStream)) {}

  v1::Welcome hello(const v1::Hello& hello = greeting()) {
    v1::ClientFrame frame;
    *frame.mutable_hello() = hello;
    EXPECT_TRUE(stream_->send(frame));
    v1::ServerFrame answer;
    EXPECT_TRUE(stream_->receive(answer)) << stream_->finish().message;
    keep(answer);
    return answer.welcome();
  }

  static v1::Hello greeting() {
    v1::Hello hello;
    hello.set_protocol(1);
    return hello;
  }
  // The hello of who comes back.
  static v1::Hello again(const v1::Welcome& welcome, uint64_t first, uint64_t last) {
    v1::Hello hello = greeting();
    hello.set_session(welcome.session());
    hello.set_secret(welcome.secret());
    hello.set_epoch(welcome.epoch());
    if (first == 0) return hello;
    hello.add_pending()->set_first(first);
    hello.mutable_pending(0)->set_last(last);
    return hello;
  }

  bool send(const v1::ClientFrame& frame) { return stream_->send(frame); }

  // Waits for the answer to `number`; answers to others are kept.
  v1::Answer answer(uint64_t number) {
    while (!answers_.contains(number)) {
      v1::ServerFrame frame;
      if (!stream_->receive(frame)) {
        ADD_FAILURE() << "no answer to " << number;
        return {};
      }
      keep(frame);
    }
    return answers_[number];
  }
  bool await_closed() {
    v1::ServerFrame frame;
    while (!closed_ && stream_->receive(frame)) keep(frame);
    return closed_;
  }
  size_t frames() const { return frames_; }
  WireStream& stream() { return *stream_; }

 private:
  void keep(const v1::ServerFrame& frame) {
    ++frames_;
    for (const v1::Answer& answer : frame.answers()) answers_[answer.number()] = answer;
    closed_ = closed_ || frame.closed();
  }

  std::unique_ptr<WireStream> stream_;
  std::map<uint64_t, v1::Answer> answers_;
  bool closed_ = false;
  size_t frames_ = 0;
};

void add_out(v1::ClientFrame& frame, uint64_t number, int job) {
  v1::Operation& operation = *frame.add_operations();
  operation.set_number(number);
  operation.mutable_out()->set_space("s");
  *operation.mutable_out()->mutable_tuple() = tuple("job", job);
}
v1::ClientFrame out(uint64_t number, int job) {
  v1::ClientFrame frame;
  add_out(frame, number, job);
  return frame;
}
// Waits without end unless told otherwise.
v1::ClientFrame in(uint64_t number, std::optional<int64_t> wait_ms = std::nullopt) {
  v1::ClientFrame frame;
  v1::Operation& operation = *frame.add_operations();
  operation.set_number(number);
  operation.mutable_in()->set_space("s");
  *operation.mutable_in()->mutable_template_() = wanted("job", v1::TYPE_INT);
  if (wait_ms) operation.mutable_in()->set_wait_ms(*wait_ms);
  return frame;
}
v1::ClientFrame confirm(uint64_t first, uint64_t last) {
  v1::ClientFrame frame;
  frame.add_confirmed()->set_first(first);
  frame.mutable_confirmed(0)->set_last(last);
  return frame;
}
v1::ClientFrame close() {
  v1::ClientFrame frame;
  frame.set_close(true);
  return frame;
}

bool contains(const google::protobuf::RepeatedPtrField<v1::Range64>& ranges, uint64_t number) {
  for (const v1::Range64& range : ranges) {
    if (range.first() <= number && number <= range.last()) return true;
  }
  return false;
}

struct Shape {
  size_t lanes;
  uint16_t shards;
};

struct Streams : testing::TestWithParam<Shape> {
  void SetUp() override { create(); }
  void create() {
    v1::CreateSpaceRequest create;
    create.set_name("s");
    create.mutable_policy()->set_shard(GetParam().shards - 1);
    v1::CreateSpaceResponse created;
    ASSERT_TRUE(client->call("tuplespace.v1.Admin/CreateSpace", create, created).ok());
  }
  void connect() { client = std::make_unique<WireClient>(server.address()); }

  LocalServer server{[](Config& config) {
    config.engine.lanes = GetParam().lanes;
    config.engine.shards = GetParam().shards;
    config.engine.shard.operations_max = 10;
  }};
  std::unique_ptr<WireClient> client = std::make_unique<WireClient>(server.address());
};

INSTANTIATE_TEST_SUITE_P(Shapes, Streams, testing::Values(Shape{1, 1}, Shape{1, 3}, Shape{2, 2}),
                         [](const auto& shape) {
                           return std::to_string(shape.param.lanes) + "Lanes" +
                                  std::to_string(shape.param.shards) + "Shards";
                         });

TEST_P(Streams, WelcomeSaysSessionSecretAndLimits) {
  Caller caller(*client);
  const v1::Welcome welcome = caller.hello();
  EXPECT_NE(welcome.session(), 0);
  EXPECT_EQ(welcome.secret().size(), 16);
  EXPECT_EQ(welcome.epoch(), 1);
  EXPECT_EQ(welcome.incarnation(), 1);
  EXPECT_GT(welcome.ttl_ms(), 0);
  EXPECT_EQ(welcome.limits().operations_max(), 10);
  EXPECT_EQ(welcome.limits().frame_bytes_max(), 4 << 20);
}

TEST_P(Streams, OperationsOfAFrameApplyInOrderAndShareFrames) {
  Caller caller(*client);
  caller.hello();
  v1::ClientFrame frame;
  for (int number = 1; number <= 8; ++number) add_out(frame, number, number * 10);
  *frame.add_operations() = in(9, 0).operations(0);
  ASSERT_TRUE(caller.send(frame));
  EXPECT_EQ(found_int(caller.answer(9).in()), 10);
  for (int number = 1; number <= 8; ++number) EXPECT_EQ(caller.answer(number).code(), kOk);
  EXPECT_LT(caller.frames(), 9);
}

TEST_P(Streams, TheFirstFrameMayCarryOperations) {
  Caller caller(*client);
  v1::ClientFrame frame = out(1, 7);
  *frame.mutable_hello() = Caller::greeting();
  ASSERT_TRUE(caller.send(frame));
  EXPECT_EQ(caller.answer(1).code(), kOk);
}

TEST_P(Streams, AWaitIsAnsweredWhenATupleComes) {
  Caller caller(*client);
  caller.hello();
  ASSERT_TRUE(caller.send(in(1)));
  client->await_waiters(1);
  ASSERT_TRUE(caller.send(out(2, 5)));
  EXPECT_EQ(found_int(caller.answer(1).in()), 5);
}

TEST_P(Streams, ACancelledWaitGetsADefiniteAnswer) {
  Caller caller(*client);
  caller.hello();
  ASSERT_TRUE(caller.send(in(1)));
  v1::ClientFrame cancel;
  cancel.add_cancels(1);
  ASSERT_TRUE(caller.send(cancel));
  EXPECT_EQ(caller.answer(1).code(), kCancelled);
}

TEST_P(Streams, WhatIsWrongWithAnOperationIsItsAnswer) {
  Caller caller(*client);
  caller.hello();
  v1::ClientFrame frame;
  frame.add_operations()->set_number(1);  // of no kind
  *frame.add_operations() = in(2, -5).operations(0);
  *frame.add_operations() = out(2, 1).operations(0);  // a number again
  add_out(frame, 3, 7);
  ASSERT_TRUE(caller.send(frame));
  EXPECT_EQ(caller.answer(3).code(), kOk);
  EXPECT_EQ(caller.answer(1).code(), kUnimplemented);
  EXPECT_EQ(caller.answer(2).code(), kFailedPrecondition);  // the later of its two answers
  EXPECT_EQ(client->count("s", wanted("job", v1::TYPE_INT)).ready(), 1);
}

TEST_P(Streams, AnOperationTooManyIsRefusedByName) {
  Caller caller(*client);
  caller.hello();
  v1::ClientFrame frame;
  for (uint64_t number = 1; number <= 11; ++number) {
    *frame.add_operations() = in(number).operations(0);
  }
  ASSERT_TRUE(caller.send(frame));
  const v1::Answer refused = caller.answer(11);
  EXPECT_EQ(refused.code(), kResourceExhausted);
  EXPECT_EQ(refused.problem().bound(), "operations_max");
}

TEST_P(Streams, CloseConfirmsAndGivesBackTheRest) {
  Caller caller(*client);
  caller.hello();
  ASSERT_TRUE(caller.send(out(1, 1)));
  ASSERT_TRUE(caller.send(out(2, 2)));
  ASSERT_TRUE(caller.send(in(3, 0)));
  ASSERT_TRUE(caller.send(in(4, 0)));
  EXPECT_EQ(found_int(caller.answer(4).in()), 2);
  v1::ClientFrame last = confirm(1, 3);
  last.set_close(true);
  ASSERT_TRUE(caller.send(last));
  EXPECT_TRUE(caller.await_closed());
  EXPECT_EQ(caller.stream().finish().code, kOk);
  EXPECT_EQ(client->count("s", wanted("job", 1)).ready(), 0);
  EXPECT_EQ(client->count("s", wanted("job", 2)).ready(), 1);
}

TEST_P(Streams, WhatIsReturnedIsAvailableAgainWithAHigherAttempt) {
  Caller caller(*client);
  caller.hello();
  ASSERT_TRUE(caller.send(out(1, 1)));
  ASSERT_TRUE(caller.send(in(2, 0)));
  EXPECT_EQ(found_int(caller.answer(2).in()), 1);
  v1::ClientFrame returned;
  returned.add_returned()->set_first(2);
  returned.mutable_returned(0)->set_last(2);
  ASSERT_TRUE(caller.send(returned));
  const v1::InResponse found = client->in("s", wanted("job", 1), 10'000);
  ASSERT_EQ(found.tuples_size(), 1);
  EXPECT_EQ(found.tuples(0).attempt(), 1);
}

TEST_P(Streams, WhoSendsNoMoreGetsEveryAnswerStill) {
  Caller caller(*client);
  caller.hello();
  ASSERT_TRUE(caller.send(in(1)));
  ASSERT_TRUE(caller.send(out(2, 5)));
  caller.stream().no_more();
  EXPECT_EQ(found_int(caller.answer(1).in()), 5);
  EXPECT_EQ(caller.answer(2).code(), kOk);
  EXPECT_EQ(caller.stream().finish().code, kOk);
}

TEST_P(Streams, ABrokenStreamResumesWithItsAnswersAndWaits) {
  auto caller = std::make_unique<Caller>(*client);
  const v1::Welcome first = caller->hello();
  ASSERT_TRUE(caller->send(out(1, 1)));
  ASSERT_TRUE(caller->send(in(2, 0)));
  EXPECT_EQ(found_int(caller->answer(2).in()), 1);
  ASSERT_TRUE(caller->send(in(3)));
  client->await_waiters(1);
  caller.reset();

  Caller again(*client);
  const v1::Welcome welcome = again.hello(Caller::again(first, 1, 4));
  EXPECT_EQ(welcome.session(), first.session());
  EXPECT_GT(welcome.epoch(), first.epoch());
  ASSERT_EQ(welcome.answers_size(), 2);
  EXPECT_EQ(found_int(welcome.answers(1).in()), 1);
  EXPECT_TRUE(contains(welcome.waiting(), 3));
  EXPECT_TRUE(contains(welcome.not_executed(), 4));
  ASSERT_TRUE(client->out("s", tuple("job", 9)).ok());
  EXPECT_EQ(found_int(again.answer(3).in()), 9);
}

TEST_P(Streams, AWaitWithoutAStreamIsOfferedNothing) {
  auto caller = std::make_unique<Caller>(*client);
  const v1::Welcome welcome = caller->hello();
  ASSERT_TRUE(caller->send(in(1)));
  client->await_waiters(1);
  caller.reset();
  // What comes goes to somebody who is there, once the server has noticed.
  int64_t found = -1;
  for (int job = 1; found < 0 && job < 1000; ++job) {
    ASSERT_TRUE(client->out("s", tuple("job", job)).ok());
    found = found_int(client->in("s", wanted("job", v1::TYPE_INT)));
  }
  EXPECT_GT(found, 0);
}

TEST_P(Streams, ARestartLeavesNoNumberInDoubt) {
  auto caller = std::make_unique<Caller>(*client);
  const v1::Welcome first = caller->hello();
  ASSERT_TRUE(caller->send(out(1, 1)));
  ASSERT_TRUE(caller->send(in(2, 0)));
  EXPECT_EQ(found_int(caller->answer(2).in()), 1);
  ASSERT_TRUE(caller->send(in(3)));
  client->await_waiters(1);
  server.restart();
  EXPECT_EQ(caller->stream().finish().code, kUnavailable);
  caller.reset();
  connect();

  Caller again(*client);
  const v1::Welcome welcome = again.hello(Caller::again(first, 1, 3));
  EXPECT_EQ(welcome.incarnation(), first.incarnation() + 1);
  ASSERT_EQ(welcome.answers_size(), 2);
  EXPECT_EQ(found_int(welcome.answers(1).in()), 1);
  EXPECT_TRUE(contains(welcome.not_executed(), 3));
  ASSERT_TRUE(again.send(close()));
  EXPECT_TRUE(again.await_closed());
  EXPECT_EQ(found_int(client->in("s", wanted("job", v1::TYPE_INT))), 1);
}

TEST_P(Streams, ASecondStreamReplacesTheFirst) {
  Caller first(*client);
  const v1::Welcome welcome = first.hello();
  WireClient elsewhere(server.address());
  Caller second(elsewhere);
  EXPECT_EQ(second.hello(Caller::again(welcome, 0, 0)).session(), welcome.session());
  EXPECT_EQ(first.stream().finish().code, kAborted);
  ASSERT_TRUE(second.send(out(1, 1)));
  EXPECT_EQ(second.answer(1).code(), kOk);
}

TEST_P(Streams, WhoDoesNotKnowTheSecretReplacesNobody) {
  Caller first(*client);
  v1::Hello guess = Caller::again(first.hello(), 0, 0);
  guess.set_secret("0123456789abcdef");
  v1::ClientFrame frame;
  *frame.mutable_hello() = guess;
  Caller second(*client);
  ASSERT_TRUE(second.send(frame));
  EXPECT_EQ(second.stream().finish().code, kPermissionDenied);
  ASSERT_TRUE(first.send(out(1, 1)));
  EXPECT_EQ(first.answer(1).code(), kOk);
}

TEST_P(Streams, AFrameAgainstTheProtocolEndsOnlyItsStream) {
  Caller healthy(*client);
  healthy.hello();
  {
    Caller silent(*client);
    ASSERT_TRUE(silent.send(out(1, 1)));  // no hello
    EXPECT_EQ(silent.stream().finish().code, kFailedPrecondition);
  }
  {
    Caller twice(*client);
    twice.hello();
    v1::ClientFrame frame;
    *frame.mutable_hello() = Caller::greeting();
    ASSERT_TRUE(twice.send(frame));
    EXPECT_EQ(twice.stream().finish().code, kFailedPrecondition);
  }
  {
    Caller newer(*client);
    v1::ClientFrame frame;
    frame.mutable_hello()->set_protocol(2);
    ASSERT_TRUE(newer.send(frame));
    EXPECT_EQ(newer.stream().finish().code, kFailedPrecondition);
  }
  for (const std::string& garbage : {std::string("\xff\xff\xff\xff"), std::string("\x1a\x7f"),
                                     std::string("\x1a\x02\x08", 3), std::string("\x00", 1)}) {
    Caller noisy(*client);
    noisy.hello();
    ASSERT_TRUE(noisy.stream().send(garbage));
    EXPECT_EQ(noisy.stream().finish().code, kInvalidArgument);
  }
  ASSERT_TRUE(healthy.send(out(1, 1)));
  EXPECT_EQ(healthy.answer(1).code(), kOk);
}

TEST(StreamsMax, AStreamTooManyIsRefusedByName) {
  LocalServer server([](Config& config) { config.streams_max = 1; });
  WireClient client(server.address());
  Caller first(client);
  first.hello();
  Caller second(client);
  const Outcome outcome = second.stream().finish();
  EXPECT_EQ(outcome.code, kResourceExhausted);
  ASSERT_TRUE(outcome.problem);
  EXPECT_EQ(outcome.problem->bound(), "streams_max");
}

TEST(SlowReaders, AnswersBeyondOneFrameComeInSeveral) {
  LocalServer server([](Config& config) {
    config.calls.frame_bytes_max = 70'000;
    config.engine.shard.limits.tuple_bytes_max = 60'000;
    config.answer_bytes_max = 64 * 1024;
  });
  WireClient client(server.address());
  ASSERT_TRUE(client.out("s", tuple("job", std::string(50'000, 'x'))).ok());
  Caller caller(client);
  caller.hello();
  for (uint64_t number = 1; number <= 200; ++number) {
    v1::ClientFrame frame;
    v1::Operation& operation = *frame.add_operations();
    operation.set_number(number);
    operation.mutable_rd()->set_space("s");
    *operation.mutable_rd()->mutable_template_() = wanted("job", v1::TYPE_STRING);
    ASSERT_TRUE(caller.send(frame));
  }
  for (uint64_t number = 1; number <= 200; ++number) {
    EXPECT_EQ(caller.answer(number).rd().tuples_size(), 1) << number;
  }
  EXPECT_GE(caller.frames(), 100);
}

}  // namespace
}  // namespace tuplespace::integration
