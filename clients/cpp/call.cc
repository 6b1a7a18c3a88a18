// Call: an answer that somebody will ask for.
//
// The state goes from kPending to kDone once; a coroutine that waits makes it kAwaited, and a
// Call that is dropped kDropped, which on_reply() finds out by exchange. It keeps itself alive
// until its reply came, so a dropped Call can still say that its tuple is not wanted.
#include "clients/cpp/call.h"

#include <atomic>

namespace tuplespace::client {
namespace {

enum Phase : int { kPending, kAwaited, kDone, kDropped };

}  // namespace

template <>
Result<Placed> result_of(Reply& reply, const Builder& builder, const std::string& space) {
  if (!reply.status.ok()) return reply.status;
  if (reply.did != nullptr) {  // an atomic whose last step puts
    return Placed{reply.did->steps.back().id, {}, Fate::kNone};
  }
  if (reply.ended != Ended::kNot) return builder.nothing(space, reply.ended);
  return Placed{reply.sequence, reply.ttl, reply.fate};
}

template <>
Result<Counted> result_of(Reply& reply, const Builder&, const std::string&) {
  if (!reply.status.ok()) return reply.status;
  return Counted{reply.ready, reply.held, reply.delayed, reply.sequence};
}

template <>
Result<Settled> result_of(Reply& reply, const Builder&, const std::string&) {
  if (!reply.status.ok()) return reply.status;
  return Settled{reply.number, reply.sequence};
}

template <>
Result<Collected> result_of(Reply& reply, const Builder&, const std::string&) {
  if (!reply.status.ok()) return reply.status;
  return Collected{reply.number, reply.sequence};
}

template <>
Result<Did> result_of(Reply& reply, const Builder& builder, const std::string& space) {
  if (!reply.status.ok()) return reply.status;
  if (reply.did == nullptr) return builder.nothing(space, reply.ended);
  return builder.did(reply);
}

template <>
Result<Match> result_of(Reply& reply, const Builder& builder, const std::string& space) {
  if (!reply.status.ok()) return reply.status;
  if (reply.tuples.empty()) return builder.nothing(space, reply.ended);
  return builder.one(reply);
}

template <>
Result<std::vector<Match>> result_of(Reply& reply, const Builder& builder,
                                     const std::string& space) {
  if (!reply.status.ok()) return reply.status;
  if (reply.tuples.empty()) return builder.nothing(space, reply.ended);
  return builder.many(reply);
}

template <typename T>
struct Call<T>::State final : Waiter {
  State(std::shared_ptr<Backend> b, const std::string& s, Builder builder_of_it)
      : backend(std::move(b)), space(s), builder(std::move(builder_of_it)) {}

  Receive on_reply(Reply& told) override {
    const std::shared_ptr<State> alive = std::move(self);
    reply = std::move(told);
    const bool takes = this->takes = reply.ticket.number != 0 && !reply.tuples.empty();
    switch (phase.exchange(kDone)) {
      case kDropped: let_go(backend, space, reply); return Receive::kGiveBack;
      case kAwaited: waiting.resume(); break;
      default: break;
    }
    return takes ? Receive::kKeep : Receive::kConfirm;
  }
  bool done() const override { return phase.load() == kDone; }
  bool is_quiet() const override { return true; }
  bool keeps() const override { return true; }

  const std::shared_ptr<Backend> backend;
  const std::string space;
  const Builder builder;
  std::shared_ptr<State> self;  // until on_reply()
  std::atomic<int> phase = kPending;
  bool takes = false;
  bool taken = false;  // the answer was handed over
  std::coroutine_handle<> waiting;
  Reply reply;
};

template <typename T>
Call<T>::~Call() {
  if (state_ == nullptr || state_->taken) return;
  if (state_->phase.exchange(kDropped) != kDone) {
    state_->backend->cancel(*state_);
  } else if (state_->takes) {
    let_go(state_->backend, state_->space, state_->reply);
    (void)state_->backend->settle(state_->reply.ticket, true);
  }
}

template <typename T>
Call<T>& Call<T>::operator=(Call&& other) {
  Call dropped(std::move(state_));
  state_ = std::move(other.state_);
  return *this;
}

template <typename T>
bool Call<T>::ready() const {
  return state_->done();
}

template <typename T>
bool Call<T>::wait_for(milliseconds time) {
  if (may_wait().ok()) state_->backend->await(*state_, steady_now() + time.count() * 1000);
  return ready();
}

template <typename T>
Result<T> Call<T>::get() {
  TS_CHECK(!state_->taken);
  if (!ready()) {
    TS_RETURN_IF_ERROR(may_wait());
    state_->backend->await(*state_, kNoInstant);
  }
  state_->taken = true;
  if (state_->takes && !state_->builder.manual()) {
    (void)state_->backend->settle(state_->reply.ticket, false);
  }
  return result_of<T>(state_->reply, state_->builder, state_->space);
}

template <typename T>
void Call<T>::cancel() {
  if (!ready()) state_->backend->cancel(*state_);
}

template <typename T>
bool Call<T>::await_suspend(std::coroutine_handle<> waiting) {
  state_->waiting = waiting;
  state_->backend->listen(*state_);  // first: afterwards the call may be over and gone
  int pending = kPending;
  return state_->phase.compare_exchange_strong(pending, kAwaited);
}

template <typename T>
Call<T> start_call(const std::shared_ptr<Backend>& backend, const Ask& ask, Builder builder,
                   const Status& status) {
  auto state = std::make_shared<typename Call<T>::State>(backend, ask.space, std::move(builder));
  state->self = state;
  if (status.ok()) {
    backend->submit(ask, *state);
  } else {
    Reply reply;
    reply.status = status;
    state->on_reply(reply);
  }
  return Call<T>(std::move(state));
}

template class Call<Placed>;
template class Call<Match>;
template class Call<std::vector<Match>>;
template class Call<Counted>;
template class Call<Settled>;
template class Call<Collected>;
template class Call<Did>;
template Call<Placed> start_call(const std::shared_ptr<Backend>&, const Ask&, Builder,
                                 const Status&);
template Call<Match> start_call(const std::shared_ptr<Backend>&, const Ask&, Builder,
                                const Status&);
template Call<std::vector<Match>> start_call(const std::shared_ptr<Backend>&, const Ask&, Builder,
                                             const Status&);
template Call<Counted> start_call(const std::shared_ptr<Backend>&, const Ask&, Builder,
                                  const Status&);
template Call<Settled> start_call(const std::shared_ptr<Backend>&, const Ask&, Builder,
                                  const Status&);
template Call<Collected> start_call(const std::shared_ptr<Backend>&, const Ask&, Builder,
                                    const Status&);
template Call<Did> start_call(const std::shared_ptr<Backend>&, const Ask&, Builder, const Status&);

}  // namespace tuplespace::client
