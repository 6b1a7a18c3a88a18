// Driver moves the calls of one remote connection: it joins the Session (what to say) with the
// Link (how it travels).
//
// One thread at a time drives: it sleeps on the link, takes frames in, tells replies and writes
// what is pending. A caller that waits drives by itself, so that its answer crosses no thread;
// when it leaves, another caller that waits takes over. A background thread drives when nobody
// else does. While callers come and go faster than kLazy, and no call under way has a callback or
// a coroutine that listens, it only looks in that often, to send confirmations that are due;
// waking it for every call would cost more than the call.
//
// What is submitted while a frame is being written, or while replies are being told, leaves
// together in the next frame.
//
// Order:   as Session.
// Threads: any; one lock, never held while a waiter is told or a frame is written.
// Bounds:  ConnectOptions.
// Errors:  a broken stream is opened again, at once and then with growing pauses up to
//          kReopenMax; calls end with UNAVAILABLE after ConnectOptions::patience without one.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "clients/cpp/backend.h"
#include "clients/cpp/link.h"
#include "clients/cpp/session.h"

namespace tuplespace::client {

class Driver {
 public:
  // `address` is what the user wrote, `target` the same as gRPC understands it.
  Driver(std::string address, const std::string& target, const ConnectOptions& options);

  // Waits for the first stream. Requires: run() does not run yet.
  Status start();
  // The background thread's work; returns after shut_down().
  void run();
  // Confirms, closes the session if that works within 100 ms, and ends run(); inside a callback,
  // soon afterwards.
  void shut_down();

  void submit(const Ask& ask, Waiter& waiter);
  void cancel(Waiter& waiter);
  void listen(Waiter& waiter);
  void await(const Waiter& waiter, Instant deadline);
  Status settle(Ticket ticket, bool give_back);
  Status close();
  uint64_t session() const;
  uint64_t fence() const;
  std::string secret() const;  // of the session

 private:
  using Lock = std::unique_lock<std::mutex>;

  static constexpr Instant kLazy = 900;  // microseconds, as all that follow
  static constexpr Instant kLazyMin = 50;
  static constexpr Instant kAttemptMax = 5'000'000;  // from open() to Welcome
  static constexpr Instant kReopenMin = 20'000;
  static constexpr Instant kReopenMax = 1'000'000;
  static constexpr Instant kFarewell = 100'000;

  struct Sleeper {
    const Waiter* waiter;
    std::condition_variable wake;
  };

  void turn(Lock& lock, Instant deadline);
  void flush(Lock& lock, Instant now);
  void put(Lock& lock, std::string frame);
  void on_event(Lock& lock, Link::Event event);
  void on_frame(Lock& lock);
  void on_broken(Lock& lock);
  void be_fenced(Lock& lock);
  void on_time(Lock& lock, Instant now);
  Instant next_due() const;
  void tell(Lock& lock, Replies& replies);
  void end_calls(Lock& lock, Code code, const std::string& why);
  bool send_close(Lock& lock, Instant deadline);
  void sleep(Lock& lock, const Waiter& waiter, Instant deadline);
  void wake_sleepers();
  void pass_on();
  void call_background();

  const std::string address_;
  const ConnectOptions options_;

  mutable std::mutex mutex_;
  Session session_;
  Link link_;
  uint64_t stream_ = 0;   // the link's number
  bool open_ = false;     // a stream is there, or on its way
  bool writing_ = false;  // a frame is on its way
  int telling_ = 0;       // replies are being told: what they submit leaves together
  std::string frame_;     // memory for the next one
  Replies replies_;       // of the thread that drives

  bool driving_ = false;            // some thread is inside turn(),
  bool background_drives_ = false;  // the background thread
  uint64_t drivers_ = 0;            // how often a caller began to drive
  std::vector<Sleeper*> sleepers_;  // callers that wait for the one who drives
  std::condition_variable background_;
  bool background_idle_ = false;  // sleeps without end

  Status last_error_;
  Status fatal_;           // what no other attempt can change
  Instant reopen_at_ = 0;  // while there is no stream
  Instant pause_ = 0;      // before the next attempt but one
  Instant attempt_ends_ = kNoInstant;
  Instant offline_since_ = kNoInstant;
  Instant give_up_at_ = kNoInstant;
  bool lost_ = false;      // the session was over before it was closed
  bool leaving_ = false;   // run() is to call shut_down()
  bool finished_ = false;  // run() is to return
};

}  // namespace tuplespace::client
