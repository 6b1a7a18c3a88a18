// What a Shard is made of. The methods are in the file that each group names.
//
// Threads: lane.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tuplespace/space/atomic_group.h"
#include "tuplespace/space/atomic_search.h"
#include "tuplespace/space/record.h"
#include "tuplespace/space/session.h"
#include "tuplespace/space/shard.h"
#include "tuplespace/space/space.h"
#include "tuplespace/space/timer_wheel.h"
#include "tuplespace/space/wait.h"

namespace tuplespace {

// Lets a map of strings be asked with a view.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

Status bad_space_name(std::string_view name);
Status no_space(std::string_view name);

// What the disk knows of a tuple.
enum class OnDisk : uint8_t {
  kNo,     // nothing
  kYes,    // its record
  kStale,  // a record that is not true any more
};

// What an operation puts, less what it frees, besides the tuple that is looked at.
struct Coming {
  int64_t tuples = 0;
  int64_t in_space = 0;  // of them, in the space that is looked at
  int64_t bytes = 0;
};

struct Shard::Parts {
  explicit Parts(const ShardConfig& config);

  ShardConfig config;
  Time now = 0;
  Effects* effects = nullptr;  // of the call in progress
  Figures figures;
  std::string refusal;  // of `out`, "" for none

  Sequence last = 0;   // the last sequence number given
  Sequence limit = 0;  // none above this may be given; it is on disk
  uint32_t next_space = 1;
  bool state_changed = false;  // the shard's own record must be written

  TimerWheel wheel;
  absl::flat_hash_map<uint32_t, std::unique_ptr<Space>> spaces;
  std::unordered_map<std::string, Space*, TextHash, std::equal_to<>> by_name;
  Used used;                                    // by all spaces
  std::vector<uint32_t> building;               // spaces with unfinished indexes
  std::vector<std::unique_ptr<Space>> dropped;  // memory to give back in slices

  absl::flat_hash_map<SessionId, std::unique_ptr<Session>> sessions;
  std::vector<Session*> collecting;  // with answers of this turn

  uint64_t next_wait = 1;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Wait>> waits;
  // Waits without a session, by receiver and token.
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, uint64_t> waits_by_reply;
  std::deque<uint64_t> unfinished;  // waits that search or wait for an index

  // Atomics that wait, in lines of those that wait for the same.
  absl::flat_hash_map<uint64_t, std::unique_ptr<AtomicGroup>> groups;
  absl::flat_hash_map<std::string, uint64_t> group_by_conditions;
  std::vector<uint64_t> groups_building;  // groups that wait for an index
  Changes changes;

  Fingerprint print;
  Waiters::Served served;
  std::vector<Timer> due;
  std::string scratch;
  uint64_t random_state;

  // Recovery only: tuples that sessions hold.
  absl::flat_hash_map<Sequence, std::pair<SessionId, Number>> held_by;

  // ---- shard.cc ----
  void begin(Time time, Effects& to);
  Sequence next_sequence();
  uint64_t draw(uint64_t below);
  void touch(Space& space);
  void put_tuple(Space& space, Slot slot);
  void erase_tuple(Space& space, Sequence id);
  void reply(const ReplyTo& to, Answer answer);
  void refuse(const ReplyTo& to, Status status);
  // An answer about a space leaves when what it may rest on is durable.
  Answer about(const Space& space) const;

