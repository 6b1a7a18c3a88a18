// Rig is a shard with a clock, a store and clients that a test moves by verbs. Tuples are text.
//
//   rig.out("jobs", "('job', 7)");
//   const Ask asked = rig.in("jobs", "('job', ?int)");
//   EXPECT_EQ(rig.said(asked), "('job', 7)");         what it was answered, "" if nothing yet
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/shard_host.h"
#include "tests/model/steps_text.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {

inline Tuple tuple(const std::string& text) {
  Result<Tuple> parsed = parse_tuple(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().message();
  return parsed.ok() ? *parsed : Tuple();
}

inline Template wanted(const std::string& text) {
  Result<Template> parsed = parse_template(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().message();
  return parsed.ok() ? *parsed : Template();
}

// Where the answer to something asked will be found.
using Ask = std::pair<uint64_t, uint64_t>;

class Rig {
 public:
  static constexpr uint64_t kAlone = 1;  // the receiver of what is asked without a session

  explicit Rig(ShardConfig config = {}) : host(config) {}

  // A client with a session held by a stream.
  struct Client {
    SessionId session = 0;
    uint64_t epoch = 0;
    uint64_t receiver = 0;
    Number last = 0;
  };

  Ask ask(Operation operation, Client* client = nullptr) {
    if (client != nullptr) {
      const Number number = ++client->last;
      operation.caller = {client->session, number, number, ""};
      operation.reply = {client->receiver, number};
    } else {
      operation.reply = {kAlone, next_token_++};
    }
    const Ask asked = {operation.reply.receiver, operation.reply.token};
    host.apply(std::move(operation));
    collect();
    return asked;
  }

  struct Extra {
    std::optional<Duration> ttl = {}, delay = {};
    bool pulse = false;
  };
  Ask out(const std::string& space, const std::string& text, Extra extra,
          Client* client = nullptr) {
    Operation operation;
    operation.what = Out{space, tuple(text), extra.ttl, extra.delay, extra.pulse};
    return ask(std::move(operation), client);
  }
  Ask out(const std::string& space, const std::string& text, Client* client = nullptr) {
    return out(space, text, Extra(), client);
  }

  struct How {
    std::optional<Duration> wait = {};
    Order order = Order::kDefault;
    uint32_t field = 0;
    uint32_t max = 1;
  };
  Ask take(bool remove, const std::string& space, const std::string& text, How how,
           Client* client = nullptr) {
    Operation operation;
    operation.what =
        Take{space, wanted(text), remove, how.wait, {how.order, how.field, ""}, how.max};
    return ask(std::move(operation), client);
  }
  Ask in(const std::string& space, const std::string& text, Client* client = nullptr) {
    return take(true, space, text, How(), client);
  }
  Ask rd(const std::string& space, const std::string& text, Client* client = nullptr) {
    return take(false, space, text, How(), client);
  }
  Ask inp(const std::string& space, const std::string& text, Client* client = nullptr) {
    How probe;
    probe.wait = 0;
    return take(true, space, text, probe, client);
  }
  Ask rdp(const std::string& space, const std::string& text) {
    How probe;
    probe.wait = 0;
    return take(false, space, text, probe);
  }

  // Several steps at one instant, as text (tests/model/steps_text.h).
  Ask atomic(const std::string& steps, std::optional<Duration> wait, Client* client = nullptr) {
    Result<std::vector<Steps>> parsed = parse_steps(steps);
    EXPECT_TRUE(parsed.ok()) << steps << ": " << parsed.status().message();
    if (!parsed.ok()) return {};
    Operation operation;
    operation.what = Atomic{std::make_shared<const std::vector<Steps>>(std::move(*parsed)), wait};
    return ask(std::move(operation), client);
  }
  Ask atomic(const std::string& steps, Client* client = nullptr) {
    return atomic(steps, std::nullopt, client);
  }
  Ask atomicp(const std::string& steps, Client* client = nullptr) {
    return atomic(steps, std::optional<Duration>(0), client);
  }
  Ask collect(bool remove, const std::string& space, const std::string& text,
              const std::string& into, Client* client = nullptr) {
    Operation operation;
    operation.what = Collect{space, wanted(text), into, remove};
    return ask(std::move(operation), client);
  }
  // The same operation again, under its number.
  Ask again(Operation operation, const Client& client, Number number) {
    operation.caller = {client.session, number, number, ""};
    operation.reply = {kAlone, next_token_++};
    const Ask asked = {operation.reply.receiver, operation.reply.token};
    host.apply(std::move(operation));
    collect();
    return asked;
  }
  // Takes one under a hold with this lease.
  Ask hold(const std::string& space, const std::string& text, Duration lease,
           Client* client = nullptr) {
    TakeExtras extras;
    extras.hold = lease;
    Take take;
    take.space = space;
    take.wanted = wanted(text);
    take.extras = std::make_shared<const TakeExtras>(std::move(extras));
    Operation operation;
    operation.what = std::move(take);
    return ask(std::move(operation), client);
  }
  Ask settle(const std::string& space, Ask held, Settlement settlement, Duration after = 0) {
    const Token token = std::get<TakeAnswer>(answer(held)->what).tuples.at(0).token;
    Operation operation;
    operation.what = Settle{space, token, settlement, after, "reason"};
    return ask(std::move(operation));
  }

  // Begins a transaction; 0: refused.
  TransactionId begin(Duration ttl = 0, Client* client = nullptr, bool detached = false) {
    Operation operation;
    operation.what = Begin{"s", ttl, detached};
    const Answer* begun = answer(ask(std::move(operation), client));
    const auto* answered = begun ? std::get_if<BeginAnswer>(&begun->what) : nullptr;
    return answered ? answered->transaction : 0;
  }
  Ask end(TransactionId x, bool commit, Client* client = nullptr) {
    Operation operation;
    operation.what = EndTransaction{x, commit};
    return ask(std::move(operation), client);
  }
  Ask commit(TransactionId x, Client* client = nullptr) { return end(x, true, client); }
  Ask abort(TransactionId x, Client* client = nullptr) { return end(x, false, client); }
  Ask out_under(TransactionId x, const std::string& space, const std::string& text, Extra extra,
                Client* client = nullptr) {
    OutExtras extras;
    extras.transaction = x;
    Operation operation;
    operation.what =
        Out{space,       tuple(text), extra.ttl,
            extra.delay, extra.pulse, std::make_shared<const OutExtras>(std::move(extras))};
    return ask(std::move(operation), client);
  }
  Ask out_under(TransactionId x, const std::string& space, const std::string& text,
                Client* client = nullptr) {
    return out_under(x, space, text, Extra(), client);
  }
  Ask take_under(TransactionId x, bool remove, const std::string& space, const std::string& text,
                 How how, Client* client = nullptr) {
    TakeExtras extras;
    extras.transaction = x;
    Take take{space, wanted(text), remove, how.wait, {how.order, how.field, ""}, how.max};
    take.extras = std::make_shared<const TakeExtras>(std::move(extras));
    Operation operation;
    operation.what = std::move(take);
    return ask(std::move(operation), client);
  }
  Ask in_under(TransactionId x, const std::string& space, const std::string& text,
               Client* client = nullptr) {
    return take_under(x, true, space, text, How(), client);
  }
  Ask rd_under(TransactionId x, const std::string& space, const std::string& text,
               Client* client = nullptr) {
    return take_under(x, false, space, text, How(), client);
  }
  Ask inp_under(TransactionId x, const std::string& space, const std::string& text,
                Client* client = nullptr) {
    How probe;
    probe.wait = 0;
    return take_under(x, true, space, text, probe, client);
  }
  Ask rdp_under(TransactionId x, const std::string& space, const std::string& text,
                Client* client = nullptr) {
    How probe;
    probe.wait = 0;
    return take_under(x, false, space, text, probe, client);
  }

  CountAnswer count(const std::string& space, const std::string& text = "(...)") {
    Operation operation;
    operation.what = Count{space, wanted(text)};
    const Answer* counted = answer(ask(std::move(operation)));
    const auto* figures = counted ? std::get_if<CountAnswer>(&counted->what) : nullptr;
    return figures ? *figures : CountAnswer{};
  }

  Ask create(const std::string& space, Durability durability) {
    Operation operation;
    operation.what = CreateSpace{space, {.durability = durability}};
    return ask(std::move(operation));
  }

  Ask create(const std::string& space, const Policy& policy, const Client* owner = nullptr) {
    Operation operation;
    operation.what = CreateSpace{space, policy, owner ? owner->session : 0};
    return ask(std::move(operation));
  }
  Ask drop(const std::string& space) {
    Operation operation;
    operation.what = DropSpace{space};
    return ask(std::move(operation));
  }

  struct Watched {
    bool snapshot = false;
    Sequence after = 0;
    uint32_t kinds = ~0u;
  };
  Ask watch(const std::string& space, const std::string& text, Watched how) {
    Operation operation;
    operation.what = Watch{space, wanted(text), how.kinds, how.snapshot, how.after};
    return ask(std::move(operation));
  }
  Ask watch(const std::string& space, const std::string& text) {
    return watch(space, text, Watched());
  }
  // What a watcher was told since this was asked last: "out (1), in (1)"; a gap and the end of a
  // snapshot are "gap" and "shown".
  std::string told(Ask watcher) {
    std::string all;
    for (const WatchAnswer& answer : std::exchange(told_[watcher].answers, {})) {
      const auto say = [&](const std::string& word) { all += (all.empty() ? "" : ", ") + word; };
      if (answer.gap) say("gap");
      for (const SpaceEvent& event : answer.events) {
        constexpr const char* kKinds[] = {"", "out", "in", "return", "expire", "pulse"};
        say(fmt::format("{} {}", kKinds[static_cast<int>(event.kind)], to_text(event.found.tuple)));
      }
      if (answer.snapshot_end) say("shown");
    }
    return all;
  }
  // The same as values.
  std::vector<SpaceEvent> events(Ask watcher) {
    std::vector<SpaceEvent> all;
    for (WatchAnswer& answer : std::exchange(told_[watcher].answers, {})) {
      std::move(answer.events.begin(), answer.events.end(), std::back_inserter(all));
    }
    return all;
  }
  // How many answers a watcher has had, and to where the last one says that all has been told.
  size_t tellings(Ask watcher) { return told_[watcher].tellings; }
  Sequence told_to(Ask watcher) { return told_[watcher].last.sequence; }
  const Answer& last_told(Ask watcher) { return told_[watcher].last; }

  Client open(Duration ttl = 0) { return open(OpenSession{ttl, "secret", true}); }
  Client open(OpenSession how) {
    Client client;
    client.receiver = next_receiver_++;
    Operation operation;
    operation.what = std::move(how);
    operation.reply = {client.receiver, 0};
    host.apply(std::move(operation));
    collect();
    const auto& opened = std::get<SessionAnswer>(answer({client.receiver, 0})->what);
    client.session = opened.session;
    client.epoch = opened.epoch;
    return client;
  }
  // One that takes part in deadlocks.
  Client participant(Duration ttl = 0) { return open(OpenSession{ttl, "secret", true, "", true}); }
  void suspend(Client& client) {
    Operation operation;
    operation.what = SuspendSession{client.session, client.epoch};
    host.apply(std::move(operation));
    collect();
  }
  SessionAnswer resume(Client& client, std::vector<NumberRange> pending = {}) {
    client.receiver = next_receiver_++;
    Operation operation;
    operation.what = ResumeSession{client.session, "secret", 0, std::move(pending)};
    operation.reply = {client.receiver, 0};
    host.apply(std::move(operation));
    collect();
    const auto* resumed = std::get_if<SessionAnswer>(&answer({client.receiver, 0})->what);
    if (resumed != nullptr) client.epoch = resumed->epoch;
    return resumed != nullptr ? *resumed : SessionAnswer{};
  }
  void confirm(const Client& client, NumberRange range) {
    Operation operation;
    operation.what = Confirm{client.session, "", true, {range}};
    host.apply(std::move(operation));
    collect();
  }
  void close(const Client& client) {
    Operation operation;
    operation.what = CloseSession{client.session, "", true, {}};
    host.apply(std::move(operation));
    collect();
  }
  void cancel(Ask asked) {
    Operation operation;
    operation.what = Cancel{0, 0, {asked.first, asked.second}};
    host.apply(std::move(operation));
    collect();
  }

  void advance(Duration by) {
    host.advance_to(host.now() + by);
    collect();
  }
  void restart() {
    EXPECT_TRUE(host.restart().ok());
    collect();
  }

  const Answer* answer(Ask asked) const {
    const auto found = answers_.find(asked);
    return found == answers_.end() ? nullptr : &found->second;
  }

  // What was answered: tuples, NONE, TIMEOUT, OK, the name of an error, or "" for nothing yet.
  std::string said(Ask asked) const {
    const Answer* answered = answer(asked);
    return answered ? said(*answered) : "";
  }
  static std::string said(const Answer& answered) {
    if (!answered.status.ok()) return code_name(answered.status.code());
    if (const auto* collected = std::get_if<CollectAnswer>(&answered.what)) {
      return fmt::format("{} tuples", collected->count);
    }
    if (const auto* did = std::get_if<AtomicAnswer>(&answered.what)) return found_by(*did);
    const auto* take = std::get_if<TakeAnswer>(&answered.what);
    if (take == nullptr) return "OK";
    if (take->ended == Ended::kNone) return "NONE";
    if (take->ended == Ended::kTimeout) return "TIMEOUT";
    if (take->ended == Ended::kDeadlock) return "DEADLOCK";
    std::string text;
    for (const Found& found : take->tuples) {
      text += (text.empty() ? "" : " ") + to_text(found.tuple);
      if (found.attempt > 0) text += fmt::format(" attempt {}", found.attempt);
    }
    return text;
  }

  // What an atomic found, in order of its steps; OK if that is nothing.
  static std::string found_by(const AtomicAnswer& did) {
    if (did.ended != Ended::kNot) return did.ended == Ended::kNone ? "NONE" : "TIMEOUT";
    std::string text;
    if (did.alternative > 0) text = fmt::format("alternative {}", did.alternative);
    for (const StepAnswer& step : did.steps) {
      if (!step.found) continue;
      text += (text.empty() ? "" : " ") + to_text(step.found->tuple);
      if (step.found->attempt > 0) text += fmt::format(" attempt {}", step.found->attempt);
    }
    return text.empty() ? "OK" : text;
  }

  Sequence sequence(Ask asked) const { return answer(asked)->sequence; }
  Shard::Figures figures() { return host.shard().figures(); }

  // How many tuples were looked at for what `verb` does.
  template <typename Verb>
  uint64_t examined_by(Verb verb) {
    const uint64_t before = figures().candidates;
    verb();
    return figures().candidates - before;
  }

  ShardHost host;

 private:
  void collect() {
    for (Answer& answer : host.take_answers()) {
      const Ask asked = {answer.reply.receiver, answer.reply.token};
      if (const auto* watched = std::get_if<WatchAnswer>(&answer.what)) {
        Told& told = told_[asked];
        told.answers.push_back(*watched);
        ++told.tellings;
        told.last = std::move(answer);
        continue;
      }
      EXPECT_EQ(answers_.count(asked), 0u) << "a second answer: " << said(answer);
      answers_[asked] = std::move(answer);
    }
  }

  struct Told {
    std::vector<WatchAnswer> answers;  // not asked for yet
    size_t tellings = 0;
    Answer last;
  };

  std::map<Ask, Answer> answers_;
  std::map<Ask, Told> told_;
  uint64_t next_token_ = 1;
  uint64_t next_receiver_ = 100;
};

}  // namespace tuplespace
