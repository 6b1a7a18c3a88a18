// Spaces in this process: a backend that hands calls to an engine of its own.
//
// It has a session as a remote connection has, and numbers its takes and whatever belongs to the
// session, so that what is taken is held until it was handed over; a process that dies gives it
// back when it starts again. The rest needs no numbers: a caller never outlives its engine, so
// nothing is asked twice.
//
// Order:   one lock orders calls; the lane's is taken inside it, never the other way round.
// Threads: any; waiters are told on the lane's thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "clients/cpp/backend.h"
#include "clients/cpp/embedded_watch.h"
#include "tuplespace/engine/engine.h"

namespace tuplespace::client {

namespace engine = ::tuplespace;

class Embedded final : public Backend, private Receiver {
 public:
  // Nobody else can ask this engine, so it is no secret.
  static constexpr const char* kSecret = "embedded";

  static Result<std::shared_ptr<Backend>> open(const std::string& path,
                                               const ConnectOptions& options);
  ~Embedded() override { (void)close(); }

  void submit(const Ask& ask, Waiter& waiter) override;
  void cancel(Waiter& waiter) override;
  void listen(Waiter&) override {}  // the lane tells replies as they come
  void await(const Waiter& waiter, Instant deadline) override;
  Status settle(Ticket ticket, bool give_back) override;

  Result<bool> create(const std::string& name, const Policy& policy) override;
  Result<uint64_t> drop(const std::string& name) override;
  Result<std::vector<SpaceInfo>> list(const std::string& prefix) override;
  Result<SpaceInfo> describe(const std::string& name) override;
  Result<ServerStats> stats() override;
  Result<Blocked> blocked(const std::string& space) override;
  Result<std::vector<HoldInfo>> holds(const std::string& space, uint64_t session) override;
  Status release(const std::string& space, uint64_t token) override;
  Result<Explanation> explain(const std::string& space, const Template& wanted) override;
  Result<std::vector<SessionInfo>> sessions(uint64_t after) override;
  Status end_session(uint64_t session) override;
  Result<std::unique_ptr<EventSource>> watch(WatchAsk ask) override;

  uint64_t session() const override { return session_; }
  uint64_t fence() const override { return fence_; }
  Status close() override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  struct Call {
    Waiter* waiter = nullptr;          // null: gone
    engine::Answer* answer = nullptr;  // an administrative call: where its answer goes
    bool numbered = false;
  };

  class EmbeddedWatch;

  // An administrative call.
  class Asked final : public Waiter {
   public:
    Receive on_reply(Reply&) override {
      done_.store(true, std::memory_order_release);
      return Receive::kConfirm;
    }
    bool done() const override { return done_.load(std::memory_order_acquire); }
    engine::Answer answer;

   private:
    std::atomic<bool> done_ = false;
  };

  explicit Embedded(const ConnectOptions& options) : options_(options) {}
  Status start(const std::string& path);
  void on_answer(engine::Answer&& answer) override;
  Result<engine::Answer> ask(engine::Operation operation);
  void end_watch(uint64_t token);
  void receive(const Lock& lock, uint64_t number, Receive receive);
  void send_receipts(const Lock& lock);
  void send(const Lock& lock, engine::Operation operation);

  const ConnectOptions options_;
  SystemClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
  uint64_t receiver_ = 0;
  uint64_t session_ = 0;
  uint64_t fence_ = 0;

  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<engine::Operation> outbox_;
  uint64_t last_ = 0;  // tokens, which are the numbers of takes as well
  std::unordered_map<uint64_t, Call> calls_;
  std::unordered_map<uint64_t, std::shared_ptr<WatchQueue>> watches_;
  std::vector<engine::NumberRange> confirmed_;  // go with the lane's next round
  std::vector<engine::NumberRange> returned_;
  bool closed_ = false;
};

}  // namespace tuplespace::client
