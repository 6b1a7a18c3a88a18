// SessionStream is one call of Sessions.Stream: a session, any number of operations at once.
//
//   state        is left by
//   kGreeting    the first frame, with Hello: a new session -> kOpening, a known one -> kVerifying
//   kVerifying   the secret is right: who held the session before is ended -> kOpening
//   kOpening     every shard has answered: Welcome is sent -> kOpen
//   kOpen        frames come, answers go; a frame with close -> kClosing
//   kClosing     every shard has closed the session: closed is sent -> kOver
//   kOver        nothing leaves it. From any state: the stream broke, was replaced, or broke the
//                protocol; unless the session was closed or taken over it is suspended
//
// Answers are written into one frame, which goes out before the lane polls, one write at a time:
// what comes meanwhile is in the next.
//
// Threads: lane.
// Bounds:  operations_max without an answer; answer_bytes_max of answers not sent, beyond which
//          nothing is read.
// Errors:  a frame that is none ends the stream with INVALID_ARGUMENT; an operation that is none
//          is answered so, and the stream goes on.
#pragma once

#include <string>
#include <vector>

#include "tuplespace/server/service.h"

namespace tuplespace {

struct HelloParts;

class SessionStream final : public StreamHandler, private Receiver {
 public:
  SessionStream(Service& service, Stream& stream);
  ~SessionStream() override;

  // Sends what there is to send, if nothing is being written.
  void flush();

  // Asks for the next frame, if the last one is done and the client takes its answers.
  void read_on();

  // Another stream took the session over.
  void replaced();

  // Ends the stream from our side; the session is suspended, once it is open.
  void end(const Status& status);

  // As end(), but waits for nothing: the engine has stopped.
  void abandon(const Status& status);

  void on_message(std::string_view bytes) override;
  void on_reads_end() override;
  void on_written() override;
  void on_broken() override;

 private:
  enum class State : uint8_t { kGreeting, kVerifying, kOpening, kOpen, kClosing, kOver };

  void on_answer(Answer&& answer) override;

  void greet(std::string_view hello);
  void open_new(const HelloParts& hello);
  void verify(SessionId session, const std::string& secret);
  void take_over();
  void resume_first();
  void resume_others();
  void resume_on(uint16_t shard);
  void on_opened(Answer answer);
  void welcome();

  void run_frame(std::string_view frame);
  void run_parts(const ClientFrameParts& parts);
  void confirm(const ClientFrameParts& parts);
  bool operate(std::string_view bytes);
  void cancel(Number number);
  void close();

  void add_answer(Number number, const Answer& answer);
  void refuse(Number number, Status status);
  void mark_dirty();
  size_t unsent() const;
  void suspend();
  void be_over();

  Service& service_;
  Stream* stream_;  // null once it is gone
  const uint64_t id_;
  uint64_t receiver_ = 0;
  State state_ = State::kGreeting;
  bool dirty_ = false;
  bool closed_ = false;      // the session has ended; nothing is left to suspend
  bool reads_over_ = false;  // the client sends no more
  bool waits_to_read_ = false;

  SessionId session_ = 0;
  std::string secret_;
  uint64_t epoch_ = 0;
  Duration ttl_ = 0;
  Sequence fence_ = 0;                // of a named session
  std::vector<NumberRange> pending_;  // that Hello asked about
  std::string first_frame_;           // kept until it can be run
  size_t missing_ = 0;                // shards that have not answered
  std::vector<Answer> opened_;        // what they answered
  std::vector<Answer> early_;         // of waits that were served before every shard has answered

  Number last_number_ = 0;
  size_t outstanding_ = 0;         // operations without an answer
  std::vector<std::string> full_;  // frames that have reached frame_bytes_max
  std::string frame_;              // the one being filled
};

}  // namespace tuplespace
