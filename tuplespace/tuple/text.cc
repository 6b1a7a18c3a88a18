#include "tuplespace/tuple/text.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/literal.h"
#include "tuplespace/tuple/parsed.h"
#include "tuplespace/tuple/text_lexer.h"

namespace tuplespace {
namespace {

using Kind = Token::Kind;

const std::vector<std::string> kNoNames;

// A recursive descent over the grammar in docs/language.md, one method per rule. token_ is the
// next token. Methods return false after an error; the first one counts.
class TextParser {
 public:
  TextParser(std::string_view text, const Arguments& arguments, const Limits& limits,
             const std::vector<std::string>& bound = kNoNames)
      : text_(text), lexer_(text), arguments_(arguments), limits_(limits), bound_(bound) {}

  bool whole_template();
  bool whole_expressions(std::vector<Expression>& into);
  bool whole_value(size_t depth, std::string& canonical);

  ParsedItems take_fields() { return std::move(fields_); }
  const ParsedNames& names() const { return names_; }
  const Status& status() const { return status_; }

 private:
  bool fail(size_t at, std::string_view what);
  bool fail_expected(std::string_view what);
  bool fail_not_a_tuple();
  bool fail_key();
  bool advance();
  bool take(Result<Pattern> made, size_t at, Pattern& into);

  bool items(std::string_view close, size_t depth, ParsedItems& into);
  bool field(const Token& named, size_t depth, Pattern& into);
  bool simple(size_t depth, Pattern& into);
  bool symbol(size_t depth, Pattern& into);
  bool word(Pattern& into);
  bool above(Pattern& into);
  bool below(size_t at, std::string low, bool low_included, Pattern& into);
  bool scalar(Pattern& into);
  bool range(const Token& low, Pattern& into);
  bool begin();
  bool expression(Expression& into);
  bool sum(Expression& into);
  bool is_bound(const std::string& name) const {
    return std::find(bound_.begin(), bound_.end(), name) != bound_.end();
  }
  bool reference(size_t depth, Pattern& into);
  bool argument(std::string_view text, const Token& token, size_t depth, std::string& canonical);
  bool list(size_t depth, Pattern& into);
  bool map(size_t depth, Pattern& into);
  bool pair(size_t depth, MapEntry& into);
  bool check_depth(size_t depth);

  bool is_scalar() const {
    return token_.kind == Kind::kNumber || token_.kind == Kind::kString ||
           token_.kind == Kind::kBytes;
  }
  std::string_view source(const Token& token) const {
    return text_.substr(token.begin, token.end - token.begin);
  }

