#include "tests/model/shard_host.h"

#include <algorithm>
#include <utility>

namespace tuplespace {

ShardHost::ShardHost(const ShardConfig& config, Time start) : config_(config), now_(start) {
  TS_CHECK(restart().ok());
}

void ShardHost::apply(Operation operation) {
  run([&](Effects& effects) { shard_->apply(std::move(operation), now_, effects); });
  settle();
}

void ShardHost::together(const std::function<void(Effects&)>& calls) {
  run(calls);
  settle();
}

void ShardHost::advance_to(Time time) {
  while (now_ < time) {
    now_ = std::min(time, std::max(next_, now_ + 1));
    settle();
  }
}

Status ShardHost::restart() {
  shard_ = std::make_unique<Shard>(config_);
  for (const auto& [key, value] : records_) TS_RETURN_IF_ERROR(shard_->recover(key, value));
  Status status;
  run([&](Effects& effects) { status = shard_->recovered(now_, effects); });
  if (status.ok()) settle();
  return status;
}

void ShardHost::run(const std::function<void(Effects&)>& call) {
  Effects effects;
  effects.batch_number = batch_number_ + 1;
  call(effects);
  shard_->finish(effects);
  if (!effects.batch.empty()) ++batch_number_;
  effects.batch.for_each([&](const Batch::Change& change) {
    switch (change.kind) {
      case Batch::Kind::kPut: records_[std::string(change.key)] = change.value; break;
      case Batch::Kind::kErase: records_.erase(std::string(change.key)); break;
      case Batch::Kind::kEraseRange:
        records_.erase(records_.lower_bound(std::string(change.key)),
                       records_.lower_bound(std::string(change.value)));
        break;
    }
  });
  if (on_effects) on_effects(effects);
  std::move(effects.answers.begin(), effects.answers.end(), std::back_inserter(answers_));
}

void ShardHost::settle() {
  for (int ticks = 0;; ++ticks) {
    TS_CHECK(ticks < kTicksMax);
    run([&](Effects& effects) { next_ = shard_->tick(now_, effects); });
    if (next_ > now_) return;
  }
}

}  // namespace tuplespace
