// What a Shard is made of. The methods are in the file that each group names.
//
// Threads: lane.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tuplespace/space/atomic_group.h"
#include "tuplespace/space/atomic_search.h"
#include "tuplespace/space/ended_sessions.h"
#include "tuplespace/space/hold.h"
#include "tuplespace/space/inquiry.h"
#include "tuplespace/space/record.h"
#include "tuplespace/space/search.h"
#include "tuplespace/space/session.h"
#include "tuplespace/space/shard.h"
#include "tuplespace/space/space.h"
#include "tuplespace/space/timer_wheel.h"
#include "tuplespace/space/transaction.h"
#include "tuplespace/space/wait.h"
#include "tuplespace/space/watcher.h"

namespace tuplespace {

// Of the tuples of one answer after the first, so that answers fit a frame.
inline constexpr size_t kAnswerBytesMax = 1 << 20;

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
  Session* last_session = nullptr;  // that was looked up; nullptr: none that is still there
  EndedSessions ended_elsewhere;    // by shard 0; only other shards ask
  std::unordered_map<std::string, SessionId> named_sessions;
  std::vector<Session*> collecting;  // with answers of this turn
  std::vector<Session*> emptying;    // with records to erase

  absl::flat_hash_map<Token, Hold> holds;
  absl::flat_hash_map<TransactionId, std::unique_ptr<Transaction>> transactions;
  absl::flat_hash_map<Sequence, TransactionId> written_by;  // tuples that they have put
  ReadLocks locks;
  std::vector<uint32_t> freed_spaces;  // have groups that ceased to be busy

  uint64_t next_wait = 1;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Wait>> waits;
  // Waits without a session, by receiver and token.
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, uint64_t> waits_by_reply;
  std::deque<uint64_t> unfinished;  // waits that search or wait for an index

  uint64_t next_watcher = 1;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Watcher>> watchers;
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, uint64_t> watchers_by_reply;
  std::deque<uint64_t> catching_up;  // watchers that replay or are in their snapshot
  std::vector<uint64_t> news;        // watchers that are told something in this turn
  Sequence settled = 0;              // events get numbers above this
  std::vector<Watcher*> concerned;
  Fingerprint event_print;

  std::vector<uint32_t> guarded;  // spaces whose deadlocks are found
  bool look_for_deadlock = false;
  std::vector<uint32_t> collected;                                 // spaces that are
  absl::flat_hash_map<SessionId, std::vector<uint32_t>> bound_to;  // spaces that end with it
  absl::flat_hash_set<SessionId> recovered_sessions;  // that live since before the last restart
  Collection collection;
  // Atomics that wait, in lines of those that wait for the same.
  absl::flat_hash_map<uint64_t, std::unique_ptr<AtomicGroup>> groups;
  absl::flat_hash_map<std::string, uint64_t> group_by_conditions;
  std::vector<uint64_t> groups_building;  // groups that wait for an index
  Changes changes;
  // Several tuples are put at this instant: they are all there before a taker is served, and
  // whoever is served rests on all of them.
  bool together = false;

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
  void keep_out(const Caller& caller, Sequence id, const OutAnswer& granted, bool durable);
  SessionId bound_session(const Operation& operation) const;
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
  // The same for a tuple of which watchers were never told that it was not available.
  void serve(Space& space, Slot slot, OnDisk on_disk);
  void pulse(Space* space, const Operation& operation);
  void show(const std::string& space, const Tuple& tuple);
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
  SearchRequest request_for(const Inquiry& inquiry) const;
  SearchResult search_for(Space& space, const Inquiry& inquiry, Cursor& cursor);
  // The further templates of a read or take.
  static const std::vector<Template>& any_of(const Take& take);
  static bool may_match(const Take& take, std::string_view tuple_bytes);
  // What a read or take is told of a tuple that it matches.
  static Found found_for(const Take& take, const Entry& entry);
  // Answers a read or take with tuples that were found among the available ones.
  void complete(Space& space, const Asker& asker, const SearchResult& found);
  // The same with one that is in no index.
  void complete_with(Space& space, const Asker& asker, Slot slot, OnDisk on_disk);
  void hand_over(Space& space, const Asker& asker, std::span<const Slot> slots, OnDisk on_disk);
  Status no_room(const Take& take) const;
  // True if what it takes stays somebody's: of its session until confirmed, or of a hold.
  static bool keeps_what_it_takes(const Wait& wait);
  void answer_nothing(const Space& space, const Take& take, ReplyTo reply, Ended ended);
  void answer_nothing(const Wait& wait, Ended ended);
  static void read_matched(std::string_view spelled, std::vector<Found>& tuples);
  uint64_t held_for(const Space& space, const Take& take) const;
  void count(Operation& operation);
  void scan(Operation& operation);

