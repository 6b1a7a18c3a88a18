// Duel lets a shard and the oracle do the same plan and compares every answer, every figure and
// every wake-up time on the way. It is the judge of the operation fuzzer.
//
// Threads: one.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/oracle.h"
#include "tests/model/plan.h"
#include "tests/model/shard_host.h"

namespace tuplespace {

class Duel {
 public:
  // `variant` turns slices, indexes and durability to small or strange settings.
  explicit Duel(uint64_t variant);

  // Does one step. Returns "" or what differed.
  std::string step(const PlanStep& step);

  // Cancels and closes everything and takes every tuple: nothing must be left anywhere.
  std::string finish();

  // What was done, a line each.
  const std::vector<std::string>& trace() const { return trace_; }

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // a ReplyTo

  // A client with a session. Streams break and resume; a unary client asks one thing at a time.
  struct Client {
    SessionId session = 0;  // 0: it has none
    uint64_t epoch = 0;
    uint64_t receiver = 0;
    bool attached = false;
    Number last = 0;
    std::map<Number, Operation> asked;  // since the last restart, or unanswered
    std::set<Number> unanswered;
    std::set<Number> unconfirmed;
  };
  static constexpr size_t kClients = 4;
  static constexpr size_t kUnary = 3;  // the last one

  std::string act(const PlanStep& step);
  std::string ask(const PlanStep& step, Operation operation, const std::string& what);
  std::string ask_again(const PlanStep& step);
  std::string out(const PlanStep& step, const std::string& space);
  std::string take(const PlanStep& step, const std::string& space, bool remove);
  std::string atomic(const PlanStep& step);
  std::string scan(const PlanStep& step);
  std::string session(const PlanStep& step);
  std::string resume(Client& client);
  std::string advance(Duration by);
  std::string restart();
  std::string run(Operation operation);
  std::string compare();
  std::string compare_answers(const std::vector<Answer>& answers);
  std::string check_durability(const Effects& effects);
  void note(const Answer& answer);
  void say(const Client* client, const std::string& what);

  ShardConfig config_;
  ShardHost host_;
  Oracle oracle_;
  std::array<Client, kClients> clients_;
  std::map<Key, std::pair<Client*, Number>> asked_;
  std::set<Key> waiting_;                    // of those without a session
  std::map<std::string, uint64_t> changed_;  // by space: the batch that last changed it
  std::map<Key, std::string> space_of_;
  std::string wrong_;  // found while effects were looked at
  uint64_t next_token_ = 1;
  std::vector<std::string> trace_;
};

// Runs a plan. Returns "" or the difference, after which `trace` ends.
std::string duel(const StepPlan& plan, uint64_t variant, std::vector<std::string>* trace = nullptr);

// Returns a plan that still fails, with as many steps left out as possible.
StepPlan shortest(StepPlan plan, uint64_t variant);

}  // namespace tuplespace
