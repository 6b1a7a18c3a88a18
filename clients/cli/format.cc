#include "clients/cli/format.h"

#include <fmt/format.h>

#include <charconv>

#include "tuplespace/tuple/encoding.h"

namespace tuplespace::cli {
namespace {

constexpr std::string_view kColumn = "column ";
constexpr std::string_view kLine = "line ";

// Removes `word` and a number from the front of `text` and returns the number, or 0.
size_t take_number(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return 0;
  size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + word.size(), end, number);
  if (error != std::errc()) return 0;
  text.remove_prefix(at - text.data());
  return number;
}

std::string_view line_of(std::string_view text, size_t number) {
  for (; number > 1; --number) {
    const size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return {};
    text.remove_prefix(newline + 1);
  }
  return text.substr(0, text.find('\n'));
}

bool is_json(const std::string& text) { return text.starts_with("["); }

Result<std::string> print_line(const Tuple& tuple, Form form) {
  const char* const option = form == Form::kLines ? "--lines" : "--byte-lines";
  const char* const what = form == Form::kLines ? "string" : "bytes value";
  const bool right =
      tuple.arity() == 1 && (tuple.at(0).type() == Type::kString ||
                             (form == Form::kByteLines && tuple.at(0).type() == Type::kBytes));
  if (!right) {
    return invalid(
        fmt::format("{} cannot be printed with {}, which prints tuples of one {}; it "
                    "went back",
                    to_text(tuple), option, what));
  }
  const Value value = tuple.at(0);
  const std::string& text = value.type() == Type::kString ? value.as_string() : value.as_bytes();
  if (text.find('\n') != std::string::npos) {
    return invalid(
        fmt::format("{} cannot be printed with {}: it has a line break; it went back; "
                    "use --json",
                    to_text(tuple), option));
  }
  return text;
}

}  // namespace

Result<Tuple> read_tuple(const Settings& settings) {
  if (is_json(settings.text)) return tuple_from_json(settings.text);
  return parse_tuple(settings.text, settings.arguments);
}

Result<Template> read_template(const Settings& settings) {
  if (!settings.has_text) return Template::of({}, {}, true);
  if (is_json(settings.text)) return template_from_json(settings.text);
  return parse_template(settings.text, settings.arguments);
}

Result<Tuple> read_line(std::string_view line, const Settings& settings) {
  switch (settings.form) {
    case Form::kJson: return tuple_from_json(line);
    case Form::kByteLines: return Tuple::of({Value(Bytes{std::string(line)})});
    default: break;
  }
  if (!is_utf8(line)) {
    return invalid("not UTF-8; --byte-lines stores bytes as they are", "line");
  }
  return Tuple::of({Value(line)});
}

Result<std::string> print(const Tuple& tuple, const Settings& settings) {
  switch (settings.form) {
    case Form::kText: return to_text(tuple);
    case Form::kJson: return to_json(tuple, settings.numbers);
    default: return print_line(tuple, settings.form);
  }
}

std::string with_caret(const std::string& message, const std::string& text) {
  std::string_view rest = message;
  const size_t line_number = take_number(rest, kLine);
  if (line_number > 0 && rest.starts_with(' ')) rest.remove_prefix(1);
  const size_t column = take_number(rest, kColumn);
  if (column == 0) return message;
  const std::string_view line = line_of(text, std::max<size_t>(line_number, 1));
  return fmt::format("{}\n{}\n{:>{}}", message, line, '^', column);
}

}  // namespace tuplespace::cli