  std::string_view text_;
  TextLexer lexer_;
  const Arguments& arguments_;
  const Limits& limits_;
  const std::vector<std::string>& bound_;
  Token token_;
  ParsedItems fields_;
  ParsedNames names_;
  Status status_;
};

bool TextParser::fail(size_t at, std::string_view what) {
  if (status_.ok()) status_ = invalid(fmt::format("{}: {}", place_of(text_, at), what));
  return false;
}

bool TextParser::fail_expected(std::string_view what) {
  const std::string_view seen = token_.kind == Kind::kEnd ? "the end" : source(token_);
  return fail(token_.begin, fmt::format("expected {} before {}", what, seen));
}

bool TextParser::advance() {
  token_ = lexer_.next();
  return token_.kind != Kind::kBad || fail(token_.begin, token_.text);
}

bool TextParser::take(Result<Pattern> made, size_t at, Pattern& into) {
  if (!made.ok()) return fail(at, made.status().message());
  into = std::move(made).value();
  return true;
}

bool TextParser::check_depth(size_t depth) {
  return depth < limits_.depth_max ||
         fail(token_.begin,
              fmt::format("lists and maps nest deeper than depth_max {}", limits_.depth_max));
}

// What every tuple and template begins with.
bool TextParser::begin() {
  const size_t valid = utf8_length(text_);
  if (valid < text_.size()) return fail(valid, "the text is not UTF-8");
  if (!advance() || !token_.is("(")) return fail_not_a_tuple();
  return advance();
}

bool TextParser::whole_template() {
  if (!begin() || !items(")", 0, fields_)) return false;
  if (token_.kind != Kind::kEnd) return fail_expected("the end");
  const ParsedNames::Reference* const unresolved = names_.unresolved();
  return unresolved == nullptr ||
         fail(unresolved->at, fmt::format("${0} has no value; give --arg {0} VALUE",
                                          names_.names()[unresolved->name]));
}

bool TextParser::fail_not_a_tuple() {
  if (!status_.ok()) return false;
  if (token_.kind == Kind::kEnd) {
    status_ = invalid("not a tuple; the empty one is ()");
  } else if (token_.kind == Kind::kWord) {
    status_ = invalid(fmt::format("not a tuple; strings need quotes: (\"{}\")", token_.text));
  } else {
    status_ = invalid("not a tuple; its fields stand in parentheses: (\"job\", 7)");
  }
  return false;
}

bool TextParser::whole_value(size_t depth, std::string& canonical) {
  Pattern pattern;
  if (!advance() || !simple(depth, pattern)) return false;
  if (token_.kind != Kind::kEnd) return fail_expected("the end");
  if (pattern.kind != Pattern::Kind::kValue) return fail(0, "not a value");
  canonical = std::move(pattern.value);
  return true;
}

// items and the closing bracket behind them.
bool TextParser::items(std::string_view close, size_t depth, ParsedItems& into) {
  while (!token_.is(close)) {
    if (into.rest()) return fail(token_.begin, "nothing comes after ...");
    const Token named = token_;
    if (named.kind == Kind::kNamed && !advance()) return false;
    if (token_.is("...")) {
      into.add_rest(named.kind == Kind::kNamed ? names_.name_field(named.text) : -1);
      if (!advance()) return false;
    } else {
      Pattern pattern;
      if (!field(named, depth, pattern)) return false;
      into.add(std::move(pattern));
    }
    if (token_.is(close)) break;
    if (!token_.is(",")) return fail_expected(fmt::format("\",\" or \"{}\"", close));
    if (!advance()) return false;
  }
  return advance();
}

// A field behind its name, if it has one.
bool TextParser::field(const Token& named, size_t depth, Pattern& into) {
  const bool has_name = named.kind == Kind::kNamed;
  const size_t at = token_.begin;
  std::vector<Pattern> choices(1);
  const auto type = token_.kind == Kind::kWord ? type_of_name(token_.text) : std::nullopt;
  if (has_name && type && *type != Type::kNull) {
    choices[0] = type_pattern(*type);
    if (!advance()) return false;
  } else if (!simple(depth, choices[0])) {
    return false;
  }
  while (token_.is("|")) {
    if (!advance() || !simple(depth, choices.emplace_back())) return false;
  }
  if (choices.size() == 1) {
    into = std::move(choices[0]);
  } else if (!take(choice_pattern(std::move(choices)), at, into)) {
    return false;
  }
  if (!has_name) return true;
  if (into.name >= 0) return fail(at, fmt::format("the field has a name already, {}", named.text));
  into.name = names_.name_field(named.text);
  return true;
}

bool TextParser::simple(size_t depth, Pattern& into) {
  switch (token_.kind) {
    case Kind::kType: into = type_pattern(token_.type); return advance();
    case Kind::kNumber:
    case Kind::kString:
    case Kind::kBytes: return scalar(into);
    case Kind::kSpace: into = value_pattern(token_.text); return advance();
    case Kind::kWord: return word(into);
    case Kind::kRegex: return take(regex_pattern(token_.text), token_.begin, into) && advance();
    case Kind::kReference: return reference(depth, into);
    case Kind::kSymbol: return symbol(depth, into);
    case Kind::kNamed:
      return fail(token_.begin, "a name stands in front of a field, not inside: ?x:1|2");
    case Kind::kEnd:
    case Kind::kBad: break;
  }
  return fail_expected("a value");
}

bool TextParser::symbol(size_t depth, Pattern& into) {
  if (token_.is("?")) {
    into = any_pattern();
    return advance();
  }
  if (token_.is("[")) return list(depth, into);
  if (token_.is("{")) return map(depth, into);
  if (token_.is(">") || token_.is(">=")) return above(into);
  if (token_.is("<") || token_.is("<=")) return below(token_.begin, {}, true, into);
  if (token_.is("*")) return fail(token_.begin, "any value is ?, any further fields are ...");
  if (token_.is("(")) {
    const size_t at = token_.begin + 1;
    const size_t end = text_.find_first_of("()[]{}\"'", at);
    const bool plain = end != std::string_view::npos && text_[end] == ')' && end - at < 40;
    return fail(token_.begin, fmt::format("a tuple is not a value; write a list: [{}]",
                                          plain ? text_.substr(at, end - at) : "2, 3"));
  }
  return fail_expected("a value");
}

bool TextParser::word(Pattern& into) {
  const std::string& word = token_.text;
  std::string canonical;
  if (word == "null") {
    encode_null(canonical);
  } else if (word == "true" || word == "false") {
    encode_bool(word == "true", canonical);
  } else {
    static constexpr std::pair<std::string_view, std::string_view> kMeant[] = {
        {"True", "true"},    {"TRUE", "true"}, {"False", "false"}, {"FALSE", "false"},
        {"None", "null"},    {"nil", "null"},  {"Null", "null"},   {"NULL", "null"},
        {"Infinity", "inf"}, {"Inf", "inf"},
    };
    for (const auto& [seen, meant] : kMeant) {
      if (word == seen) {
        return fail(token_.begin, fmt::format("unknown word {}; did you mean {}?", seen, meant));
      }
    }
    if (word == "nan" || word == "NaN") return fail(token_.begin, "NaN is not a value");
    if (type_of_name(word)) {
      return fail(token_.begin, fmt::format("unknown word {0}; any {0} is ?{0}", word));
    }
    return fail(token_.begin, fmt::format("unknown word {0}; strings need quotes: \"{0}\"", word));
  }
  into = value_pattern(std::move(canonical));
  return advance();
}

bool TextParser::above(Pattern& into) {
  const size_t at = token_.begin;
  const bool included = token_.is(">=");
  if (!advance()) return false;
  if (!is_scalar()) return fail_expected("a number, string or bytes");
  std::string low = token_.text;
  if (!advance()) return false;
  if (token_.is("<") || token_.is("<=")) return below(at, std::move(low), included, into);
  return take(range_pattern(std::move(low), included, {}, true), at, into);
}

bool TextParser::below(size_t at, std::string low, bool low_included, Pattern& into) {
  const bool included = token_.is("<=");
  if (!advance()) return false;
  if (!is_scalar()) return fail_expected("a number, string or bytes");
  return take(range_pattern(std::move(low), low_included, token_.text, included), at, into) &&
         advance();
}

// A number, string or bytes, or what can begin with one: a range or prefix.
bool TextParser::scalar(Pattern& into) {
  const Token first = token_;
  if (!advance()) return false;
  if (token_.is("..") || token_.is("...")) return range(first, into);
  if (token_.is("*") && first.kind != Kind::kNumber) {
    std::string scratch;
    const std::string_view text = decode_text(first.text, scratch);
    into = first.kind == Kind::kString ? string_prefix_pattern(text) : bytes_prefix_pattern(text);
    return advance();
  }
  into = value_pattern(first.text);
  return true;
}

bool TextParser::range(const Token& low, Pattern& into) {
  const Token dots = token_;
  if (!advance()) return false;
  if (dots.is("...")) {
    if (!is_scalar()) return fail(dots.begin, "expected \",\" before ...");
    return fail(dots.begin,
                fmt::format("a range has two dots: {}..{}", source(low), source(token_)));
  }
  if (!is_scalar()) return fail_expected("the end of the range");
  return take(range_pattern(low.text, true, token_.text, true), low.begin, into) && advance();
}

bool TextParser::whole_expressions(std::vector<Expression>& into) {
  if (!begin()) return false;
  while (!token_.is(")")) {
    if (!expression(into.emplace_back())) return false;
    if (token_.is(")")) break;
    if (!token_.is(",")) return fail_expected("\",\" or \")\"");
    if (!advance()) return false;
  }
  return advance() && (token_.kind == Kind::kEnd || fail_expected("the end"));
}

// A field that is put: a value, or what a name stands for, plus a number.
bool TextParser::expression(Expression& into) {
  if (token_.kind == Kind::kReference) return sum(into);
  const size_t at = token_.begin;
  Pattern pattern;
  if (!simple(0, pattern)) return false;
  if (pattern.kind != Pattern::Kind::kValue) {
    return fail(at, fmt::format("out needs values or names; this is the template {}",
                                pattern_to_text(pattern, names_.names())));
  }
  into.value = std::move(pattern.value);
  return true;
}

bool TextParser::sum(Expression& into) {
  const auto given = arguments_.find(token_.text);
  if (given == arguments_.end()) {
    if (!is_bound(token_.text)) {
      return fail(token_.begin,
                  fmt::format("${0} has no value; an earlier step names it ?{0}:", token_.text));
    }
    into.name = token_.text;
    into.type = token_.type;
    into.add = token_.add;
    return advance();
  }
  if (!argument(given->second, token_, 0, into.value)) return false;
  if (token_.add != 0) {
    Result<std::string> sum = sum_of(into.value, token_.add, token_.text);
    if (!sum.ok()) return fail(token_.begin, sum.status().message());
    into.value = std::move(*sum);
  }
  return advance();
}

bool TextParser::reference(size_t depth, Pattern& into) {
  if (token_.add != 0) {
    return fail(token_.begin, "a sum stands alone in a field that is put, not in a template");
  }
  const auto given = arguments_.find(token_.text);
  if (given != arguments_.end()) {
    std::string canonical;
    if (!argument(given->second, token_, depth, canonical)) return false;
    into = value_pattern(std::move(canonical));
  } else if (is_bound(token_.text)) {
    into = reference_pattern(token_.text, token_.type);
  } else {
    into = type_pattern(token_.type);
    into.name = names_.refer_to(token_.text, token_.begin);
  }
  return advance();
}

// Reads the text of an argument as the type that is asked for; text itself needs no quotes.
bool TextParser::argument(std::string_view text, const Token& token, size_t depth,
                          std::string& canonical) {
  const Type type = token.typed ? token.type : Type::kString;
  double number = 0;
  switch (type) {
    case Type::kString:
      if (!is_utf8(text)) {
        return fail(token.begin,
                    fmt::format("--arg {0} is not UTF-8; take it as ${0}:bytes", token.text));
      }
      encode_string(text, canonical);
      return true;
    case Type::kBytes: encode_bytes(text, canonical); return true;
    case Type::kSpace:
      if (!is_space_name(text)) break;
      encode_space(text, canonical);
      return true;
    case Type::kFloat:  // 30 is 30.0 here
      if (text == "inf" || text == "-inf") {
        number = std::numeric_limits<double>::infinity();
        if (text[0] == '-') number = -number;
      } else if (text.empty() || scan_number(text).length != text.size() ||
                 !parse_float(text, number)) {
        break;
      }
      encode_float(number, canonical);
      return true;
    default: {
      if (!is_utf8(text)) break;
      static const Arguments kNone;
      TextParser parser(text, kNone, limits_);
      if (!parser.whole_value(depth, canonical)) break;
      if (type == Type::kAny || type_of(canonical) == type) return true;
    }
  }
  std::string quoted;
  append_quoted(text.substr(0, utf8_length(text)), quoted);
  return fail(token.begin,
              fmt::format("--arg {} is no {}: {}", token.text, type_name(type), quoted));
}

bool TextParser::list(size_t depth, Pattern& into) {
  if (!check_depth(depth)) return false;
  ParsedItems items;
  if (!advance() || !this->items("]", depth + 1, items)) return false;
  into = items.take_list();
  return true;
}

bool TextParser::map(size_t depth, Pattern& into) {
  if (!check_depth(depth)) return false;
  const size_t at = token_.begin;
  std::vector<MapEntry> entries;
  bool rest = false;
  if (!advance()) return false;
  while (!token_.is("}")) {
    if (rest) return fail(token_.begin, "nothing comes after ...");
    if (token_.is("...")) {
      rest = true;
      if (!advance()) return false;
    } else if (!pair(depth + 1, entries.emplace_back())) {
      return false;
    }
    if (token_.is("}")) break;
    if (!token_.is(",")) return fail_expected("\",\" or \"}\"");
    if (!advance()) return false;
  }
  return take(map_pattern(std::move(entries), rest), at, into) && advance();
}

bool TextParser::pair(size_t depth, MapEntry& into) {
  if (token_.kind != Kind::kString) return fail_key();
  into.key = token_.text;
  if (!advance()) return false;
  if (!token_.is(":")) return fail_expected("\":\" and a value");
  if (!advance()) return false;
  const Token named = token_;
  if (named.kind == Kind::kNamed && !advance()) return false;
  return field(named, depth, into.pattern);
}

bool TextParser::fail_key() {
  if (token_.kind != Kind::kWord && token_.kind != Kind::kNumber) return fail_expected("a key");
  const size_t colon = text_.find_first_not_of(" \t\r\n", token_.end);
  std::string_view value = "1";
  if (colon != std::string_view::npos && text_[colon] == ':') {
    const size_t begin = std::min(text_.find_first_not_of(" \t\r\n", colon + 1), text_.size());
    const size_t end = text_.find_first_of(",}()[]{\"'", begin);
    const bool plain = end != std::string_view::npos && end > begin && end - begin < 40 &&
                       (text_[end] == ',' || text_[end] == '}');
    if (plain) value = text_.substr(begin, end - begin);
  }
  return fail(token_.begin,
              fmt::format("map keys are strings: {{\"{}\": {}}}", source(token_), value));
}

}  // namespace

Result<Tuple> parse_tuple(std::string_view text, const Arguments& arguments, const Limits& limits) {
  TextParser parser(text, arguments, limits);
  if (!parser.whole_template()) return parser.status();
  return tuple_of(parser.take_fields(), parser.names(), limits);
}

Result<Template> parse_template(std::string_view text, const Arguments& arguments,
                                const Limits& limits, const std::vector<std::string>& bound) {
  TextParser parser(text, arguments, limits, bound);
  if (!parser.whole_template()) return parser.status();
  return template_of(parser.take_fields(), parser.names(), limits);
}

Result<std::vector<Expression>> parse_expressions(std::string_view text,
                                                  const std::vector<std::string>& bound,
                                                  const Arguments& arguments,
                                                  const Limits& limits) {
  TextParser parser(text, arguments, limits, bound);
  std::vector<Expression> fields;
  if (!parser.whole_expressions(fields)) return parser.status();
  TS_RETURN_IF_ERROR(check_size(fields.size(), 0, limits));
  return fields;
}

}  // namespace tuplespace