  void out(Operation& operation);
  Status check_times(const Out& out) const;
  Status check_out(const Out& out, const Space* space) const;
  // Checks one tuple that is put as `out` says.
  Status check_put(const Out& out, const Tuple& tuple, const Space* space,
                   const Coming& coming) const;
  Due due_of(std::optional<Duration> ttl, std::optional<Duration> delay) const;
  // Adds a new tuple, which becomes available now or when its delay is over.
  void put_new(Space& space, Tuple tuple, Sequence id, const Due& due, uint64_t attempt = 0);
  // Serves those who wait for the tuple in `slot`, which is neither available, held nor delayed;
  // if nobody takes it, it becomes available. Puts it on disk if it is not there and stays. If an
  // atomic may wait for it, it becomes available and is offered in its turn (serve_changes).
  void become_available(Space& space, Slot slot, OnDisk on_disk);
  void pulse(Space* space, const Operation& operation);
  void show(const std::string& space, const Tuple& tuple);
  void run_due();
  void tuple_due(const Timer& timer);
  void expire(Space& space, Slot slot);
  bool work_unfinished();

  // ---- shard_take.cc ----
  void take(Operation& operation);
  Status check_take(Take& take, const Space* space, Order* order, uint32_t* field) const;
  SearchResult search_for(Space& space, const Wait& wait, Cursor& cursor, size_t candidates);
  // Answers a read or take with tuples. `available`: they are in the index.
  void complete(Space& space, const Wait& wait, const Slots& slots, bool available, OnDisk on_disk);
  Status no_room(const Wait& wait) const;
  void park(Space& space, std::unique_ptr<Wait> wait);
  void enroll(std::unique_ptr<Wait> wait);
  void end_wait(Wait& wait);
  void dismiss(Wait& wait);
  void answer_nothing(const Wait& wait, Ended ended);
  static void read_matched(std::string_view spelled, std::vector<Found>& tuples);
  uint64_t held_for(const Space& space, const Wait& wait) const;
  void wait_due(uint64_t id);
  size_t continue_search(Wait& wait);
  void cancel(const Cancel& cancel);
  void count(Operation& operation);
  void scan(Operation& operation);

  // ---- shard_spaces.cc ----
  Space* find_space(std::string_view name);
  Result<Space*> create_space(const std::string& name, const Policy& policy);
  Status room_for_space(const std::string& name, size_t others) const;
  // Why `out` may not create this space, if `others` are created first.
  Status check_creation(const std::string& name, size_t others) const;
  // The space that something is put into; created, if the server says so.
  Result<Space*> space_to_put(const std::string& name);
  Space& space_to_wait_for(const std::string& name);
  void forget_if_unused(Space& space);
  void create(Operation& operation);
  void drop(Operation& operation);
  void list(Operation& operation);
  void stats(Operation& operation);
  SpaceInfo info_of(const Space& space, bool with_indexes) const;

  // ---- shard_sessions.cc ----
  // Says what to do with a numbered operation. False: it was answered, or needs nothing more.
  bool admit(Operation& operation);
  Session* session_of(const Caller& caller);
  void keep_lease(Session& session);
  void open_session(Operation& operation);
  void resume_session(Operation& operation);
  void suspend_session(const SuspendSession& suspend);
  void confirm(Operation& operation);
  void close_session(Operation& operation);
  void end_session(Session& session);
  void session_due(SessionId id);
  void write_session(const Session& session);

  // ---- shard_answers.cc ----
  void keep(const Caller& caller, KeptAnswer answer, bool durable);
  void record_answer(Session& session, Number number, KeptAnswer& answer);
  void finish_answers();
  Answer answer_again(Session& session, Number number, const KeptAnswer& kept);
  // The numbers of a range that have a kept answer.
  static std::vector<Number> answered_in(const Session& session, const NumberRange& range);
  void confirm_ranges(Session& session, const std::vector<NumberRange>& ranges);
  void return_ranges(Session& session, const std::vector<NumberRange>& ranges);
  void spell_again(Session& session, Sequence sequence);
  void forget_answer(Session& session, Number number, bool give_back,
                     std::vector<HeldTuple>& returned);
  void give_back(std::vector<HeldTuple> returned);

