// Lane is the one kind of thread: it owns shards and a poller. A round takes what was submitted,
// applies it, ticks what is due, gives the store one batch per shard, and delivers the answers
// that may leave. The thread is a loop around run_once(); simulations call it themselves.
//
//   submit() here ────────────► Shard ──► batch ┬──► answers that wait for nothing
//   submit() elsewhere ► inbox ►  tick          └──► answers that wait ► store ► wake ► answers
//
// An operation submitted on the lane's own thread is applied at once, at the time of the round or
// of the poll it came from; only what exceeds the bound of a round is queued.
//
// Group commit falls out of it: while the store works on a batch the lane goes on, and what has
// gathered when it comes round is the next batch.
//
// Order:   operations submitted to a shard by one thread apply in order. Per shard, batches are
//          committed in the order of their effects; an answer leaves when its batch is durable
//          enough, whatever other answers wait for. Since the store has one log, a change whose
//          answer says `synced` implies that everything answered before it was submitted is.
// Threads: submit(), answer(), run_task(), reached(), end() and figures() any; everything else
//          the lane's, or before it starts. The lane never blocks but in Poller::poll().
// Bounds:  EngineConfig::round_max, inbox_max, in_flight_bytes_max.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tuplespace/clock.h"
#include "tuplespace/engine/directory.h"
#include "tuplespace/engine/engine.h"
#include "tuplespace/engine/gather.h"
#include "tuplespace/engine/in_flight.h"
#include "tuplespace/engine/poller.h"
#include "tuplespace/engine/progress.h"
#include "tuplespace/space/shard.h"

namespace tuplespace {

class Lane {
 public:
  // What the lanes of an engine share. It outlives them.
  struct Common {
    const EngineConfig config;
    Store& store;
    SystemClock& clock;
    Progress& progress;
    Directory directory;
    std::vector<std::unique_ptr<Lane>> lanes;
  };

  // What a lane counts, since its start.
  enum Figure {
    kRounds,
    kOperations,
    kAnswers,
    kAnswersDropped,
    kBatches,
    kBatchBytes,
    kSyncsWanted,
    kForwarded,
    kRefused,
    kHeldUp,
    kWakes,
    kFigures
  };
  using Figures = std::array<uint64_t, kFigures>;

  Lane(size_t index, Common& common, std::unique_ptr<Poller> poller);

  void add_shard(std::unique_ptr<Shard> shard);

  // Called about once a second on the lane's thread.
  void every_second(std::function<void(Time now)> task) { every_second_ = std::move(task); }

  uint64_t add_receiver(Receiver* receiver);
  void forget_receiver(uint64_t id);
  static size_t lane_of(uint64_t receiver) { return (receiver >> kSlotBits) & 0xff; }

  // Any thread. Requires: `shard` is this lane's. `create_here`: it is settled that the shard gets
  // the space of this CreateSpace. No answer is delivered from within.
  void submit(Operation&& operation, uint16_t shard, bool create_here = false);
  void answer(std::vector<Answer>& answers);  // takes them all
  void run_task(std::function<void()> task);
  uint64_t begin_gather(ReplyTo reply);  // returns the token; the receiver is gather_id()
  uint64_t gather_id() const { return gather_id_; }
  void reached(Watermarks marks);  // the store's thread: wakes if somebody waits
  Figures figures() const;

  void start();
  void end();  // the thread ends after its round
  void join();

  Time run_once(Time now);

  // The lane's thread only.
  void refuse_out(const std::string& reason);
  void close();        // from now on every wait is answered UNAVAILABLE
  bool quiet() const;  // nothing to apply, nothing that waits for the store

 private:
  static constexpr int kSlotBits = 24;  // receiver id: generation u32, lane u8, slot u24

  struct Submission {
    Operation operation;
    uint16_t shard;
    bool create_here;
  };

  // The operations of one source. One buffer fills while the other is worked on.
  struct Queue {
    std::vector<Submission> filling;
    std::vector<Submission> taken;
    size_t next = 0;  // in taken

    bool exhausted() const { return next == taken.size(); }
    bool empty() const { return exhausted() && filling.empty(); }  // requires: none else fills it
    void turn();
  };

  struct Owned {
    std::unique_ptr<Shard> shard;
    Effects effects;
    std::vector<Answer> committed;  // answers whose batch the store has, on their way out
    InFlight in_flight;
    Time due = 0;          // when it wants to be ticked
    bool touched = false;  // something was applied since the last commit
  };

  struct Slot {
    Receiver* receiver = nullptr;
    uint32_t generation = 1;
  };

  void loop();
  void poll(Time next);
  bool has_work() const;
  void take_inbox();
  void release();
  void apply_some(Queue& queue);
  void apply(Operation& operation, uint16_t shard, bool create_here);
  bool is_at_home(Operation& operation, uint16_t shard, Owned& owned);
  void forward(Operation& operation, uint16_t shard, bool create_here = false);
  Time time();
  Time finish_round(Time now);
  void commit(Owned& owned);
  void forget_spaces(Owned& owned);
  void tell_ended(std::vector<SessionId>& sessions);
  void dispatch(Owned& owned);
  void deliver(Answer&& answer);
  void flush_outgoing();
  bool has_room(const std::vector<Submission>& queue, const Operation& operation) const;
  void refuse(ReplyTo reply);
  bool held_up() const;
  Owned& owned_of(uint16_t shard) { return owned_[shard / common_.lanes.size()]; }
  bool one_shard() const { return common_.config.shards == 1; }
  void count(Figure figure, uint64_t by = 1);
  void notify();

  const size_t index_;
  Common& common_;
  const std::unique_ptr<Poller> poller_;
  const size_t batch_bytes_max_;  // a batch is committed within the round beyond it
  const size_t batch_changes_max_;

  // The lane's own.
  std::vector<Owned> owned_;  // shard s at s / lanes
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  Queue local_;
  size_t applied_ = 0;  // at once, since the last round
  Time time_ = 0;       // of this round, or of this poll if it is known
  bool time_known_ = false;
  bool touched_ = false;  // one of owned_ is
  std::vector<Answer> leaving_;
  std::vector<std::vector<Answer>> outgoing_;  // per lane
  std::vector<Answer> arrived_;
  std::vector<std::function<void()>> tasks_;
  std::function<void(Time now)> every_second_;
  Time second_due_ = 0;
  uint64_t last_commit_ = 0;  // the store's number of this lane's last batch
  uint64_t sync_asked_ = 0;   // the store's number up to which a sync was asked for
  bool want_synced_ = false;
  bool closing_ = false;
  std::array<std::atomic<uint64_t>, kFigures> figures_{};
  Gather gather_;
  uint64_t gather_id_ = 0;

  // The inbox. `remote_.filling`, inbox_answers_ and inbox_tasks_ are guarded by mutex_.
  std::mutex mutex_;
  Queue remote_;
  std::vector<Answer> inbox_answers_;
  std::vector<std::function<void()>> inbox_tasks_;
  bool inbox_left_ = false;  // the lane's: operations stayed in the inbox

  // Who sleeps sets asleep_ and then looks again; who has news tells it and then looks at asleep_.
  std::atomic<bool> news_ = false;  // the inbox is not empty
  std::atomic<bool> asleep_ = false;
  std::atomic<uint64_t> until_written_ = InFlight::kNothing;  // the store's numbers that end it
  std::atomic<uint64_t> until_synced_ = InFlight::kNothing;

  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace tuplespace
