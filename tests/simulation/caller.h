// Caller asks by unary calls, without a session: at most once. A call whose answer is lost, or that
// is given up, has an outcome that nobody knows.
//
// Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/client.h"

namespace tuplespace::simulation {

class Caller {
 public:
  // `on_lane` runs something among the events of a lane's network, later.
  using OnLane = std::function<void(size_t lane, std::function<void(CallHandler&, Queue&)>)>;

  Caller(Surroundings& around, size_t index, OnLane on_lane)
      : around_(around), index_(index), on_lane_(std::move(on_lane)) {}

  void ask(size_t lanes);
  // One answer arrives, if there is one on its way; or it is lost.
  bool hear(bool lost);
  void give_up_something();
  // The server died: of what was under way nothing will be heard.
  void lose_server();

  // Only waits are under way.
  bool at_rest() const;
  void add_waiting(std::vector<size_t>& deeds) const {
    for (const auto& call : calls_) deeds.push_back(call->deed);
  }
  bool idle() const { return calls_.empty(); }

 private:
  struct Call {
    size_t deed;
    size_t lane;
    uint64_t token = 0;  // 0: not at the server yet
    bool given_up = false;
    bool replied = false;
    Status status;
    std::string response;
  };
  void told(Call& call);

  Surroundings& around_;
  const size_t index_;
  const OnLane on_lane_;
  std::vector<std::shared_ptr<Call>> calls_;
  std::vector<HeldToken> tokens_;
};

}  // namespace tuplespace::simulation
