#include "tests/model/duel.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tests/model/answer_text.h"
#include "tests/model/steps_text.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

constexpr uint64_t kAlone = 1;      // receiver of what is asked without a session
constexpr uint64_t kAgain = 1'000;  // receivers of repetitions begin here
const std::string kSpaces[] = {"a", "b", "m", "q"};

ShardConfig config_of(uint64_t variant) {
  ShardConfig config;
  config.seed = variant;
  config.session_ttl = 400;
  config.session_ttl_min = 100;
  config.session_ttl_max = 2'000;
  config.ttl_max = 1'000;
  if (variant % 2 == 1) config.slice_candidates = 1 + variant / 2 % 3;
  config.indexes_max = variant % 3 == 1 ? 1 + variant / 3 % 2 : 200;
  if (variant % 5 == 1) config.durability = Durability::kAsync;
  if (variant % 7 == 1) config.durability = Durability::kMemory;
  return config;
}

Selection choice_of(uint8_t byte) {
  Selection choice;
  switch (byte % 16) {
    case 0: choice.order = Order::kNewest; break;
    case 1: choice.order = Order::kRandom; break;
    case 2: choice.order = Order::kLeast; break;
    case 3: choice.order = Order::kGreatest; break;
    case 4: choice.order = Order::kOldest; break;
    default: break;
  }
  if (choice.order == Order::kLeast || choice.order == Order::kGreatest)
    choice.field = byte / 16 % 2;
  return choice;
}

std::optional<Duration> wait_of(uint8_t byte) {
  if (byte % 4 == 0) return std::nullopt;
  if (byte % 4 == 1) return 0;
  if (byte == 255) return -1;
  return byte / 4 * 7 + 1;
}

Policy policy_of(const PlanStep& step, const std::string& name) {
  Policy policy;
  if (name == "m") policy.durability = Durability::kMemory;
  if (name == "q") policy.tuples_max = 3;
  if (step.option % 8 == 0) policy.order = Order::kNewest;
  if (step.option % 8 == 1) policy.order = Order::kRandom;
  return policy;
}

// What a wait finds a slice after its session resumed counts as found by the resume.
void fold(std::vector<Answer>& answers) {
  for (Answer& answer : answers) {
    auto* resumed = std::get_if<SessionAnswer>(&answer.what);
    if (resumed == nullptr) continue;
    const uint64_t receiver = answer.reply.receiver;
    for (const Answer& later : std::vector<Answer>(answers)) {
      const Number number = later.reply.token;
      if (later.reply.receiver != receiver || !std::erase(resumed->waiting, number)) continue;
      resumed->answers.emplace_back(number, later);
      std::erase_if(answers, [&](const Answer& other) {
        return other.reply.receiver == receiver && other.reply.token == number;
      });
      return fold(answers);
    }
  }
}

std::string differs(const std::string& expected, const std::string& seen) {
  return fmt::format("expected {}\nseen     {}", expected, seen);
}

}  // namespace

Duel::Duel(uint64_t variant) : config_(config_of(variant)), host_(config_), oracle_(config_) {
  oracle_.advance(host_.now());
  host_.on_effects = [this](const Effects& effects) {
    if (wrong_.empty()) wrong_ = check_durability(effects);
  };
}

void Duel::say(const Client* client, const std::string& what) {
  const std::string who = client ? fmt::format("c{}", client - clients_.data()) : "-";
  trace_.push_back(fmt::format("{:>8} {}: {}", host_.now() - 1'000'000, who, what));
}

std::string Duel::step(const PlanStep& step) {
  std::string difference = act(step);
  if (difference.empty()) difference = compare();
  return difference;
}

