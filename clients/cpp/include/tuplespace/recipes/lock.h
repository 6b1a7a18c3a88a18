// Locks: a mutex with a fencing token, a semaphore, a lock for many readers or one writer.
//
// A lock is a tuple that is bound to its holder's session; it is taken by putting it, where none
// stands in the way. There is nothing to set up, and nothing to clean up.
//
//   lock            its tuples                                  stands in the way
//   Mutex           ("mutex", name, owner)                      any
//   Semaphore       ("permit", name, owner)                     `permits` of them
//   ReadWriteLock   ("reading", name, owner)                    a writer, or one who waits to be
//                   ("writing", name, owner)                    a reader, a writer
//                   ("wants to write", name, owner)             nothing
//
// Holder dies:  his session ends with its lease (ConnectOptions::session_ttl), his tuple vanishes,
//               the next in line has the lock. Until then nobody has it but him.
// Server dies:  it is back with its tuples, and who waited waits; in a space in memory the locks
//               are gone.
// Lease lost:   he may believe that he has the lock while another has it already. No lock can
//               change that: give Lock::fence() to whatever it protects, and let that refuse any
//               fence below the greatest it has seen. held() asks.
// Order:        as they came, while the server lives. A writer who waits keeps new readers out.
// Threads:      any; a Lock by one thread at a time, and not inside a callback.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuplespace/client.h"

namespace tuplespace::client::recipes {

// A lock that is held, until it is released or goes out of scope.
class Lock {
 public:
  // `tuple` was put into that space, under `id`.
  Lock(Connection connection, const std::string& space, Tuple tuple, uint64_t id);
  Lock(Lock&& other) noexcept;
  Lock& operator=(Lock&& other) noexcept;
  ~Lock();

  // Greater than that of every lock that was taken before in the same space.
  uint64_t fence() const { return id_; }

  // Asks whether it still is ours.
  Result<bool> held();

  // Errors: NOT_FOUND: it was lost before.
  Status release();

 private:
  Space space_;
  Tuple tuple_;
  uint64_t id_;  // 0: released
};

class Mutex {
 public:
  Mutex(Connection connection, std::string space, std::string name);

  // Waits for the lock. `owner` is for people to read.
  // Errors: DEADLINE_EXCEEDED: not within `wait`.
  Result<Lock> lock(std::string_view owner, std::optional<milliseconds> wait = {});
  // Nothing: somebody has it.
  Result<std::optional<Lock>> try_lock(std::string_view owner);

 private:
  Connection connection_;
  const std::string space_;
  const std::string name_;
};

class Semaphore {
 public:
  // Everybody has to say the same number of permits.
  Semaphore(Connection connection, std::string space, std::string name, uint64_t permits);

  Result<Lock> acquire(std::string_view owner, std::optional<milliseconds> wait = {});

 private:
  Connection connection_;
  const std::string space_;
  const std::string name_;
  const uint64_t permits_;
};

class ReadWriteLock {
 public:
  ReadWriteLock(Connection connection, std::string space, std::string name);

  Result<Lock> read(std::string_view owner, std::optional<milliseconds> wait = {});
  Result<Lock> write(std::string_view owner, std::optional<milliseconds> wait = {});

 private:
  Connection connection_;
  const std::string space_;
  const std::string name_;
};

}  // namespace tuplespace::client::recipes
