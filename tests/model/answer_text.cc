#include "tests/model/answer_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

std::string tuples_text(const std::vector<Found>& tuples) {
  std::string text;
  for (const Found& found : tuples) {
    text += fmt::format(" {}:{}", found.id, to_text(found.tuple));
    if (found.attempt > 0) text += fmt::format(" attempt {}", found.attempt);
    if (found.matched > 0) text += fmt::format(" by {}", found.matched);
  }
  return text;
}

std::string numbers_text(std::vector<Number> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return fmt::format("{}", fmt::join(numbers, ","));
}

struct Spell {
  // Answers that no plan asks for.
  template <typename Other>
  std::string operator()(const Other&) const {
    return "another answer";
  }
  std::string operator()(const std::monostate&) const { return "done"; }
  std::string operator()(const OutAnswer& out) const {
    return out.ttl ? fmt::format("out, ttl {}", *out.ttl) : "out";
  }
  std::string operator()(const TakeAnswer& take) const {
    constexpr const char* kEnded[] = {"", " none", " timeout", " deadlock"};
    std::string text = take.remove ? "in" : "rd";
    text += tuples_text(take.tuples) + kEnded[static_cast<int>(take.ended)];
    return take.held > 0 ? text + fmt::format(" held {}", take.held) : text;
  }
  std::string operator()(const CountAnswer& count) const {
    return fmt::format("ready {} held {} delayed {}", count.ready, count.held, count.delayed);
  }
  std::string operator()(const ScanAnswer& scan) const { return "scan" + tuples_text(scan.tuples); }
  std::string operator()(const CreateAnswer& create) const {
    return create.created ? "created" : "was there";
  }
  std::string operator()(const DropAnswer& drop) const {
    return fmt::format("dropped {}", drop.tuples);
  }
  std::string operator()(const ListAnswer& list) const {
    std::string text = "list";
    for (const SpaceInfo& space : list.spaces) {
      text += fmt::format(" {} {}/{}/{} {}", space.name, space.ready, space.held, space.delayed,
                          space.waiters);
    }
    return text;
  }
  std::string operator()(const StatsAnswer&) const { return "stats"; }
  std::string operator()(const CollectAnswer& collect) const {
    return fmt::format("collected {}", collect.count);
  }
  std::string operator()(const AtomicAnswer& atomic) const {
    if (atomic.ended != Ended::kNot) return atomic.ended == Ended::kNone ? "none" : "timeout";
    std::string text = fmt::format("alternative {}:", atomic.alternative);
    for (const StepAnswer& step : atomic.steps) {
      if (step.found) text += tuples_text({*step.found});
      if (step.id != 0) text += fmt::format(" put {}", step.id);
      if (!step.found && step.id == 0) text += fmt::format(" count {}", step.count);
    }
    return text;
  }
  // Of operations that the oracle does not know.
  template <typename Other>
  std::string operator()(const Other&) const {
    return "done";
  }
  std::string operator()(const SessionAnswer& session) const {
    std::vector<std::string> answers;
    for (const auto& [number, answer] : session.answers) {
      Answer alone = answer;
      alone.reply = {};
      answers.push_back(fmt::format("{}={}", number, answer_text(alone)));
    }
    std::sort(answers.begin(), answers.end());
    return fmt::format("session {} epoch {} answers [{}] waiting [{}] not executed [{}]",
                       session.session, session.epoch, fmt::join(answers, "; "),
                       numbers_text(session.waiting), numbers_text(session.not_executed));
  }
};

}  // namespace

std::string answer_text(const Answer& answer) {
  const std::string to = fmt::format("{}/{} ", answer.reply.receiver, answer.reply.token);
  if (!answer.status.ok()) return to + code_name(answer.status.code());
  return to + std::visit(Spell(), answer.what);
}

}  // namespace tuplespace
