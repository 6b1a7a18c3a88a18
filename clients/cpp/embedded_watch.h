// WatchQueue holds the events of one watch of this process until they are read.
//
// Threads: any.
// Bounds:  kWatchEventsMax; beyond it events are left out, and a gap says which.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "clients/cpp/backend.h"
#include "tuplespace/space/answer.h"

namespace tuplespace::client {

class WatchQueue {
 public:
  // What the engine says: events, or the end.
  void on_answer(::tuplespace::Answer&& answer);
  // Its reader is told `why` when he has read what is there.
  void end(Status why);

  // Waits until it watches.
  Status begin();
  Result<Event> next(Instant deadline);
  uint64_t sequence() const;

 private:
  void tell(::tuplespace::WatchAnswer& news, uint64_t sequence);
  bool fill();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Event> events_;
  bool told_ = false;         // it watches
  uint64_t come_ = 0;         // all up to here is in events_, or was read
  uint64_t sequence_ = 0;     // all up to here was read
  bool misses_ = false;       // events are left out:
  uint64_t missed_from_ = 0;  // those after this
  uint64_t missed_to_ = 0;    // and up to this
  Status over_;
};

}  // namespace tuplespace::client
