#include "tests/model/oracle.h"

#include <utility>

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

Oracle::Oracle(const ShardConfig& config) : config_(config) {
  model_.on_answer = [this](const Model::Asked& asked, const TakeAnswer& taken) {
    Answer answer;
    answer.what = taken;
    if (asked.caller.number != 0 && taken.remove && !taken.tuples.empty()) {
      record(asked.caller, asked.take.space, answer);
    }
    this->answer(asked.reply, answer);
  };
}

void Oracle::answer(const ReplyTo& reply, Answer answer) {
  answer.reply = reply;
  answers_.push_back(std::move(answer));
}

void Oracle::refuse(const ReplyTo& reply, Code code) {
  Answer refusal;
  refusal.status = {code, ""};
  answer(reply, refusal);
}

bool Oracle::is_durable(const std::string& space) const {
  const auto found = spaces_.find(space);
  if (found == spaces_.end()) return false;
  return found->second.durability.value_or(config_.durability) != Durability::kMemory;
}

// The first answer of a number that changed something, until it is confirmed.
void Oracle::record(const Caller& caller, const std::string& space, const Answer& answer) {
  Session& session = sessions_.at(caller.session);
  session.answers[caller.number] = answer;
  if (!is_durable(space)) session.volatile_answers.insert(caller.number);
}

bool Oracle::repeated(const Operation& operation) {
  const Caller& caller = operation.caller;
  if (caller.number == 0) return false;
  const auto found = sessions_.find(caller.session);
  if (found == sessions_.end()) {
    refuse(operation.reply, Code::kNotFound);
    return true;
  }
  Session& session = found->second;
  if (!caller.secret.empty() && session.ends != kNever) session.ends = model_.now + session.ttl;
  if (const auto kept = session.answers.find(caller.number); kept != session.answers.end()) {
    answer(operation.reply, kept->second);
    return true;
  }
  const auto waiting = std::ranges::find_if(model_.waiters, [&](const Model::Asked& waiter) {
    return waiter.caller.session == caller.session && waiter.caller.number == caller.number;
  });
  if (waiting != model_.waiters.end()) {  // it is answered where it was asked last
    refuse(std::exchange(waiting->reply, operation.reply), Code::kAborted);
    return true;
  }
  if (caller.number <= session.highest) {
    refuse(operation.reply, Code::kFailedPrecondition);
    return true;
  }
  session.highest = caller.number;
  return false;
}

void Oracle::apply(const Operation& operation, const Answer* seen) {
  if (const auto* out = std::get_if<Out>(&operation.what)) return this->out(*out, operation, seen);
  if (const auto* take = std::get_if<Take>(&operation.what)) {
    return this->take(*take, operation, seen);
  }
  if (const auto* count = std::get_if<Count>(&operation.what)) {
    if (repeated(operation)) return;
    if (!spaces_.count(count->space)) return refuse(operation.reply, Code::kNotFound);
    Answer counted;
    counted.what = model_.count(*count);
    return answer(operation.reply, counted);
  }
  if (const auto* scan = std::get_if<Scan>(&operation.what)) return this->scan(*scan, operation);
  if (const auto* create = std::get_if<CreateSpace>(&operation.what)) {
    return this->create(*create, operation);
  }
  if (const auto* drop = std::get_if<DropSpace>(&operation.what)) {
    return this->drop(*drop, operation);
  }
  if (const auto* open = std::get_if<OpenSession>(&operation.what)) {
    return this->open(*open, operation, seen);
  }
  if (const auto* resume = std::get_if<ResumeSession>(&operation.what)) {
    return this->resume(*resume, operation, seen);
  }
  if (const auto* suspend = std::get_if<SuspendSession>(&operation.what)) {
    return this->suspend(*suspend);
  }
  if (const auto* confirm = std::get_if<Confirm>(&operation.what)) {
    const auto session = sessions_.find(confirm->session);
    if (session == sessions_.end()) return;
    const bool unary = !confirm->trusted && session->second.ends != kNever;
    if (unary) session->second.ends = model_.now + session->second.ttl;
    this->confirm(confirm->session, confirm->ranges);
    return give_back(confirm->session, confirm->returned);
  }
  if (const auto* cancel = std::get_if<Cancel>(&operation.what)) return this->cancel(*cancel);
  if (const auto* close = std::get_if<CloseSession>(&operation.what)) {
    if (!sessions_.count(close->session)) return refuse(operation.reply, Code::kNotFound);
    confirm(close->session, close->ranges);
    end_session(close->session);
    Answer closed;
    closed.what = SessionAnswer{close->session, 0, 0, {}, {}, {}};
    return answer(operation.reply, closed);
  }
}

