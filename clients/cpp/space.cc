// What is done with one space: out, in, rd and their kin. Each call is checked here and asked of
// the backend.
#include "clients/cpp/ask.h"
#include "clients/cpp/call.h"
#include "clients/cpp/match.h"
#include "tuplespace/client.h"

namespace tuplespace::client {
namespace {

constexpr uint32_t kScanPage = 512;

// A take as it is asked for. In a transaction its options are a copy that says so.
class TakeAsk {
 public:
  TakeAsk(Verb verb, const std::string& space, const TemplateArgument& wanted, uint32_t max,
          const TakeOptions& options, uint64_t transaction)
      : ask_{.verb = verb,
             .space = space,
             .wanted = &wanted.wanted(),
             .wait = options.wait,
             .choice = options.choice,
             .max = max} {
    const bool few = options.hold || options.group || !options.any_of.empty() ||
                     options.transaction != 0 || transaction != 0;
    if (!few) return;
    extras_.take = &options;
    if (transaction != 0) {
      inside_ = options;
      inside_->transaction = transaction;
      extras_.take = &*inside_;
    }
    ask_.extras = &extras_;
  }
  TakeAsk(const TakeAsk&) = delete;

  const Ask& ask() const { return ask_; }

 private:
  Extras extras_;
  std::optional<TakeOptions> inside_;
  Ask ask_;
};

Status check_take(const TemplateArgument& wanted, const TakeOptions& options,
                  const std::string& space, Verb verb) {
  for (const TemplateArgument& further : options.any_of) {
    TS_RETURN_IF_ERROR(further.status());
  }
  return check_ask(wanted.status(), space, verb);
}

OutOptions with(OutOptions options, uint64_t transaction) {
  if (transaction != 0) options.transaction = transaction;
  return options;
}

}  // namespace

Space::Space(std::shared_ptr<Backend> backend, std::string name, uint64_t transaction)
    : backend_(std::move(backend)),
      name_(std::make_shared<const std::string>(std::move(name))),
      transaction_(transaction) {}

// ---- out ----

Result<Placed> Space::out(const TupleArgument& tuple, const OutOptions& options) {
  TS_RETURN_IF_ERROR(check_ask(tuple.status(), *name_, Verb::kOut));
  const Ask ask{.verb = Verb::kOut,
                .space = *name_,
                .tuple = &tuple.tuple(),
                .out = with(options, transaction_)};
  Reply reply;
  TS_RETURN_IF_ERROR(ask_and_wait(*backend_, ask, Confirm::kAutomatic, reply));
  return Placed{reply.sequence, reply.ttl, reply.fate};
}

Call<Placed> Space::out_async(const TupleArgument& tuple, const OutOptions& options) {
  return start_call<Placed>(backend_,
                            {.verb = Verb::kOut,
                             .space = *name_,
                             .tuple = &tuple.tuple(),
                             .out = with(options, transaction_)},
                            Builder(backend_, Verb::kOut, *name_, {}, {}),
                            check_ask(tuple.status(), *name_, Verb::kOut));
}

Call<Placed> Space::out_many_async(std::span<const Tuple> tuples, const OutOptions& options) {
  Status status = check_ask({}, *name_, Verb::kOut);
  if (tuples.empty()) status = invalid("out \"" + *name_ + "\": there are no tuples to put");
  const Extras extras{.more = tuples.empty() ? tuples : tuples.subspan(1)};
  return start_call<Placed>(backend_,
                            {.verb = Verb::kOut,
                             .space = *name_,
                             .tuple = tuples.data(),
                             .out = with(options, transaction_),
                             .extras = &extras},
                            Builder(backend_, Verb::kOut, *name_, {}, {}), status);
}

Result<Placed> Space::out_many(std::span<const Tuple> tuples, const OutOptions& options) {
  TS_RETURN_IF_ERROR(may_wait());
  return out_many_async(tuples, options).get();
}

Result<Placed> Space::out_many(std::initializer_list<TupleArgument> arguments,
                               const OutOptions& options) {
  std::vector<Tuple> tuples;
  for (const TupleArgument& argument : arguments) {
    TS_RETURN_IF_ERROR(argument.status());
    tuples.push_back(argument.tuple());
  }
  return out_many(tuples, options);
}

Call<Placed> Space::out_room_async(const TupleArgument& tuple, const Room& room,
                                   const OutOptions& options) {
  Status status = check_ask(tuple.status(), *name_, Verb::kOut);
  if (status.ok()) status = room.counted.status();
  if (status.ok() &&
      (options.pulse || options.until_taken || options.transaction != 0 || transaction_ != 0)) {
    status = invalid("out \"" + *name_ + "\": room goes with ttl, delay and bound only", "room");
  }
  Atomic atomic;
  atomic.fewer_than(room.below, *name_, room.counted.wanted())
      .out(*name_, tuple.tuple(), {options.ttl, options.delay, options.bound});
  const Extras extras{.atomic = &atomic};
  return start_call<Placed>(
      backend_, {.verb = Verb::kAtomic, .space = *name_, .wait = room.wait, .extras = &extras},
      Builder(backend_, Verb::kOut, *name_, {}, {.wait = room.wait}), status);
}

Result<Placed> Space::out_room(const TupleArgument& tuple, const Room& room,
                               const OutOptions& options) {
  TS_RETURN_IF_ERROR(may_wait());
  return out_room_async(tuple, room, options).get();
}

namespace {

class OutThen final : public Waiter {
 public:
  explicit OutThen(OutDone done) : done_(std::move(done)) {}
  Receive on_reply(Reply& reply) override {
    const std::unique_ptr<OutThen> self(this);
    if (reply.status.ok()) {
      done_(Placed{reply.sequence, reply.ttl, reply.fate});
    } else {
      done_(reply.status);
    }
    return Receive::kConfirm;
  }

