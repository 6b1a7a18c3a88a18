// What a Shard is made of. The methods are in the file that each group names.
//
// Threads: lane.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tuplespace/space/hold.h"
#include "tuplespace/space/record.h"
#include "tuplespace/space/search.h"
#include "tuplespace/space/session.h"
#include "tuplespace/space/shard.h"
#include "tuplespace/space/space.h"
#include "tuplespace/space/timer_wheel.h"
#include "tuplespace/space/wait.h"

namespace tuplespace {

Status bad_space_name(std::string_view name);
Status no_space(std::string_view name);

// What the disk knows of a tuple.
enum class OnDisk : uint8_t {
  kNo,     // nothing
  kYes,    // its record
  kStale,  // a record that is not true any more
};

struct Shard::Parts {
  explicit Parts(const ShardConfig& config);

  ShardConfig config;
  Time now = 0;
  Effects* effects = nullptr;     // of the call in progress
  std::optional<Answer> nobodys;  // an answer that nobody waits for
  Figures figures;
  std::string refusal;  // of `out`, "" for none

  Sequence last = 0;   // the last sequence number given
  Sequence limit = 0;  // none above this may be given; it is on disk
  uint32_t next_space = 1;
  bool state_changed = false;  // the shard's own record must be written

  TimerWheel wheel;
  absl::flat_hash_map<uint32_t, std::unique_ptr<Space>> spaces;
  std::unordered_map<std::string, Space*, TextHash, std::equal_to<>> by_name;
  Space* last_named = nullptr;     // that was looked up; nullptr: none that is still there
  Used used;                       // by all spaces
  std::vector<uint32_t> building;  // spaces with unfinished indexes
  std::vector<std::unique_ptr<Space>> dropped;  // memory to give back in slices

  absl::flat_hash_map<SessionId, std::unique_ptr<Session>> sessions;
  Session* last_session = nullptr;   // that was looked up; nullptr: none that is still there
  std::vector<Session*> collecting;  // with answers of this turn
  std::vector<Session*> emptying;    // with records to erase

  absl::flat_hash_map<Token, Hold> holds;
  std::vector<uint32_t> freed_spaces;  // have groups that ceased to be busy

  uint64_t next_wait = 1;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Wait>> waits;
  // Waits without a session, by receiver and token.
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, uint64_t> waits_by_reply;
  std::deque<uint64_t> unfinished;  // waits that search or wait for an index

  Fingerprint print;
  Plans plans;
  Waiters::Served served;
  std::vector<Timer> due;
  std::string scratch;
  uint64_t random_state;

  // Recovery only: tuples that sessions hold.
  absl::flat_hash_map<Sequence, std::pair<SessionId, Number>> held_by;
  std::vector<std::pair<Space*, Slot>> orphans;  // bound to sessions that are not there

  // ---- shard.cc ----
  void begin(Time time, Effects& to);
  Sequence next_sequence();
  uint64_t draw(uint64_t below);
  void touch(Space& space);
  void put_tuple(Space& space, Slot slot);
  void erase_tuple(Space& space, Sequence id);
  void reply(const ReplyTo& to, Answer&& answer);
  // The same for an answer to be filled in: valid until the next one.
  Answer& new_answer(const ReplyTo& to, const Space& space, Sequence instant);
  void refuse(const ReplyTo& to, Status status);
  // An answer about a space leaves when what it may rest on is durable.
  Answer about(const Space& space) const;

  void out(Operation& operation);
  SessionId bound_session(const Operation& operation) const;
  Status check_out(const Out& out, const Space* space) const;
  // Serves those who wait for the tuple in `slot`, which is neither available, held nor delayed;
  // if nobody takes it, it becomes available. Puts it on disk if it is not there and stays.
  void become_available(Space& space, Slot slot, OnDisk on_disk);
  void pulse(Space* space, const Operation& operation);
  void run_due();
  void tuple_due(const Timer& timer);
  void expire(Space& space, Slot slot);
  // Takes a tuple that is available or delayed, or in no list, out of the world.
  void vanish(Space& space, Slot slot, Fate fate);
  // Forgets a tuple that is in no list any more and not on disk.
  void forget_tuple(Space& space, Slot slot, Fate fate);
  bool work_unfinished();

