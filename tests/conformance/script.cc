#include "tests/conformance/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tuplespace::conformance {
namespace {

// Returns where the quoted or bracketed text that begins at `at` ends.
size_t end_of_group(std::string_view line, size_t at) {
  int depth = 0;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"' || c == '\'' || c == '/') {
      for (++at; at < line.size() && line[at] != c; ++at) {
        if (line[at] == '\\') ++at;
      }
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == ']' || c == '}') {
      --depth;
    }
    if (depth <= 0) return std::min(at + 1, line.size());
  }
  return line.size();
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

Result<int64_t> parse_int(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return invalid(fmt::format("{} is no number", text));
  }
  return value;
}

Step parse_step(Words words, int line, std::string text) {
  Step step;
  step.line = line;
  step.text = std::move(text);
  if (!words.empty() && words[0].back() == ':') {
    step.client = words[0].substr(0, words[0].size() - 1);
    words.erase(words.begin());
  }
  const auto arrow = std::find(words.begin(), words.end(), "=>");
  step.command.assign(words.begin(), arrow);
  if (arrow != words.end()) step.expected.assign(arrow + 1, words.end());
  return step;
}

// "for i 1..3 STEP" is STEP three times, with $i replaced.
Status append_steps(std::string_view text, int line, std::vector<Step>& steps) {
  const Words words = split(text);
  if (words[0] != "for") {
    steps.push_back(parse_step(words, line, std::string(text)));
    return {};
  }
  const size_t dots = words.size() > 3 ? words[2].find("..") : std::string::npos;
  if (dots == std::string::npos) return invalid("for needs a name, a range 1..9 and a step");
  auto first = parse_int(std::string_view(words[2]).substr(0, dots));
  auto last = parse_int(std::string_view(words[2]).substr(dots + 2));
  if (!first.ok() || !last.ok()) return invalid(fmt::format("{} is no range", words[2]));
  for (int64_t i = *first; i <= *last; ++i) {
    Words rest(words.begin() + 3, words.end());
    std::string joined;
    for (std::string& word : rest) {
      word = replaced(std::move(word), "$" + words[1], std::to_string(i));
      joined += (joined.empty() ? "" : " ") + word;
    }
    steps.push_back(parse_step(std::move(rest), line, std::move(joined)));
  }
  return {};
}

}  // namespace

Words split(std::string_view line) {
  Words words;
  for (size_t at = 0; at < line.size();) {
    if (line[at] == ' ') {
      ++at;
      continue;
    }
    const size_t begin = at;
    const bool group = line[at] == '(' || line[at] == '"';
    at = group ? end_of_group(line, at) : std::min(line.find(' ', at), line.size());
    words.emplace_back(line.substr(begin, at - begin));
  }
  return words;
}

Result<Script> parse_script(std::string name, std::string_view text) {
  Script script;
  script.name = std::move(name);
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(' ') == std::string_view::npos || line[0] == '#') continue;
    if (line.starts_with("tags ")) {
      for (std::string& tag : split(line.substr(5))) script.tags.insert(std::move(tag));
      continue;
    }
    if (const Status status = append_steps(line, number, script.steps); !status.ok()) {
      return invalid(fmt::format("{}:{}: {}", script.name, number, status.message()));
    }
  }
  if (script.tags.empty()) return invalid(script.name + ": has no line of tags");
  return script;
}

Result<Duration> parse_duration(std::string_view text) {
  const size_t unit = text.find_first_not_of("-0123456789");
  if (unit == std::string_view::npos) return invalid(fmt::format("{} has no unit", text));
  auto number = parse_int(text.substr(0, unit));
  if (!number.ok()) return number.status();
  constexpr std::pair<std::string_view, Duration> kUnits[] = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const auto& [name, milliseconds] : kUnits) {
    if (text.substr(unit) == name) return *number * milliseconds;
  }
  return invalid(fmt::format("{} is no duration; units: ms s m h d", text));
}

}  // namespace tuplespace::conformance
