// What the words of a command mean.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tests/conformance/play.h"
#include "tests/model/steps_text.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::conformance {
namespace {

Result<uint64_t> read_number(const std::string& word) {
  if (word.empty() || word.find_first_not_of("0123456789") != std::string::npos) {
    return invalid(word + " is no number");
  }
  return std::stoull(word);
}

// Reads the words behind what a command is about: "wait 5s max 3 newest".
class Options {
 public:
  Options(const Words& words, size_t at) : words_(words), at_(at) {}

  Status read_into(Call& call) {
    while (at_ < words_.size()) {
      const std::string& name = words_[at_++];
      if (const Status status = read(name, call); !status.ok()) return status;
    }
    return {};
  }

 private:
  Status read(const std::string& name, Call& call) {
    if (name == "into") return word(call.into);
    if (name == "ttl") return duration(call.ttl);
    if (name == "delay") return duration(call.delay);
    if (name == "wait") return duration(call.wait);
    if (name == "hold") return duration(call.hold);
    if (name == "after") return duration(call.after);
    if (name == "under") return number(call.transaction);
    if (name == "as") return word(call.name);
    if (name == "bound") return flag(call.bound);
    if (name == "taken") return flag(call.until_taken);
    if (name == "deliveries") return number(call.policy.deliveries_max);
    if (name == "group") {
      FieldChoice group;
      TS_RETURN_IF_ERROR(field(name, group.field, group.name));
      call.group = std::move(group);
      return {};
    }
    if (name == "max" || name == "page") return number(call.max);
    if (name == "tuples") return number(call.policy.tuples_max);
    if (name == "history") return number(call.policy.history);
    if (name == "deadlock") return deadlock(call.policy.deadlock);
    if (name == "snapshot") return flag(call.snapshot);
    if (name == "pulse") return flag(call.pulse);
    if (name == "unconfirmed") return flag(call.unconfirmed);
    if (name == "lost") return flag(call.lost);
    if (name == "least" || name == "greatest") {
      call.choice.order = name == "least" ? Order::kLeast : Order::kGreatest;
      return field(name, call.choice.field, call.choice.field_name);
    }
    static const std::map<std::string, Order> kOrders = {
        {"oldest", Order::kOldest}, {"newest", Order::kNewest}, {"random", Order::kRandom}};
    if (const auto order = kOrders.find(name); order != kOrders.end()) {
      (call.verb == Call::Verb::kCreate ? call.policy.order : call.choice.order) = order->second;
      return {};
    }
    static const std::map<std::string, Durability> kDurabilities = {
        {"sync", Durability::kSync},
        {"async", Durability::kAsync},
        {"memory", Durability::kMemory}};
    if (const auto durability = kDurabilities.find(name); durability != kDurabilities.end()) {
      call.policy.durability = durability->second;
      return {};
    }
    return invalid("no option " + name);
  }

  Status deadlock(Deadlock& option) {
    const std::string word = at_ < words_.size() ? words_[at_++] : "";
    if (word != "report" && word != "fail") return invalid("deadlock is report or fail");
    option = word == "fail" ? Deadlock::kFail : Deadlock::kReport;
    return {};
  }
  Status field(const std::string& option, uint32_t& number, std::string& name) {
    if (at_ == words_.size()) return invalid(option + " needs a field");
    const std::string& field = words_[at_++];
    const auto index = read_number(field);
    if (index.ok()) {
      number = static_cast<uint32_t>(*index);
    } else {
      name = field;
    }
    return {};
  }
  Status word(std::string& option) {
    if (at_ == words_.size()) return invalid("a word is missing at the end");
    option = words_[at_++];
    return {};
  }
  static Status flag(bool& option) {
    option = true;
    return {};
  }
  Status duration(std::optional<Duration>& option) {
    auto value = parse_duration(at_ < words_.size() ? words_[at_++] : "");
    if (value.ok()) option = *value;
    return value.status();
  }
  template <typename Integer>
  Status number(Integer& option) {
    auto value = read_number(at_ < words_.size() ? words_[at_++] : "");
    if (value.ok()) option = static_cast<Integer>(*value);
    return value.status();
  }

  const Words& words_;
  size_t at_;
};

}  // namespace

Result<Tuple> read_tuple(const std::string& word) {
  if (!word.starts_with("big:")) return parse_tuple(word);
  auto size = read_number(word.substr(4));
  if (!size.ok()) return size.status();
  Limits limits;
  limits.tuple_bytes_max = SIZE_MAX;  // the server says what is too large
  return Tuple::of({Value(std::string(*size, 'x'))}, limits);
}

