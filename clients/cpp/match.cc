#include "clients/cpp/match.h"

#include <atomic>

#include "tuplespace/tuple/encoding.h"

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

Builder::Builder(const std::shared_ptr<Backend>& backend, Verb verb, const Template& wanted,
                 const TakeOptions& options)
    : verb_(verb),
      manual_(verb == Verb::kIn && options.confirm == Confirm::kManual),
      wait_(options.wait),
      backend_(manual_ ? backend : nullptr),
      wanted_(wanted.names().empty() ? nullptr : std::make_shared<const Template>(wanted)) {}

std::shared_ptr<Receipt> Builder::receipt(const Reply& reply) const {
  if (!manual_) return nullptr;
  return std::make_shared<Receipt>(backend_, reply.ticket, reply.tuples.size());
}

Match Builder::match(FoundTuple& found, uint64_t sequence) const {
  Match match(std::move(found.tuple), found.id, sequence, found.attempt);
  match.wanted_ = wanted_;
  return match;
}

Match Builder::one(Reply& reply) const {
  Match built = match(reply.tuples.front(), reply.sequence);
  built.receipt_ = receipt(reply);
  return built;
}

std::vector<Match> Builder::many(Reply& reply) const {
  const std::shared_ptr<Receipt> shared = receipt(reply);
  std::vector<Match> matches;
  matches.reserve(reply.tuples.size());
  for (FoundTuple& found : reply.tuples) {
    matches.push_back(match(found, reply.sequence));
    matches.back().receipt_ = shared;
  }
  return matches;
}

Status Builder::nothing(Verb verb, const std::string& space, std::optional<milliseconds> wait) {
  const std::string begin = std::string(verb_name(verb)) + " \"" + space + "\": nothing matched";
  if (!wait || wait->count() <= 0) return {Code::kDeadlineExceeded, begin};
  return {Code::kDeadlineExceeded, begin + " within " + std::to_string(wait->count()) + " ms"};
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

}  // namespace tuplespace::client