std::string Duel::act(const PlanStep& step) {
  const std::string& space = kSpaces[step.space % 4];
  const int action = step.action % 100;
  if (action < 24) return out(step, space);
  if (action < 32) return atomic(step);
  if (action < 58) return take(step, space, action < 50);
  if (action < 60) {
    Collect collect{space, template_of(step), kSpaces[step.who / 16 % 4], step.option % 2 == 0};
    const std::string what = fmt::format("{} {} {} into {}", collect.remove ? "collect" : "copy",
                                         space, to_text(collect.wanted), collect.into);
    return ask(step, {std::move(collect), {}, {}}, what);
  }
  if (action < 64) {
    const Template wanted = template_of(step);
    return ask(step, {Count{space, wanted}, {}, {}},
               fmt::format("count {} {}", space, to_text(wanted)));
  }
  if (action < 66) return scan(step);
  if (action < 82) return advance(step.time % 4 == 0 ? step.option * 4 : step.option % 32);
  if (action == 82) {
    say(nullptr, "create " + space);
    Operation create;
    create.what = CreateSpace{space, policy_of(step, space)};
    create.reply = {kAlone, next_token_++};
    return run(std::move(create));
  }
  if (action == 83 && step.option % 4 == 0) {
    say(nullptr, "drop " + space);
    changed_.erase(space);
    Operation drop;
    drop.what = DropSpace{space};
    drop.reply = {kAlone, next_token_++};
    return run(std::move(drop));
  }
  if (action == 96 && step.option % 2 == 0) return restart();
  if (action == 95) return ask_again(step);
  return session(step);
}

std::string Duel::out(const PlanStep& step, const std::string& space) {
  Out out{space, tuple_of(step), {}, {}, step.time % 16 == 0};
  if (step.time % 16 == 1) out.ttl = step.option * 5 - 10;
  if (step.time % 16 == 2 || step.time % 16 == 3) out.delay = step.option * 3 - 6;
  if (step.time % 16 == 3) out.ttl = step.option * 3 - 6;
  std::string what = fmt::format("out {} {}", space, to_text(out.tuple));
  if (step.who / 32 == 0) {
    auto extras = std::make_shared<OutExtras>();
    PlanStep next = step;
    for (int left = step.who / 8 % 4; left >= 0; --left) {
      next.second = uint8_t(next.second + 3);
      extras->more.push_back(tuple_of(next));
      what += " " + to_text(extras->more.back());
    }
    out.extras = std::move(extras);
  }
  if (out.ttl) what += fmt::format(" ttl {}", *out.ttl);
  if (out.delay) what += fmt::format(" delay {}", *out.delay);
  if (out.pulse) what += " pulse";
  return ask(step, {std::move(out), {}, {}}, what);
}

std::string Duel::take(const PlanStep& step, const std::string& space, bool remove) {
  Take take{space, template_of(step), remove, wait_of(step.time), choice_of(step.option), 1};
  // Least and greatest need an index of their own, for which there may be no room.
  if (config_.indexes_max < 10 && take.choice.order >= Order::kLeast) take.choice = {};
  if (step.who / 16 % 4 == 0) take.max = step.who / 64 + 1;
  std::string what = fmt::format("{} {} {}", remove ? "in" : "rd", space, to_text(take.wanted));
  if (step.who / 8 % 4 == 1) {
    auto extras = std::make_shared<TakeExtras>();
    PlanStep next = step;
    for (int left = step.second % 2; left >= 0; --left) {
      next.first = uint8_t(next.first * 3 + 1);
      next.shape = uint8_t(next.shape + 17);
      extras->any_of.push_back(template_of(next));
      what += " or " + to_text(extras->any_of.back());
    }
    take.extras = std::move(extras);
  }
  what += fmt::format(" wait {} order {} field {} max {}",
                      take.wait ? std::to_string(*take.wait) : "on",
                      static_cast<int>(take.choice.order), take.choice.field, take.max);
  return ask(step, {std::move(take), {}, {}}, what);
}