  // ---- shard_hold.cc ----
  void settle(Operation& operation);
  void renew(Operation& operation);
  void end_lease(Operation& operation);
  // Whether `settle` may be done, and doing it. apply_settle() requires that it may; it returns the
  // id of the tuple that took the place of the settled one, or 0.
  Status check_settle(const Settle& settle) const;
  Sequence apply_settle(const Settle& settle);
  // Whether a tuple may be taken under such a hold, and taking it. hold_tuple() requires that it
  // may, and that the tuple in `slot` is not available any more.
  Status check_hold(Duration lease, const Caller& caller) const;
  Token hold_tuple(Space& space, Slot slot, Duration lease, const Caller& caller);

  // ---- shard_atomic.cc ----
  enum class Tried {
    kDone,      // it happened, or what it would put is refused: it is answered
    kRefused,   // as would be every other one of the same conditions: not answered yet
    kCannot,    // not now
    kBuilding,  // not known until an index is built
  };
  void atomic(Operation& operation);
  Status check_atomic(const Atomic& atomic, const Caller& caller) const;
  Status check_steps(const Steps& steps, const Caller& caller) const;
  Status check_step(const Step& step, const Caller& caller) const;
  Tried try_atomic(const Atomic& atomic, const Caller& caller, const ReplyTo& to, Status& refusal);
  Status make_outs(const Atomic& atomic, const Happening& happening, const Caller& caller,
                   std::vector<Tuple>& outs) const;
  void happen(const Atomic& atomic, const Happening& happening, std::vector<Tuple> outs,
              const Caller& caller, const ReplyTo& to);
  Found take_for(Space& space, Slot slot, const TakeStep& step, const Caller& caller,
                 KeptAnswer& kept);
  bool put_outs(const Steps& steps, std::vector<Tuple> outs, const Caller& caller, bool durable,
                AtomicAnswer& did);
  Answer about(const Atomic& atomic, size_t alternatives);
  void nothing_happened(const Atomic& atomic, const ReplyTo& to, Ended ended);
  Answer atomic_again(Number number, const KeptAnswer& kept, Answer answer);

  // ---- shard_atomic_wait.cc ----
  void park_atomic(Operation& operation, bool building_index);
  Result<AtomicGroup*> group_for(const Wait& wait);
  AtomicInterests& interests_of(Space& space);
  void unfile(AtomicGroup& group);
  void end_atomic(Wait& wait);
  void suspend_atomic(const Wait& wait);
  void resume_atomic(Wait& wait);
  void end_atomics_of(const Space& space, const Status& status);
  void wait_for_index(AtomicGroup& group);
  bool continue_atomics();
  bool try_group(uint64_t id);
  bool concerns_atomics(const Space& space, std::string_view tuple_bytes);
  std::vector<std::pair<uint64_t, uint64_t>> interested(const Waiters& filed,
                                                        std::string_view tuple_bytes);
  void arrive(Space& space, Slot slot, const Tuple& tuple, OnDisk on_disk);
  // Must be called after everything that may have changed what is available.
  void serve_changes();
  bool serve_arrival(const Arrival& arrival);
  void serve_departures();

  // ---- shard_collect.cc ----
  void collect(Operation& operation);
  Status check_collected(const Collect& collect, const Space& from, const Slots& slots) const;
  void move_into(Space& from, Slot slot, Space& into, Sequence place, bool remove);
  static CollectAnswer collect_again(const KeptAnswer& kept);

  // ---- shard_transaction.cc ----
  void begin_transaction(Operation& operation);
  void end_transaction(Operation& operation);

  // ---- shard_watch.cc ----
  void watch(Operation& operation);

  // ---- shard_look.cc ----
  void blocked(Operation& operation);
  void list_holds(Operation& operation);
  void explain(Operation& operation);
  void list_sessions(Operation& operation);

  // ---- shard_recovery.cc ----
  Status recover(std::string_view key, std::string_view value);
  Status recover_answers(const record::Key& key, std::string_view value);
  Status recover_tuple(const record::Key& key, std::string_view value);
  Status recovered(Time time, Effects& to);
  void write_state();
};

}  // namespace tuplespace
