#include "clients/cli/steps.h"

#include <fmt/format.h>

#include <charconv>

#include "clients/cli/quantity.h"

namespace tuplespace::cli {
namespace {

constexpr const char* kKnown =
    "expected in, rd, out, count or settle, for instance 'in jobs (\"job\", ?id:int)'";

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Takes the first word of `text`.
std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  const size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

Result<uint64_t> number_of(std::string_view text, const char* what) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return number;
  return invalid(fmt::format("\"{}\" is no {}", text, what));
}

Result<client::milliseconds> time_of(std::string_view text) {
  const auto time = parse_duration(text);
  if (time) return *time;
  return invalid(fmt::format("\"{}\" is no duration; write 250ms, 5s or 2h", text));
}

// One step taken apart: the words before its tuple, the tuple's text, the words behind it.
class Step {
 public:
  explicit Step(std::string_view text) {
    const size_t begin = text.find('(');
    const size_t end = text.rfind(')');
    std::string_view front = text.substr(0, begin);
    verb_ = take_word(front);
    space_ = take_word(front);
    if (begin == std::string_view::npos) {
      behind_ = front;
    } else if (end != std::string_view::npos && end > begin) {
      tuple_ = text.substr(begin, end + 1 - begin);
      behind_ = trimmed(text.substr(end + 1));
    } else {
      tuple_ = text.substr(begin);
    }
  }

  Status add_to(client::Atomic& atomic, std::vector<std::string>& bound,
                const Arguments& arguments) {
    if (verb_ == "settle") return settle(atomic);
    if (verb_ != "in" && verb_ != "rd" && verb_ != "out" && verb_ != "count") {
      return invalid(fmt::format("no step \"{}\"; {}", verb_, kKnown));
    }
    if (verb_ == "out") return out(atomic, bound, arguments);
    const Result<Template> wanted = parse_template(tuple_, arguments, {}, bound);
    if (!wanted.ok()) return wanted.status();
    if (verb_ == "count") return count(atomic, *wanted);
    client::HoldOptions options;
    if (verb_ == "in") TS_RETURN_IF_ERROR(option("hold", options.hold));
    if (!behind_.empty()) return unexpected();
    verb_ == "in" ? atomic.in(space_, *wanted, options) : atomic.rd(space_, *wanted);
    bound.insert(bound.end(), wanted->names().begin(), wanted->names().end());
    return {};
  }

 private:
  Status unexpected() const { return invalid(fmt::format("\"{}\" was not expected", behind_)); }

  Status option(std::string_view name, std::optional<client::milliseconds>& time) {
    std::string_view rest = behind_;
    if (take_word(rest) != name) return {};
    const auto parsed = time_of(take_word(rest));
    if (!parsed.ok()) return parsed.status();
    time = *parsed;
    behind_ = rest;
    return {};
  }

  Status out(client::Atomic& atomic, const std::vector<std::string>& bound,
             const Arguments& arguments) {
    auto fields = parse_expressions(tuple_, bound, arguments);
    if (!fields.ok()) return fields.status();
    client::PutOptions options;
    TS_RETURN_IF_ERROR(option("ttl", options.ttl));
    if (!behind_.empty()) return unexpected();
    atomic.out(space_, *std::move(fields), options);
    return {};
  }

  Status count(client::Atomic& atomic, const Template& wanted) {
    std::string_view rest = behind_;
    const std::string_view comparison = take_word(rest);
    const auto number = number_of(take_word(rest), "number");
    if (!number.ok() || !rest.empty()) return invalid("a count ends in < N, = N or > N");
    if (comparison == "<") {
      atomic.fewer_than(*number, space_, wanted);
    } else if (comparison == "=") {
      atomic.exactly(*number, space_, wanted);
    } else if (comparison == ">") {
      atomic.more_than(*number, space_, wanted);
    } else {
      return invalid("a count ends in < N, = N or > N");
    }
    return {};
  }

  Status settle(client::Atomic& atomic) {
    std::string_view rest = behind_;
    const auto token = number_of(take_word(rest), "token of a hold");
    if (!token.ok()) return token.status();
    const std::string_view how = take_word(rest);
    if (how == "done") {
      atomic.settle(space_, *token);
    } else if (how == "tail") {
      atomic.settle(space_, *token, client::Settlement::tail());
    } else if (how == "dead") {
      atomic.settle(space_, *token, client::Settlement::dead(rest));
    } else if (how == "back") {
      const auto after = time_of(rest.empty() ? "0" : rest);
      if (!after.ok()) return after.status();
      atomic.settle(space_, *token, client::Settlement::back(*after));
    } else {
      return invalid("a settle ends in done, back, back TIME, tail or dead REASON");
    }
    return {};
  }

  std::string_view verb_, space_, tuple_, behind_;
};

}  // namespace

Result<client::Atomic> parse_steps(const std::vector<std::string>& steps,
                                   const Arguments& arguments) {
  client::Atomic atomic;
  std::vector<std::string> bound;
  for (const std::string& text : steps) {
    if (trimmed(text) == "or") {
      atomic.otherwise();
      bound.clear();
      continue;
    }
    Status status = Step(text).add_to(atomic, bound, arguments);
    if (status.ok()) status = atomic.status();
    if (!status.ok()) {
      return Status(status.code(), fmt::format("step '{}': {}", text, status.message()));
    }
  }
  return atomic;
}

}  // namespace tuplespace::cli
