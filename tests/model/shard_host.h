// ShardHost does for a shard what a lane, a store and a clock do, in one thread and at once: it
// ticks until nothing is unfinished, keeps the records that the shard emits, and can start the
// shard again from them.
//
// Threads: one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tuplespace/space/shard.h"

namespace tuplespace {

class ShardHost {
 public:
  explicit ShardHost(const ShardConfig& config, Time start = 1'000'000);

  // Does what `operation` asks and everything that follows from it now.
  void apply(Operation operation);

  // Does what `calls` does to the shard in one turn, so in one batch.
  void together(const std::function<void(Effects&)>& calls);

  // Time passes until `time`: the shard is called whenever it asked to be, as a lane does.
  void advance_to(Time time);

  // The process dies and starts again; what was emitted as a batch is there.
  Status restart();

  // The answers since the last call.
  std::vector<Answer> take_answers() { return std::exchange(answers_, {}); }

  Shard& shard() { return *shard_; }
  Time now() const { return now_; }
  // When the shard wants to be called again.
  Time next() const { return next_; }
  uint64_t batches() const { return batch_number_; }
  const std::map<std::string, std::string>& records() const { return records_; }

  // Called with each batch before its answers are there to take. Optional.
  std::function<void(const Effects& effects)> on_effects;

  // Ticks of one call at most; a shard that wants more never ends.
  static constexpr int kTicksMax = 1'000'000;

 private:
  void run(const std::function<void(Effects&)>& call);
  void settle();

  const ShardConfig config_;
  std::unique_ptr<Shard> shard_;
  std::map<std::string, std::string> records_;
  std::vector<Answer> answers_;
  uint64_t batch_number_ = 0;
  Time now_;
  Time next_ = kNever;
};

}  // namespace tuplespace
