#include "tuplespace/tuple/literal.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace tuplespace {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_point(uint32_t point, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    tail(12), tail(6), tail(0);
  }
}

// Returns the number of four hexadecimal digits, or -1.
int hex_four(std::string_view text) {
  if (text.size() < 4) return -1;
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

// Reads \uXXXX, two of them for a character above U+FFFF. `at` is at the backslash.
std::string read_unicode_escape(std::string_view text, size_t& at, std::string& out) {
  const int first = hex_four(text.substr(at + 2));
  if (first < 0) return "\\u needs four hexadecimal digits";
  if (first < 0xd800 || first > 0xdfff) {
    append_point(first, out);
    at += 6;
    return {};
  }
  const bool escaped = text.substr(at + 6).starts_with("\\u");
  const int second = escaped ? hex_four(text.substr(at + 8)) : -1;
  if (first > 0xdbff || second < 0xdc00 || second > 0xdfff) {
    return fmt::format("{} is half of a character", text.substr(at, 6));
  }
  append_point(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), out);
  at += 12;
  return {};
}

std::string read_escape(std::string_view text, size_t& at, Quoting quoting, std::string& out) {
  const char c = at + 1 < text.size() ? text[at + 1] : '\0';
  switch (c) {
    case '"':
    case '\\':
    case '/': out += c; break;
    case 'b': out += '\b'; break;
    case 'f': out += '\f'; break;
    case 'n': out += '\n'; break;
    case 'r': out += '\r'; break;
    case 't': out += '\t'; break;
    case 'u': return read_unicode_escape(text, at, out);
    case '\'':
      if (quoting == Quoting::kText) {
        out += c;
        break;
      }
      [[fallthrough]];
    default:
      return quoting == Quoting::kText
                 ? R"(a string's escapes are \" \' \\ \/ \b \f \n \r \t \uXXXX)"
                 : R"(a string's escapes are \" \\ \/ \b \f \n \r \t \uXXXX)";
  }
  at += 2;
  return {};
}

// Tells a float that is too small from one that is too large: the power of ten of its first digit
// that counts.
bool is_tiny(std::string_view text) {
  const size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::string_view digits = text.substr(0, e);
  const size_t point = std::min(digits.find('.'), digits.size());
  const size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return true;
  int64_t power = static_cast<int64_t>(point) - static_cast<int64_t>(first);
  if (e < text.size()) {
    std::string_view exponent = text.substr(e + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    int64_t value = 0;
    const auto end = std::from_chars(exponent.data(), exponent.data() + exponent.size(), value);
    if (end.ec != std::errc()) return exponent.starts_with('-');
    if (std::abs(value) > 1'000'000'000) return value < 0;
    power += value;
  }
  return power < 0;
}

}  // namespace

std::string place_of(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const std::string_view row =
      newline == std::string_view::npos ? before : before.substr(newline + 1);
  const auto column = 1 + std::count_if(row.begin(), row.end(), [](char c) {
                        return (static_cast<uint8_t>(c) & 0xc0) != 0x80;
                      });
  if (text.find('\n') == std::string_view::npos) return fmt::format("column {}", column);
  return fmt::format("line {} column {}", line, column);
}

std::string read_quoted(std::string_view text, size_t& at, Quoting quoting, std::string& out) {
  const size_t begin = at;
  const char quote = text[at++];
  while (at < text.size() && text[at] != quote) {
    const char c = text[at];
    if (c == '\\') {
      std::string wrong = read_escape(text, at, quoting, out);
      if (!wrong.empty()) return wrong;
    } else {
      if (quoting == Quoting::kJson && static_cast<uint8_t>(c) < 0x20) {
        return fmt::format("a control character in a string is \\u{:04x}", c);
      }
      out += c;
      ++at;
    }
  }
  if (at == text.size()) {
    at = begin;
    return fmt::format("a string has no closing {}", quote);
  }
  ++at;
  return {};
}

bool is_invisible(uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x61c || point == 0x200e ||
         point == 0x200f || (point >= 0x202a && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

uint32_t take_point(std::string_view& text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  uint32_t point = length == 1 ? lead : lead & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) point = point << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
  text.remove_prefix(length);
  return point;
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const std::string_view here = text;
    const uint32_t point = take_point(text);
    switch (point) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (is_invisible(point)) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", point);
        } else {
          out += here.substr(0, here.size() - text.size());
        }
    }
  }
  out += '"';
}

NumberText scan_number(std::string_view text) {
  size_t at = 0;
  const auto digit_at = [&](size_t i) { return i < text.size() && is_digit(text[i]); };
  if (text.starts_with('-')) ++at;
  if (!digit_at(at)) return {};
  if (text[at] == '0') {
    ++at;
  } else {
    while (digit_at(at)) ++at;
  }
  Type type = Type::kInt;
  if (at < text.size() && text[at] == '.' && digit_at(at + 1)) {
    type = Type::kFloat;
    for (++at; digit_at(at);) ++at;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    size_t digits = at + 1;
    if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
    if (digit_at(digits)) {
      type = Type::kFloat;
      for (at = digits; digit_at(at);) ++at;
    }
  }
  return {at, type};
}

bool parse_int(std::string_view text, int64_t& value) {
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

bool parse_float(std::string_view text, double& value) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec == std::errc()) return std::isfinite(value);
  value = 0;
  return is_tiny(text);
}

void append_float(double value, std::string& out) {
  const size_t begin = out.size();
  fmt::format_to(std::back_inserter(out), "{}", value);
  if (std::isfinite(value) && out.find_first_of(".e", begin) == std::string::npos) out += ".0";
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace tuplespace