 private:
  const OutDone done_;
};

}  // namespace

void Space::out_then(const TupleArgument& tuple, const OutOptions& options, OutDone done) {
  if (Status status = check_ask(tuple.status(), *name_, Verb::kOut); !status.ok()) {
    done(std::move(status));
    return;
  }
  auto* const waiter = new OutThen(std::move(done));
  backend_->submit({.verb = Verb::kOut,
                    .space = *name_,
                    .tuple = &tuple.tuple(),
                    .out = with(options, transaction_)},
                   *waiter);
}

// ---- in and rd ----

namespace {

// Where a take is asked: a space as Space knows it.
struct Place {
  const std::shared_ptr<Backend>& backend;
  const std::string& space;
  uint64_t transaction;
};

Status take(const Place& at, Verb verb, const TemplateArgument& wanted, uint32_t max,
            const TakeOptions& options, Reply& reply) {
  TS_RETURN_IF_ERROR(check_take(wanted, options, at.space, verb));
  const TakeAsk asked(verb, at.space, wanted, max, options, at.transaction);
  return ask_and_wait(*at.backend, asked.ask(), options.confirm, reply);
}

template <typename T>
Result<T> take_now(const Place& at, Verb verb, const TemplateArgument& wanted, uint32_t max,
                   const TakeOptions& options) {
  Reply reply;
  TS_RETURN_IF_ERROR(take(at, verb, wanted, max, options, reply));
  if (reply.tuples.empty()) return Builder::nothing(verb, at.space, options.wait, reply.ended);
  const Builder builder(at.backend, verb, at.space, wanted.wanted(), options);
  return result_of<T>(reply, builder, at.space);
}

Result<Probed> probe(const Place& at, Verb verb, const TemplateArgument& wanted,
                     TakeOptions options) {
  options.wait = milliseconds(0);
  Reply reply;
  TS_RETURN_IF_ERROR(take(at, verb, wanted, 1, options, reply));
  Probed probed;
  if (reply.tuples.empty()) {
    probed.held = reply.held;
  } else {
    probed.emplace(Builder(at.backend, verb, at.space, wanted.wanted(), options).one(reply));
  }
  return probed;
}

template <typename T>
Call<T> take_async(const Place& at, Verb verb, const TemplateArgument& wanted, uint32_t max,
                   const TakeOptions& options) {
  const TakeAsk asked(verb, at.space, wanted, max, options, at.transaction);
  return start_call<T>(at.backend, asked.ask(),
                       Builder(at.backend, verb, at.space, wanted.wanted(), options),
                       check_take(wanted, options, at.space, verb));
}

class TakeThen final : public Waiter {
 public:
  TakeThen(Builder builder, const std::string& space, TakeDone done)
      : builder_(std::move(builder)), space_(space), done_(std::move(done)) {}
  Receive on_reply(Reply& reply) override {
    const std::unique_ptr<TakeThen> self(this);
    const Receive receive = builder_.manual() ? Receive::kKeep : Receive::kConfirm;
    done_(result_of<Match>(reply, builder_, space_));
    return receive;
  }
  bool keeps() const override { return builder_.manual(); }

