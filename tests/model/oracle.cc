#include "tests/model/oracle.h"

#include <utility>

namespace tuplespace {

Oracle::Oracle(const ShardConfig& config) : config_(config) {
  model_.on_answer = [this](const Model::Asked& asked, const TakeAnswer& taken) {
    Answer answer;
    answer.what = taken;
    if (asked.caller.number != 0 && taken.remove && !taken.tuples.empty()) {
      record(asked.caller, is_durable(asked.take.space), answer);
    }
    this->answer(asked.reply, answer);
  };
  model_.on_timeout = [this](const Model::Asked& asked) {
    Answer answer;
    answer.what = AtomicAnswer{0, {}, Ended::kTimeout};
    this->answer(asked.reply, answer);
  };
  model_.matters = AtomicModel::matters;
  model_.happens = [this](size_t waiter) {
    const Model::Asked asked = model_.waiters[waiter];
    model_.waiters.erase(model_.waiters.begin() + long(waiter));
    if (atomics_.happen(asked)) return true;
    model_.waiters.insert(model_.waiters.begin() + long(waiter), asked);
    return false;
  };
  atomics_.may_put = [this](const auto& puts, const auto& freed) {
    std::map<std::string, int> more;
    for (const AtomicModel::Put& put : puts) {
      const auto room = freed.find(put.space);
      const int net = ++more[put.space] - (room == freed.end() ? 0 : room->second);
      if (net > 0 && !has_room(put.space, size_t(net))) return Code::kResourceExhausted;
    }
    return Code::kOk;
  };
  atomics_.place_of = [this](const ReplyTo& reply, size_t step) {
    const auto seen = steps_seen_.find({reply.receiver, reply.token});
    const bool known = seen != steps_seen_.end() && step < seen->second.size();
    return known ? seen->second[step].id : 0;
  };
  atomics_.on_answer = [this](const Model::Asked& asked, const AtomicAnswer& did,
                              const std::vector<std::string>& changed) {
    for (const std::string& space : changed) spaces_.try_emplace(space);
    Answer answer;
    answer.what = did;
    const bool durable =
        std::ranges::any_of(changed, [this](const auto& space) { return is_durable(space); });
    if (asked.caller.number != 0 && !changed.empty()) record(asked.caller, durable, answer);
    this->answer(asked.reply, answer);
  };
  atomics_.on_refusal = [this](const Model::Asked& asked, Code code) { refuse(asked.reply, code); };
}

void Oracle::look(const std::vector<Answer>& answers) {
  const auto note = [this](uint64_t receiver, uint64_t token, const Answer& answer) {
    const auto* did = std::get_if<AtomicAnswer>(&answer.what);
    if (did != nullptr) steps_seen_[{receiver, token}] = did->steps;
  };
  for (const Answer& answer : answers) {
    note(answer.reply.receiver, answer.reply.token, answer);
    const auto* resumed = std::get_if<SessionAnswer>(&answer.what);
    if (resumed == nullptr) continue;
    for (const auto& [number, found] : resumed->answers) {
      note(answer.reply.receiver, number, found);
    }
  }
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
void Oracle::record(const Caller& caller, bool durable, const Answer& answer) {
  Session& session = sessions_.at(caller.session);
  session.answers[caller.number] = answer;
  if (!durable) session.volatile_answers.insert(caller.number);
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
  act(operation, seen);
  model_.serve();
}

void Oracle::act(const Operation& operation, const Answer* seen) {
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
  if (const auto* atomic = std::get_if<Atomic>(&operation.what)) {
    return this->atomic(*atomic, operation);
  }
  if (const auto* collect = std::get_if<Collect>(&operation.what)) {
    return this->collect(*collect, operation, seen);
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
    closed.what = SessionAnswer{close->session, 0, 0, 0, {}, {}, {}};
    return answer(operation.reply, closed);
  }
}

void Oracle::out(const Out& asked, const Operation& operation, const Answer* seen) {
  if (repeated(operation)) return;
  const bool bad_time = (asked.ttl && *asked.ttl <= 0) || (asked.delay && *asked.delay < 0);
  if (bad_time || (asked.pulse && (asked.ttl || asked.delay))) {
    return refuse(operation.reply, Code::kInvalidArgument);
  }
  std::vector<Tuple> tuples{asked.tuple};
  if (asked.extras) std::ranges::copy(asked.extras->more, std::back_inserter(tuples));
  if (!asked.pulse && !has_room(asked.space, tuples.size())) {
    return refuse(operation.reply, Code::kResourceExhausted);
  }
  if (!asked.pulse) spaces_.try_emplace(asked.space);
  OutAnswer granted;
  if (asked.ttl) granted.ttl = std::min(*asked.ttl, config_.ttl_max);
  std::vector<Model::Item> many;
  for (const Tuple& tuple : tuples) {  // their places follow one another
    Model::Item& item = many.emplace_back();
    item.space = asked.space;
    item.place = (seen ? seen->sequence : 0) + many.size() - 1;
    item.tuple = tuple;
    item.visible_at = model_.now + asked.delay.value_or(0);
    if (asked.ttl) item.expires_at = item.visible_at + *granted.ttl;
  }
  Answer answer;
  answer.sequence = many[0].place;
  answer.what = granted;
  if (operation.caller.number != 0 && !asked.pulse) {
    record(operation.caller, is_durable(asked.space), answer);
  }
  this->answer(operation.reply, answer);
  model_.out(std::move(many), asked.pulse);
}

// True if so many tuples more fit into the space.
bool Oracle::has_room(const std::string& space, size_t tuples) const {
  const auto policy = spaces_.find(space);
  if (policy == spaces_.end() || policy->second.tuples_max == 0) return true;
  const auto there = std::ranges::count_if(model_.items, [&](const Model::Item& item) {
    return item.space == space && !model_.gone(item);
  });
  return uint64_t(there) + tuples <= policy->second.tuples_max;
}

void Oracle::atomic(const Atomic& asked, const Operation& operation) {
  if (repeated(operation)) return;
  if (asked.wait && *asked.wait < 0) return refuse(operation.reply, Code::kInvalidArgument);
  Model::Asked waiter;
  waiter.caller = operation.caller;
  waiter.reply = operation.reply;
  waiter.until = asked.wait ? model_.now + *asked.wait : kNever;
  waiter.atomic = asked.alternatives;
  if (atomics_.happen(waiter)) return;
  if (waiter.until > model_.now) return model_.waiters.push_back(std::move(waiter));
  Answer nothing;
  nothing.what = AtomicAnswer{0, {}, Ended::kNone};
  answer(operation.reply, nothing);
}

void Oracle::collect(const Collect& asked, const Operation& operation, const Answer* seen) {
  if (repeated(operation)) return;
  if (asked.space == asked.into) return refuse(operation.reply, Code::kInvalidArgument);
  if (!spaces_.count(asked.space)) return refuse(operation.reply, Code::kNotFound);
  std::vector<Model::Item> many;
  for (const Model::Item& item : model_.items) {
    if (!model_.available(item) || model_.matched(asked, item) < 0) continue;
    many.push_back(item);
    many.back().space = asked.into;
    many.back().place = (seen ? seen->sequence : 0) + many.size();
    if (!asked.remove) many.back().attempt = 0;
  }
  if (!has_room(asked.into, many.size())) {
    return refuse(operation.reply, Code::kResourceExhausted);
  }
  for (Model::Item& item : model_.items) {
    const bool moved = asked.remove && model_.available(item) && model_.matched(asked, item) >= 0;
    if (moved) model_.take_away(item, {});
  }
  if (!many.empty()) spaces_.try_emplace(asked.into);
  Answer answer;
  answer.what = CollectAnswer{many.size()};
  const bool durable = is_durable(asked.into) || (asked.remove && is_durable(asked.space));
  if (operation.caller.number != 0 && !many.empty()) record(operation.caller, durable, answer);
  this->answer(operation.reply, answer);
  model_.out(std::move(many), false);
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
  const auto lacks_field = [&](const Template& wanted) {
    return asked.choice.field >= wanted.fields().size();
  };
  if (by_field && (lacks_field(asked.wanted) ||
                   (asked.extras && std::ranges::any_of(asked.extras->any_of, lacks_field)))) {
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
    if (model_.matched(asked, item) < 0 || !model_.available(item)) continue;
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
  const bool durable = is_durable(asked.name);
  if (!spaces_.erase(asked.name)) return refuse(operation.reply, Code::kNotFound);
  uint64_t dropped = 0;
  std::erase_if(model_.items, [&](const Model::Item& item) {
    if (item.space != asked.name) return false;
    dropped += !model_.gone(item);
    if (item.holder.session) {  // who took it is told so, if it asks again
      Session& session = sessions_.at(item.holder.session);
      Answer& answer = session.answers[item.holder.number];
      // Of what an atomic takes from memory its answer has a copy.
      if (!durable && std::holds_alternative<AtomicAnswer>(answer.what)) return true;
      answer.status = {Code::kAborted, ""};
      session.volatile_answers.insert(item.holder.number);
    }
    return true;
  });
  const auto names_it = [&](const Step& step) {
    return !std::holds_alternative<OutStep>(step) &&
           std::visit([&](const auto& part) { return part.space == asked.name; }, step);
  };
  std::erase_if(model_.waiters, [&](const Model::Asked& waiter) {
    bool ends = waiter.take.space == asked.name;
    for (size_t i = 0; waiter.atomic && i < waiter.atomic->size(); ++i) {
      ends = ends || std::ranges::any_of((*waiter.atomic)[i], names_it);
    }
    if (ends && waiter.awake) refuse(waiter.reply, Code::kAborted);
    return ends;
  });
  Answer answer;
  answer.what = DropAnswer{dropped};
  this->answer(operation.reply, answer);
}

void Oracle::advance(Time now) {
  while (true) {
    const auto next = std::ranges::min_element(
        sessions_, {}, [](const auto& session) { return session.second.ends; });
    if (next == sessions_.end() || next->second.ends > now) break;
    model_.advance(next->second.ends);
    end_session(next->first);
    model_.serve();
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
    std::erase_if(session.volatile_answers, [&, id = id](Number number) {
      const bool holds = std::ranges::any_of(model_.items, [&](const Model::Item& item) {
        return item.holder.session == id && item.holder.number == number;
      });
      if (!holds) session.answers.erase(number);
      return !holds;
    });
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
