// The C++ client: one Space type, whether its tuples are in this process, on this machine or on
// another.
//
//   auto connection = tuplespace::client::connect("127.0.0.1:7070");
//   if (!connection.ok()) return report(connection.status());
//   auto jobs = connection->space("jobs");
//   auto placed = jobs.out("('job', 7)");
//   auto match = jobs.in("('job', ?id:int)", {.wait = 5s});      // DEADLINE_EXCEEDED: none came
//   int64_t id = match->bound("id")->as_int();
//
// Every call has three forms: `in` waits, `in_async` returns a Call (get it, cancel it, co_await
// it), `in_then` calls back. All calls of a connection share one stream and one session and
// travel together in frames; it reconnects, resumes and repeats by itself, so a server that is
// killed and started again costs time, nothing else.
//
// Receipt: a taken tuple is confirmed to the server with the next frame, at latest 1 ms after it
//          was handed over. If this process dies before that, the tuple becomes available again,
//          with attempt() one higher; if it dies after, the tuple was yours and is gone. With
//          Confirm::kManual the program says when (Match::confirm).
// Order:   operations of one thread on spaces of one shard apply in the order they were called.
// Threads: any. Callbacks and coroutines continue on whichever thread drives the connection at
//          that moment: they must not block, and a waiting call inside one is refused
//          (FAILED_PRECONDITION).
// Bounds:  ConnectOptions.
// Errors:  Status. With problem().outcome_unknown the operation may or may not have happened: the
//          session ended, or no server was found within `patience`.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuplespace/status.h"
#include "tuplespace/tuple/template.h"
#include "tuplespace/tuple/tuple.h"

namespace tuplespace::client {

using std::chrono::milliseconds;

class Backend;   // one per connection: remote or embedded
struct Receipt;  // of one taken answer, until it is confirmed

// ---- what calls take ----

// A tuple, as one or in text form. What is wrong with the text is the call's Status.
class TupleArgument {
 public:
  TupleArgument(Tuple tuple) : tuple_(std::move(tuple)) {}
  TupleArgument(std::string_view text);
  TupleArgument(const std::string& text) : TupleArgument(std::string_view(text)) {}
  TupleArgument(const char* text) : TupleArgument(std::string_view(text)) {}

  const Status& status() const { return status_; }
  const Tuple& tuple() const { return tuple_; }  // requires: status().ok()

 private:
  Tuple tuple_;
  Status status_;
};

// A template, likewise. It refers to the template it is given; meant for arguments only.
class TemplateArgument {
 public:
  TemplateArgument(const Template& wanted) : given_(&wanted) {}
  TemplateArgument(std::string_view text);
  TemplateArgument(const std::string& text) : TemplateArgument(std::string_view(text)) {}
  TemplateArgument(const char* text) : TemplateArgument(std::string_view(text)) {}

  const Status& status() const { return status_; }
  const Template& wanted() const { return given_ ? *given_ : parsed_; }

 private:
  const Template* given_ = nullptr;
  Template parsed_;
  Status status_;
};

struct OutOptions {
  std::optional<milliseconds> ttl = {};    // the tuple vanishes after this; absent: never
  std::optional<milliseconds> delay = {};  // nobody sees it until then; absent: at once
  bool pulse = false;                      // waiting readers see it, it is never stored
};

// Which of several matches is chosen. (Options hold no strings of their own: GCC 12 copies the
// bytes of an aggregate that stands in a co_await expression.)
enum class Order : uint8_t { kDefault, kOldest, kNewest, kLeast, kGreatest, kRandom };

struct Choice {
  Order order = Order::kDefault;     // as the space's policy says; usually the oldest
  uint32_t field = 0;                // kLeast, kGreatest: of this 0-based field,
  std::string_view field_name = {};  // or of the one that the template gives this name
};

enum class Confirm : uint8_t {
  kAutomatic,  // when the tuple was handed over
  kManual,     // when Match::confirm() is called
};

struct TakeOptions {
  std::optional<milliseconds> wait = {};  // absent: without end; 0: do not wait
  Choice choice = {};
  Confirm confirm = Confirm::kAutomatic;  // of `in`; `rd` takes nothing
};

// ---- what calls give ----

// An `out` that is as durable as its space promises.
struct Placed {
  uint64_t id = 0;                  // of the tuple; its place and the instant, too
  std::optional<milliseconds> ttl;  // granted
};

// A tuple that was found.
class Match {
 public:
  Match() = default;
  Match(Tuple tuple, uint64_t id, uint64_t sequence, uint32_t attempt)
      : tuple_(std::move(tuple)), id_(id), sequence_(sequence), attempt_(attempt) {}

