#include "tests/conformance/play.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tests/conformance/expect.h"

namespace tuplespace::conformance {
namespace {

class Player {
 public:
  Player(const Script& script, Backend& backend) : script_(script), backend_(backend) {}

  Status play() {
    for (const Step& step : script_.steps) {
      if (const Status status = run(step); !status.ok()) {
        return {status.code(), fmt::format("{}.script:{}: {}\n    {}", script_.name, step.line,
                                           step.text, status.message())};
      }
    }
    return {};
  }

 private:
  Status run(const Step& step) {
    if (step.command.empty()) return check(step);
    const std::string& verb = step.command[0];
    const std::string argument = step.command.size() > 1 ? step.command.back() : "";
    if (step.client.empty()) {
      if (verb == "restart" || verb == "kill") return backend_.restart(verb == "kill");
      if (verb != "advance") return invalid("no client, and no advance, restart or kill");
      auto by = parse_duration(argument);
      return by.ok() ? backend_.advance(*by) : by.status();
    }
    if (verb == "cancel") {
      backend_.cancel(step.client);
      return check(step);
    }
    if (verb == "open") {
      auto ttl = parse_duration(argument);
      return ttl.ok() ? backend_.open(step.client, *ttl) : ttl.status();
    }
    using Action = Status (Backend::*)(const std::string&);
    static const std::map<std::string, Action> kActions = {
        {"confirm", &Backend::confirm}, {"close", &Backend::close},
        {"die", &Backend::die},         {"break", &Backend::break_stream},
        {"resume", &Backend::resume},   {"participate", &Backend::participate}};
    if (const auto action = kActions.find(verb); action != kActions.end()) {
      const Status status = (backend_.*action->second)(step.client);
      if (step.expected.empty()) return status;
      Outcome outcome;
      outcome.status = status;
      return expect(step.expected, outcome);
    }
    if (verb == "told") return expect(step.expected, backend_.told(step.client));
    auto named = with_names(step.command);
    if (!named.ok()) return named.status();
    auto call = read_call(*named);
    if (!call.ok()) {
      // What cannot even be written down is refused, as a server would.
      Outcome outcome;
      outcome.status = call.status();
      return expect(step.expected, outcome);
    }
    names_of_calls_[step.client] = call->name;
    backend_.start(step.client, *call);
    return step.expected.empty() ? Status() : check(step);
  }

  Status check(const Step& step) {
    if (step.expected == Words{"blocked"}) {
      return backend_.is_blocked(step.client)
                 ? Status()
                 : Status(Code::kFailedPrecondition, "it is not blocked: " + seen(step.client));
    }
    const std::optional<Outcome> outcome = backend_.answer(step.client);
    if (!outcome) return {Code::kFailedPrecondition, "no answer came"};
    if (const std::string& name = names_of_calls_[step.client]; !name.empty()) {
      tokens_[name] = outcome->token;
    }
    return expect(step.expected, *outcome);
  }

  // "@h" is the hold, transaction or tuple that a command called h: its number.
  Result<Words> with_names(Words words) const {
    for (std::string& word : words) {
      if (word.size() < 2 || word[0] != '@' || word[1] == '"') continue;
      const auto found = tokens_.find(word.substr(1));
      if (found == tokens_.end()) return invalid("nothing is called " + word.substr(1));
      word = std::to_string(found->second);
    }
    return words;
  }

  std::string seen(const std::string& client) {
    const std::optional<Outcome> outcome = backend_.answer(client);
    return outcome ? describe(*outcome) : "it has no answer, and is not parked";
  }

  const Script& script_;
  Backend& backend_;
  std::map<std::string, std::string> names_of_calls_;  // "as NAME", by client
  std::map<std::string, uint64_t> tokens_;
};

}  // namespace

Status play(const Script& script, Backend& backend) { return Player(script, backend).play(); }

bool can_play(const Script& script, const Backend& backend) {
  return std::all_of(script.tags.begin(), script.tags.end(),
                     [&](const std::string& tag) { return backend.serves(tag); });
}

}  // namespace tuplespace::conformance
