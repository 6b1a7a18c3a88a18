// Network stands in for gRPC (tuplespace/server/call.h): the server's own services talk to it
// without a socket or a thread. A stream is ordered both ways; it can break anywhere and lose any
// suffix of what is under way, and the ends learn of it at different times. A unary call may lose
// its answer, or be given up.
//
// This program links these definitions of CallServer in place of those of call.cc.
//
// Threads: one.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/draw.h"
#include "tuplespace/server/call.h"

namespace tuplespace::simulation {

// The client's end of a stream.
class FarEnd {
 public:
  virtual ~FarEnd() = default;
  virtual void on_frame(std::string_view bytes) = 0;
  virtual void on_over(const Status& status) = 0;  // the last call
};

class Link final : public Stream {
 public:
  Link(FarEnd& client, size_t method) : client_(&client), method_(method) {}

  // ---- the client's end ----
  void send(std::string bytes) { up_.push_back({std::move(bytes), false, {}}); }
  // The client forgets the stream: nothing is told to it any more.
  void let_go() { client_ = nullptr; }

  // ---- what the simulation does ----
  // What was sent and not delivered is lost from somewhere on, in both directions.
  void break_off(Draw& draw, uint64_t step);
  // When that was, or the server died; the largest number if neither.
  uint64_t broken_step() const { return broken_step_; }
  // The next thing that happens at the server's end (on its lane), or at the client's.
  bool can_go_up() const;
  void go_up(CallHandler& server);
  bool can_go_down() const { return !down_.empty(); }
  void go_down();
  // Nothing is on its way.
  bool idle() const { return down_.empty() && (server_over_ || (up_.empty() && !can_go_up())); }
  bool over() const { return server_over_ && (client_ == nullptr || client_over_); }
  // The server's process is gone.
  void lose_server(Draw& draw, uint64_t step);

  // ---- Stream, the server's end ----
  void read() override { reading_ = true; }
  void write(std::string_view bytes) override;
  bool writing() const override { return writing_; }
  void finish(const Status& status) override;
  size_t method() const override { return method_; }
  std::string peer() const override { return "simulation"; }

 private:
  struct Parcel {
    std::string bytes;
    bool last;
    Status status;  // of the last one
  };
  static void cut(std::deque<Parcel>& parcels, Draw& draw);

  FarEnd* client_;
  const size_t method_;
  StreamHandler* handler_ = nullptr;
  std::deque<Parcel> up_, down_;
  bool accepted_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool broken_ = false;
  uint64_t broken_step_ = ~uint64_t{0};
  bool server_over_ = false;
  bool client_over_ = false;
};

using OnReply = std::function<void(const Status& status, std::string_view response)>;

// The calls of one lane.
class Queue final : public CallQueue {
 public:
  // On the lane. Returns the call's token; `on_reply` is called once, unless it is given up.
  uint64_t begin(CallHandler& server, size_t method, std::string request, OnReply on_reply);
  // The caller goes away. The server is told if the call may wait.
  void give_up(CallHandler& server, uint64_t token);

  UnaryCall* find(uint64_t token) override;
  size_t in_flight() const override { return calls_.size(); }
  void poll(Duration) override {}
  void wake() override {}

 private:
  class Call;
  std::map<uint64_t, std::unique_ptr<Call>> calls_;
  std::vector<std::unique_ptr<Call>> ended_;
  uint64_t last_ = 0;
};

// Returns the index of a method in the server's table.
size_t method_named(std::string_view name);

}  // namespace tuplespace::simulation
