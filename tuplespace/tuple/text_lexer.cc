#include "tuplespace/tuple/text_lexer.h"

#include <limits>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/literal.h"

namespace tuplespace {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_begin(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool is_word(char c) { return is_word_begin(c) || is_digit(c); }
bool is_quote(char c) { return c == '"' || c == '\''; }

// Returns the number that was meant by a text that is none, or "".
std::string number_meant(std::string_view text) {
  std::string sign;
  if (text.starts_with('+') || text.starts_with('-')) {
    if (text[0] == '-') sign = "-";
    text.remove_prefix(1);
  }
  while (text.size() > 1 && text[0] == '0' && is_digit(text[1])) text.remove_prefix(1);
  std::string meant = sign;
  if (text.starts_with('.')) meant += '0';
  meant += text;
  if (text.ends_with('.')) meant += '0';
  return scan_number(meant).length == meant.size() ? meant : "";
}

}  // namespace

std::string unknown_type(std::string_view word) {
  std::string types;
  for (int i = 0; i <= static_cast<int>(Type::kSpace); ++i) {
    types += ' ';
    types += type_name(static_cast<Type>(i));
  }
  return fmt::format("no type \"{}\"; types:{}", word, types);
}

char TextLexer::peek(size_t ahead) const {
  return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
}

std::string_view TextLexer::take_word() {
  const size_t begin = at_;
  while (is_word(peek())) ++at_;
  return text_.substr(begin, at_ - begin);
}

Token TextLexer::made(Token::Kind kind, std::string text) {
  Token token;
  token.kind = kind;
  token.begin = begin_;
  token.end = at_;
  token.text = std::move(text);
  return token;
}

Token TextLexer::bad(size_t at, std::string what) {
  Token token = made(Token::Kind::kBad, std::move(what));
  token.begin = at;
  return token;
}

Token TextLexer::next() {
  while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  begin_ = at_;
  if (at_ == text_.size()) return made(Token::Kind::kEnd, {});
  const char c = peek();
  if (is_digit(c) || c == '-' || c == '+' || (c == '.' && is_digit(peek(1)))) return number();
  if (c == 'b' && is_quote(peek(1))) return bytes();
  if (c == 'x' && is_quote(peek(1))) return hex_bytes();
  if (is_word_begin(c)) {
    std::string word(take_word());
    if (word != "inf") return made(Token::Kind::kWord, std::move(word));
    Token token = made(Token::Kind::kNumber, {});
    encode_float(std::numeric_limits<double>::infinity(), token.text);
    return token;
  }
  switch (c) {
    case '"':
    case '\'': return string();
    case '?': return question();
    case '$': return reference();
    case '/': return regex();
    case '@': return space();
    default: break;
  }
  for (const std::string_view symbol :
       {"...", "..", "<=", ">=", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", "|", "*"}) {
    if (rest().starts_with(symbol)) {
      at_ += symbol.size();
      return made(Token::Kind::kSymbol, std::string(symbol));
    }
  }
  std::string_view after = rest();
  take_point(after);
  const std::string_view seen = rest().substr(0, rest().size() - after.size());
  std::string quoted;
  append_quoted(seen, quoted);
  return bad(at_, quoted + " begins no value");
}

Token TextLexer::number() {
  if (rest().starts_with("-inf") && !is_word(peek(4))) {
    at_ += 4;
    Token token = made(Token::Kind::kNumber, {});
    encode_float(-std::numeric_limits<double>::infinity(), token.text);
    return token;
  }
  const NumberText scanned = scan_number(rest());
  const std::string_view digits = rest().substr(0, scanned.length);
  const bool dot = peek(scanned.length) == '.' && peek(scanned.length + 1) != '.';
  if (scanned.length == 0 || is_word(peek(scanned.length)) || dot) return bad_number();
  at_ += scanned.length;
  Token token = made(Token::Kind::kNumber, {});
  if (scanned.type == Type::kInt) {
    int64_t value = 0;
    if (!parse_int(digits, value)) {
      return bad(begin_, fmt::format("{} is beyond int, -2^63 to 2^63-1", digits));
    }
    encode_int(value, token.text);
  } else {
    double value = 0;
    if (!parse_float(digits, value)) return bad(begin_, fmt::format("{} is beyond float", digits));
    encode_float(value, token.text);
  }
  return token;
}

Token TextLexer::bad_number() {
  ++at_;  // a sign, a digit or a dot
  while (is_word(peek()) || (peek() == '.' && peek(1) != '.')) ++at_;
  const std::string_view seen = text_.substr(begin_, at_ - begin_);
  const std::string meant = number_meant(seen);
  return bad(begin_, meant.empty() ? fmt::format("{} is not a number", seen)
                                   : fmt::format("{} is not a number; write {}", seen, meant));
}

Token TextLexer::question() {
  ++at_;
  if (!is_word_begin(peek())) return made(Token::Kind::kSymbol, "?");
  const std::string word(take_word());
  const auto type = type_of_name(word);
  const bool named = peek() == ':';
  if (!type && !named) {
    return bad(begin_, fmt::format("{}; to name a field: ?{}:any", unknown_type(word), word));
  }
  if (type && named) {
    return bad(begin_, fmt::format("\"{}\" is a type; call the field something else", word));
  }
  if (named) {
    ++at_;
    return made(Token::Kind::kNamed, word);
  }
  Token token = made(Token::Kind::kType, word);
  token.type = *type;
  return token;
}

Token TextLexer::reference() {
  ++at_;
  const std::string name(is_word_begin(peek()) ? take_word() : std::string_view());
  if (name.empty()) return bad(begin_, "$ begins the name of an argument: $id or $id:int");
  if (type_of_name(name)) {
    return bad(begin_, fmt::format("\"{}\" is a type; call the argument something else", name));
  }
  Token token = made(Token::Kind::kReference, name);
  if (peek() == ':' && is_word_begin(peek(1))) {
    ++at_;
    const std::string word(take_word());
    const auto type = type_of_name(word);
    if (!type) return bad(begin_, unknown_type(word));
    token.type = *type;
    token.typed = true;
    token.end = at_;
  }
  const bool sum = (peek() == '+' || peek() == '-') && is_digit(peek(1));
  if (sum && !take_sum(token)) {
    return bad(token.end, "behind $id stands an int to add or take away: $id+1 or $id-1");
  }
  return token;
}

// Reads the "+1" behind a reference.
bool TextLexer::take_sum(Token& token) {
  const std::string_view digits = rest().substr(1);
  const NumberText scanned = scan_number(digits);
  const char behind = peek(1 + scanned.length);
  const std::string_view number =
      peek() == '+' ? digits.substr(0, scanned.length) : rest().substr(0, 1 + scanned.length);
  if (scanned.type != Type::kInt || is_word(behind) || behind == '.') return false;
  if (!parse_int(number, token.add)) return false;
  at_ += 1 + scanned.length;
  token.end = at_;
  return true;
}

Token TextLexer::string() {
  std::string value;
  std::string wrong = read_quoted(text_, at_, Quoting::kText, value);
  if (!wrong.empty()) return bad(at_, std::move(wrong));
  Token token = made(Token::Kind::kString, {});
  encode_string(value, token.text);
  return token;
}

Token TextLexer::bytes() {
  const char quote = peek(1);
  std::string value;
  for (at_ += 2; at_ < text_.size() && peek() != quote;) {
    const char c = peek();
    if (c < 0x20 || c > 0x7e) return bad(at_, "bytes are ASCII with \\xHH");
    if (c != '\\') {
      value += c;
      ++at_;
      continue;
    }
    switch (peek(1)) {
      case '\\':
      case '"':
      case '\'': value += peek(1); break;
      case 'n': value += '\n'; break;
      case 'r': value += '\r'; break;
      case 't': value += '\t'; break;
      case 'x': {
        const int high = hex_digit(peek(2));
        const int low = hex_digit(peek(3));
        if (high < 0 || low < 0) return bad(at_, "\\x needs two hexadecimal digits");
        value += static_cast<char>(high << 4 | low);
        at_ += 2;
        break;
      }
      default: return bad(at_, R"(the escapes of bytes are \\ \" \' \n \r \t \xHH)");
    }
    at_ += 2;
  }
  if (at_ == text_.size()) return bad(begin_, fmt::format("bytes have no closing {}", quote));
  ++at_;
  Token token = made(Token::Kind::kBytes, {});
  encode_bytes(value, token.text);
  return token;
}

Token TextLexer::hex_bytes() {
  const char quote = peek(1);
  std::string value;
  for (at_ += 2; at_ < text_.size() && peek() != quote; at_ += 2) {
    const int high = hex_digit(peek());
    const int low = hex_digit(peek(1));
    if (high < 0 || low < 0) return bad(at_, "x\"...\" holds pairs of hexadecimal digits");
    value += static_cast<char>(high << 4 | low);
  }
  if (at_ == text_.size()) return bad(begin_, fmt::format("bytes have no closing {}", quote));
  ++at_;
  Token token = made(Token::Kind::kBytes, {});
  encode_bytes(value, token.text);
  return token;
}

Token TextLexer::regex() {
  std::string source;
  for (++at_; at_ < text_.size() && peek() != '/'; ++at_) {
    if (peek() == '\\' && at_ + 1 < text_.size()) {
      if (peek(1) != '/') source += '\\';
      ++at_;
    }
    source += peek();
  }
  if (at_ == text_.size()) return bad(begin_, "a regular expression has no closing /");
  ++at_;
  return made(Token::Kind::kRegex, std::move(source));
}

Token TextLexer::space() {
  ++at_;
  if (!is_quote(peek())) return bad(begin_, "a space is @\"name\"");
  std::string name;
  std::string wrong = read_quoted(text_, at_, Quoting::kText, name);
  if (!wrong.empty()) return bad(at_, std::move(wrong));
  if (!is_space_name(name)) {
    return bad(begin_, "a space's name is made of A-Z a-z 0-9 . _ / -, at most 128 of them");
  }
  Token token = made(Token::Kind::kSpace, {});
  encode_space(name, token.text);
  return token;
}

}  // namespace tuplespace
