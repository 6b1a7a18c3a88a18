#include "clients/cpp/match.h"

#include <atomic>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/reference.h"

namespace tuplespace::client {

// Of one answer; its matches share it.
struct Receipt {
  Receipt(std::shared_ptr<Backend> b, Ticket t, size_t matches)
      : backend(std::move(b)), ticket(t), open(matches) {}

  ~Receipt() {
    if (!settled) (void)backend->settle(ticket, true);
  }

  const std::shared_ptr<Backend> backend;
  const Ticket ticket;
  std::atomic<size_t> open;  // matches that are not confirmed yet
  std::atomic<bool> settled = false;
};

// A hold, as its match knows it.
struct Held {
  std::shared_ptr<Backend> backend;
  std::string space;
  uint64_t token;
  milliseconds granted;
};

namespace {

std::shared_ptr<const Template> with_names(const Template& wanted) {
  return wanted.names().empty() ? nullptr : std::make_shared<const Template>(wanted);
}

Status no_hold(const char* what) {
  return {Code::kFailedPrecondition,
          std::string(what) + ": the tuple is under no hold; take it with one (TakeOptions::hold)",
          {"token", false, false}};
}

}  // namespace

Builder::Builder(const std::shared_ptr<Backend>& backend, Verb verb, const std::string& space,
                 const Template& wanted, const TakeOptions& options)
    : verb_(verb),
      manual_(verb == Verb::kIn && options.confirm == Confirm::kManual),
      wait_(options.wait),
      backend_(manual_ ? backend : nullptr),
      wanted_(with_names(wanted)) {
  if (!options.hold && options.any_of.empty()) return;
  auto further = std::make_shared<Further>(Further{backend, space, {}, {}});
  for (const TemplateArgument& one : options.any_of) {
    further->any_of.push_back(with_names(one.wanted()));
  }
  further_ = std::move(further);
}

Builder::Builder(const std::shared_ptr<Backend>& backend, const Atomic& atomic,
                 std::optional<milliseconds> wait)
    : verb_(Verb::kAtomic), manual_(false), wait_(wait) {
  further_ = std::make_shared<const Further>(Further{backend, {}, {}, atomic});
}

std::shared_ptr<Receipt> Builder::receipt(const Reply& reply) const {
  if (!manual_) return nullptr;
  return std::make_shared<Receipt>(backend_, reply.ticket, reply.tuples.size());
}

Match Builder::plain(FoundTuple& found, uint64_t sequence) {
  Match match(std::move(found.tuple), found.id, sequence, found.attempt);
  match.matched_ = found.matched;
  return match;
}

Match Builder::match(FoundTuple& found, const Reply& reply) const {
  Match match = plain(found, reply.sequence);
  match.wanted_ = wanted_;
  if (further_ == nullptr) return match;
  if (match.matched_ > 0 && match.matched_ <= further_->any_of.size()) {
    match.wanted_ = further_->any_of[match.matched_ - 1];
  }
  if (found.token != 0) {
    match.held_ = std::make_shared<const Held>(
        Held{further_->backend, further_->space, found.token, reply.ttl.value_or(milliseconds(0))});
  }
  return match;
}

Match Builder::one(Reply& reply) const {
  Match built = match(reply.tuples.front(), reply);
  built.receipt_ = receipt(reply);
  return built;
}

std::vector<Match> Builder::many(Reply& reply) const {
  const std::shared_ptr<Receipt> shared = receipt(reply);
  std::vector<Match> matches;
  matches.reserve(reply.tuples.size());
  for (FoundTuple& found : reply.tuples) {
    matches.push_back(match(found, reply));
    matches.back().receipt_ = shared;
  }
  return matches;
}

Did Builder::did(Reply& reply) const {
  const std::vector<std::vector<AtomicStep>>& asked = further_->atomic->alternatives();
  Did did;
  did.sequence = reply.sequence;
  did.alternative = reply.did->alternative;
  for (FoundSteps::Step& from : reply.did->steps) {
    Did::Step& step = did.steps.emplace_back();
    step.id = from.id;
    step.count = from.count;
    if (!from.found) continue;
    step.found = plain(*from.found, reply.sequence);
    if (did.alternative >= asked.size() || did.steps.size() > asked[did.alternative].size()) {
      continue;  // a server that says more than it was asked
    }
    const AtomicStep& of = asked[did.alternative][did.steps.size() - 1];
    step.found->wanted_ = with_names(of.wanted.has_references() ? widened(of.wanted) : of.wanted);
    if (from.found->token == 0) continue;
    step.found->held_ = std::make_shared<const Held>(
        Held{further_->backend, of.space, from.found->token, of.hold.value_or(milliseconds(0))});
  }
  return did;
}

Status Builder::nothing(Verb verb, const std::string& space, std::optional<milliseconds> wait,
                        Ended ended) {
  const std::string about = space.empty() ? "" : " \"" + space + "\"";
  const std::string begin = std::string(verb_name(verb)) + about;
  if (ended == Ended::kDeadlock) {
    return {Code::kAborted,
            begin + ": deadlock: everybody who takes part waits, and this wait is the youngest",
            {"deadlock", true, false}};
  }
  const std::string what =
      verb == Verb::kAtomic ? ": no alternative could happen" : ": nothing matched";
  if (!wait || wait->count() <= 0) return {Code::kDeadlineExceeded, begin + what};
  return {Code::kDeadlineExceeded,
          begin + what + " within " + std::to_string(wait->count()) + " ms"};
}

void let_go(const std::shared_ptr<Backend>& backend, const std::string& space, const Reply& reply) {
  // Told that it has settled, or that the hold has ended before: both are well.
  struct Settling final : Waiter {
    Receive on_reply(Reply&) override {
      delete this;
      return Receive::kConfirm;
    }
  };
  const Settlement back = Settlement::back();
  for (const FoundTuple& found : reply.tuples) {
    if (found.token == 0) continue;
    const Extras extras{.number = found.token, .settlement = &back};
    backend->submit({.verb = Verb::kSettle, .space = space, .extras = &extras}, *new Settling);
  }
}

std::optional<Value> Match::bound(std::string_view name) const {
  Bindings bindings;
  if (wanted_ == nullptr || !wanted_->bind(tuple_.bytes(), bindings)) return std::nullopt;
  const std::vector<std::string>& names = wanted_->names();
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return decode(bindings[i]);
  }
  return std::nullopt;
}

Status Match::confirm() {
  if (receipt_ == nullptr) return {};
  const std::shared_ptr<Receipt> receipt = std::move(receipt_);
  if (receipt->open.fetch_sub(1) > 1) return {};
  if (receipt->settled.exchange(true)) return {};
  return receipt->backend->settle(receipt->ticket, false);
}

Status Match::give_back() {
  if (receipt_ == nullptr) return {};
  const std::shared_ptr<Receipt> receipt = std::move(receipt_);
  if (receipt->settled.exchange(true)) return {};
  return receipt->backend->settle(receipt->ticket, true);
}

uint64_t Match::token() const { return held_ == nullptr ? 0 : held_->token; }

milliseconds Match::hold() const { return held_ == nullptr ? milliseconds(0) : held_->granted; }

Result<Settled> Match::settle(const Settlement& how) {
  if (held_ == nullptr) return no_hold("settle");
  return Space(held_->backend, held_->space).settle(held_->token, how);
}

Result<milliseconds> Match::renew(milliseconds hold) {
  if (held_ == nullptr) return no_hold("renew");
  return Space(held_->backend, held_->space).renew(Lease::hold(held_->token), hold);
}

}  // namespace tuplespace::client