namespace {

// Reads ("a") ("b") of an out, ("a") or ("b") of a read or take, from `at` on.
Status read_further(const Words& command, size_t& at, Call& call) {
  while (at < command.size()) {
    const bool out = call.verb == Call::Verb::kOut && command[at][0] == '(';
    if (!out && command[at] != "or") return {};
    if (!out) ++at;
    if (at == command.size()) return invalid("a template is missing behind or");
    if (out) {
      auto tuple = read_tuple(command[at++]);
      if (!tuple.ok()) return tuple.status();
      call.more.push_back(*tuple);
    } else {
      auto wanted = parse_template(command[at++]);
      if (!wanted.ok()) return wanted.status();
      call.any_of.push_back(*wanted);
    }
  }
  return {};
}

// begin [ "ttl" D ] | commit N | abort N | settle SPACE N HOW | renew WHAT N D | end WHAT N: N is
// a number that stands for a name.
Status read_coordination(const Words& command, Call& call) {
  using Verb = Call::Verb;
  size_t at = 1;
  if (call.verb != Verb::kBegin) {
    const bool names_space = call.verb != Verb::kEndTransaction;
    if (names_space && at < command.size()) call.space = command[at++];
    auto token = read_number(at < command.size() ? command[at++] : "");
    if (!token.ok()) return token.status();
    call.token = *token;
  }
  call.commit = command[0] == "commit";
  if (call.verb == Verb::kRenew) {
    auto ttl = parse_duration(at < command.size() ? command[at++] : "");
    if (!ttl.ok()) return ttl.status();
    call.ttl = *ttl;
  }
  if (call.verb == Verb::kSettle) {
    static const std::map<std::string, Settlement> kHow = {{"done", Settlement::kDone},
                                                           {"back", Settlement::kBack},
                                                           {"tail", Settlement::kTail},
                                                           {"dead", Settlement::kDead}};
    const auto how = kHow.find(at < command.size() ? command[at++] : "");
    if (how == kHow.end()) return invalid("settle how? done, back, tail or dead");
    call.settlement = how->second;
    if (call.settlement == Settlement::kDead) call.reason = "given up";
  }
  return Options(command, at).read_into(call);
}

// atomic STEPS [ "wait" D ] [ "unconfirmed" ] [ "lost" ]
Status read_atomic(const Words& command, Call& call) {
  size_t end = 1;
  std::string steps;
  while (end < command.size() && command[end] != "wait" && command[end] != "unconfirmed" &&
         command[end] != "lost" && command[end] != "as") {
    steps += (end == 1 ? "" : " ") + command[end];
    ++end;
  }
  auto parsed = parse_steps(steps);
  if (!parsed.ok()) return parsed.status();
  call.steps = std::make_shared<const std::vector<Steps>>(std::move(*parsed));
  return Options(command, end).read_into(call);
}

}  // namespace

Result<Call> read_call(const Words& command) {
  using Verb = Call::Verb;
  static const std::map<std::string, Verb> kVerbs = {{"out", Verb::kOut},
                                                     {"in", Verb::kIn},
                                                     {"inp", Verb::kIn},
                                                     {"rd", Verb::kRd},
                                                     {"rdp", Verb::kRd},
                                                     {"count", Verb::kCount},
                                                     {"scan", Verb::kScan},
                                                     {"create", Verb::kCreate},
                                                     {"drop", Verb::kDrop},
                                                     {"spaces", Verb::kSpaces},
                                                     {"describe", Verb::kDescribe},
                                                     {"collect", Verb::kCollect},
                                                     {"copy_collect", Verb::kCollect},
                                                     {"atomic", Verb::kAtomic},
                                                     {"watch", Verb::kWatch},
                                                     {"blocked", Verb::kBlocked},
                                                     {"explain", Verb::kExplain},
                                                     {"begin", Verb::kBegin},
                                                     {"commit", Verb::kEndTransaction},
                                                     {"abort", Verb::kEndTransaction},
                                                     {"settle", Verb::kSettle},
                                                     {"renew", Verb::kRenew},
                                                     {"end", Verb::kEndLease},
                                                     {"holds", Verb::kHolds}};
  const auto verb = kVerbs.find(command[0]);
  if (verb == kVerbs.end()) return invalid("no command " + command[0]);
  Call call;
  call.verb = verb->second;
  call.copies = command[0] == "copy_collect";
  if (call.verb == Verb::kAtomic) {
    if (const Status status = read_atomic(command, call); !status.ok()) return status;
    return call;
  }
  if (call.verb == Verb::kBegin || call.verb == Verb::kEndTransaction ||
      call.verb == Verb::kSettle || call.verb == Verb::kRenew || call.verb == Verb::kEndLease) {
    if (const Status status = read_coordination(command, call); !status.ok()) return status;
    return call;
  }
  if (verb->second == Verb::kScan) call.max = 0;
  if (command[0] == "inp" || command[0] == "rdp") call.wait = 0;
  size_t at = 1;
  if (at < command.size()) call.space = command[at++];
  const bool is_template = call.verb == Verb::kIn || call.verb == Verb::kRd ||
                           call.verb == Verb::kCount || call.verb == Verb::kScan ||
                           call.verb == Verb::kWatch || call.verb == Verb::kExplain ||
                           call.verb == Verb::kCollect;
  if ((is_template || call.verb == Verb::kOut) && at == command.size()) {
    return invalid(command[0] + " needs a space and a tuple");
  }
  if (call.verb == Verb::kOut) {
    auto tuple = read_tuple(command[at++]);
    if (!tuple.ok()) return tuple.status();
    call.tuple = *tuple;
  } else if (is_template && command[at].starts_with("big:")) {
    auto tuple = read_tuple(command[at++]);
    if (!tuple.ok()) return tuple.status();
    call.wanted = Template::exactly(*tuple);
  } else if (is_template) {
    auto wanted = parse_template(command[at++]);
    if (!wanted.ok()) return wanted.status();
    call.wanted = *wanted;
  }
  TS_RETURN_IF_ERROR(read_further(command, at, call));
  TS_RETURN_IF_ERROR(Options(command, at).read_into(call));
  return call;
}

}  // namespace tuplespace::conformance
