// What the oracle says of sessions.
#include <utility>

#include "tests/model/oracle.h"

namespace tuplespace {
namespace {

bool within(const std::vector<NumberRange>& ranges, Number number) {
  return std::ranges::any_of(ranges, [&](const NumberRange& range) {
    return range.first <= number && number <= range.last;
  });
}

// What the other one's resume found for a pending number.
std::vector<Found> picked_by(Number number, const Answer* seen) {
  const auto* resumed = seen ? std::get_if<SessionAnswer>(&seen->what) : nullptr;
  if (resumed == nullptr) return {};
  for (const auto& [pending, answer] : resumed->answers) {
    const auto* take = std::get_if<TakeAnswer>(&answer.what);
    if (pending == number && take != nullptr) return take->tuples;
  }
  return {};
}

}  // namespace

void Oracle::open(const OpenSession& asked, const Operation& operation, const Answer* seen) {
  if (asked.ttl < 0 || (asked.ttl > 0 && asked.ttl < config_.session_ttl_min)) {
    return refuse(operation.reply, Code::kInvalidArgument);
  }
  const auto* opened = seen ? std::get_if<SessionAnswer>(&seen->what) : nullptr;
  Session session;
  session.ttl = asked.ttl > 0 ? asked.ttl : config_.session_ttl;
  session.ttl = std::min(session.ttl, config_.session_ttl_max);
  session.ends = asked.stream ? kNever : model_.now + session.ttl;
  session.epoch = opened ? opened->epoch : 0;
  Answer answer;
  answer.what = SessionAnswer{opened ? opened->session : 0, session.epoch, session.ttl, {}, {}, {}};
  sessions_[opened ? opened->session : 0] = std::move(session);
  this->answer(operation.reply, answer);
}

// Its waits are offered what came meanwhile, in their order; then every pending number has its
// answer, waits on, or never happened.
void Oracle::resume(const ResumeSession& asked, const Operation& operation, const Answer* seen) {
  const auto found = sessions_.find(asked.session);
  if (found == sessions_.end()) return refuse(operation.reply, Code::kNotFound);
  Session& session = found->second;
  session.ends = kNever;
  SessionAnswer resumed{asked.session, ++session.epoch, session.ttl, {}, {}, {}};
  std::vector<Answer> others = std::exchange(answers_, {});
  for (const Model::Asked& waiter : std::vector<Model::Asked>(model_.waiters)) {
    if (waiter.caller.session != asked.session) continue;
    Model::Asked resuming = waiter;
    resuming.awake = true;
    resuming.reply = {operation.reply.receiver, waiter.caller.number};
    const auto place = std::ranges::find_if(model_.waiters, [&](const Model::Asked& other) {
      return other.caller.session == asked.session && other.caller.number == waiter.caller.number;
    });
    if (place == model_.waiters.end()) continue;         // served by what one before it put
    if (!within(asked.pending, waiter.caller.number)) {  // its caller has gone
      model_.waiters.erase(place);
      continue;
    }
    *place = resuming;
    if (resuming.until > model_.now) resume_wait(resuming, seen);
  }
  model_.end_waits();
  std::map<Number, Answer> answered;
  for (Answer& answer : std::exchange(answers_, std::move(others))) {
    if (answer.reply.receiver != operation.reply.receiver) {
      answers_.push_back(std::move(answer));  // of somebody whom an atomic served
    } else {
      answered[answer.reply.token] = std::move(answer);
    }
  }
  for (const NumberRange& range : asked.pending) {
    for (Number number = range.first; number <= range.last; ++number) {
      session.highest = std::max(session.highest, number);
      const bool waits = std::ranges::any_of(model_.waiters, [&](const Model::Asked& waiter) {
        return waiter.caller.session == asked.session && waiter.caller.number == number;
      });
      if (session.answers.count(number)) answered[number] = session.answers.at(number);
      if (answered.count(number)) continue;
      (waits ? resumed.waiting : resumed.not_executed).push_back(number);
    }
  }
  resumed.answers.assign(answered.begin(), answered.end());
  Answer answer;
  answer.what = resumed;
  this->answer(operation.reply, answer);
}

// What waits and is awake again is offered what came meanwhile.
void Oracle::resume_wait(Model::Asked waiter, const Answer* seen) {
  const auto place = std::ranges::find_if(model_.waiters, [&](const Model::Asked& other) {
    return other.caller.session == waiter.caller.session &&
           other.caller.number == waiter.caller.number;
  });
  if (waiter.atomic) {
    model_.happens(size_t(place - model_.waiters.begin()));
  } else {
    const std::vector<Found> picked = picked_by(waiter.caller.number, seen);
    waiter.take.max = place->take.max = at_most(waiter.take.max, picked);
    if (model_.serve(waiter, picked)) model_.waiters.erase(place);
  }
  model_.serve();
}

void Oracle::suspend(const SuspendSession& asked) {
  const auto found = sessions_.find(asked.session);
  if (found == sessions_.end() || found->second.epoch != asked.epoch) return;
  found->second.ends = model_.now + found->second.ttl;
  for (Model::Asked& waiter : model_.waiters) {
    if (waiter.caller.session == asked.session) waiter.awake = false;
  }
}

void Oracle::confirm(SessionId id, const std::vector<NumberRange>& ranges) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  std::erase_if(found->second.answers,
                [&](const auto& kept) { return within(ranges, kept.first); });
  std::erase_if(model_.items, [&](const Model::Item& item) {
    return item.holder.session == id && within(ranges, item.holder.number);
  });
}

// As at the end of the session, for these alone.
void Oracle::give_back(SessionId id, const std::vector<NumberRange>& ranges) {
  std::erase_if(sessions_.at(id).answers,
                [&](const auto& kept) { return within(ranges, kept.first); });
  model_.give_back(
      [&](const Caller& holder) { return holder.session == id && within(ranges, holder.number); });
}

void Oracle::cancel(const Cancel& asked) {
  std::erase_if(model_.waiters, [&](const Model::Asked& waiter) {
    const bool same =
        asked.session != 0
            ? waiter.caller.session == asked.session && waiter.caller.number == asked.number
            : waiter.caller.number == 0 && waiter.reply.receiver == asked.reply.receiver &&
                  waiter.reply.token == asked.reply.token;
    if (same) refuse(waiter.reply, Code::kCancelled);
    return same;
  });
}

void Oracle::end_session(SessionId id) {
  sessions_.erase(id);
  std::erase_if(model_.waiters, [&](const Model::Asked& waiter) {
    const bool own = waiter.caller.session == id;
    if (own && waiter.awake) refuse(waiter.reply, Code::kNotFound);
    return own;
  });
  model_.give_back([&](const Caller& holder) { return holder.session == id; });
}

}  // namespace tuplespace
