// Sessions of a shard: who may ask, resume and suspend, what ends with a session.
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/space/shard_parts.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
namespace {

// Takes as long whatever the first difference is.
bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char differs = 0;
  for (size_t i = 0; i < a.size(); ++i) differs |= static_cast<unsigned char>(a[i] ^ b[i]);
  return differs == 0;
}

Status ended(SessionId id) {
  return {Code::kNotFound,
          fmt::format("session {} has ended; what it held is available again, open a new one", id),
          {"session", false, false}};
}

Status wrong_secret(SessionId id) {
  return {Code::kPermissionDenied, fmt::format("the secret of session {} is another", id)};
}

absl::flat_hash_set<Number> numbers_in(const std::vector<NumberRange>& ranges) {
  absl::flat_hash_set<Number> numbers;
  for (const NumberRange& range : ranges) {
    for (Number number = range.first; number <= range.last; ++number) numbers.insert(number);
  }
  return numbers;
}

}  // namespace

Session* Shard::Parts::session_of(const Caller& caller) {
  if (last_session != nullptr && last_session->id == caller.session) return last_session;
  const auto found = sessions.find(caller.session);
  if (found == sessions.end()) return nullptr;
  last_session = found->second.get();
  return last_session;
}

Status Shard::Parts::check_session(SessionId id, std::string_view secret) const {
  if (config.shard != 0) return {};  // shard 0 knows
  const auto found = sessions.find(id);
  if (found == sessions.end()) return ended(id);
  if (!secret.empty() && !same_secret(secret, found->second->secret)) return wrong_secret(id);
  return {};
}

Session& Shard::Parts::session_in_other_shard(SessionId id) {
  TS_CHECK(config.shard != 0);
  std::unique_ptr<Session>& session = sessions[id];
  if (session == nullptr) {
    session = std::make_unique<Session>();
    session->id = id;
  }
  return *session;
}

void Shard::Parts::keep_lease(Session& session) {
  if (session.lease_end == kNever) return;
  session.lease_end = now + session.ttl;
  if (session.timer_set) return;
  session.timer_set = true;
  wheel.add({session.lease_end, Timer::Kind::kSession, session.id, 0, 0});
}

bool Shard::Parts::admit(Operation& operation) {
  Caller& caller = operation.caller;
  if (caller.session == 0 || caller.number == 0) {
    caller.number = 0;
    return true;
  }
  Session* session = session_of(caller);
  if (session == nullptr) {
    if (config.shard == 0 || ended_elsewhere.contains(caller.session)) {
      refuse(operation.reply, ended(caller.session));
      return false;
    }
    // Shard 0 knows it; here it begins with its first operation.
    auto made = std::make_unique<Session>();
    made->id = caller.session;
    session = made.get();
    sessions.emplace(caller.session, std::move(made));
  }
  if (!caller.secret.empty()) {
    if (!same_secret(caller.secret, session->secret)) {
      refuse(operation.reply, wrong_secret(caller.session));
      return false;
    }
    keep_lease(*session);
  }
  const auto other_hash = [&] {
    refuse(operation.reply,
           invalid(fmt::format("number {} of session {} was another operation before; numbers are "
                               "used once",
                               caller.number, caller.session),
                   "number"));
    return false;
  };
  if (caller.number <= session->highest) {
    // First those that wait: an `out` until taken has a kept answer too, which says "not yet".
    if (const auto waiting = session->waits.find(caller.number); waiting != session->waits.end()) {
      Wait& wait = *waits.at(waiting->second);
      if (wait.caller.hash != caller.hash) return other_hash();
      refuse(wait.reply, {Code::kAborted, "the operation was asked again and is answered there"});
      wait.reply = operation.reply;
      return false;
    }
    if (const KeptAnswer* kept = session->answers.find(caller.number); kept != nullptr) {
      if (kept->hash != caller.hash) return other_hash();
      reply(operation.reply, answer_again(*session, caller.number, *kept));
      return false;
    }
    refuse(operation.reply,
           {Code::kFailedPrecondition,
            fmt::format("number {} of session {} is stale: its answer was confirmed, or it changed "
                        "nothing; the highest number seen is {}",
                        caller.number, caller.session, session->highest),
            {"number", false, true}});
    return false;
  }
  session->highest = caller.number;
  const size_t operations = session->answers.size() + session->waits.size();
  if (operations >= config.operations_max) {
    refuse(operation.reply,
           exhausted(fmt::format("session {} has {} operations waiting or not confirmed, "
                                 "operations_max is {}; confirm answers",
                                 caller.session, operations, config.operations_max),
                     "operations_max"));
    return false;
  }
  if (session->unconfirmed_bytes > config.unconfirmed_bytes_max) {
    refuse(operation.reply,
           exhausted(fmt::format("session {} holds {} bytes of answers not confirmed, "
                                 "unconfirmed_bytes_max is {}; confirm answers",
                                 caller.session, session->unconfirmed_bytes,
                                 config.unconfirmed_bytes_max),
                     "unconfirmed_bytes_max"));
    return false;
  }
  if (notes_use(*session)) note_use(*session, operation);
  return true;
}

