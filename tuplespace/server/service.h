// Service is what one lane serves: it takes the calls that the lane's queue accepted, submits
// what they ask to the engine, and answers when the engine has answered. Handlers are thin:
// convert, submit, reply.
//
// Threads: lane, except Common.
// Bounds:  Config: in_flight_max, streams_max, wait_max.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tuplespace/engine/engine.h"
#include "tuplespace/server/call.h"
#include "tuplespace/server/config.h"
#include "tuplespace/server/session_holders.h"
#include "tuplespace/server/wire.h"

namespace tuplespace {

class HealthWatch;
class Listener;
class Service;
class SessionStream;

// What a lane's service counts; written by its lane, read by all.
enum class Counted : size_t {
  kUnaryCalls,
  kUnaryCancelled,
  kStreamsOpened,
  kFramesReceived,
  kFramesSent,
  kStreamOperations,
  kStreamsNow,
  kUnaryNow,
  kEnd
};

class Service final : public CallHandler, private Receiver {
 public:
  // What the services of all lanes share.
  struct Common {
    const Config& config;
    Engine& engine;
    CallServer& calls;
    const Listener& listener;
    const Time started;
    SessionHolders holders;
    std::atomic<bool> draining{false};
    std::vector<std::unique_ptr<Service>> services;  // by lane
  };

  // Requires: the engine has not been started.
  Service(Common& common, size_t lane);
  ~Service() override;

  // Runs before the lane polls: sends what streams have to send.
  void before_poll();

  // Ends every session's stream with `status`. Requires: the engine has stopped.
  void abandon_streams(const Status& status);

  // ---- CallHandler ----
  void on_unary(UnaryCall& call) override;
  void on_cancelled(uint64_t token) override;
  StreamHandler* on_stream(Stream& stream) override;

  // ---- for handlers ----
  // One of the operations on a space: decodes, submits, and answers in time.
  void operate(UnaryCall& call, Verb verb);

  // Submits and calls `then` with the answer. ask_shards() asks shards first .. last - 1 and
  // calls `then` with all answers; at once if there is no such shard.
  using Then = std::function<void(Answer& answer)>;
  using ThenAll = std::function<void(std::vector<Answer>& answers)>;
  void ask(Operation operation, Then then);
  void ask_shards(uint16_t first, uint16_t last, const Operation& operation, ThenAll then);

  // As ask(), for a unary call: `then` is called with an answer that is no error, if the call is
  // still there; errors are told to the caller.
  using Reply = std::function<void(UnaryCall& call, Answer& answer)>;
  void ask_for(const UnaryCall& call, Operation operation, Reply reply);
  // Answers `call` with a response message.
  template <typename Message>
  void reply(UnaryCall& call, const Message& message) {
    scratch_.clear();
    message.AppendToString(&scratch_);
    call.reply(scratch_);
  }

  // Confirms `ranges` in every shard but the first; nobody is answered.
  void confirm_elsewhere(SessionId session, const std::vector<NumberRange>& ranges);

  // Ends a session whose secret was checked, with what was `confirmed` last. then(answer of shard
  // 0) when its end is durable in every shard.
  void close_session(SessionId session, std::vector<NumberRange> confirmed, Then then);

  // The handler is destroyed before the next poll; it must not be called any more.
  void retire(StreamHandler* handler);
  void add_session_stream(uint64_t id, SessionStream* stream) { session_streams_[id] = stream; }
  void forget_session_stream(uint64_t id) { session_streams_.erase(id); }
  SessionStream* session_stream(uint64_t id);
  // Calls flush() before the next poll. Requires: it is not marked, and lives until then.
  void mark_dirty(SessionStream* stream) { dirty_.push_back(stream); }
  // Calls read_on() before the next poll, after every flush(). Requires: as mark_dirty().
  void read_later(SessionStream* stream) { to_read_.push_back(stream); }

  void add_health_watch(HealthWatch* watch) { health_watches_.insert(watch); }
  void forget_health_watch(HealthWatch* watch) { health_watches_.erase(watch); }
  void tell_health();  // to all who watch

  UnaryCall* find(uint64_t token) { return common_.calls.queue(lane_).find(token); }
  Common& common() { return common_; }
  Engine& engine() { return common_.engine; }
  const Config& config() const { return common_.config; }
  Decoder& decoder() { return decoder_; }
  ClientFrameParts& frame_parts() { return frame_parts_; }
  size_t lane() const { return lane_; }
  uint64_t next_id() { return ++last_id_; }

  void count(Counted what, uint64_t by = 1) {
    auto& counter = counters_[static_cast<size_t>(what)];
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  uint64_t counted(Counted what) const { return counters_[static_cast<size_t>(what)]; }

 private:
  struct Asked {
    size_t missing;
    std::vector<Answer> answers;
    ThenAll then;
  };
  struct Numbered {
    SessionId session;
    Number number;
  };

  void on_answer(Answer&& answer) override;
  void on_asked(Answer answer);
  void operate_numbered(UnaryCall& call, Verb verb, Operation operation, std::string_view caller);
  void submit_numbered(uint64_t token, Operation operation);
  uint64_t begin_asking(size_t missing, ThenAll then);

  Common& common_;
  const size_t lane_;
  uint64_t receiver_ = 0;
  Decoder decoder_;
  ClientFrameParts frame_parts_;  // of the frame being taken apart
  std::string scratch_;           // of the response being written
  std::array<std::atomic<uint64_t>, static_cast<size_t>(Counted::kEnd)> counters_{};

  uint64_t last_id_ = 0;
  std::unordered_map<uint64_t, Asked> asked_;
  std::unordered_map<uint64_t, Numbered> numbered_;  // unary calls of sessions, by token
  std::unordered_map<StreamHandler*, std::unique_ptr<StreamHandler>> streams_;
  std::unordered_map<uint64_t, SessionStream*> session_streams_;
  std::unordered_set<HealthWatch*> health_watches_;
  std::vector<std::unique_ptr<StreamHandler>> retired_;
  std::vector<SessionStream*> dirty_;  // have something to send
  std::vector<SessionStream*> flushing_;
  std::vector<SessionStream*> to_read_;  // may want another message
};

}  // namespace tuplespace