  const Tuple& tuple() const { return tuple_; }
  uint64_t id() const { return id_; }              // its place
  uint64_t sequence() const { return sequence_; }  // the instant it was found
  uint32_t attempt() const { return attempt_; }    // how often it was given back before

  // Returns the value of field `index`. Requires: index < tuple().arity().
  Value operator[](size_t index) const { return tuple_.at(index); }

  // Returns what the template's `name` stands for, or nothing if it has no such name.
  std::optional<Value> bound(std::string_view name) const;

  // With Confirm::kManual, one of these ends the hold on a taken tuple. confirm(): it is yours;
  // told to the server with the next frame, at latest after 1 ms, durable when close() is OK.
  // give_back(): it becomes available again, as it does without either when the last copy of
  // the match is gone. Tuples taken together (in_many) are confirmed when each of them was, and
  // given back together.
  // Errors: ABORTED if the session ended before: the tuple went back. Otherwise OK, also for a
  // match that needs no confirmation.
  Status confirm();
  Status give_back();

 private:
  friend struct Builder;
  Tuple tuple_;
  uint64_t id_ = 0;
  uint64_t sequence_ = 0;
  uint32_t attempt_ = 0;
  std::shared_ptr<const Template> wanted_;  // only if it has names
  std::shared_ptr<Receipt> receipt_;        // only with Confirm::kManual
};

// How many match, at one instant.
struct Counted {
  uint64_t ready = 0;
  uint64_t held = 0;     // taken and not yet confirmed
  uint64_t delayed = 0;  // not yet visible
  uint64_t sequence = 0;
};

// A call under way. Dropping it cancels the call, and a tuple that was taken for it goes back.
// T is Placed, Match, std::vector<Match> or Counted.
template <typename T>
class [[nodiscard]] Call {
 public:
  struct State;

  explicit Call(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Call(Call&&) = default;
  Call& operator=(Call&& other);
  ~Call();

  // Returns true when get() would not wait; wait_for() waits until it is so or `time` has passed.
  bool ready() const;
  bool wait_for(milliseconds time);

  // Waits for the answer and hands it over. Once only.
  Result<T> get();

  // Asks the server to end the call. The answer is definite: CANCELLED, or what came first.
  void cancel();

  // co_await hands the answer over.
  bool await_ready() const { return ready(); }
  bool await_suspend(std::coroutine_handle<> waiting);
  Result<T> await_resume() { return get(); }

 private:
  std::shared_ptr<State> state_;
};

// ---- spaces ----

using OutDone = std::function<void(Result<Placed>)>;
using TakeDone = std::function<void(Result<Match>)>;

// A handle to a named space; copies are cheap. Only `out` creates the space.
class Space {
 public:
  Space(std::shared_ptr<Backend> backend, std::string name);

  const std::string& name() const { return *name_; }

  // Adds a tuple.
  Result<Placed> out(const TupleArgument& tuple, const OutOptions& options = {});

  // Takes (in) or copies (rd) one matching tuple; waits for it.
  // Errors: DEADLINE_EXCEEDED: none within options.wait.
  Result<Match> in(const TemplateArgument& wanted, const TakeOptions& options = {});
  Result<Match> rd(const TemplateArgument& wanted, const TakeOptions& options = {});

  // The same without waiting: nothing, if none matches at that instant. options.wait is ignored.
  Result<std::optional<Match>> inp(const TemplateArgument& wanted, TakeOptions options = {});
  Result<std::optional<Match>> rdp(const TemplateArgument& wanted, TakeOptions options = {});

  // Up to `max` at one instant, at least one.
  Result<std::vector<Match>> in_many(const TemplateArgument& wanted, uint32_t max,
                                     const TakeOptions& options = {});
  Result<std::vector<Match>> rd_many(const TemplateArgument& wanted, uint32_t max,
                                     const TakeOptions& options = {});

  // Errors: NOT_FOUND (no such space), RESOURCE_EXHAUSTED (examine_max).
  Result<Counted> count(const TemplateArgument& wanted);

  // Visits every tuple that matches and is available throughout once, others at most once, in
  // order of place; stops early when `visit` returns false.
  // Errors: NOT_FOUND.
  Status scan(const TemplateArgument& wanted, const std::function<bool(const Match&)>& visit);

