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

#include "tuplespace/space/record.h"
#include "tuplespace/space/search.h"
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
  Status check_out(const Out& out, const Space* space) const;
  // Serves those who wait for the tuple in `slot`, which is neither available, held nor delayed;
  // if nobody takes it, it becomes available. Puts it on disk if it is not there and stays.
  void become_available(Space& space, Slot slot, OnDisk on_disk);
  void pulse(Space* space, const Operation& operation);
  void run_due();
  void tuple_due(const Timer& timer);
  void expire(Space& space, Slot slot);
  bool work_unfinished();

  // ---- shard_take.cc ----
  void take(Operation& operation);
  Status check_take(Take& take, const Space* space, Order* order, uint32_t* field) const;
  // Whom a read or take is for.
  struct Asker {
    const Take& take;
    const Caller& caller;
    ReplyTo reply;
    explicit Asker(const Wait& wait) : take(wait.take), caller(wait.caller), reply(wait.reply) {}
    Asker(const Take& t, const Caller& c, ReplyTo r) : take(t), caller(c), reply(r) {}
  };
  SearchResult search_for(Space& space, const Take& take, const Plan& plan, Order order,
                          uint32_t field, Cursor& cursor);
  // Answers a read or take with tuples that were found among the available ones.
  void complete(Space& space, const Asker& asker, const SearchResult& found);
  // The same with one that is in no index.
  void complete_with(Space& space, const Asker& asker, Slot slot, OnDisk on_disk);
  void hand_over(Space& space, const Asker& asker, std::span<const Slot> slots, OnDisk on_disk);
  Status no_room(const Take& take) const;
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
  void collect(Session& session, Number number, KeptAnswer& answer);
  void finish_answers();
  Answer answer_again(Session& session, Number number, const KeptAnswer& kept);
  void confirm_ranges(Session& session, const std::vector<NumberRange>& ranges);
  void return_ranges(Session& session, const std::vector<NumberRange>& ranges);
  void spell_again(Session& session, Sequence sequence);
  // Requires: `number` has a kept answer.
  void forget_answer(Session& session, Number number, bool give_back,
                     std::vector<HeldTuple>& returned);
  void give_back(std::vector<HeldTuple> returned);

  // ---- shard_recovery.cc ----
  Status recover(std::string_view key, std::string_view value);
  Status recover_answers(const record::Key& key, std::string_view value);
  Status recover_tuple(const record::Key& key, std::string_view value);
  Status recovered(Time time, Effects& to);
  void write_state();
};

}  // namespace tuplespace
