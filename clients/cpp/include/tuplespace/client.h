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
// More is in headers of its own: arguments.h (what calls take), match.h (what they give, and
// holds), call.h, atomic.h (several steps at one instant), transaction.h, watch.h, admin.h;
// recipes/*.h are locks, queues and the like, made of these.
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
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/admin.h"
#include "tuplespace/arguments.h"
#include "tuplespace/atomic.h"
#include "tuplespace/call.h"
#include "tuplespace/match.h"
#include "tuplespace/status.h"
#include "tuplespace/transaction.h"
#include "tuplespace/watch.h"

namespace tuplespace::client {

class Backend;  // one per connection: remote or embedded

// ---- spaces ----

using OutDone = std::function<void(Result<Placed>)>;
using TakeDone = std::function<void(Result<Match>)>;

// While fewer than `below` available tuples match `counted` there is room.
struct Room {
  const TemplateArgument& counted;
  uint64_t below = 1;
  std::optional<milliseconds> wait = {};  // for room: absent: without end; 0: do not wait
};

// A handle to a named space; copies are cheap. Only what puts creates the space.
class Space {
 public:
  Space(std::shared_ptr<Backend> backend, std::string name, uint64_t transaction = 0);

  const std::string& name() const { return *name_; }

  // Adds a tuple.
  Result<Placed> out(const TupleArgument& tuple, const OutOptions& options = {});

  // Adds several at one instant, or none: their ids follow one another, from Placed::id on.
  Result<Placed> out_many(std::span<const Tuple> tuples, const OutOptions& options = {});
  Result<Placed> out_many(std::initializer_list<TupleArgument> tuples,
                          const OutOptions& options = {});

  // Adds a tuple as soon as there is room; who waits for the same room is served in the order in
  // which he came. Of `options` it knows ttl, delay and bound.
  // Errors: DEADLINE_EXCEEDED: no room within room.wait.
  Result<Placed> out_room(const TupleArgument& tuple, const Room& room,
                          const OutOptions& options = {});

  // Takes (in) or copies (rd) one matching tuple; waits for it.
  // Errors: DEADLINE_EXCEEDED: none within options.wait. ABORTED: the space was dropped, or (with
  // problem().bound "deadlock") everybody waits for everybody.
  Result<Match> in(const TemplateArgument& wanted, const TakeOptions& options = {});
  Result<Match> rd(const TemplateArgument& wanted, const TakeOptions& options = {});

  // The same without waiting: nothing, if none matches at that instant. options.wait is ignored.
  Result<Probed> inp(const TemplateArgument& wanted, TakeOptions options = {});
  Result<Probed> rdp(const TemplateArgument& wanted, TakeOptions options = {});

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

  // Moves (collect) or copies all matches at one instant to new places in another space.
  // Errors: NOT_FOUND, FAILED_PRECONDITION (another shard), RESOURCE_EXHAUSTED (effects_max).
  Result<Collected> collect(const TemplateArgument& wanted, const std::string& into);
  Result<Collected> copy_collect(const TemplateArgument& wanted, const std::string& into);

  // Ends a hold of this space, whoever took it (Match::done() and so on do it with what they know).
  // Errors: FAILED_PRECONDITION: it has ended before, and nothing was changed.
  Result<Settled> settle(uint64_t token, const Settlement& how);

  // Lets a tuple's ttl, or a hold, end this long after now; says what is granted.
  // Errors: NOT_FOUND (it has ended).
  Result<milliseconds> renew(const Lease& lease, milliseconds ttl);
  // Ends it now: the tuple vanishes, what was held goes back. Errors: NOT_FOUND (it has ended).
  Status cancel(const Lease& lease);

  // Begins to watch; all that happens after this returns is told.
  Result<Watch> watch(const TemplateArgument& wanted, const WatchOptions& options = {});