void Oracle::out(const Out& asked, const Operation& operation, const Answer* seen) {
  if (repeated(operation)) return;
  const bool bad_time = (asked.ttl && *asked.ttl <= 0) || (asked.delay && *asked.delay < 0);
  if (bad_time || (asked.pulse && (asked.ttl || asked.delay))) {
    return refuse(operation.reply, Code::kInvalidArgument);
  }
  const auto space = spaces_.find(asked.space);
  if (space != spaces_.end() && space->second.tuples_max > 0 && !asked.pulse) {
    const auto there = std::ranges::count_if(model_.items, [&](const Model::Item& item) {
      return item.space == asked.space && !model_.gone(item);
    });
    if (uint64_t(there) >= space->second.tuples_max) {
      return refuse(operation.reply, Code::kResourceExhausted);
    }
  }
  if (!asked.pulse) spaces_.try_emplace(asked.space);
  Model::Item item{asked.space, seen ? seen->sequence : 0, asked.tuple};
  item.visible_at = model_.now + asked.delay.value_or(0);
  OutAnswer granted;
  if (asked.ttl) granted.ttl = std::min(*asked.ttl, config_.ttl_max);
  if (asked.ttl) item.expires_at = item.visible_at + *granted.ttl;
  Answer answer;
  answer.sequence = item.place;
  answer.what = granted;
  if (operation.caller.number != 0 && !asked.pulse) record(operation.caller, asked.space, answer);
  this->answer(operation.reply, answer);
  model_.out(std::move(item), asked.pulse);
}

void Oracle::take(Take asked, const Operation& operation, const Answer* seen) {
  if (repeated(operation)) return;
  if (asked.wait && *asked.wait < 0) return refuse(operation.reply, Code::kInvalidArgument);
  asked.max = std::max(asked.max, 1u);
  if (asked.choice.order == Order::kDefault) {
    const auto space = spaces_.find(asked.space);
    asked.choice.order = space == spaces_.end() ? Order::kOldest : space->second.order;
  }
  const bool by_field =
      asked.choice.order == Order::kLeast || asked.choice.order == Order::kGreatest;
  if (by_field && asked.choice.field >= asked.wanted.fields().size()) {
    return refuse(operation.reply, Code::kInvalidArgument);
  }
  const Time until = asked.wait ? model_.now + *asked.wait : kNever;
  const auto* picked = seen ? std::get_if<TakeAnswer>(&seen->what) : nullptr;
  const std::vector<Found> found = picked ? picked->tuples : std::vector<Found>{};
  asked.max = at_most(asked.max, found);
  model_.take({std::move(asked), operation.caller, operation.reply, until}, found);
}

// "Up to n": fewer than there are only where a slice ends.
uint32_t Oracle::at_most(uint32_t max, const std::vector<Found>& found) const {
  const bool sliced = config_.slice_candidates < model_.items.size();
  return sliced && !found.empty() ? std::min<uint32_t>(max, found.size()) : max;
}

void Oracle::scan(const Scan& asked, const Operation& operation) {
  if (repeated(operation)) return;
  if (!spaces_.count(asked.space)) return refuse(operation.reply, Code::kNotFound);
  ScanAnswer page;
  for (const Model::Item& item : model_.items) {
    if (!model_.wants(asked, item) || !model_.available(item)) continue;
    page.tuples.push_back({item.place, item.tuple, item.attempt});
  }
  Answer answer;
  answer.what = page;
  this->answer(operation.reply, answer);
}

