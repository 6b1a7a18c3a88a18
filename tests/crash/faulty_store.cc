#include "tests/crash/faulty_store.h"

#include <algorithm>
#include <utility>

namespace tuplespace {

void FaultyStore::fail_commit(uint64_t number, bool reaches_disk) {
  std::lock_guard lock(mutex_);
  failing_ = number;
  reaches_disk_ = reaches_disk;
}

void FaultyStore::fail_load(Status status, size_t records) {
  std::lock_guard lock(mutex_);
  load_failure_ = std::move(status);
  load_records_ = records;
}

void FaultyStore::hold(Watermarks highest) {
  std::lock_guard lock(mutex_);
  highest_ = highest;
}

void FaultyStore::release() {
  {
    std::lock_guard lock(mutex_);
    if (!failed_) highest_.reset();
  }
  tell(inside_.watermarks());
}

void FaultyStore::set_free_bytes(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  free_bytes_ = bytes;
}

Status FaultyStore::load(
    std::string_view prefix,
    const std::function<Status(std::string_view key, std::string_view value)>& visit) {
  size_t left = load_records_;
  TS_RETURN_IF_ERROR(inside_.load(prefix, [&](std::string_view key, std::string_view value) {
    if (load_failure_ && left-- == 0) return *load_failure_;
    return visit(key, value);
  }));
  return load_failure_.value_or(Status());
}

void FaultyStore::start(OnProgress on_progress, OnFailure on_failure) {
  on_progress_ = std::move(on_progress);
  on_failure_ = on_failure;
  inside_.start([this](Watermarks reached) { tell(reached); }, std::move(on_failure));
}

uint64_t FaultyStore::commit(Batch batch, Mark mark) {
  std::lock_guard order(committing_);  // the numbers here are those inside
  const uint64_t number = ++last_;
  bool fails;
  {
    std::lock_guard lock(mutex_);
    if (failed_) return number;
    fails = failed_ = failing_ && number >= *failing_;
    if (fails) highest_ = visible_locked({number - 1, number - 1});
  }
  if (!fails || reaches_disk_) {
    TS_CHECK(inside_.commit(std::move(batch), mark) == number);
  }
  if (fails) {
    on_failure_({Code::kUnavailable, "batch " + std::to_string(number) + " was told to fail"});
  }
  return number;
}

Watermarks FaultyStore::visible(Watermarks reached) const {
  std::lock_guard lock(mutex_);
  return visible_locked(reached);
}

Watermarks FaultyStore::visible_locked(Watermarks reached) const {
  if (!highest_) return reached;
  return {std::min(reached.written, highest_->written), std::min(reached.synced, highest_->synced)};
}

void FaultyStore::tell(Watermarks reached) {
  std::lock_guard lock(telling_);
  const Watermarks now = visible(reached);
  if (now.written <= told_.written && now.synced <= told_.synced) return;
  told_ = {std::max(now.written, told_.written), std::max(now.synced, told_.synced)};
  on_progress_(told_);
}

Watermarks FaultyStore::watermarks() const { return visible(inside_.watermarks()); }

uint64_t FaultyStore::free_bytes() const {
  std::lock_guard lock(mutex_);
  return free_bytes_ ? *free_bytes_ : inside_.free_bytes();
}

}  // namespace tuplespace
