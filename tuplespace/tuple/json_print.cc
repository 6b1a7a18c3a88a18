#include <cmath>

#include <fmt/format.h>

#include "tuplespace/tuple/base64.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/json.h"
#include "tuplespace/tuple/literal.h"

namespace tuplespace {
namespace {

// Programs that read JSON through doubles keep integers up to here.
constexpr int64_t kPlainIntMax = (int64_t{1} << 53) - 1;

const std::vector<std::string> kNoNames;

class JsonPrinter {
 public:
  JsonPrinter(JsonNumbers numbers, const std::vector<std::string>& names, std::string& out)
      : tagged_(numbers == JsonNumbers::kTagged), names_(names), out_(out) {}

  void value(std::string_view field);
  void items(const std::vector<Pattern>& patterns, bool rest, int rest_name);

 private:
  void number(int64_t number);
  void number(double number);
  void bytes(std::string_view bytes);
  void list(std::string_view items);
  void map(std::string_view entries);

  void pattern(const Pattern& pattern);
  void unnamed(const Pattern& pattern);
  void range(const Pattern& pattern);
  void map(const Pattern& pattern);

  bool tagged_;
  const std::vector<std::string>& names_;
  std::string& out_;
};

void JsonPrinter::value(std::string_view field) {
  std::string scratch;
  switch (type_of(field)) {
    case Type::kAny:
    case Type::kNull: out_ += "null"; break;
    case Type::kBool:
      out_ += static_cast<uint8_t>(field[0]) == code::kTrue ? "true" : "false";
      break;
    case Type::kInt: number(decode_int(field)); break;
    case Type::kFloat: number(decode_float(field)); break;
    case Type::kString: append_quoted(decode_text(field, scratch), out_); break;
    case Type::kBytes: bytes(decode_text(field, scratch)); break;
    case Type::kSpace:
      out_ += "{\"$space\":";
      append_quoted(decode_text(field, scratch), out_);
      out_ += '}';
      break;
    case Type::kList: list(field.substr(1, field.size() - 2)); break;
    case Type::kMap: map(field.substr(1, field.size() - 2)); break;
  }
}

void JsonPrinter::number(int64_t number) {
  const bool plain = !tagged_ && number >= -kPlainIntMax && number <= kPlainIntMax;
  out_ += plain ? fmt::format("{}", number) : fmt::format("{{\"$int\":\"{}\"}}", number);
}

void JsonPrinter::number(double number) {
  const bool plain = !tagged_ && std::isfinite(number);
  if (!plain) out_ += "{\"$float\":\"";
  append_float(number, out_);
  if (!plain) out_ += "\"}";
}

void JsonPrinter::bytes(std::string_view bytes) {
  out_ += "{\"$bytes\":\"";
  append_base64(bytes, out_);
  out_ += "\"}";
}

void JsonPrinter::list(std::string_view items) {
  out_ += '[';
  while (!items.empty()) {
    value(take_field(items));
    if (!items.empty()) out_ += ',';
  }
  out_ += ']';
}

bool begins_with_dollar(std::string_view canonical_key) { return canonical_key[1] == '$'; }

void JsonPrinter::map(std::string_view entries) {
  bool dollar = false;
  for (std::string_view rest = entries; !rest.empty(); take_field(rest)) {
    dollar |= begins_with_dollar(take_field(rest));
  }
  out_ += dollar ? "{\"$map\":{" : "{";
  while (!entries.empty()) {
    value(take_field(entries));
    out_ += ':';
    value(take_field(entries));
    if (!entries.empty()) out_ += ',';
  }
  out_ += dollar ? "}}" : "}";
}

void JsonPrinter::items(const std::vector<Pattern>& patterns, bool rest, int rest_name) {
  out_ += '[';
  for (const Pattern& item : patterns) {
    if (&item != &patterns.front()) out_ += ',';
    pattern(item);
  }
  if (rest) {
    if (!patterns.empty()) out_ += ',';
    out_ += "{\"$rest\":";
    out_ += rest_name < 0 ? "true" : fmt::format("\"{}\"", names_[rest_name]);
    out_ += '}';
  }
  out_ += ']';
}

void JsonPrinter::pattern(const Pattern& pattern) {
  if (pattern.name < 0) return unnamed(pattern);
  out_ += fmt::format("{{\"$as\":\"{}\",\"$is\":", names_[pattern.name]);
  unnamed(pattern);
  out_ += '}';
}

void JsonPrinter::unnamed(const Pattern& pattern) {
  switch (pattern.kind) {
    case Pattern::Kind::kAny:
    case Pattern::Kind::kType:
      out_ += fmt::format("{{\"$type\":\"{}\"}}", type_name(pattern.type));
      break;
    case Pattern::Kind::kValue: value(pattern.value); break;
    case Pattern::Kind::kRange: range(pattern); break;
    case Pattern::Kind::kPrefix:
      out_ += "{\"$prefix\":";
      value(pattern.value + '\0');  // the end that a prefix lacks
      out_ += '}';
      break;
    case Pattern::Kind::kChoice:
      out_ += "{\"$or\":";
      items(pattern.items, false, -1);
      out_ += '}';
      break;
    case Pattern::Kind::kRegex:
      out_ += "{\"$re\":";
      append_quoted(pattern.value, out_);
      out_ += '}';
      break;
    case Pattern::Kind::kList: items(pattern.items, pattern.rest, pattern.rest_name); break;
    case Pattern::Kind::kMap: map(pattern); break;
    case Pattern::Kind::kReference:
      out_ += fmt::format("{{\"$ref\":\"{}\"", pattern.value);
      if (pattern.type != Type::kAny) {
        out_ += fmt::format(",\"$type\":\"{}\"", type_name(pattern.type));
      }
      out_ += '}';
      break;
  }
}

void JsonPrinter::range(const Pattern& pattern) {
  out_ += '{';
  if (!pattern.low.empty()) {
    out_ += pattern.low_included ? "\"$ge\":" : "\"$gt\":";
    value(pattern.low);
  }
  if (!pattern.low.empty() && !pattern.high.empty()) out_ += ',';
  if (!pattern.high.empty()) {
    out_ += pattern.high_included ? "\"$le\":" : "\"$lt\":";
    value(pattern.high);
  }
  out_ += '}';
}

void JsonPrinter::map(const Pattern& map) {
  bool dollar = map.rest;
  for (const std::string& key : map.keys) dollar |= begins_with_dollar(key);
  out_ += dollar ? "{\"$map\":{" : "{";
  for (size_t i = 0; i < map.keys.size(); ++i) {
    if (i > 0) out_ += ',';
    value(map.keys[i]);
    out_ += ':';
    pattern(map.items[i]);
  }
  if (dollar) out_ += map.rest ? "},\"$rest\":true" : "}";
  out_ += '}';
}

}  // namespace

std::string to_json(const Tuple& tuple, JsonNumbers numbers) {
  std::string out = "[";
  JsonPrinter printer(numbers, kNoNames, out);
  for (std::string_view fields = tuple.bytes(); !fields.empty();) {
    printer.value(take_field(fields));
    if (!fields.empty()) out += ',';
  }
  out += ']';
  return out;
}

std::string to_json(const Template& wanted, JsonNumbers numbers) {
  std::string out;
  JsonPrinter(numbers, wanted.names(), out)
      .items(wanted.fields(), wanted.rest(), wanted.rest_name());
  return out;
}

std::string field_to_json(std::string_view canonical_field, JsonNumbers numbers) {
  std::string out;
  JsonPrinter(numbers, kNoNames, out).value(canonical_field);
  return out;
}

}  // namespace tuplespace