  // As above, without waiting for the answer.
  Call<Placed> out_async(const TupleArgument& tuple, const OutOptions& options = {});
  Call<Match> in_async(const TemplateArgument& wanted, const TakeOptions& options = {});
  Call<Match> rd_async(const TemplateArgument& wanted, const TakeOptions& options = {});
  Call<std::vector<Match>> in_many_async(const TemplateArgument& wanted, uint32_t max,
                                         const TakeOptions& options = {});
  Call<std::vector<Match>> rd_many_async(const TemplateArgument& wanted, uint32_t max,
                                         const TakeOptions& options = {});
  Call<Counted> count_async(const TemplateArgument& wanted);

  // As above; `done` is called exactly once, possibly before this returns. The fastest form.
  void out_then(const TupleArgument& tuple, const OutOptions& options, OutDone done);
  void in_then(const TemplateArgument& wanted, const TakeOptions& options, TakeDone done);
  void rd_then(const TemplateArgument& wanted, const TakeOptions& options, TakeDone done);

 private:
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<const std::string> name_;
};

enum class Durability : uint8_t { kDefault, kSync, kAsync, kMemory };

// Fixed when a space is created.
struct Policy {
  Durability durability = Durability::kDefault;
  uint32_t shard = 0;
  Order order = Order::kDefault;  // kOldest, kNewest or kRandom
  uint64_t tuples_max = 0;        // 0: the server's bound alone
  uint64_t tuple_bytes_max = 0;   // 0: the server's

  bool operator==(const Policy&) const = default;
};

struct SpaceInfo {
  struct Index {
    std::string question;  // for instance "(value, int, ?)"
    uint64_t keys = 0;
    bool building = false;
  };

  std::string name;
  Policy policy;
  uint64_t ready = 0, held = 0, delayed = 0;
  uint64_t waiters = 0;
  uint64_t bytes = 0;          // of tuples, in memory
  std::vector<Index> indexes;  // describe() only
};

struct ServerStats {
  std::string version;
  uint64_t incarnation = 0;  // one higher with every start
  milliseconds uptime{0};
  std::vector<std::pair<std::string, uint64_t>> counters;  // by name
};

// ---- connections ----

struct ConnectOptions {
  milliseconds timeout{5'000};    // connect() asks again this long; 0: asks once
  milliseconds patience{60'000};  // calls survive this long without a server
  milliseconds session_ttl{0};    // what we took and did not confirm goes back this long
                                  // after we were last heard of; 0: the server's default
  size_t calls_max = 1 << 20;     // under way at once; beyond it RESOURCE_EXHAUSTED
  // Spaces in this process only: how durable they are if they do not say. kDefault: kSync, or
  // kMemory for the address "embedded:".
  Durability durability = Durability::kDefault;
};

// A connection and its session; copies, spaces and calls share it. The last of them to go closes
// it, and waits for that at most 100 ms.
class Connection {
 public:
  explicit Connection(std::shared_ptr<Backend> backend);

  Space space(std::string name) const;

  // Creates a space; false: it was there, with this policy.
  // Errors: INVALID_ARGUMENT (name), ALREADY_EXISTS (with another policy).
  Result<bool> create(const std::string& name, const Policy& policy = {});
  // Drops a space; returns how many tuples went with it. Errors: NOT_FOUND.
  Result<uint64_t> drop(const std::string& name);
  // Lists spaces whose names begin with `prefix`, by name.
  Result<std::vector<SpaceInfo>> list(const std::string& prefix = {});
  // Returns one space with its indexes. Errors: NOT_FOUND.
  Result<SpaceInfo> describe(const std::string& name);
  Result<ServerStats> stats();

  // The session's id; another one if the old one was lost.
  uint64_t session() const;

  // Confirms what was handed over, gives back the rest and ends the session; OK says that all of
  // it is durable. Calls under way end with CANCELLED, later ones with FAILED_PRECONDITION.
  Status close();

 private:
  std::shared_ptr<Backend> backend_;
};

// Connects to "host:port", "unix:/path", or to spaces in this process: "embedded:" (in memory)
// and "embedded:/path" (kept in that directory), which need the library Tuplespace::embedded.
// Errors: INVALID_ARGUMENT (address), UNAVAILABLE (nobody answers, saying why),
// UNIMPLEMENTED (embedded without its library).
Result<Connection> connect(std::string_view address, const ConnectOptions& options = {});

}  // namespace tuplespace::client
