// Repeater has a session and asks by unary calls, one at a time: until it hears an answer it asks
// again under the same number, also while the first call is still there, also of another life of
// the server. The answer must be the first one's.
//
// Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/caller.h"

namespace tuplespace::simulation {

class Repeater {
 public:
  Repeater(Surroundings& around, size_t index, Caller::OnLane on_lane)
      : around_(around), index_(index), on_lane_(std::move(on_lane)) {}

  // The next operation, or the last one again if its answer is missing.
  void ask(size_t lanes);
  // An answer arrives, if there is one on its way; or it is lost.
  bool hear(bool lost);
  void lose_server() { call_.reset(); }

  // It waits, or has nothing to ask.
  bool at_rest() const;
  bool has_call() const { return call_ != nullptr; }
  void add_waiting(std::vector<size_t>& deeds) const;
  // It is gone, and what it asked last has an outcome that nobody will say.
  void die();

 private:
  // An attempt; an older one may still be at the server, and nobody listens to it.
  struct Call {
    bool replied = false;
    Status status;
    std::string response;
  };
  void open(size_t lanes);
  void send(size_t lanes, size_t method, std::string request);
  void told_session(const Call& call);
  void told(const Call& call);
  void forget_session();

  Surroundings& around_;
  const size_t index_;
  const Caller::OnLane on_lane_;
  std::shared_ptr<Call> call_;
  size_t session_ = kNobody;
  SessionId id_ = 0;
  std::string secret_;
  Number number_ = 0;
  bool asking_ = false;            // number_ has no answer yet
  size_t deed_ = 0;                // that it is about
  std::vector<size_t> confirmed_;  // deeds whose confirmation leaves with the next number
  uint64_t heard_step_ = 0;        // its last answer was asked for here, so it lived
  std::vector<HeldToken> tokens_;
};

}  // namespace tuplespace::simulation
