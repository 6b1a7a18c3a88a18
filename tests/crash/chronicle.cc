#include "tests/crash/chronicle.h"

#include <fmt/format.h>

namespace tuplespace::crash {

Chronicle::Line Chronicle::begin(size_t client, std::mt19937_64& random) {
  int64_t key;
  {
    std::lock_guard lock(mutex_);
    Key& chosen = keys_[random() % kKeys];
    if (chosen.left-- <= 0) chosen = {++last_key_, kPerKey};
    key = chosen.key;
  }
  return begin(client, key);
}

Chronicle::Line Chronicle::begin(size_t client, int64_t key) {
  Line line;
  line.client = client;
  line.key = key;
  std::lock_guard lock(mutex_);
  line.number = ++last_number_;
  line.call_us = now_us();
  return line;
}

void Chronicle::end(const Line& line, const std::string& outcome) {
  const int64_t returned = outcome == "unknown" ? -1 : now_us();
  std::lock_guard lock(mutex_);
  ++lines_;
  file_ << fmt::format("{} {} {} {} {} {} {} {} {}\n", line.number, line.client, line.key,
                       line.kind, line.argument, line.lease_us, line.call_us, returned, outcome);
}

uint64_t Chronicle::lines() const {
  std::lock_guard lock(mutex_);
  return lines_;
}

void Chronicle::flush() {
  std::lock_guard lock(mutex_);
  file_.flush();
}

}  // namespace tuplespace::crash