  // ---- shard_take.cc ----
  void take(Operation& operation);
  Status check_take(Take& take, const Space* space, Order* order, uint32_t* field,
                    int* group) const;
  Status check_extras(const Take& take, int* group) const;
  // Whom a read or take is for.
  struct Asker {
    const Take& take;
    const Caller& caller;
    ReplyTo reply;
    explicit Asker(const Wait& wait) : take(wait.take), caller(wait.caller), reply(wait.reply) {}
    Asker(const Take& t, const Caller& c, ReplyTo r) : take(t), caller(c), reply(r) {}
  };
  SearchResult search_for(Space& space, const Take& take, const Plan& plan, Order order,
                          uint32_t field, int group, Cursor& cursor);
  // Answers a read or take with tuples that were found among the available ones.
  void complete(Space& space, const Asker& asker, const SearchResult& found);
  // The same with one that is in no index.
  void complete_with(Space& space, const Asker& asker, Slot slot, OnDisk on_disk);
  void hand_over(Space& space, const Asker& asker, std::span<const Slot> slots, OnDisk on_disk);
  Status no_room(const Take& take) const;
  // True if what it takes stays somebody's: of its session until confirmed, or of a hold.
  static bool keeps_what_it_takes(const Wait& wait);
  void park(Space& space, std::unique_ptr<Wait> wait);
  void end_wait(Wait& wait);
  void answer_nothing(const Space& space, const Take& take, ReplyTo reply, Ended ended);
  void wait_due(uint64_t id);
  size_t continue_search(Wait& wait);
  void cancel(const Cancel& cancel);
  void count(Operation& operation);
  void scan(Operation& operation);
  uint64_t count_in(const Space& space, const PlaceList& list, const Template& wanted,
                    size_t examine_max) const;

  // ---- shard_spaces.cc ----
  Space* find_space(std::string_view name);
  Result<Space*> create_space(const std::string& name, const Policy& policy);
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
  // Takes account of an answer that was inserted and filled in; `durable`: it goes on disk.
  void keep(Session& session, Number number, KeptAnswer& answer, bool durable);
  void record_answer(Session& session, Number number, KeptAnswer& answer);
  void finish_answers();
  void erase_emptied(Session& session);
  Answer answer_again(Session& session, Number number, const KeptAnswer& kept);
  void confirm_ranges(Session& session, const std::vector<NumberRange>& ranges);
  void return_ranges(Session& session, const std::vector<NumberRange>& ranges);
  void spell_again(Session& session, Sequence sequence);
  // Requires: `number` has a kept answer.
  void forget_answer(Session& session, Number number, bool give_back,
                     std::vector<HeldTuple>& returned);
  void give_back(std::vector<HeldTuple> returned);
  void hold_again(Number number, const KeptAnswer& kept, Answer& answer);

  // ---- shard_hold.cc ----
  // Holds the tuple in `slot`, which is in no list. Its record is on disk or will be.
  Token hold_tuple(Space& space, Slot slot, Duration lease, const Caller& caller);
  Status check_settle(const Settle& settle) const;
  // Returns the id of the tuple that took its place, or 0. Requires: check_settle() was OK.
  Sequence apply_settle(const Settle& settle);
  // The tuple that `token` held, in no list any more.
  Slot end_hold(Token token);
  void hold_due(Token token);
  void forget_holds_and_fates(Space& space);
  Status recover_hold(const record::Key& key, std::string_view value);
  Status lease_has_ended(const Lease& lease) const;
  void settle(Operation& operation);
  void renew(Operation& operation);
  void end_lease(Operation& operation);
  void keep_answer(const Caller& caller, record::AnswerKind kind, bool durable,
                   std::optional<Duration> ttl = {}, std::string detail = {});

  // ---- shard_return.cc ----
  // Gives back a tuple that nobody holds any more.
  void return_tuple(Space& space, Slot slot, std::string_view reason);
  bool is_used_up(const Space& space, Slot slot) const;
  Status check_dead_space(const Space& space) const;
  // Makes a dead letter of it and returns its id; 0: there is no room for another space.
  Sequence bury(Space& space, Slot slot, std::string_view reason);
  // Groups that ceased to be busy: noted when it happens, served when the operation is over.
  void note_freed(const Space& space);
  void serve_freed();
  void serve_group(Space& space, const Space::Group& freed);
  void bind(Space& space, Slot slot, SessionId session);
  void end_bound(Session& session);
  void rebind(Space& space, Slot slot, Sequence before);
  void wait_for_fate(Space& space, Slot slot, const Operation& operation,
                     std::optional<Duration> ttl);
  void tell_fate(uint64_t wait, Fate fate);
  // Takes back a tuple that nobody has taken yet.
  void withdraw(const Wait& wait);
  void recover_fate(Session& session, Number number, const KeptAnswer& kept);

  // ---- shard_atomic.cc ----
  void atomic(Operation& operation);

  // ---- shard_collect.cc ----
  void collect(Operation& operation);

  // ---- shard_transaction.cc ----
  void renew_transaction(Operation& operation);
  void abort_by_lease(Operation& operation);
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
  bool recover_session(SessionId id);
  void recover_leases();
  Status recovered(Time time, Effects& to);
  void write_state();
};

}  // namespace tuplespace
