// call is how the server speaks gRPC; call.cc alone knows its completion queue. A lane has one
// queue: its Poller waits there, and every unary call and stream that the queue accepted lives
// and ends on that lane's thread.
//
// A unary call:   armed -> on_unary -> reply() or fail() -> armed again (objects are reused).
//                 A call that waits and whose caller goes away: on_cancelled instead of an answer.
// A stream:       armed -> on_stream -> read() / on_message, write() / on_written ...
//                 -> finish() by us, or on_broken: nothing is called after either.
//
// Threads: lane, except CallServer's methods.
// Bounds:  CallLimits; beyond in_flight_max RESOURCE_EXHAUSTED.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tuplespace/engine/poller.h"
#include "tuplespace/status.h"

namespace tuplespace {

// A method of the table that a CallServer serves; its place there is its index.
struct Method {
  const char* name;  // "/package.Service/Method"
  enum class Kind : uint8_t {
    kUnary,    // answered at once
    kWaiting,  // unary, may wait: on_cancelled tells when the caller has gone
    kStream,   // both ways
  } kind;
  int armed;  // accepts open at once, per lane
};

class UnaryCall {
 public:
  // Valid until reply() or fail(). A request in several pieces was put together.
  virtual std::string_view request() const = 0;
  virtual size_t method() const = 0;

  // Finds this call again with CallQueue::find(), until it has ended. Below 2^63.
  virtual uint64_t token() const = 0;

  // Each ends the call.
  virtual void reply(std::string_view response) = 0;
  virtual void fail(const Status& status) = 0;

 protected:
  ~UnaryCall() = default;
};

// What a stream tells.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  virtual void on_message(std::string_view bytes) = 0;  // after read()
  virtual void on_reads_end() = 0;                      // the client sends no more
  virtual void on_written() = 0;                        // write() is possible again
  virtual void on_broken() = 0;                         // the last call; the stream is gone
};

class Stream {
 public:
  // Asks for one message. Requires: on_message has come for the last one.
  virtual void read() = 0;
  // Sends one message. Requires: !writing().
  virtual void write(std::string_view bytes) = 0;
  virtual bool writing() const = 0;
  // Ends the stream when what is being written is out; the handler is not called again.
  virtual void finish(const Status& status) = 0;

  virtual size_t method() const = 0;
  virtual std::string peer() const = 0;

 protected:
  ~Stream() = default;
};

// What a queue tells.
class CallHandler {
 public:
  virtual ~CallHandler() = default;
  virtual void on_unary(UnaryCall& call) = 0;
  // The caller of a kWaiting call went away; the call has ended and find() knows it no more.
  virtual void on_cancelled(uint64_t token) = 0;
  // Returns who handles `stream`; must outlive finish() or on_broken().
  virtual StreamHandler* on_stream(Stream& stream) = 0;
};

struct CallLimits {
  size_t in_flight_max = 20'000;            // unary calls, per lane
  size_t frame_bytes_max = 4u << 20;        // of one message received
  Duration keepalive = 20'000;              // a silent connection is asked after this
  Duration keepalive_timeout = 10'000;      // and closed if it does not answer within this
  size_t concurrent_streams_max = 100'000;  // calls and streams of one connection
};

// The calls of one lane.
class CallQueue : public Poller {
 public:
  // Null if the call has ended.
  virtual UnaryCall* find(uint64_t token) = 0;
  virtual size_t in_flight() const = 0;
};

// CallServer is the gRPC server behind all queues. It listens nowhere: connections are given to
// it by adopt().
//
// Threads: adopt() any; the others the thread that made it.
class CallServer {
 public:
  // `methods` must outlive it.
  CallServer(std::span<const Method> methods, size_t lanes, const CallLimits& limits);
  ~CallServer();

  CallQueue& queue(size_t lane);

  // Serves; `handlers` has one for each lane. Requires: no lane polls yet.
  Status start(std::span<CallHandler* const> handlers);

  // Takes over a connected socket.
  void adopt(int fd);

  // Refuses new calls and ends the open ones: those that do not end by themselves are cancelled
  // after `grace`. Requires: no lane polls any more; the queues are emptied here, and handlers
  // called, on threads that take the lanes' place.
  void shutdown(Duration grace);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tuplespace
