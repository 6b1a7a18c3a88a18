#include "tests/model/steps_text.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

class StepsParser {
 public:
  explicit StepsParser(std::string_view text) : text_(text) { next(); }

  Result<std::vector<Steps>> alternatives() {
    std::vector<Steps> all(1);
    bound_.clear();
    while (true) {
      Result<Step> made = step();
      if (!made.ok()) return made.status();
      all.back().push_back(std::move(*made));
      if (word_.empty()) return all;
      if (word_ == "or") {
        all.emplace_back();
        bound_.clear();
      } else if (word_ != ";") {
        return wrong("\";\" or \"or\"");
      }
      next();
    }
  }

 private:
  // The next word: up to a blank, or to the end of what brackets it.
  void next() {
    text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size()));
    size_t end = std::min(text_.find(' '), text_.size());
    if (text_.starts_with('(')) end = end_of_group();
    word_ = text_.substr(0, end);
    text_.remove_prefix(end);
  }
  size_t end_of_group() const {
    int depth = 0;
    for (size_t at = 0; at < text_.size(); ++at) {
      const char c = text_[at];
      if (c == '"' || c == '\'' || c == '/') {
        for (++at; at < text_.size() && text_[at] != c; ++at) at += text_[at] == '\\';
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth == 0) {
        return at + 1;
      }
    }
    return text_.size();
  }
  std::string take() {
    std::string word(word_);
    next();
    return word;
  }
  bool take_if(std::string_view word) {
    if (word_ != word) return false;
    next();
    return true;
  }
  Status wrong(std::string_view expected) const {
    return invalid(fmt::format("expected {} before \"{}\"", expected, word_));
  }
  Status number(auto& into) {
    const auto [end, error] = std::from_chars(word_.data(), word_.data() + word_.size(), into);
    if (error != std::errc() || end != word_.data() + word_.size()) return wrong("a number");
    next();
    return {};
  }
  Status duration(std::optional<Duration>& into) { return number(into.emplace()); }

  Status wanted(Template& into, bool binds) {
    Result<Template> parsed = parse_template(take(), {}, {}, bound_);
    if (!parsed.ok()) return parsed.status();
    into = *parsed;
    if (binds) bound_.insert(bound_.end(), into.names().begin(), into.names().end());
    return {};
  }

  Result<Step> step() {
    const std::string verb = take();
    const std::string space = take();
    if (verb == "in" || verb == "rd") {
      TakeStep take{space, {}, verb == "in", {}};
      TS_RETURN_IF_ERROR(wanted(take.wanted, true));
      if (take_if("hold")) TS_RETURN_IF_ERROR(duration(take.hold));
      return Step(std::move(take));
    }
    if (verb == "out") return out(space);
    if (verb == "count") return count(space);
    if (verb == "settle") return settle(space);
    return invalid("no step " + verb);
  }

  Result<Step> out(const std::string& space) {
    OutStep out{space, {}, {}, {}, false};
    Result<std::vector<Expression>> fields = parse_expressions(take(), bound_);
    if (!fields.ok()) return fields.status();
    out.fields = std::move(*fields);
    while (true) {
      if (take_if("ttl")) {
        TS_RETURN_IF_ERROR(duration(out.ttl));
      } else if (take_if("delay")) {
        TS_RETURN_IF_ERROR(duration(out.delay));
      } else if (take_if("bound")) {
        out.bound = true;
      } else {
        return Step(std::move(out));
      }
    }
  }

  Result<Step> count(const std::string& space) {
    CountStep count{space, {}, Comparison::kEqual, 0};
    TS_RETURN_IF_ERROR(wanted(count.wanted, false));
    const std::string comparison = take();
    if (comparison == "<") count.comparison = Comparison::kLess;
    if (comparison == ">") count.comparison = Comparison::kGreater;
    TS_RETURN_IF_ERROR(number(count.value));
    return Step(std::move(count));
  }

  Result<Step> settle(const std::string& space) {
    Settle settle{space, 0, Settlement::kDone, 0, {}};
    TS_RETURN_IF_ERROR(number(settle.token));
    const std::string how = take();
    if (how == "back") settle.settlement = Settlement::kBack;
    if (how == "tail") settle.settlement = Settlement::kTail;
    if (how == "dead") {
      settle.settlement = Settlement::kDead;
      settle.reason = take();
    } else if (how == "back" && !word_.empty() && word_ != ";" && word_ != "or") {
      TS_RETURN_IF_ERROR(number(settle.after));
    }
    return Step(std::move(settle));
  }

  std::string_view text_;
  std::string_view word_;
  std::vector<std::string> bound_;
};

std::string step_text(const Step& step) {
  if (const auto* take = std::get_if<TakeStep>(&step)) {
    std::string text =
        fmt::format("{} {} {}", take->remove ? "in" : "rd", take->space, to_text(take->wanted));
    return take->hold ? text + fmt::format(" hold {}", *take->hold) : text;
  }
  if (const auto* out = std::get_if<OutStep>(&step)) {
    std::string text = fmt::format("out {} {}", out->space, to_text(out->fields));
    if (out->ttl) text += fmt::format(" ttl {}", *out->ttl);
    if (out->delay) text += fmt::format(" delay {}", *out->delay);
    return out->bound ? text + " bound" : text;
  }
  if (const auto* count = std::get_if<CountStep>(&step)) {
    constexpr const char* kSigns[] = {"?", "<", "=", ">"};
    return fmt::format("count {} {} {} {}", count->space, to_text(count->wanted),
                       kSigns[static_cast<int>(count->comparison)], count->value);
  }
  constexpr const char* kHow[] = {"?", "done", "back", "tail", "dead"};
  const auto& settle = std::get<Settle>(step);
  return fmt::format("settle {} {} {}", settle.space, settle.token,
                     kHow[static_cast<int>(settle.settlement)]);
}

}  // namespace

Result<std::vector<Steps>> parse_steps(std::string_view text) {
  return StepsParser(text).alternatives();
}

std::string to_text(const std::vector<Steps>& alternatives) {
  std::string text;
  for (const Steps& steps : alternatives) {
    if (&steps != &alternatives.front()) text += " or ";
    for (const Step& step : steps) {
      if (&step != &steps.front()) text += " ; ";
      text += step_text(step);
    }
  }
  return text;
}

}  // namespace tuplespace
