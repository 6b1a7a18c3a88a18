// Oracle is a whole shard, made of a Model: spaces with policies, sessions with numbered answers,
// restarts. It takes the same operations and gives the same answers as Shard, except that what is
// free for a shard to choose (places, session ids, random picks) is taken from what it answered.
//
// Order:   advance(now) before apply() at `now`.
// Threads: lane.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/model_atomic.h"
#include "tuplespace/space/shard.h"

namespace tuplespace {

class Oracle {
 public:
  explicit Oracle(const ShardConfig& config);
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  // What the other one answered, for the places that it gave to what atomics put. Comes before
  // apply() or advance() of what caused it.
  void look(const std::vector<Answer>& answers);

  // Does what `operation` asks. `seen` is what the other one answered to it, nullptr if it has
  // not yet.
  void apply(const Operation& operation, const Answer* seen);

  // Time passes until `now`.
  void advance(Time now);

  // The server died and started again.
  void restart();

  // The answers since the last call.
  std::vector<Answer> take_answers() { return std::exchange(answers_, {}); }

  // When something happens by itself; kNever if nothing does.
  Time next_due() const;

  // Totals, as Shard::figures() has them.
  CountAnswer total() const;
  size_t waiters() const { return model_.waiters.size(); }
  size_t sessions() const { return sessions_.size(); }

 private:
  struct Session {
    Duration ttl = 0;
    Time ends = kNever;  // kNever: a stream holds it
    uint64_t epoch = 0;
    Number highest = 0;
    std::map<Number, Answer> answers;   // of what changed something, until confirmed
    std::set<Number> volatile_answers;  // of them, what a restart forgets
  };

  void act(const Operation& operation, const Answer* seen);
  void out(const Out& asked, const Operation& operation, const Answer* seen);
  void take(Take asked, const Operation& operation, const Answer* seen);
  void atomic(const Atomic& asked, const Operation& operation);
  void collect(const Collect& asked, const Operation& operation, const Answer* seen);
  void scan(const Scan& asked, const Operation& operation);
  void create(const CreateSpace& asked, const Operation& operation);
  void drop(const DropSpace& asked, const Operation& operation);
  void open(const OpenSession& asked, const Operation& operation, const Answer* seen);
  void resume(const ResumeSession& asked, const Operation& operation, const Answer* seen);
  void suspend(const SuspendSession& asked);
  void confirm(SessionId id, const std::vector<NumberRange>& ranges);
  void give_back(SessionId id, const std::vector<NumberRange>& ranges);
  void cancel(const Cancel& asked);
  void end_session(SessionId id);

  // True if the number was seen before: then it is answered, or waits on.
  bool repeated(const Operation& operation);
  uint32_t at_most(uint32_t max, const std::vector<Found>& found) const;
  bool is_durable(const std::string& space) const;
  bool has_room(const std::string& space, size_t tuples) const;
  void resume_wait(Model::Asked waiter, const Answer* seen);
  void record(const Caller& caller, bool durable, const Answer& answer);
  void answer(const ReplyTo& reply, Answer what);
  void refuse(const ReplyTo& reply, Code code);

  ShardConfig config_;
  Model model_;
  AtomicModel atomics_{model_};
  // What steps of atomics put, by whom they were answered.
  std::map<std::pair<uint64_t, uint64_t>, std::vector<StepAnswer>> steps_seen_;
  std::map<std::string, Policy> spaces_;
  std::map<SessionId, Session> sessions_;
  std::vector<Answer> answers_;
};

}  // namespace tuplespace
