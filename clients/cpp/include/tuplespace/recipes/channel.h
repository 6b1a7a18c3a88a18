// Channels: one side sends values, the other receives them, in order.
//
// Tuples:       ("sent", channel, value)
// Rendezvous:   send() returns when the value was received and the receiver has confirmed that.
//   Sender dies:   a value that nobody has received vanishes with his session.
//   Receiver dies: before he has confirmed, the value is back at its place, and send() waits on.
// Buffer:       send() returns when there is room for the value; `size` are kept.
//   Sender dies:   what he has sent stays.
//   Receiver dies: as above; a value that comes back may stand beside `size` others for a while.
// Server dies:  in a durable space nothing is lost and nothing doubled; who waits waits.
// Order:        values in the order they were sent; receivers, and senders that wait for room, in
//               the order they came.
// Threads:      any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuplespace/client.h"

namespace tuplespace::client::recipes {

class Rendezvous {
 public:
  Rendezvous(Space space, std::string channel);

  // Waits until somebody has received it. Errors: DEADLINE_EXCEEDED: nobody within `wait`, and
  // nobody will. (Who has it at that moment, and has not confirmed yet, is waited for.)
  Status send(const Value& value, std::optional<milliseconds> wait = {});
  Result<Value> receive(std::optional<milliseconds> wait = {});

 private:
  Space space_;
  const std::string channel_;
};

class Buffer {
 public:
  // Every sender has to say the same size.
  Buffer(Space space, std::string channel, uint64_t size);

  // Waits for room. Errors: DEADLINE_EXCEEDED: none within `wait`; it was not sent.
  Status send(const Value& value, std::optional<milliseconds> wait = {});
  Result<Value> receive(std::optional<milliseconds> wait = {});

 private:
  Space space_;
  const std::string channel_;
  const uint64_t size_;
};

}  // namespace tuplespace::client::recipes
