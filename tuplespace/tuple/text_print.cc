#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/literal.h"
#include "tuplespace/tuple/parsed.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace {
namespace {

void append_bytes(std::string_view bytes, std::string& out) {
  out += "b\"";
  for (const char c : bytes) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (c < 0x20 || c > 0x7e) {
          fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<uint8_t>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_regex(std::string_view source, std::string& out) {
  out += '/';
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '/') out += '\\';
    out += source[i];
    if (source[i] == '\\' && i + 1 < source.size()) out += source[++i];
  }
  out += '/';
}

void append_value(std::string_view field, std::string& out) {
  std::string scratch;
  switch (type_of(field)) {
    case Type::kAny:
    case Type::kNull: out += "null"; break;
    case Type::kBool:
      out += static_cast<uint8_t>(field[0]) == code::kTrue ? "true" : "false";
      break;
    case Type::kInt: fmt::format_to(std::back_inserter(out), "{}", decode_int(field)); break;
    case Type::kFloat: append_float(decode_float(field), out); break;
    case Type::kString: append_quoted(decode_text(field, scratch), out); break;
    case Type::kBytes: append_bytes(decode_text(field, scratch), out); break;
    case Type::kSpace:
      out += '@';
      append_quoted(decode_text(field, scratch), out);
      break;
    case Type::kList: {
      out += '[';
      std::string_view items = field.substr(1, field.size() - 2);
      while (!items.empty()) {
        append_value(take_field(items), out);
        if (!items.empty()) out += ", ";
      }
      out += ']';
      break;
    }
    case Type::kMap: {
      out += '{';
      std::string_view entries = field.substr(1, field.size() - 2);
      while (!entries.empty()) {
        append_value(take_field(entries), out);
        out += ": ";
        append_value(take_field(entries), out);
        if (!entries.empty()) out += ", ";
      }
      out += '}';
      break;
    }
  }
}

void append_reference(std::string_view name, Type type, std::string& out) {
  out += '$';
  out += name;
  if (type != Type::kAny) fmt::format_to(std::back_inserter(out), ":{}", type_name(type));
}

// Prints the patterns of one template.
class TemplatePrinter {
 public:
  TemplatePrinter(const std::vector<std::string>& names, std::string& out)
      : names_(names), out_(out) {}

  void items(const std::vector<Pattern>& patterns, bool rest, int rest_name) {
    for (const Pattern& pattern : patterns) {
      separate();
      field(pattern);
    }
    if (rest) {
      separate();
      name(rest_name);
      out_ += "...";
    }
  }

  void field(const Pattern& pattern) {
    name(pattern.name);
    unnamed(pattern, pattern.name >= 0);
  }

 private:
  void name(int index) {
    if (index < 0) return;
    out_ += '?';
    out_ += names_[index];
    out_ += ':';
  }

  // Puts a comma behind what is there, if it is an item.
  void separate() {
    const char last = out_.back();
    if (last != '(' && last != '[' && last != '{') out_ += ", ";
  }

  // Behind a name a type goes without its question mark, ?id:int; but ?id:null is the value.
  void unnamed(const Pattern& pattern, bool behind_name);
  void range(const Pattern& pattern);
  void map(const Pattern& pattern);

  const std::vector<std::string>& names_;
  std::string& out_;
};

void TemplatePrinter::unnamed(const Pattern& pattern, bool behind_name) {
  switch (pattern.kind) {
    case Pattern::Kind::kAny: out_ += behind_name ? "any" : "?"; break;
    case Pattern::Kind::kType:
      if (!behind_name || pattern.type == Type::kNull) out_ += '?';
      out_ += type_name(pattern.type);
      break;
    case Pattern::Kind::kValue: append_value(pattern.value, out_); break;
    case Pattern::Kind::kRange: range(pattern); break;
    case Pattern::Kind::kPrefix:
      append_value(pattern.value + '\0', out_);  // the end that a prefix lacks
      out_ += '*';
      break;
    case Pattern::Kind::kChoice:
      for (size_t i = 0; i < pattern.items.size(); ++i) {
        if (i > 0) out_ += '|';
        unnamed(pattern.items[i], behind_name && i == 0);
      }
      break;
    case Pattern::Kind::kRegex: append_regex(pattern.value, out_); break;
    case Pattern::Kind::kList:
      out_ += '[';
      items(pattern.items, pattern.rest, pattern.rest_name);
      out_ += ']';
      break;
    case Pattern::Kind::kMap: map(pattern); break;
    case Pattern::Kind::kReference: append_reference(pattern.value, pattern.type, out_); break;
  }
}

void TemplatePrinter::range(const Pattern& pattern) {
  const bool both = !pattern.low.empty() && !pattern.high.empty();
  if (both && pattern.low_included && pattern.high_included) {
    append_value(pattern.low, out_);
    out_ += "..";
    append_value(pattern.high, out_);
    return;
  }
  if (!pattern.low.empty()) {
    out_ += pattern.low_included ? ">=" : ">";
    append_value(pattern.low, out_);
  }
  if (both) out_ += ' ';
  if (!pattern.high.empty()) {
    out_ += pattern.high_included ? "<=" : "<";
    append_value(pattern.high, out_);
  }
}

void TemplatePrinter::map(const Pattern& pattern) {
  out_ += '{';
  for (size_t i = 0; i < pattern.keys.size(); ++i) {
    if (i > 0) out_ += ", ";
    append_value(pattern.keys[i], out_);
    out_ += ": ";
    field(pattern.items[i]);
  }
  if (pattern.rest) out_ += pattern.keys.empty() ? "..." : ", ...";
  out_ += '}';
}

}  // namespace

std::string to_text(const Tuple& tuple) {
  std::string out = "(";
  for (std::string_view fields = tuple.bytes(); !fields.empty();) {
    append_value(take_field(fields), out);
    if (!fields.empty()) out += ", ";
  }
  out += ')';
  return out;
}

std::string to_text(const Template& wanted) {
  std::string out = "(";
  TemplatePrinter(wanted.names(), out).items(wanted.fields(), wanted.rest(), wanted.rest_name());
  out += ')';
  return out;
}

std::string to_text(const std::vector<Expression>& fields) {
  std::string out = "(";
  for (const Expression& field : fields) {
    if (&field != &fields.front()) out += ", ";
    if (!field.value.empty()) {
      append_value(field.value, out);
      continue;
    }
    append_reference(field.name, field.type, out);
    if (field.add != 0) fmt::format_to(std::back_inserter(out), "{:+}", field.add);
  }
  out += ')';
  return out;
}

std::string field_to_text(std::string_view canonical_field) {
  std::string out;
  append_value(canonical_field, out);
  return out;
}

std::string pattern_to_text(const Pattern& pattern, const std::vector<std::string>& names) {
  std::string out;
  TemplatePrinter(names, out).field(pattern);
  return out;
}

}  // namespace tuplespace
