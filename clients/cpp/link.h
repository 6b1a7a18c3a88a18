// Link is one stream at a time to one server, over one completion queue: it carries frames and
// says what happened. All of gRPC that the fast path needs is behind it.
//
//   open() ──► kOpen ──► write()/kWritten, kFrame ... ──► kBroken ──► open() ...
//
// Every open() is a new channel: a broken one would wait out its own back-off.
//
// Order:   one write at a time: the next after kWritten.
// Threads: next() on one thread at a time; write() on any, one at a time;
//                   another write(); drop() and wake_at() any, but drop() not at once with open().
// Bounds:  frames of at most kFrameMax bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "clients/cpp/backend.h"

namespace tuplespace::client {

class Link {
 public:
  static constexpr int kFrameMax = 64 << 20;

  enum class Event : uint8_t {
    kNothing,  // the deadline has passed, or wake_at()
    kOpen,     // the stream is there: write() may be called
    kWritten,  // the last write() has left
    kFrame,    // frame() came
    kBroken,   // the stream has ended, see why(); no event of it follows
  };

  // `target` as gRPC understands it.
  explicit Link(std::string target);
  ~Link();

  // Begins a stream and returns its number. Requires: none, or kBroken came.
  uint64_t open();
  // Sends a frame on stream `number`; its bytes are copied. Does nothing if that stream has
  // failed meanwhile. Requires: kOpen came, no write is under way.
  void write(uint64_t number, std::string_view frame);
  // Ends the stream without ceremony; kBroken follows. Nothing if there is none.
  void drop();

  Event next(Instant deadline);
  std::string_view frame() const;  // until the next call of next()
  const Status& why() const;       // how the stream ended

  // Makes next() return at `when`, if it waits that long.
  void wake_at(Instant when);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tuplespace::client