std::string Duel::atomic(const PlanStep& step) {
  const std::string& other = kSpaces[step.who / 16 % 4];
  Atomic atomic{
      std::make_shared<const std::vector<Steps>>(steps_of(step, kSpaces[step.space % 4], other)),
      wait_of(step.time)};
  const std::string what = fmt::format("atomic {} wait {}", to_text(*atomic.alternatives),
                                       atomic.wait ? std::to_string(*atomic.wait) : "on");
  return ask(step, {std::move(atomic), {}, {}}, what);
}

std::string Duel::ask(const PlanStep& step, Operation operation, const std::string& what) {
  Client* client = step.who % 8 < kClients ? &clients_[step.who % 8] : nullptr;
  const bool unary = client == &clients_[kUnary];
  if (client && (client->session == 0 || !client->attached)) client = nullptr;
  if (client && unary && !client->unanswered.empty()) client = nullptr;
  operation.reply = {kAlone, next_token_++};
  if (client) {
    const Number number = ++client->last;
    operation.caller = {client->session, number, number * 31, unary ? "secret" : ""};
    operation.reply = {client->receiver, number};
    client->asked[number] = operation;
    client->unanswered.insert(number);
    asked_[{operation.reply.receiver, operation.reply.token}] = {client, number};
    say(client, fmt::format("{}: {}", number, what));
  } else {
    waiting_.insert({kAlone, operation.reply.token});
    say(nullptr, fmt::format("{}: {}", operation.reply.token, what));
  }
  return run(std::move(operation));
}

// The same number again, as after a lost answer.
std::string Duel::ask_again(const PlanStep& step) {
  Client& client = clients_[step.who % kClients];
  if (client.session == 0 || !client.attached || client.asked.empty()) return "";
  auto asked = client.asked.begin();
  std::advance(asked, step.first % client.asked.size());
  Operation operation = asked->second;
  operation.reply = {kAgain + next_token_++, 1};
  asked_[{operation.reply.receiver, 1}] = {&client, asked->first};
  say(&client, fmt::format("{} again", asked->first));
  return run(std::move(operation));
}