void Oracle::create(const CreateSpace& asked, const Operation& operation) {
  const auto [space, created] = spaces_.try_emplace(asked.name, asked.policy);
  const auto effective = [&](Policy policy) {
    policy.durability = policy.durability.value_or(config_.durability);
    return policy;
  };
  if (effective(space->second) != effective(asked.policy)) {
    return refuse(operation.reply, Code::kAlreadyExists);
  }
  Answer answer;
  answer.what = CreateAnswer{created, {}};
  this->answer(operation.reply, answer);
}

void Oracle::drop(const DropSpace& asked, const Operation& operation) {
  if (!spaces_.erase(asked.name)) return refuse(operation.reply, Code::kNotFound);
  uint64_t dropped = 0;
  std::erase_if(model_.items, [&](const Model::Item& item) {
    if (item.space != asked.name) return false;
    dropped += !model_.gone(item);
    if (item.holder.session) {  // who took it is told so, if it asks again
      Session& session = sessions_.at(item.holder.session);
      session.answers[item.holder.number].status = {Code::kAborted, ""};
      session.volatile_answers.insert(item.holder.number);
    }
    return true;
  });
  std::erase_if(model_.waiters, [&](const Model::Asked& waiter) {
    if (waiter.take.space == asked.name && waiter.awake) refuse(waiter.reply, Code::kAborted);
    return waiter.take.space == asked.name;
  });
  Answer answer;
  answer.what = DropAnswer{dropped};
  this->answer(operation.reply, answer);
}

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
  std::vector<Model::Asked> waiters = std::exchange(model_.waiters, {});
  for (Model::Asked& waiter : waiters) {
    if (waiter.caller.session == asked.session) {
      if (!within(asked.pending, waiter.caller.number)) continue;  // its caller has gone
      waiter.awake = true;
      waiter.reply = {operation.reply.receiver, waiter.caller.number};
      const std::vector<Found> picked = picked_by(waiter.caller.number, seen);
      waiter.take.max = at_most(waiter.take.max, picked);
      if (waiter.until > model_.now && model_.serve(waiter, picked)) continue;
    }
    model_.waiters.push_back(waiter);
  }
  model_.end_waits();
  std::map<Number, Answer> answered;
  for (Answer& answer : std::exchange(answers_, std::move(others))) {
    answered[answer.reply.token] = std::move(answer);
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

void Oracle::advance(Time now) {
  while (true) {
    const auto next = std::ranges::min_element(
        sessions_, {}, [](const auto& session) { return session.second.ends; });
    if (next == sessions_.end() || next->second.ends > now) break;
    model_.advance(next->second.ends);
    end_session(next->first);
  }
  model_.advance(now);
}

Time Oracle::next_due() const {
  Time due = kNever;
  for (const Model::Item& item : model_.items) {
    if (item.visible_at > model_.now) due = std::min(due, item.visible_at);
    if (item.expires_at > model_.now && !item.holder.session) due = std::min(due, item.expires_at);
  }
  for (const Model::Asked& waiter : model_.waiters) {
    if (waiter.awake) due = std::min(due, waiter.until);
  }
  for (const auto& [id, session] : sessions_) due = std::min(due, session.ends);
  return due;
}

// Memory spaces are empty, waits are gone, sessions get their whole lease.
void Oracle::restart() {
  model_.waiters.clear();
  std::erase_if(model_.items, [&](const Model::Item& item) { return !is_durable(item.space); });
  for (auto& [id, session] : sessions_) {
    session.ends = model_.now + session.ttl;
    for (const Number number : session.volatile_answers) session.answers.erase(number);
    session.volatile_answers.clear();
    session.highest = session.answers.empty() ? 0 : session.answers.rbegin()->first;
  }
}

CountAnswer Oracle::total() const {
  CountAnswer total;
  for (const Model::Item& item : model_.items) {
    if (model_.gone(item)) continue;
    uint64_t& free = model_.available(item) ? total.ready : total.delayed;
    ++(item.holder.session ? total.held : free);
  }
  return total;
}

}  // namespace tuplespace
