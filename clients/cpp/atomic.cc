#include "tuplespace/atomic.h"

#include <algorithm>

#include "clients/cpp/ask.h"
#include "clients/cpp/call.h"
#include "clients/cpp/match.h"
#include "tuplespace/client.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::client {
namespace {

const std::string kNoSpace;  // steps have one each

}  // namespace

// ---- building ----

void Atomic::note(const Status& status) {
  if (status.ok() || !status_.ok()) return;
  status_ = {
      status.code(),
      "atomic: step " + std::to_string(alternatives_.back().size()) + ": " + status.message(),
      status.problem()};
}

AtomicStep& Atomic::add(AtomicStep::Kind kind, std::string_view space) {
  AtomicStep& step = alternatives_.back().emplace_back();
  step.kind = kind;
  step.space = space;
  if (!is_space_name(space)) {
    note(invalid("space name \"" + step.space + "\" is not of 1 to 128 of A-Z a-z 0-9 . _ / -",
                 "space"));
  }
  return step;
}

Template Atomic::template_of(const StepTemplate& wanted) {
  if (wanted.given_ != nullptr) return *wanted.given_;
  Result<Template> parsed = parse_template(wanted.text_, {}, {}, bound_);
  note(parsed.status());
  return parsed.ok() ? *std::move(parsed) : Template();
}

Atomic& Atomic::in(std::string_view space, const StepTemplate& wanted, const HoldOptions& options) {
  AtomicStep& step = add(AtomicStep::Kind::kIn, space);
  step.wanted = template_of(wanted);
  step.hold = options.hold;
  bound_.insert(bound_.end(), step.wanted.names().begin(), step.wanted.names().end());
  return *this;
}

Atomic& Atomic::rd(std::string_view space, const StepTemplate& wanted) {
  in(space, wanted);
  alternatives_.back().back().kind = AtomicStep::Kind::kRd;
  return *this;
}

Atomic& Atomic::out(std::string_view space, std::vector<Expression> fields,
                    const PutOptions& options) {
  AtomicStep& step = add(AtomicStep::Kind::kOut, space);
  step.fields = std::move(fields);
  step.put = options;
  return *this;
}

Atomic& Atomic::out(std::string_view space, const Tuple& tuple, const PutOptions& options) {
  std::vector<Expression> fields;
  for (std::string_view bytes = tuple.bytes(); !bytes.empty();) {
    fields.push_back({std::string(take_field(bytes)), {}, Type::kAny, 0});
  }
  return out(space, std::move(fields), options);
}

Atomic& Atomic::out(std::string_view space, std::string_view fields, const PutOptions& options) {
  out(space, std::vector<Expression>(), options);
  Result<std::vector<Expression>> parsed = parse_expressions(fields, bound_);
  note(parsed.status());
  if (parsed.ok()) alternatives_.back().back().fields = *std::move(parsed);
  return *this;
}

Atomic& Atomic::settle(std::string_view space, uint64_t token, const Settlement& how) {
  AtomicStep& step = add(AtomicStep::Kind::kSettle, space);
  step.number = token;
  step.how = how.how();
  step.after = how.after();
  step.reason = how.reason();
  return *this;
}

Atomic& Atomic::count(std::string_view space, const StepTemplate& wanted, Comparison comparison,
                      uint64_t n) {
  AtomicStep& step = add(AtomicStep::Kind::kCount, space);
  step.wanted = template_of(wanted);
  step.comparison = comparison;
  step.number = n;
  return *this;
}

Atomic& Atomic::fewer_than(uint64_t n, std::string_view space, const StepTemplate& wanted) {
  return count(space, wanted, Comparison::kLess, n);
}

Atomic& Atomic::exactly(uint64_t n, std::string_view space, const StepTemplate& wanted) {
  return count(space, wanted, Comparison::kEqual, n);
}

Atomic& Atomic::more_than(uint64_t n, std::string_view space, const StepTemplate& wanted) {
  return count(space, wanted, Comparison::kGreater, n);
}

Atomic& Atomic::otherwise() {
  alternatives_.emplace_back();
  bound_.clear();
  return *this;
}

std::optional<Value> Did::bound(std::string_view name) const {
  for (const Step& step : steps) {
    if (!step.found) continue;
    if (std::optional<Value> value = step.found->bound(name)) return value;
  }
  return std::nullopt;
}

// ---- asking ----

Call<Did> Connection::atomic_async(const Atomic& steps, const AtomicOptions& options) {
  const Extras extras{.atomic = &steps};
  return start_call<Did>(
      backend_, {.verb = Verb::kAtomic, .space = kNoSpace, .wait = options.wait, .extras = &extras},
      Builder(backend_, steps, options.wait), steps.status());
}

Result<Did> Connection::atomic(const Atomic& steps, const AtomicOptions& options) {
  TS_RETURN_IF_ERROR(steps.status());
  const Extras extras{.atomic = &steps};
  const Ask ask{.verb = Verb::kAtomic, .space = kNoSpace, .wait = options.wait, .extras = &extras};
  Reply reply;
  TS_RETURN_IF_ERROR(ask_and_wait(*backend_, ask, Confirm::kAutomatic, reply));
  return result_of<Did>(reply, Builder(backend_, steps, options.wait), kNoSpace);
}

Result<std::optional<Did>> Connection::try_atomic(const Atomic& steps) {
  Result<Did> did = atomic(steps, {.wait = milliseconds(0)});
  if (did.ok()) return std::optional<Did>(*std::move(did));
  if (did.status().code() == Code::kDeadlineExceeded) return std::optional<Did>();
  return did.status();
}

namespace {

class AtomicThen final : public Waiter {
 public:
  AtomicThen(Builder builder, AtomicDone done)
      : builder_(std::move(builder)), done_(std::move(done)) {}
  Receive on_reply(Reply& reply) override {
    const std::unique_ptr<AtomicThen> self(this);
    done_(result_of<Did>(reply, builder_, kNoSpace));
    return Receive::kConfirm;
  }

 private:
  const Builder builder_;
  const AtomicDone done_;
};

}  // namespace

void Connection::atomic_then(const Atomic& steps, const AtomicOptions& options, AtomicDone done) {
  if (!steps.status().ok()) return done(steps.status());
  auto* const waiter = new AtomicThen(Builder(backend_, steps, options.wait), std::move(done));
  const Extras extras{.atomic = &steps};
  backend_->submit(
      {.verb = Verb::kAtomic, .space = kNoSpace, .wait = options.wait, .extras = &extras}, *waiter);
}

}  // namespace tuplespace::client
