// Conversation is a Session with the server played by the test: frames are read and written with
// the protobuf library, so what the client spells by hand is checked by another hand.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/session.h"
#include "tuplespace/tuple/wire.h"
#include "tuplespace/v1/session.pb.h"

namespace tuplespace::client {

namespace proto = ::tuplespace::v1;

inline Tuple pair(std::string_view text, int64_t number) {
  return Tuple::of({Value(text), Value(number)}).value();
}

// Somebody who asked: what was told, and what to say about the receipt.
class Asker final : public Waiter {
 public:
  explicit Asker(Receive receive = Receive::kConfirm) : receive_(receive) {}
  Receive on_reply(Reply& told) override {
    ++times;
    reply = std::move(told);
    return receive_;
  }
  bool keeps() const override { return receive_ == Receive::kKeep; }
  bool is_quiet() const override { return quiet; }

  bool quiet = false;
  int times = 0;
  Reply reply;

 private:
  const Receive receive_;
};

class Conversation {
 public:
  explicit Conversation(SessionConfig config = {}) : session(config) {}

  // ---- the caller's side ----

  Status out(Asker& asker, int64_t number) {
    const Tuple tuple = pair("job", number);
    return session.submit({.verb = Verb::kOut, .space = space, .tuple = &tuple}, asker, now);
  }
  Status take(Asker& asker, Verb verb = Verb::kIn, std::optional<milliseconds> wait = {}) {
    const Template any = Template::of({any_pattern(), any_pattern()}, {}).value();
    return session.submit({.verb = verb, .space = space, .wanted = &any, .wait = wait}, asker, now);
  }
  void cancel(Asker& asker) {
    session.cancel(asker, replies);
    tell();
  }
  void lose() {
    session.lose({Code::kNotFound, "gone"}, replies);
    tell();
  }
  void give_up() {
    session.give_up(Code::kUnavailable, "no server", replies);
    tell();
  }

  // ---- the server's side ----

  proto::Hello hello() {
    proto::ClientFrame frame;
    EXPECT_TRUE(frame.ParseFromString(session.hello()));
    EXPECT_TRUE(frame.has_hello());
    return frame.hello();
  }

  // Returns what the client writes now; an empty frame if nothing is due.
  proto::ClientFrame written() {
    proto::ClientFrame frame;
    if (!session.has_frame(now)) return frame;
    std::string bytes;
    session.write(bytes, now, replies);
    EXPECT_TRUE(frame.ParseFromString(bytes));
    tell();
    return frame;
  }

  Status welcome(const std::vector<proto::Answer>& answers = {},
                 const std::vector<NumberRange>& waiting = {},
                 const std::vector<NumberRange>& not_executed = {}) {
    proto::ServerFrame frame;
    proto::Welcome& message = *frame.mutable_welcome();
    message.set_session(session_id);
    message.set_secret("secret");
    message.set_epoch(++epoch);
    message.set_incarnation(1);
    message.set_ttl_ms(30'000);
    message.set_fence(session_id);
    message.mutable_limits()->set_tuple_bytes_max(1 << 20);
    message.mutable_limits()->set_fields_max(64);
    message.mutable_limits()->set_depth_max(16);
    message.mutable_limits()->set_frame_bytes_max(frame_bytes_max);
    message.mutable_limits()->set_operations_max(operations_max);
    for (const proto::Answer& answer : answers) *message.add_answers() = answer;
    for (const NumberRange range : waiting) add(range, *message.add_waiting());
    for (const NumberRange range : not_executed) add(range, *message.add_not_executed());
    return hear(frame);
  }

  // A stream from hello to welcome, for a session without a past.
  void connect() {
    hello();
    EXPECT_TRUE(welcome().ok());
  }

  Status answer(const std::vector<proto::Answer>& answers) {
    proto::ServerFrame frame;
    for (const proto::Answer& answer : answers) *frame.add_answers() = answer;
    return hear(frame);
  }

  Status closed() {
    proto::ServerFrame frame;
    frame.set_closed(true);
    return hear(frame);
  }

  static proto::Answer placed(Number number) {
    proto::Answer answer;
    answer.set_number(number);
    answer.mutable_out()->set_sequence(100 + number);
    return answer;
  }
  static proto::Answer took(Number number, int64_t value, bool remove = true) {
    proto::Answer answer;
    answer.set_number(number);
    proto::Found found;
    found.set_id(50 + number);
    std::string wire;
    append_wire(pair("job", value), wire);
    EXPECT_TRUE(found.mutable_tuple()->ParseFromString(wire));
    if (remove) {
      *answer.mutable_in()->add_tuples() = found;
    } else {
      *answer.mutable_rd()->add_tuples() = found;
    }
    return answer;
  }
  static proto::Answer refused(Number number, Code code) {
    proto::Answer answer;
    answer.set_number(number);
    answer.set_code(static_cast<int>(code));
    answer.set_message("refused");
    return answer;
  }

  const std::string space = "jobs";
  Session session;
  Replies replies;
  Instant now = 1'000'000;
  uint64_t session_id = 7;
  uint64_t epoch = 0;
  uint64_t frame_bytes_max = 4 << 20;
  uint64_t operations_max = 16'384;

 private:
  static void add(NumberRange range, proto::Range64& message) {
    message.set_first(range.first);
    message.set_last(range.last);
  }
  Status hear(const proto::ServerFrame& frame) {
    const Status status = session.on_frame(frame.SerializeAsString(), replies);
    tell();
    return status;
  }
  void tell() {
    replies.tell();
    for (size_t i = 0; i < replies.size(); ++i) {
      session.received(replies[i].reply.ticket, replies[i].receive, now);
    }
    replies.clear();
  }
};

// Returns ranges as text: "1..3 5".
template <typename Ranges>
std::string text_of(const Ranges& ranges) {
  std::string text;
  for (const auto& range : ranges) {
    if (!text.empty()) text += ' ';
    text += std::to_string(range.first());
    if (range.last() != range.first()) text += ".." + std::to_string(range.last());
  }
  return text;
}

inline std::vector<Number> numbers_of(const proto::ClientFrame& frame) {
  std::vector<Number> numbers;
  for (const proto::Operation& operation : frame.operations())
    numbers.push_back(operation.number());
  return numbers;
}

}  // namespace tuplespace::client