  // As above, without waiting for the answer.
  Call<Placed> out_async(const TupleArgument& tuple, const OutOptions& options = {});
  Call<Placed> out_many_async(std::span<const Tuple> tuples, const OutOptions& options = {});
  Call<Placed> out_room_async(const TupleArgument& tuple, const Room& room,
                              const OutOptions& options = {});
  Call<Match> in_async(const TemplateArgument& wanted, const TakeOptions& options = {});
  Call<Match> rd_async(const TemplateArgument& wanted, const TakeOptions& options = {});
  Call<std::vector<Match>> in_many_async(const TemplateArgument& wanted, uint32_t max,
                                         const TakeOptions& options = {});
  Call<std::vector<Match>> rd_many_async(const TemplateArgument& wanted, uint32_t max,
                                         const TakeOptions& options = {});
  Call<Counted> count_async(const TemplateArgument& wanted);
  Call<Settled> settle_async(uint64_t token, const Settlement& how);

  // As above; `done` is called exactly once, possibly before this returns. The fastest form.
  void out_then(const TupleArgument& tuple, const OutOptions& options, OutDone done);
  void in_then(const TemplateArgument& wanted, const TakeOptions& options, TakeDone done);
  void rd_then(const TemplateArgument& wanted, const TakeOptions& options, TakeDone done);

 private:
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<const std::string> name_;
  uint64_t transaction_ = 0;
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
  // A session of this name is ended first, whoever has it: what it held goes back, what it still
  // sends is refused, and our fence() is greater than its. A named session that has ended is not
  // opened anew by itself: everything later is ABORTED. "": no name.
  std::string name = {};
  // Takes part in the detection of deadlock (Policy::deadlock): one operation at a time.
  bool participant = false;
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

  // Does all steps of one alternative, at one instant; waits until it can.
  // Errors: DEADLINE_EXCEEDED: it could not within options.wait; FAILED_PRECONDITION: a hold that
  // it settles has ended. Then nothing was changed.
  Result<Did> atomic(const Atomic& steps, const AtomicOptions& options = {});
  // The same without waiting: nothing, if it cannot happen at that instant.
  Result<std::optional<Did>> try_atomic(const Atomic& steps);
  Call<Did> atomic_async(const Atomic& steps, const AtomicOptions& options = {});
  void atomic_then(const Atomic& steps, const AtomicOptions& options, AtomicDone done);

  // Begins a transaction on spaces of the shard of `space`, which need not exist.
  // `lease` 0: the server's default (30 s). `detached`: it does not end with our session; whoever
  // has its id may go on with it.
  Result<Transaction> begin(const std::string& space, milliseconds lease = milliseconds(0),
                            bool detached = false);
  // The transaction of this id, wherever it was begun.
  Transaction transaction(uint64_t id) const;

  // Who waits, longest first, in this space or ("") in all; at most 1000.
  Result<Blocked> blocked(const std::string& space = {});
  // Who holds what, oldest first, in this space or in all, by this session or (0) by all; at most
  // 1000. our_holds(): what this connection's session holds.
  Result<std::vector<HoldInfo>> holds(const std::string& space = {}, uint64_t session = 0);
  Result<std::vector<HoldInfo>> our_holds(const std::string& space = {});
  // Gives back what a hold holds, whoever has it. Errors: NOT_FOUND (it has ended).
  Status release(const std::string& space, uint64_t token);
  // Says why a template finds nothing. Errors: NOT_FOUND (space).
  Result<Explanation> explain(const std::string& space, const TemplateArgument& wanted);
  // Sessions by id, at most 1000 above `after`.
  Result<std::vector<SessionInfo>> sessions(uint64_t after = 0);
  // Ends a session, whoever has it: what it held goes back. Errors: NOT_FOUND.
  Status end_session(uint64_t session);

  // The session's id; another one if the old one was lost. Then what was held by it or bound to
  // it is gone.
  uint64_t session() const;
  // Of a named session: greater than that of every holder of the name before. Else 0.
  uint64_t fence() const;

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
