// Rig is an engine without threads over a HeldStore and a clock that the test moves, and a client
// of it. Verbs submit; turn() runs every lane until nothing is left to do at this time.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/engine/held_store.h"
#include "tuplespace/engine/engine.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {

#define ASSERT_OK(expression)                                   \
  do {                                                          \
    const Status status_of_it = (expression);                   \
    ASSERT_TRUE(status_of_it.ok()) << status_of_it.to_string(); \
  } while (false)

class TestClock : public SystemClock {
 public:
  Time now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  std::atomic<Time> now_ = 2'000'000'000'000;
};

// Remembers the answers it gets.
class Client : public Receiver {
 public:
  void on_answer(Answer&& answer) override { answers.push_back(std::move(answer)); }

  std::vector<uint64_t> tokens() const {
    std::vector<uint64_t> tokens;
    for (const Answer& answer : answers) tokens.push_back(answer.reply.token);
    return tokens;
  }

  const Answer* answer(uint64_t token) const {
    const auto at = std::ranges::find_if(
        answers, [&](const Answer& answer) { return answer.reply.token == token; });
    return at == answers.end() ? nullptr : &*at;
  }

  std::vector<Answer> answers;
};

inline Operation out_of(const std::string& space, const std::string& text) {
  Result<Tuple> tuple = parse_tuple(text);
  EXPECT_TRUE(tuple.ok()) << tuple.status().to_string();
  Operation operation;
  operation.what = Out{.space = space, .tuple = *tuple, .ttl = {}, .delay = {}};
  return operation;
}

inline Operation take_of(const std::string& space, const std::string& text,
                         std::optional<Duration> wait, bool remove) {
  Result<Template> wanted = parse_template(text);
  EXPECT_TRUE(wanted.ok()) << wanted.status().to_string();
  Operation operation;
  operation.what = Take{
      .space = space, .wanted = *wanted, .remove = remove, .wait = wait, .choice = {}, .max = 1};
  return operation;
}

inline Operation create_of(const std::string& space, Policy policy) {
  Operation operation;
  operation.what = CreateSpace{space, std::move(policy)};
  return operation;
}

inline Policy kept(Durability durability, uint16_t shard = 0) {
  Policy policy;
  policy.durability = durability;
  policy.shard = shard;
  return policy;
}

// The text of the tuples that an `in` or `rd` was answered; "-" for none, "?" for no answer yet.
inline std::string found(const Answer* answer) {
  if (!answer) return "?";
  if (!answer->status.ok()) return answer->status.to_string();
  std::string text;
  for (const Found& one : std::get<TakeAnswer>(answer->what).tuples) text += to_text(one.tuple);
  return text.empty() ? "-" : text;
}

class Rig {
 public:
  explicit Rig(EngineConfig config = {},
               std::shared_ptr<MemoryRecords> records = std::make_shared<MemoryRecords>())
      : store(std::move(records)) {
    Result<std::unique_ptr<Engine>> opened = Engine::open(std::move(config), store, clock);
    EXPECT_TRUE(opened.ok()) << opened.status().to_string();
    engine = std::move(opened).value();
    receiver = engine->add_receiver(0, &client);
  }

  void submit(uint64_t token, Operation operation) {
    operation.reply = {receiver, token};
    engine->submit(std::move(operation));
  }
  void out(uint64_t token, const std::string& space, const std::string& tuple) {
    submit(token, out_of(space, tuple));
  }
  void in(uint64_t token, const std::string& space, const std::string& wanted,
          std::optional<Duration> wait = {}) {
    submit(token, take_of(space, wanted, wait, true));
  }
  void rd(uint64_t token, const std::string& space, const std::string& wanted,
          std::optional<Duration> wait = {}) {
    submit(token, take_of(space, wanted, wait, false));
  }
  void create(uint64_t token, const std::string& space, Policy policy) {
    submit(token, create_of(space, std::move(policy)));
  }

  // One round of each lane, `rounds` times. Returns when the first of them is due again.
  Time turn(int rounds = 8) {
    Time due = kNever;
    for (int round = 0; round < rounds; ++round) {
      due = kNever;
      for (size_t lane = 0; lane < engine->lanes(); ++lane) {
        due = std::min(due, engine->run_once(lane, clock.now()));
      }
    }
    return due;
  }

  uint64_t figure(const std::string& name) const {
    for (const auto& [of, value] : engine->figures()) {
      if (of == name) return value;
    }
    ADD_FAILURE() << "no figure " << name;
    return 0;
  }

  HeldStore store;
  TestClock clock;
  Client client;
  std::unique_ptr<Engine> engine;
  uint64_t receiver = 0;
};

}  // namespace tuplespace