// All pages; a page may be as short as a slice.
std::string Duel::scan(const PlanStep& step) {
  Scan next{kSpaces[step.space % 4], template_of(step), 0, 0, step.option % 4u};
  say(nullptr, fmt::format("scan {} {} page {}", next.space, to_text(next.wanted), next.max));
  Operation whole;
  whole.what = next;
  whole.reply = {kAlone, next_token_++};
  Answer all;
  ScanAnswer found;
  for (int page = 0; page == 0 || next.after != 0; ++page) {
    if (page > 10'000) return "the scan never ends";
    Operation operation;
    operation.what = next;
    operation.reply = whole.reply;
    host_.apply(std::move(operation));
    const std::vector<Answer> answers = host_.take_answers();
    if (answers.size() != 1) return fmt::format("a page of a scan has {} answers", answers.size());
    all = answers[0];
    next.after = 0;
    const auto* scanned = std::get_if<ScanAnswer>(&all.what);
    if (scanned == nullptr) continue;
    std::ranges::copy(scanned->tuples, std::back_inserter(found.tuples));
    next.after = scanned->next;
    next.until = scanned->until;
  }
  if (all.status.ok()) all.what = found;
  oracle_.apply(whole, nullptr);
  const std::vector<Answer> expected = oracle_.take_answers();
  const std::string seen = answer_text(all);
  return answer_text(expected.at(0)) == seen ? "" : differs(answer_text(expected[0]), seen);
}

std::string Duel::session(const PlanStep& step) {
  Client& client = clients_[step.who % kClients];
  const bool unary = &client == &clients_[kUnary];
  const int action = step.action % 100;
  Operation operation;
  if (client.session == 0) {
    client = {};
    client.receiver = 100 + next_token_++;
    operation.what = OpenSession{step.time % 8 * 50, "secret", !unary};
    operation.reply = {client.receiver, 0};
    say(&client, "open");
    asked_[{client.receiver, 0}] = {&client, 0};
    return run(std::move(operation));
  }
  if (!client.attached) return resume(client);
  if (action < 88 && !unary) {
    client.attached = false;
    operation.what = SuspendSession{client.session, client.epoch};
    say(&client, "its stream breaks");
  } else if (action < 94) {
    std::vector<NumberRange> ranges, returned;
    for (const Number number : client.unconfirmed) {
      if (step.option % 2 != 0 && number % 3 == 0) continue;
      (step.option % 8 == 7 ? returned : ranges).push_back({number, number});
    }
    for (const NumberRange& range : ranges) client.unconfirmed.erase(range.first);
    for (const NumberRange& range : returned) client.unconfirmed.erase(range.first);
    say(&client, fmt::format("confirms {} answers, gives back {}", ranges.size(), returned.size()));
    operation.what =
        Confirm{client.session, "secret", !unary, std::move(ranges), std::move(returned)};
  } else if (action == 94) {
    say(&client, "closes");
    operation.what = CloseSession{client.session, "secret", !unary, {}};
    operation.reply = {client.receiver, 1'000'000 + next_token_++};
    std::string difference = run(std::move(operation));
    client = {};
    return difference;
  } else {
    return "";
  }
  return run(std::move(operation));
}

std::string Duel::resume(Client& client) {
  client.receiver = 100 + next_token_++;
  client.attached = true;
  ResumeSession resume{client.session, "secret", 0, {}};
  for (const Number number : client.unanswered) resume.pending.push_back({number, number});
  for (const Number number : client.unanswered)
    asked_[{client.receiver, number}] = {&client, number};
  Operation operation;
  operation.what = std::move(resume);
  operation.reply = {client.receiver, 0};
  asked_[{client.receiver, 0}] = {&client, 0};
  say(&client, fmt::format("resumes with {} pending", client.unanswered.size()));
  return run(std::move(operation));
}

std::string Duel::advance(Duration by) {
  say(nullptr, fmt::format("advance {}", by));
  host_.advance_to(host_.now() + by);
  const std::vector<Answer> answers = host_.take_answers();
  oracle_.look(answers);
  oracle_.advance(host_.now());
  return compare_answers(answers);
}

std::string Duel::restart() {
  say(nullptr, "restart");
  if (const Status status = host_.restart(); !status.ok()) return status.to_string();
  oracle_.restart();
  waiting_.clear();
  for (Client& client : clients_) {
    // Repeating what was answered is over: what is not on disk would happen again.
    std::erase_if(client.asked, [&](const auto& asked) {
      return !client.unanswered.count(asked.first) || &client == &clients_[kUnary];
    });
    if (&client == &clients_[kUnary]) client.unanswered.clear();
    if (&client != &clients_[kUnary]) client.attached = false;
  }
  return "";
}

std::string Duel::run(Operation operation) {
  const Operation asked = operation;
  const Key key = {asked.reply.receiver, asked.reply.token};
  const auto* out = std::get_if<Out>(&asked.what);
  const auto* take = std::get_if<Take>(&asked.what);
  if (out && !out->pulse && key.first < kAgain) space_of_[key] = out->space;
  if (take && key.first < kAgain) space_of_[key] = take->space;
  host_.apply(std::move(operation));
  std::vector<Answer> answers = host_.take_answers();
  fold(answers);
  const Answer* seen = nullptr;
  for (const Answer& answer : answers) {
    const bool own =
        answer.reply.receiver == asked.reply.receiver && answer.reply.token == asked.reply.token;
    if (own && seen == nullptr) seen = &answer;
  }
  oracle_.look(answers);
  oracle_.apply(asked, seen);
  return compare_answers(answers);
}

std::string Duel::compare_answers(const std::vector<Answer>& answers) {
  // How many are held is looked up in one slice.
  const bool sliced = config_.slice_candidates < 100;
  const auto lines = [&](std::vector<Answer> all) {
    std::vector<std::string> lines;
    for (Answer& answer : all) {
      if (auto* take = std::get_if<TakeAnswer>(&answer.what); take && sliced) take->held = 0;
      lines.push_back(answer_text(answer));
    }
    std::sort(lines.begin(), lines.end());
    return fmt::format("{}", fmt::join(lines, "\n         "));
  };
  for (const Answer& answer : answers) note(answer);
  const std::string given = lines(answers);
  const std::string expected = lines(oracle_.take_answers());
  return given == expected ? "" : differs(expected, given);
}

// What passing time answered, the figures, and when the shard wants to be called.
std::string Duel::compare() {
  if (!wrong_.empty()) return wrong_;
  const std::string difference = compare_answers(host_.take_answers());
  if (!difference.empty()) return difference;
  const Shard::Figures figures = host_.shard().figures();
  const CountAnswer total = oracle_.total();
  const std::string is =
      fmt::format("ready {} held {} delayed {} waiters {} sessions {}", figures.ready, figures.held,
                  figures.delayed, figures.waiters, figures.sessions);
  const std::string should_be =
      fmt::format("ready {} held {} delayed {} waiters {} sessions {}", total.ready, total.held,
                  total.delayed, oracle_.waiters(), oracle_.sessions());
  if (is != should_be) return differs(should_be, is);
  if (host_.next() > oracle_.next_due()) {
    return fmt::format("it sleeps until {}, but something is due at {}", host_.next() - 1'000'000,
                       oracle_.next_due() - 1'000'000);
  }
  return "";
}

std::string Duel::finish() {
  for (const Key& key : std::set<Key>(waiting_)) {
    Operation cancel;
    cancel.what = Cancel{0, 0, {key.first, key.second}};
    if (std::string difference = run(std::move(cancel)); !difference.empty()) return difference;
  }
  for (Client& client : clients_) {
    if (client.session == 0) continue;
    say(&client, "closes");
    Operation close;
    close.what = CloseSession{client.session, "secret", false, {}};
    close.reply = {client.receiver, 2'000'000 + next_token_++};
    if (std::string difference = run(std::move(close)); !difference.empty()) return difference;
  }
  if (std::string difference = advance(5'000); !difference.empty()) return difference;
  for (const std::string& space : kSpaces) {
    for (uint64_t before = ~0ull; before != oracle_.total().ready;) {
      before = oracle_.total().ready;
      Operation take;
      take.what = Take{space, Template::of({}, {}, true).value(), true, 0, {}, 10'000};
      take.reply = {kAlone, next_token_++};
      if (std::string difference = run(std::move(take)); !difference.empty()) return difference;
    }
  }
  if (std::string difference = compare(); !difference.empty()) return difference;
  const Shard::Figures left = host_.shard().figures();
  if (left.ready + left.held + left.delayed + left.waiters + left.sessions != 0) {
    return "something is left when everything was taken and closed";
  }
  size_t spaces = 0;
  for (const std::string& space : kSpaces) spaces += host_.shard().has_space(space);
  if (host_.records().size() != spaces + 1) {
    return fmt::format("{} records are left, of {} spaces and the shard", host_.records().size(),
                       spaces);
  }
  return "";
}

std::string duel(const StepPlan& plan, uint64_t variant, std::vector<std::string>* trace) {
  Duel duel(variant);
  std::string difference;
  for (size_t i = 0; i < plan.size() && difference.empty(); ++i) difference = duel.step(plan[i]);
  if (difference.empty()) difference = duel.finish();
  if (trace != nullptr) *trace = duel.trace();
  return difference;
}

StepPlan shortest(StepPlan plan, uint64_t variant) {
  for (size_t size = plan.size() / 2; size > 0;) {
    bool shorter = false;
    for (size_t at = 0; at + size <= plan.size();) {
      StepPlan without = plan;
      without.erase(without.begin() + long(at), without.begin() + long(at + size));
      if (duel(without, variant).empty()) {
        at += size;
      } else {
        plan = std::move(without);
        shorter = true;
      }
    }
    if (!shorter || size > 1) size /= 2;
  }
  return plan;
}

}  // namespace tuplespace