  // ---- shard_wait.cc ----
  void park(Space& space, std::unique_ptr<Wait> wait);
  void enroll(std::unique_ptr<Wait> wait);
  void end_wait(Wait& wait);
  void dismiss(Wait& wait);
  void wait_due(uint64_t id);
  size_t continue_search(Wait& wait);
  void cancel(const Cancel& cancel);

  // ---- shard_spaces.cc ----
  Space* find_space(std::string_view name);
  Result<Space*> create_space(const std::string& name, const Policy& policy, SessionId owner = 0);
  Status room_for_space(const std::string& name, size_t others) const;
  // Why `out` may not create this space, if `others` are created first.
  Status check_creation(const std::string& name, size_t others) const;
  // The space that something is put into; created, if the server says so.
  Result<Space*> space_to_put(const std::string& name);
  Space& space_to_wait_for(const std::string& name);
  void forget_if_unused(Space& space);
  void create(Operation& operation);
  void drop(Operation& operation);
  // Ends what waits on it with `status`.
  void drop_space(Space& space, const Status& status);
  void list(Operation& operation);
  void stats(Operation& operation);
  SpaceInfo info_of(const Space& space, bool with_indexes) const;

  // ---- shard_sessions.cc ----
  // Says what to do with a numbered operation. False: it was answered, or needs nothing more.
  bool admit(Operation& operation);
  Session* session_of(const Caller& caller);
  // Whether it lives, and if `secret` is not empty, whether that is its secret.
  Status check_session(SessionId id, std::string_view secret) const;
  // Requires: this is not shard 0, which knows all sessions. Here one begins when it is needed.
  Session& session_in_other_shard(SessionId id);
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
  // Whether a tuple may be taken under such a hold.
  Status check_hold(Duration lease, const Caller& caller) const;
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
  // Serves whoever can be served after an operation: those who wait for groups, and atomics.
  void serve_all();
  void serve_group(Space& space, const Space::Group& freed);
  void bind(Space& space, Slot slot, SessionId session);
  void end_bound(Session& session);
  void rebind(Space& space, Slot slot, Sequence before);
  // Returns the wait that is told what becomes of a tuple that is put next.
  uint64_t wait_for_fate(Space& space, const Tuple& tuple, Sequence id, const Operation& operation,
                         std::optional<Duration> ttl);
  void tell_fate(uint64_t wait, Fate fate);
  // Takes back a tuple that nobody has taken yet.
  void withdraw(const Wait& wait);
  void recover_fate(Session& session, Number number, const KeptAnswer& kept);

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
  Status make_outs(const Atomic& atomic, const Happening& happening,
                   std::vector<Tuple>& outs) const;
  void happen(const Atomic& atomic, const Happening& happening, std::vector<Tuple> outs,
              const Caller& caller, const ReplyTo& to);
  Found take_for(Space& space, Slot slot, const TakeStep& step, bool final, const Caller& caller,
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
  bool concerns_atomics(Space& space, std::string_view tuple_bytes);
  std::vector<std::pair<uint64_t, uint64_t>> interested(Space& space, const Waiters& filed,
                                                        std::string_view tuple_bytes);
  void arrive(Space& space, Slot slot, const Tuple& tuple, OnDisk on_disk);
  // Must be called after everything that may have changed what is available.
  void serve_changes();
  bool serve_arrival(const Arrival& arrival);
  void serve_departures();

  // ---- shard_collect.cc ----
  void collect(Operation& operation);
  Status check_collected(const Collect& collect, const Space& from, const Slots& slots) const;
  void move_into(Space& from, Slot slot, Space& into, bool remove);
  static CollectAnswer collect_again(const KeptAnswer& kept);

  // ---- shard_transaction.cc ----
  // Whether it is open and has room for `more` tuples.
  Status check_transaction(TransactionId id, size_t more) const;
  Transaction* open_transaction(TransactionId id);  // nullptr: it is not
  void begin_transaction(Operation& operation);
  void out_under(Space& space, Operation& operation, const Due& due, const OutAnswer& granted);
  void put_under(Transaction& x, Space& space, Tuple tuple, Sequence id, const Due& due);
  bool is_seen_by(const Transaction& x, const Space& space, Slot slot) const;
  void add_written(Space& space, const Inquiry& inquiry, SearchResult& result);
  void hand_over_under(Space& space, const Asker& asker, std::span<const Slot> slots);
  static TakeAnswer taken_again(const KeptAnswer& kept);
  void forget_readers(Entry& entry);
  void note_none(const Take& take);
  uint64_t read_for(const Space& space, const Take& take) const;
  bool may_serve(const Wait& wait, Space& space, const Entry& entry);
  Wait* first_taker_under(const Transaction& x, Space& space, Slot slot);
  Wait* allowed_taker(Wait* first, Space& space, Slot slot);
  void serve_waits_of(Transaction& x, Space& space, Slot slot);
  void end_transaction(Operation& operation);
  Status check_nones(const Transaction& x);
  Result<bool> is_absent(const Transaction& x, const Transaction::None& none, size_t& examined);
  std::unique_ptr<Transaction> close(Transaction& x);
  bool commit(Transaction& open, Answer& answer);
  void abort(Transaction& open);
  void show_written(Space& space, Slot slot);
  void put_back(Space& space, Slot slot);
  void unlock(const Transaction& x);
  void transaction_due(TransactionId id);
  void abort_all_of(const Session& session);
  void abort_all_of(const Space& space);
  void renew_transaction(Operation& operation);
  void abort_by_lease(Operation& operation);

  // ---- shard_watch.cc ----
  void watch(Operation& operation);
  // Something happens to a tuple. A branch, if nobody watches and no history is kept. Must come
  // before the answers that rest on it.
  void tell(Space& space, EventKind kind, Slot slot) {
    if (space.watching == nullptr) return;
    const Entry& entry = space.slab[slot];
    tell_event(space, kind, {entry.id, entry.tuple, static_cast<uint32_t>(entry.attempt)});
  }
  // A tuple vanishes without having been taken.
  void tell_end(Space& space, Slot slot, Fate fate);
  // Requires: space.watching.
  void tell_event(Space& space, EventKind kind, Found found);
  WatchAnswer& news_of(Watcher& watcher);
  void send_news(Watcher& watcher);
  void finish_news();
  Watching& watching_of(Space& space);
  void begin_history(Space& space, Sequence since);
  Status check_watch(const Operation& operation) const;
  void begin_watcher(const Space& space, Watcher& watcher);
  size_t catch_up(Watcher& watcher);
  size_t replay(const Space& space, Watcher& watcher);
  void add_taken_under(const Space& space, const Watcher& watcher, Sequence after,
                       SearchResult& page);
  size_t show_page(Space& space, Watcher& watcher);
  bool catch_up_watchers();
  void end_watcher(Watcher& watcher, const Status& status);
  void stop_watching(Space& space);
  bool cancel_watch(const ReplyTo& to);
  void end_watchers(std::string_view space, const Status& status);
  Status recover_event(const record::Key& key, std::string_view value);
  void recovered_history(Space& space);

  // ---- shard_lifetime.cc ----
  Status check_policy(const CreateSpace& create, std::string_view secret) const;
  void begin_policy(Space& space, const record::SpaceState& state);
  void end_policy(Space& space);
  void end_space(Space& space, const char* why);
  void space_due(uint32_t id);
  void session_ended(SessionId id, const std::vector<uint32_t>& tied);
  void use_space(Session& session, Space& space);
  void note_handles(const Caller& caller, const std::vector<Found>& given);
  bool is_root(const Space& space) const;
  void begin_collection();
  void see_space(const Space& space);
  void see_handles(const Tuple& tuple);
  bool collect_spaces();
  bool see_new_roots();
  void sweep();
  void recovered_lifetimes();

  // ---- shard_deadlock.cc ----
  // True if a space may have to remember who uses it.
  bool notes_use(const Session& session) const {
    return !collected.empty() || (session.participant && !guarded.empty());
  }
  void note_use(Session& session, const Operation& operation);
  void join(Session& session, Space& space);
  void begin_deadlocks(Space& space);
  void recovered_participants();
  bool waits_without_bound(const Session& session) const;
  bool waits_at(const Wait& wait, const Space& space) const;
  bool waits_for_index(const Wait& wait) const;
  bool something_is_due() const;
  bool something_may_leave() const;
  // The wait that ends for the deadlock that the space is in; 0: it is in none.
  uint64_t deadlocked_wait(const Space& space) const;
  // To be said when a wait is parked or something that was due is over.
  void may_be_deadlock() {
    if (!guarded.empty()) look_for_deadlock = true;
  }
  void find_deadlocks();
  bool has_deadlock(std::string_view space) const;

  // ---- shard_look.cc, shard_explain.cc ----
  std::string name_of_session(SessionId id) const;
  void blocked(Operation& operation);
  void list_holds(Operation& operation);
  void explain(Operation& operation);
  void explain_search(Space& space, const Template& wanted, ExplainAnswer& explained);
  void explain_misses(Space& space, const Template& wanted, ExplainAnswer& explained);
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
