// Gather makes one answer of what every shard said to one question (ListSpaces, Stats).
//
// Threads: begin() any; on_answer() the lane that its answers go to.
// Bounds:  one entry per question under way, which the askers bound.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "tuplespace/engine/engine.h"

namespace tuplespace {

class Gather : public Receiver {
 public:
  // `deliver` gets the merged answers.
  explicit Gather(std::function<void(Answer answer)> deliver) : deliver_(std::move(deliver)) {}

  // Expects `shards` answers in place of the one for `reply`. Returns their token.
  uint64_t begin(ReplyTo reply, size_t shards);

  void on_answer(Answer&& answer) override;

 private:
  struct Question {
    size_t missing;
    Answer merged;
  };

  const std::function<void(Answer answer)> deliver_;
  std::mutex mutex_;
  uint64_t last_token_ = 0;                           // guarded by mutex_
  std::unordered_map<uint64_t, Question> questions_;  // guarded by mutex_
};

}  // namespace tuplespace
