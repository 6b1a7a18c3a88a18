#include "clients/cpp/embedded_watch.h"

#include "clients/cpp/operations.h"

namespace tuplespace::client {

namespace engine = ::tuplespace;

void WatchQueue::on_answer(engine::Answer&& answer) {
  {
    const std::lock_guard lock(mutex_);
    if (answer.status.ok()) {
      tell(std::get<engine::WatchAnswer>(answer.what), answer.sequence);
    } else if (over_.ok()) {
      over_ = std::move(answer.status);
    }
  }
  wake_.notify_all();
}

void WatchQueue::end(Status why) {
  {
    const std::lock_guard lock(mutex_);
    if (over_.ok()) over_ = std::move(why);
  }
  wake_.notify_all();
}

void WatchQueue::tell(engine::WatchAnswer& news, uint64_t sequence) {
  told_ = true;
  if (misses_ || events_.size() >= kWatchEventsMax) {
    if (!misses_) missed_from_ = come_;
    misses_ = true;
    missed_to_ = sequence;
    return;
  }
  if (news.gap) events_.push_back({EventKind::kGap, {}, news.gap->first, news.gap->second});
  for (engine::SpaceEvent& event : news.events) events_.push_back(event_of(event));
  if (news.snapshot_end) events_.push_back({EventKind::kSnapshotEnd, {}, sequence, 0});
  come_ = sequence;
  if (events_.empty()) sequence_ = come_;
}

// What was left out is told when all before it was read.
bool WatchQueue::fill() {
  if (events_.empty() && misses_) {
    events_.push_back({EventKind::kGap, {}, missed_from_, missed_to_});
    come_ = missed_to_;
    misses_ = false;
  }
  return !events_.empty();
}

Status WatchQueue::begin() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return told_ || !over_.ok(); });
  return told_ ? Status() : over_;
}

Result<Event> WatchQueue::next(Instant deadline) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return fill() || !over_.ok(); };
  if (deadline == kNoInstant) {
    wake_.wait(lock, ready);
  } else {
    wake_.wait_for(lock, std::chrono::microseconds(deadline - steady_now()), ready);
  }
  if (events_.empty()) {
    if (!over_.ok()) return over_;
    return Status(Code::kDeadlineExceeded, "watch: nothing happened in time");
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  if (events_.empty()) sequence_ = come_;
  return event;
}

uint64_t WatchQueue::sequence() const {
  const std::lock_guard lock(mutex_);
  return sequence_;
}

}  // namespace tuplespace::client
