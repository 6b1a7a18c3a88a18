#include "tests/conformance/expect.h"

#include <fmt/format.h>

#include "tests/conformance/play.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::conformance {
namespace {

Status differs(const Outcome& outcome) {
  return {Code::kFailedPrecondition, "seen: " + describe(outcome)};
}

bool is_number(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

// (…) (…) attempt 1 (…)
Status expect_tuples(const Words& expected, const Outcome& outcome) {
  size_t seen = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    auto tuple = read_tuple(expected[i]);
    if (!tuple.ok()) return tuple.status();
    uint32_t attempt = 0;
    if (i + 2 < expected.size() && expected[i + 1] == "attempt") {
      attempt = static_cast<uint32_t>(std::stoul(expected[i + 2]));
      i += 2;
    }
    if (seen == outcome.tuples.size()) return differs(outcome);
    const Outcome::Match& match = outcome.tuples[seen++];
    if (!(match.tuple == *tuple) || match.attempt != attempt) return differs(outcome);
    if (i + 2 < expected.size() && expected[i + 1] == "by") {
      if (std::stoul(expected[i + 2]) != match.matched) return differs(outcome);
      i += 2;
    }
  }
  return seen == outcome.tuples.size() ? Status() : differs(outcome);
}

// ready 3 held 1
Status expect_figures(const Words& expected, const Outcome& outcome) {
  for (size_t i = 0; i + 1 < expected.size(); i += 2) {
    const std::string& name = expected[i];
    const uint64_t figure = name == "ready"     ? outcome.ready
                            : name == "held"    ? outcome.held
                            : name == "delayed" ? outcome.delayed
                            : name == "waiters" ? outcome.waiters
                            : name == "moved"   ? outcome.moved
                                                : UINT64_MAX;
    if (figure == UINT64_MAX) return invalid("no figure " + name);
    if (!is_number(expected[i + 1]) || std::stoull(expected[i + 1]) != figure) {
      return differs(outcome);
    }
  }
  return {};
}

// More than half of them are out of the order of their places.
bool shuffled(const Outcome& outcome) {
  size_t out_of_order = 0;
  for (size_t i = 1; i < outcome.tuples.size(); ++i) {
    out_of_order += outcome.tuples[i].id != outcome.tuples[i - 1].id + 1;
  }
  return out_of_order * 2 > outcome.tuples.size();
}

Status expect_answer(const Words& expected, const Outcome& outcome) {
  const std::string& first = expected[0];
  if (first == "any") return {};
  if (first == "ok") {
    if (expected.size() < 3) return {};
    auto ttl = parse_duration(expected[2]);
    if (!ttl.ok()) return ttl.status();
    return outcome.ttl == *ttl ? Status() : differs(outcome);
  }
  if (first == "deadlock" && expected.size() == 1 && outcome.names.empty()) {
    return outcome.ended == Ended::kDeadlock ? Status() : differs(outcome);
  }
  if (first == "taken" || first == "expired" || first == "withdrawn") {
    return outcome.fate == first ? Status() : differs(outcome);
  }
  if (first == "timeout") return outcome.ended == Ended::kTimeout ? Status() : differs(outcome);
  if (first == "none") {
    if (outcome.ended != Ended::kNone) return differs(outcome);
    return expect_figures(Words(expected.begin() + 1, expected.end()), outcome);
  }
  if (first == "nothing") {
    return outcome.tuples.empty() && outcome.names.empty() ? Status() : differs(outcome);
  }
  if (first == "shuffled") {
    const bool all = outcome.tuples.size() == std::stoull(expected[1]);
    return all && shuffled(outcome) ? Status() : differs(outcome);
  }
  if (expected.size() == 2 && expected[1] == "tuples") {
    return outcome.tuples.size() == std::stoull(first) ? Status() : differs(outcome);
  }
  if (first[0] == '(' || first.starts_with("big:")) return expect_tuples(expected, outcome);
  if (first == "alternative") {
    if (expected.size() < 2 || std::to_string(outcome.alternative) != expected[1]) {
      return differs(outcome);
    }
    return expect_tuples(Words(expected.begin() + 2, expected.end()), outcome);
  }
  if (first == "ready" || first == "held" || first == "delayed" || first == "waiters" ||
      first == "moved") {
    return expect_figures(expected, outcome);
  }
  return outcome.names == expected ? Status() : differs(outcome);
}

}  // namespace

Status expect(const Words& expected, const Outcome& outcome) {
  if (expected.empty()) return invalid("it does not say what is expected");
  const bool cancelled = expected[0] == "cancelled";
  if (!cancelled && expected[0] != "error") {
    return outcome.status.ok() ? expect_answer(expected, outcome) : differs(outcome);
  }
  const std::string code = cancelled ? "CANCELLED" : expected.size() > 1 ? expected[1] : "";
  if (code != code_name(outcome.status.code())) return differs(outcome);
  if (expected.size() > 2 && expected[2] != outcome.status.problem().bound) return differs(outcome);
  return {};
}

std::string describe(const Outcome& outcome) {
  if (!outcome.status.ok()) {
    return fmt::format("{} [{}]", outcome.status.to_string(), outcome.status.problem().bound);
  }
  std::string text;
  for (const Outcome::Match& match : outcome.tuples) {
    const std::string tuple = to_text(match.tuple);
    text += tuple.size() > 200 ? fmt::format("a tuple of {} bytes ", tuple.size()) : tuple + " ";
    if (match.attempt > 0) text += fmt::format("attempt {} ", match.attempt);
    if (match.matched > 0) text += fmt::format("by {} ", match.matched);
  }
  for (const std::string& name : outcome.names) text += name + " ";
  if (outcome.alternative > 0) text += fmt::format("alternative {} ", outcome.alternative);
  if (outcome.moved > 0) text += fmt::format("moved {} ", outcome.moved);
  if (outcome.ended == Ended::kNone) text += "none ";
  if (outcome.ended == Ended::kTimeout) text += "timeout ";
  if (outcome.ended == Ended::kDeadlock) text += "deadlock ";
  if (!outcome.fate.empty()) text += outcome.fate + " ";
  if (outcome.ttl) text += fmt::format("ttl {}ms ", *outcome.ttl);
  return text + fmt::format("(ready {} held {} delayed {} waiters {})", outcome.ready, outcome.held,
                            outcome.delayed, outcome.waiters);
}

}  // namespace tuplespace::conformance