 private:
  const Builder builder_;
  const std::string space_;
  const TakeDone done_;
};

void take_then(const Place& at, Verb verb, const TemplateArgument& wanted,
               const TakeOptions& options, TakeDone done) {
  if (Status status = check_take(wanted, options, at.space, verb); !status.ok()) {
    done(std::move(status));
    return;
  }
  auto* const waiter = new TakeThen(Builder(at.backend, verb, at.space, wanted.wanted(), options),
                                    at.space, std::move(done));
  const TakeAsk asked(verb, at.space, wanted, 1, options, at.transaction);
  at.backend->submit(asked.ask(), *waiter);
}

}  // namespace

Result<Match> Space::in(const TemplateArgument& wanted, const TakeOptions& options) {
  return take_now<Match>({backend_, *name_, transaction_}, Verb::kIn, wanted, 1, options);
}

Result<Match> Space::rd(const TemplateArgument& wanted, const TakeOptions& options) {
  return take_now<Match>({backend_, *name_, transaction_}, Verb::kRd, wanted, 1, options);
}

Result<Probed> Space::inp(const TemplateArgument& wanted, TakeOptions options) {
  return probe({backend_, *name_, transaction_}, Verb::kIn, wanted, options);
}

Result<Probed> Space::rdp(const TemplateArgument& wanted, TakeOptions options) {
  return probe({backend_, *name_, transaction_}, Verb::kRd, wanted, options);
}

Result<std::vector<Match>> Space::in_many(const TemplateArgument& wanted, uint32_t max,
                                          const TakeOptions& options) {
  return take_now<std::vector<Match>>({backend_, *name_, transaction_}, Verb::kIn, wanted, max,
                                      options);
}

Result<std::vector<Match>> Space::rd_many(const TemplateArgument& wanted, uint32_t max,
                                          const TakeOptions& options) {
  return take_now<std::vector<Match>>({backend_, *name_, transaction_}, Verb::kRd, wanted, max,
                                      options);
}

Call<Match> Space::in_async(const TemplateArgument& wanted, const TakeOptions& options) {
  return take_async<Match>({backend_, *name_, transaction_}, Verb::kIn, wanted, 1, options);
}

Call<Match> Space::rd_async(const TemplateArgument& wanted, const TakeOptions& options) {
  return take_async<Match>({backend_, *name_, transaction_}, Verb::kRd, wanted, 1, options);
}

Call<std::vector<Match>> Space::in_many_async(const TemplateArgument& wanted, uint32_t max,
                                              const TakeOptions& options) {
  return take_async<std::vector<Match>>({backend_, *name_, transaction_}, Verb::kIn, wanted, max,
                                        options);
}

Call<std::vector<Match>> Space::rd_many_async(const TemplateArgument& wanted, uint32_t max,
                                              const TakeOptions& options) {
  return take_async<std::vector<Match>>({backend_, *name_, transaction_}, Verb::kRd, wanted, max,
                                        options);
}

void Space::in_then(const TemplateArgument& wanted, const TakeOptions& options, TakeDone done) {
  take_then({backend_, *name_, transaction_}, Verb::kIn, wanted, options, std::move(done));
}

void Space::rd_then(const TemplateArgument& wanted, const TakeOptions& options, TakeDone done) {
  take_then({backend_, *name_, transaction_}, Verb::kRd, wanted, options, std::move(done));
}

// ---- all of them ----

Result<Counted> Space::count(const TemplateArgument& wanted) {
  TS_RETURN_IF_ERROR(check_ask(wanted.status(), *name_, Verb::kCount));
  const Ask ask{.verb = Verb::kCount, .space = *name_, .wanted = &wanted.wanted()};
  Reply reply;
  TS_RETURN_IF_ERROR(ask_and_wait(*backend_, ask, Confirm::kAutomatic, reply));
  return Counted{reply.ready, reply.held, reply.delayed, reply.sequence};
}

Call<Counted> Space::count_async(const TemplateArgument& wanted) {
  return take_async<Counted>({backend_, *name_, 0}, Verb::kCount, wanted, 0, {});
}

Status Space::scan(const TemplateArgument& wanted, const std::function<bool(const Match&)>& visit) {
  TS_RETURN_IF_ERROR(check_ask(wanted.status(), *name_, Verb::kScan));
  const Builder builder(backend_, Verb::kScan, *name_, wanted.wanted(), {});
  Reply reply;
  do {
    const Ask ask{.verb = Verb::kScan,
                  .space = *name_,
                  .wanted = &wanted.wanted(),
                  .max = kScanPage,
                  .after = reply.next,
                  .until = reply.until};
    TS_RETURN_IF_ERROR(ask_and_wait(*backend_, ask, Confirm::kAutomatic, reply));
    for (const Match& match : builder.many(reply)) {
      if (!visit(match)) return {};
    }
  } while (reply.next != 0);
  return {};
}

namespace {

Result<Collected> collect_into(const Place& at, Verb verb, const TemplateArgument& wanted,
                               const std::string& into) {
  TS_RETURN_IF_ERROR(check_ask(wanted.status(), at.space, verb));
  TS_RETURN_IF_ERROR(check_ask({}, into, verb));
  const Extras extras{.into = &into};
  const Ask ask{.verb = verb, .space = at.space, .wanted = &wanted.wanted(), .extras = &extras};
  Reply reply;
  TS_RETURN_IF_ERROR(ask_and_wait(*at.backend, ask, Confirm::kAutomatic, reply));
  return Collected{reply.number, reply.sequence};
}

}  // namespace

Result<Collected> Space::collect(const TemplateArgument& wanted, const std::string& into) {
  return collect_into({backend_, *name_, 0}, Verb::kCollect, wanted, into);
}

Result<Collected> Space::copy_collect(const TemplateArgument& wanted, const std::string& into) {
  return collect_into({backend_, *name_, 0}, Verb::kCopyCollect, wanted, into);
}

}  // namespace tuplespace::client