void Shard::Parts::write_session(const Session& session) {
  if (config.shard == 0) {
    effects->batch.put(
        record::session_key(0, session.id),
        record::encode(record::SessionState{session.ttl, session.epoch, session.secret,
                                            session.name, session.participant}));
  } else {
    state_changed = true;  // something has to be in the batch that an answer waits for
  }
  effects->mark = Mark::kSynced;
}

void Shard::Parts::open_session(Operation& operation) {
  OpenSession& open = std::get<OpenSession>(operation.what);
  if (sessions.size() >= config.sessions_max) {
    return refuse(operation.reply, exhausted(fmt::format("{} sessions are open, sessions_max is {}",
                                                         sessions.size(), config.sessions_max),
                                             "sessions_max"));
  }
  if (open.ttl < 0 || (open.ttl > 0 && open.ttl < config.session_ttl_min)) {
    return refuse(operation.reply,
                  invalid(fmt::format("a session's ttl of {} ms is too short; at least "
                                      "session_ttl_min {} ms, or 0 for the default",
                                      open.ttl, config.session_ttl_min),
                          "session_ttl_min"));
  }
  if (!open.name.empty()) {
    if (!is_space_name(open.name)) {
      return refuse(
          operation.reply,
          invalid(fmt::format("\"{}\" is no name for a session; names are 1 to 128 of A-Z "
                              "a-z 0-9 . _ / -",
                              open.name),
                  "name"));
    }
    // The newer one fences the older: what that held goes back.
    if (const auto older = named_sessions.find(open.name); older != named_sessions.end()) {
      end_session(*sessions.at(older->second));
    }
  }
  auto made = std::make_unique<Session>();
  Session& session = *made;
  session.id = next_sequence();
  session.name = open.name;
  session.secret = std::move(open.secret);
  session.participant = open.participant;
  session.epoch = 1;
  session.ttl = std::min(open.ttl == 0 ? config.session_ttl : open.ttl, config.session_ttl_max);
  if (!open.stream) {
    session.lease_end = now;
    keep_lease(session);
  }
  sessions.emplace(session.id, std::move(made));
  write_session(session);
  Answer answer;
  answer.sequence = session.id;
  answer.mark = Mark::kSynced;
  answer.batch = effects->batch_number;
  SessionAnswer opened;
  opened.session = session.id;
  opened.epoch = session.epoch;
  opened.ttl = session.ttl;
  if (!session.name.empty()) {
    named_sessions[session.name] = session.id;
    opened.fence = session.id;  // sequence numbers ascend, also over restarts
  }
  answer.what = std::move(opened);
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::resume_session(Operation& operation) {
  const ResumeSession& resume = std::get<ResumeSession>(operation.what);
  const auto known = sessions.find(resume.session);
  if (known == sessions.end() && config.shard == 0) {
    return refuse(operation.reply, ended(resume.session));
  }
  uint64_t pending = 0;
  for (const NumberRange& range : resume.pending) {
    if (range.last < range.first || range.last == UINT64_MAX ||
        range.last - range.first >= config.operations_max ||
        (pending += range.last - range.first + 1) > config.operations_max) {
      return refuse(operation.reply,
                    invalid(fmt::format("more than operations_max {} pending numbers, or a range "
                                        "that ends before it begins",
                                        config.operations_max),
                            "pending"));
    }
  }
  if (known == sessions.end()) {
    auto made = std::make_unique<Session>();
    made->id = resume.session;
    sessions.emplace(resume.session, std::move(made));
  }
  Session& session = *sessions.at(resume.session);
  if (config.shard == 0) {
    if (!same_secret(resume.secret, session.secret)) {
      return refuse(operation.reply, wrong_secret(resume.session));
    }
    ++session.epoch;
  } else {
    session.epoch = resume.epoch;
  }
  session.lease_end = kNever;
  may_be_deadlock();
  write_session(session);

  SessionAnswer resumed;
  resumed.session = session.id;
  resumed.epoch = session.epoch;
  resumed.ttl = session.ttl;
  resumed.fence = session.name.empty() ? 0 : session.id;
  // Its waits, in their order: each is offered what came meanwhile; what they find is part of
  // this answer.
  const absl::flat_hash_set<Number> wanted = numbers_in(resume.pending);  // bounded above
  std::vector<uint64_t> waiting;
  for (const auto& [number, id] : session.waits) waiting.push_back(id);
  std::sort(waiting.begin(), waiting.end());
  std::vector<Answer> others = std::exchange(effects->answers, {});
  for (const uint64_t id : waiting) {
    const auto found = waits.find(id);
    if (found == waits.end()) continue;  // served by what one before it put
    Wait& wait = *found->second;
    const Number number = wait.caller.number;
    wait.suspended = false;
    wait.reply = {operation.reply.receiver, number};
    if (!wanted.contains(number)) {
      wait.reply = {};
      if (wait.kind == Wait::Kind::kFate) withdraw(wait);
      if (waits.contains(id)) end_wait(wait);  // its caller has gone
    } else if (wait.kind == Wait::Kind::kFate) {
      continue;
    } else if (wait.deadline <= now) {
      answer_nothing(wait, Ended::kTimeout);
      end_wait(wait);
    } else if (wait.kind == Wait::Kind::kAtomic) {
      resume_atomic(wait);
      serve_changes();
    } else {
      wait.searching = true;
      wait.cursor = {};
      std::erase(unfinished, id);
      continue_search(wait);
      serve_changes();
    }
  }
  for (Answer& answer : std::exchange(effects->answers, std::move(others))) {
    if (answer.reply.receiver != operation.reply.receiver) {
      effects->answers.push_back(std::move(answer));  // of somebody whom an atomic served
      continue;
    }
    const Number number = answer.reply.token;
    resumed.answers.emplace_back(number, std::move(answer));
  }
  absl::flat_hash_set<Number> answered;
  for (const auto& [number, answer] : resumed.answers) answered.insert(number);
  for (const NumberRange& range : resume.pending) {
    for (Number number = range.first; number <= range.last; ++number) {
      session.highest = std::max(session.highest, number);
      if (answered.contains(number)) continue;
      if (session.waits.contains(number)) {
        resumed.waiting.push_back(number);
      } else if (const KeptAnswer* kept = session.answers.find(number); kept != nullptr) {
        resumed.answers.emplace_back(number, answer_again(session, number, *kept));
      } else {
        resumed.not_executed.push_back(number);
      }
    }
  }
  Answer answer;
  answer.sequence = last;
  answer.mark = Mark::kSynced;
  answer.batch = effects->batch_number;
  answer.what = std::move(resumed);
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::suspend_session(const SuspendSession& suspend) {
  const auto found = sessions.find(suspend.session);
  if (found == sessions.end() || found->second->epoch > suspend.epoch) return;
  Session& session = *found->second;
  for (const auto& [number, id] : session.waits) {
    Wait& wait = *waits.at(id);
    wait.suspended = true;
    wait.reply = {};
    if (wait.kind == Wait::Kind::kAtomic) suspend_atomic(wait);
  }
  if (config.shard != 0) return;  // its lease is shard 0's
  session.lease_end = now;
  keep_lease(session);
}

void Shard::Parts::confirm(Operation& operation) {
  const Confirm& confirm = std::get<Confirm>(operation.what);
  const auto found = sessions.find(confirm.session);
  if (found == sessions.end()) return refuse(operation.reply, ended(confirm.session));
  Session& session = *found->second;
  if (!confirm.trusted && !same_secret(confirm.secret, session.secret)) {
    return refuse(operation.reply, wrong_secret(confirm.session));
  }
  if (!confirm.trusted) keep_lease(session);
  confirm_ranges(session, confirm.ranges);
  if (session.lease_end != kNever) may_be_deadlock();
  SessionAnswer confirmed;
  confirmed.session = session.id;
  confirmed.epoch = session.epoch;
  confirmed.ttl = session.ttl;
  return_ranges(session, confirm.returned);
  Answer answer;
  answer.sequence = last;
  answer.what = std::move(confirmed);
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::close_session(Operation& operation) {
  const CloseSession& close = std::get<CloseSession>(operation.what);
  if (config.shard != 0) ended_elsewhere.add(close.session);
  const auto found = sessions.find(close.session);
  Answer answer;
  answer.mark = Mark::kSynced;
  answer.batch = effects->batch_number;
  SessionAnswer closed;
  closed.session = close.session;
  answer.what = std::move(closed);
  if (found == sessions.end()) {
    if (config.shard == 0) return refuse(operation.reply, ended(close.session));
    answer.sequence = last;
    return reply(operation.reply, std::move(answer));  // once what ended it is synced
  }
  Session& session = *found->second;
  if (!close.trusted && !same_secret(close.secret, session.secret)) {
    return refuse(operation.reply, wrong_secret(close.session));
  }
  confirm_ranges(session, close.ranges);
  write_session(session);  // what is erased next; so that there is a batch to wait for
  end_session(session);
  answer.sequence = last;
  reply(operation.reply, std::move(answer));
}

void Shard::Parts::end_session(Session& session) {
  const SessionId id = session.id;
  std::vector<uint64_t> waiting;
  for (const auto& [number, wait] : session.waits) waiting.push_back(wait);
  std::sort(waiting.begin(), waiting.end());
  for (const uint64_t wait : waiting) {
    refuse(waits.at(wait)->reply, ended(id));
    end_wait(*waits.at(wait));
  }
  std::vector<HeldTuple> returned;
  for (const Number number : session.answers.numbers()) {
    forget_answer(session, number, true, returned);
  }
  if (config.shard == 0) {
    effects->batch.erase(record::session_key(0, id));
    effects->ended_sessions.push_back(id);
  }
  std::vector<Token> tokens(session.holds.begin(), session.holds.end());
  for (const Token token : tokens) {
    const Hold hold = holds.at(token);
    end_hold(token);
    returned.push_back({hold.space, hold.slot, hold.tuple});
  }
  abort_all_of(session);
  end_bound(session);
  if (const auto named = named_sessions.find(session.name);
      named != named_sessions.end() && named->second == id) {
    named_sessions.erase(named);
  }
  if (session.marker) session.emptied.push_back(*session.marker);
  for (const AnswerBatch& batch : session.emptied) {
    effects->batch.erase(record::answers_key(config.shard, id, batch.sequence));
  }
  std::erase(collecting, &session);
  std::erase(emptying, &session);
  if (last_session == &session) last_session = nullptr;
  const std::vector<uint32_t> tied = std::move(session.tied);
  sessions.erase(id);
  give_back(std::move(returned));
  session_ended(id, tied);
}

void Shard::Parts::session_due(SessionId id) {
  const auto found = sessions.find(id);
  if (found == sessions.end()) return;
  Session& session = *found->second;
  session.timer_set = false;
  if (session.lease_end == kNever) return;
  if (session.lease_end <= now) return end_session(session);
  session.timer_set = true;
  wheel.add({session.lease_end, Timer::Kind::kSession, id, 0, 0});
}

}  // namespace tuplespace
