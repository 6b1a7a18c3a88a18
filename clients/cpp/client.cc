#include "tuplespace/client.h"

#include <atomic>

#include "clients/cpp/backend.h"
#include "clients/cpp/call.h"
#include "clients/cpp/match.h"
#include "clients/cpp/remote.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

// In libtuplespace_embedded, if that is linked.
extern "C" [[gnu::weak]] void tuplespace_open_embedded(
    const std::string& path, const tuplespace::client::ConnectOptions& options,
    tuplespace::Result<std::shared_ptr<tuplespace::client::Backend>>& opened);

namespace tuplespace::client {
namespace {

constexpr uint32_t kScanPage = 512;

Status check(const Status& argument, const std::string& space, Verb verb) {
  if (!is_space_name(space)) {
    return invalid(std::string(verb_name(verb)) + ": space name \"" + space +
                       "\" is not of 1 to 128 of A-Z a-z 0-9 . _ / -",
                   "space");
  }
  return argument;
}

// Asks and waits, on the caller's stack.
Status ask_and_wait(Backend& backend, const Ask& ask, Confirm confirm, Reply& reply) {
  TS_RETURN_IF_ERROR(may_wait());
  SyncWaiter waiter(confirm == Confirm::kManual ? Receive::kKeep : Receive::kConfirm);
  backend.submit(ask, waiter);
  backend.await(waiter, kNoInstant);
  reply = std::move(waiter.reply);
  return reply.status;
}

Status take(Backend& backend, Verb verb, const std::string& space, const TemplateArgument& wanted,
            uint32_t max, const TakeOptions& options, Reply& reply) {
  TS_RETURN_IF_ERROR(check(wanted.status(), space, verb));
  const Ask ask{.verb = verb,
                .space = space,
                .wanted = &wanted.wanted(),
                .wait = options.wait,
                .choice = options.choice,
                .max = max};
  return ask_and_wait(backend, ask, options.confirm, reply);
}

Result<Match> take_one(const std::shared_ptr<Backend>& backend, Verb verb, const std::string& space,
                       const TemplateArgument& wanted, const TakeOptions& options) {
  Reply reply;
  TS_RETURN_IF_ERROR(take(*backend, verb, space, wanted, 1, options, reply));
  const Builder builder(backend, verb, wanted.wanted(), options);
  if (reply.tuples.empty()) return Builder::nothing(verb, space, options.wait);
  return builder.one(reply);
}

Result<std::optional<Match>> probe(const std::shared_ptr<Backend>& backend, Verb verb,
                                   const std::string& space, const TemplateArgument& wanted,
                                   TakeOptions options) {
  options.wait = milliseconds(0);
  Reply reply;
  TS_RETURN_IF_ERROR(take(*backend, verb, space, wanted, 1, options, reply));
  if (reply.tuples.empty()) return std::optional<Match>();
  return std::optional<Match>(Builder(backend, verb, wanted.wanted(), options).one(reply));
}

Result<std::vector<Match>> take_many(const std::shared_ptr<Backend>& backend, Verb verb,
                                     const std::string& space, const TemplateArgument& wanted,
                                     uint32_t max, const TakeOptions& options) {
  Reply reply;
  TS_RETURN_IF_ERROR(take(*backend, verb, space, wanted, max, options, reply));
  if (reply.tuples.empty()) return Builder::nothing(verb, space, options.wait);
  return Builder(backend, verb, wanted.wanted(), options).many(reply);
}

}  // namespace

TupleArgument::TupleArgument(std::string_view text) {
  Result<Tuple> parsed = parse_tuple(text);
  if (parsed.ok()) {
    tuple_ = *std::move(parsed);
  } else {
    status_ = parsed.status();
  }
}

TemplateArgument::TemplateArgument(std::string_view text) {
  Result<Template> parsed = parse_template(text);
  if (parsed.ok()) {
    parsed_ = *std::move(parsed);
  } else {
    status_ = parsed.status();
  }
}

// ---- spaces ----

Space::Space(std::shared_ptr<Backend> backend, std::string name)
    : backend_(std::move(backend)), name_(std::make_shared<const std::string>(std::move(name))) {}

Result<Placed> Space::out(const TupleArgument& tuple, const OutOptions& options) {
  TS_RETURN_IF_ERROR(check(tuple.status(), *name_, Verb::kOut));
  const Ask ask{.verb = Verb::kOut, .space = *name_, .tuple = &tuple.tuple(), .out = options};
  Reply reply;
  TS_RETURN_IF_ERROR(ask_and_wait(*backend_, ask, Confirm::kAutomatic, reply));
  return Placed{reply.sequence, reply.ttl};
}

Result<Match> Space::in(const TemplateArgument& wanted, const TakeOptions& options) {
  return take_one(backend_, Verb::kIn, *name_, wanted, options);
}

Result<Match> Space::rd(const TemplateArgument& wanted, const TakeOptions& options) {
  return take_one(backend_, Verb::kRd, *name_, wanted, options);
}

Result<std::optional<Match>> Space::inp(const TemplateArgument& wanted, TakeOptions options) {
  return probe(backend_, Verb::kIn, *name_, wanted, std::move(options));
}

Result<std::optional<Match>> Space::rdp(const TemplateArgument& wanted, TakeOptions options) {
  return probe(backend_, Verb::kRd, *name_, wanted, std::move(options));
}

Result<std::vector<Match>> Space::in_many(const TemplateArgument& wanted, uint32_t max,
                                          const TakeOptions& options) {
  return take_many(backend_, Verb::kIn, *name_, wanted, max, options);
}

Result<std::vector<Match>> Space::rd_many(const TemplateArgument& wanted, uint32_t max,
                                          const TakeOptions& options) {
  return take_many(backend_, Verb::kRd, *name_, wanted, max, options);
}

Result<Counted> Space::count(const TemplateArgument& wanted) {
  TS_RETURN_IF_ERROR(check(wanted.status(), *name_, Verb::kCount));
  const Ask ask{.verb = Verb::kCount, .space = *name_, .wanted = &wanted.wanted()};
  Reply reply;
  TS_RETURN_IF_ERROR(ask_and_wait(*backend_, ask, Confirm::kAutomatic, reply));
  return Counted{reply.ready, reply.held, reply.delayed, reply.sequence};
}

Status Space::scan(const TemplateArgument& wanted, const std::function<bool(const Match&)>& visit) {
  TS_RETURN_IF_ERROR(check(wanted.status(), *name_, Verb::kScan));
  const Builder builder(backend_, Verb::kScan, wanted.wanted(), {});
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

class OutThen final : public Waiter {
 public:
  explicit OutThen(OutDone done) : done_(std::move(done)) {}
  Receive on_reply(Reply& reply) override {
    const std::unique_ptr<OutThen> self(this);
    if (reply.status.ok()) {
      done_(Placed{reply.sequence, reply.ttl});
    } else {
      done_(reply.status);
    }
    return Receive::kConfirm;
  }

 private:
  const OutDone done_;
};

class TakeThen final : public Waiter {
 public:
  TakeThen(Builder builder, const std::string& space, TakeDone done)
      : builder_(std::move(builder)), space_(space), done_(std::move(done)) {}
  Receive on_reply(Reply& reply) override {
    const std::unique_ptr<TakeThen> self(this);
    const Receive receive = builder_.manual() ? Receive::kKeep : Receive::kConfirm;
    if (!reply.status.ok()) {
      done_(reply.status);
    } else if (reply.tuples.empty()) {
      done_(builder_.nothing(space_));
    } else {
      done_(builder_.one(reply));
    }
    return receive;
  }
  bool keeps() const override { return builder_.manual(); }

 private:
  const Builder builder_;
  const std::string space_;
  const TakeDone done_;
};

template <typename T>
Call<T> take_async(const std::shared_ptr<Backend>& backend, Verb verb, const std::string& space,
                   const TemplateArgument& wanted, uint32_t max, const TakeOptions& options) {
  return start_call<T>(backend,
                       {.verb = verb,
                        .space = space,
                        .wanted = &wanted.wanted(),
                        .wait = options.wait,
                        .choice = options.choice,
                        .max = max},
                       Builder(backend, verb, wanted.wanted(), options),
                       check(wanted.status(), space, verb));
}

void take_then(const std::shared_ptr<Backend>& backend, Verb verb, const std::string& space,
               const TemplateArgument& wanted, const TakeOptions& options, TakeDone done) {
  if (Status status = check(wanted.status(), space, verb); !status.ok()) {
    done(std::move(status));
    return;
  }
  auto* const waiter =
      new TakeThen(Builder(backend, verb, wanted.wanted(), options), space, std::move(done));
  backend->submit({.verb = verb,
                   .space = space,
                   .wanted = &wanted.wanted(),
                   .wait = options.wait,
                   .choice = options.choice,
                   .max = 1},
                  *waiter);
}

}  // namespace

void Space::out_then(const TupleArgument& tuple, const OutOptions& options, OutDone done) {
  if (Status status = check(tuple.status(), *name_, Verb::kOut); !status.ok()) {
    done(std::move(status));
    return;
  }
  auto* const waiter = new OutThen(std::move(done));
  backend_->submit({.verb = Verb::kOut, .space = *name_, .tuple = &tuple.tuple(), .out = options},
                   *waiter);
}

Call<Placed> Space::out_async(const TupleArgument& tuple, const OutOptions& options) {
  const Status status = check(tuple.status(), *name_, Verb::kOut);
  return start_call<Placed>(
      backend_, {.verb = Verb::kOut, .space = *name_, .tuple = &tuple.tuple(), .out = options},
      Builder(backend_, Verb::kOut, {}, {}), status);
}

Call<Match> Space::in_async(const TemplateArgument& wanted, const TakeOptions& options) {
  return take_async<Match>(backend_, Verb::kIn, *name_, wanted, 1, options);
}

Call<Match> Space::rd_async(const TemplateArgument& wanted, const TakeOptions& options) {
  return take_async<Match>(backend_, Verb::kRd, *name_, wanted, 1, options);
}

Call<std::vector<Match>> Space::in_many_async(const TemplateArgument& wanted, uint32_t max,
                                              const TakeOptions& options) {
  return take_async<std::vector<Match>>(backend_, Verb::kIn, *name_, wanted, max, options);
}

Call<std::vector<Match>> Space::rd_many_async(const TemplateArgument& wanted, uint32_t max,
                                              const TakeOptions& options) {
  return take_async<std::vector<Match>>(backend_, Verb::kRd, *name_, wanted, max, options);
}

Call<Counted> Space::count_async(const TemplateArgument& wanted) {
  return take_async<Counted>(backend_, Verb::kCount, *name_, wanted, 0, {});
}

void Space::in_then(const TemplateArgument& wanted, const TakeOptions& options, TakeDone done) {
  take_then(backend_, Verb::kIn, *name_, wanted, options, std::move(done));
}

void Space::rd_then(const TemplateArgument& wanted, const TakeOptions& options, TakeDone done) {
  take_then(backend_, Verb::kRd, *name_, wanted, options, std::move(done));
}

// ---- connections ----

Connection::Connection(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}

Space Connection::space(std::string name) const { return {backend_, std::move(name)}; }

Result<bool> Connection::create(const std::string& name, const Policy& policy) {
  return backend_->create(name, policy);
}
Result<uint64_t> Connection::drop(const std::string& name) { return backend_->drop(name); }
Result<std::vector<SpaceInfo>> Connection::list(const std::string& prefix) {
  return backend_->list(prefix);
}
Result<SpaceInfo> Connection::describe(const std::string& name) { return backend_->describe(name); }
Result<ServerStats> Connection::stats() { return backend_->stats(); }
uint64_t Connection::session() const { return backend_->session(); }
Status Connection::close() { return backend_->close(); }

Result<Connection> connect(std::string_view address, const ConnectOptions& options) {
  constexpr std::string_view kEmbedded = "embedded:";
  Result<std::shared_ptr<Backend>> backend = Status(
      Code::kUnimplemented, "address \"" + std::string(address) +
                                "\": this program is linked without spaces in the process; link "
                                "Tuplespace::embedded");
  if (!address.starts_with(kEmbedded)) {
    backend = connect_remote(std::string(address), options);
  } else if (tuplespace_open_embedded != nullptr) {
    tuplespace_open_embedded(std::string(address.substr(kEmbedded.size())), options, backend);
  }
  if (!backend.ok()) return backend.status();
  return Connection(*std::move(backend));
}

}  // namespace tuplespace::client
