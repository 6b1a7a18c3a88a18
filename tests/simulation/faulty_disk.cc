#include "tests/simulation/faulty_disk.h"

#include <algorithm>
#include <utility>

namespace tuplespace::simulation {

void FaultyDisk::start(OnProgress on_progress, OnFailure on_failure) {
  on_progress_ = std::move(on_progress);
  on_failure_ = std::move(on_failure);
  inside_.start([](Watermarks) {}, [](const Status&) {});
}

uint64_t FaultyDisk::commit(Batch batch, Mark) {
  const uint64_t number = ++last_;
  pending_.push_back(std::move(batch));
  if (fails_at_ && number >= *fails_at_ && !failed_) {
    failed_ = true;
    // While the engine serves, its process would end within this call.
    if (!slow_) on_failure_({Code::kUnavailable, "the disk was told to fail"});
  }
  if (!slow_) catch_up();
  if (slow_ && lies_ && !failed_) on_progress_(marks_ = {number, number});
  return number;
}

bool FaultyDisk::go_on(Draw& draw) {
  if (failed_ || idle()) return false;
  const uint64_t written = written_ + draw.below(last_ - written_ + 1);
  const uint64_t synced =
      draw.percent(60) ? stored() + draw.below(written - stored() + 1) : stored();
  reach({written, synced});
  return true;
}

void FaultyDisk::catch_up() {
  if (!failed_ && !idle()) reach({last_, last_});
}

void FaultyDisk::crash(Draw& draw, bool power) {
  const uint64_t safe = power ? stored() : written_;
  const uint64_t kept = draw.percent(30) ? safe : safe + draw.below(last_ - safe + 1);
  store_up_to(kept);
  lost_ = pending_.size();
  pending_.clear();
  failed_ = true;
}

void FaultyDisk::reach(Watermarks marks) {
  store_up_to(marks.synced);
  written_ = marks.written;
  if (lies_ && slow_) return;
  marks_ = marks;
  on_progress_(marks);
}

void FaultyDisk::store_up_to(uint64_t number) {
  const uint64_t first = last_ - pending_.size() + 1;
  for (uint64_t at = first; at <= number; ++at) {
    (void)inside_.commit(std::move(pending_.front()), Mark::kSynced);
    pending_.pop_front();
  }
}

}  // namespace tuplespace::simulation
