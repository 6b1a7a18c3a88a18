#include "tuplespace/tuple/json.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tuplespace/tuple/base64.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/json_reader.h"
#include "tuplespace/tuple/literal.h"
#include "tuplespace/tuple/parsed.h"
#include "tuplespace/tuple/text.h"
#include "tuplespace/tuple/text_lexer.h"

namespace tuplespace {
namespace {

using Kind = JsonNode::Kind;

// Turns JSON into patterns; values are patterns too (parsed.h). Methods return false after an
// error; the first one counts.
class JsonPatterns {
 public:
  JsonPatterns(std::string_view text, const Limits& limits, const std::vector<std::string>& bound)
      : text_(text), limits_(limits), bound_(bound) {}

  bool items(const JsonNode& array, size_t depth, ParsedItems& into);
  bool check_references();

  const ParsedNames& names() const { return names_; }
  const Status& status() const { return status_; }

 private:
  // An object whose keys begin with "$", by the one that says what it is.
  struct Special {
    std::string_view key;
    bool (JsonPatterns::*read)(const JsonNode& object, size_t depth, Pattern& into);
    std::string_view beside;  // keys that may stand beside it
  };
  static const Special kSpecials[];

  bool fail(const JsonNode& node, std::string_view what) {
    if (status_.ok()) status_ = invalid(fmt::format("{}: {}", place_of(text_, node.begin), what));
    return false;
  }
  bool take(Result<Pattern> made, const JsonNode& node, Pattern& into) {
    if (!made.ok()) return fail(node, made.status().message());
    into = std::move(made).value();
    return true;
  }
  bool value(std::string canonical, Pattern& into) {
    into = value_pattern(std::move(canonical));
    return true;
  }
  const JsonNode* member(const JsonNode& object, std::string_view key) const;
  bool is_rest(const JsonNode& node) const;
  bool check_depth(const JsonNode& node, size_t depth);

  bool pattern(const JsonNode& node, size_t depth, Pattern& into);
  bool number(const JsonNode& node, Pattern& into);
  bool object(const JsonNode& node, size_t depth, Pattern& into);
  bool entries(const JsonNode& node, size_t depth, bool rest, Pattern& into);
  bool special(const JsonNode& object, size_t depth, Pattern& into);
  bool unknown_key(const JsonNode& key);

  bool tagged_int(const JsonNode& object, size_t depth, Pattern& into);
  bool tagged_float(const JsonNode& object, size_t depth, Pattern& into);
  bool bytes(const JsonNode& object, size_t depth, Pattern& into);
  bool space(const JsonNode& object, size_t depth, Pattern& into);
  bool map(const JsonNode& object, size_t depth, Pattern& into);
  bool type(const JsonNode& object, size_t depth, Pattern& into);
  bool range(const JsonNode& object, size_t depth, Pattern& into);
  bool prefix(const JsonNode& object, size_t depth, Pattern& into);
  bool choice(const JsonNode& object, size_t depth, Pattern& into);
  bool regex(const JsonNode& object, size_t depth, Pattern& into);
  bool named(const JsonNode& object, size_t depth, Pattern& into);
  bool reference(const JsonNode& object, size_t depth, Pattern& into);
  bool misplaced_rest(const JsonNode& object, size_t depth, Pattern& into);
  bool name_of(const JsonNode& node, std::string& into);

  std::string_view text_;
  const Limits& limits_;
  const std::vector<std::string>& bound_;
  ParsedNames names_;
  Status status_;
};

const JsonPatterns::Special JsonPatterns::kSpecials[] = {
    {"$int", &JsonPatterns::tagged_int, ""},  {"$float", &JsonPatterns::tagged_float, ""},
    {"$bytes", &JsonPatterns::bytes, ""},     {"$space", &JsonPatterns::space, ""},
    {"$map", &JsonPatterns::map, "$rest"},    {"$ref", &JsonPatterns::reference, "$type"},
    {"$type", &JsonPatterns::type, ""},       {"$ge", &JsonPatterns::range, "$le $lt"},
    {"$gt", &JsonPatterns::range, "$le $lt"}, {"$le", &JsonPatterns::range, ""},
    {"$lt", &JsonPatterns::range, ""},        {"$prefix", &JsonPatterns::prefix, ""},
    {"$or", &JsonPatterns::choice, ""},       {"$re", &JsonPatterns::regex, ""},
    {"$as", &JsonPatterns::named, "$is"},     {"$rest", &JsonPatterns::misplaced_rest, ""},
};

// Returns the value at `key`, or null.
const JsonNode* JsonPatterns::member(const JsonNode& object, std::string_view key) const {
  for (size_t i = 0; i + 1 < object.items.size(); i += 2) {
    if (string_of(object.items[i], text_) == key) return &object.items[i + 1];
  }
  return nullptr;
}

bool JsonPatterns::check_depth(const JsonNode& node, size_t depth) {
  return depth < limits_.depth_max ||
         fail(node, fmt::format("lists and maps nest deeper than depth_max {}", limits_.depth_max));
}

bool JsonPatterns::check_references() {
  const ParsedNames::Reference* const unresolved = names_.unresolved();
  if (unresolved == nullptr) return true;
  JsonNode at;
  at.begin = unresolved->at;
  return fail(at, fmt::format("no field is called {}", names_.names()[unresolved->name]));
}

bool JsonPatterns::is_rest(const JsonNode& node) const {
  return node.kind == Kind::kObject && node.items.size() == 2 && member(node, "$rest") != nullptr;
}

// The items of a tuple, template or list; {"$rest": …} may be the last.
bool JsonPatterns::items(const JsonNode& array, size_t depth, ParsedItems& into) {
  for (const JsonNode& item : array.items) {
    if (is_rest(item)) {
      if (&item != &array.items.back()) return fail(item, "nothing comes after \"$rest\"");
      const JsonNode& name = item.items[1];
      std::string given;
      if (name.kind != Kind::kTrue && !name_of(name, given)) return false;
      into.add_rest(given.empty() ? -1 : names_.name_field(given));
      continue;
    }
    Pattern made;
    if (!pattern(item, depth, made)) return false;
    into.add(std::move(made));
  }
  return true;
}

bool JsonPatterns::pattern(const JsonNode& node, size_t depth, Pattern& into) {
  std::string canonical;
  switch (node.kind) {
    case Kind::kNull: encode_null(canonical); break;
    case Kind::kFalse:
    case Kind::kTrue: encode_bool(node.kind == Kind::kTrue, canonical); break;
    case Kind::kString: encode_string(string_of(node, text_), canonical); break;
    case Kind::kNumber: return number(node, into);
    case Kind::kObject: return object(node, depth, into);
    case Kind::kArray: {
      ParsedItems list;
      if (!check_depth(node, depth) || !items(node, depth + 1, list)) return false;
      into = list.take_list();
      return true;
    }
  }
  return value(std::move(canonical), into);
}

bool JsonPatterns::number(const JsonNode& node, Pattern& into) {
  const std::string_view digits = node.source(text_);
  std::string canonical;
  if (scan_number(digits).type == Type::kInt) {
    int64_t number = 0;
    if (!parse_int(digits, number)) return fail(node, "the number is beyond int");
    encode_int(number, canonical);
  } else {
    double number = 0;
    if (!parse_float(digits, number)) return fail(node, "the number is beyond float");
    encode_float(number, canonical);
  }
  return value(std::move(canonical), into);
}

bool JsonPatterns::object(const JsonNode& node, size_t depth, Pattern& into) {
  size_t dollars = 0;
  for (size_t i = 0; i < node.items.size(); i += 2) {
    dollars += string_of(node.items[i], text_).starts_with('$');
  }
  if (dollars == 0) return entries(node, depth, false, into);
  return special(node, depth, into);
}

// A map by its object, all of whose keys are ordinary here.
bool JsonPatterns::entries(const JsonNode& node, size_t depth, bool rest, Pattern& into) {
  if (!check_depth(node, depth)) return false;
  std::vector<MapEntry> entries;
  for (size_t i = 0; i < node.items.size(); i += 2) {
    MapEntry& entry = entries.emplace_back();
    encode_string(string_of(node.items[i], text_), entry.key);
    if (!pattern(node.items[i + 1], depth + 1, entry.pattern)) return false;
  }
  return take(map_pattern(std::move(entries), rest), node, into);
}

bool JsonPatterns::special(const JsonNode& object, size_t depth, Pattern& into) {
  const auto found =
      std::find_if(std::begin(kSpecials), std::end(kSpecials),
                   [&](const Special& s) { return member(object, s.key) != nullptr; });
  for (size_t i = 0; i < object.items.size(); i += 2) {
    const JsonNode& key = object.items[i];
    const std::string name = string_of(key, text_);
    if (found != std::end(kSpecials) && name == found->key) continue;
    const bool known =
        name == "$is" || std::any_of(std::begin(kSpecials), std::end(kSpecials),
                                     [&](const Special& s) { return s.key == name; });
    if (!name.starts_with('$') || !known) return unknown_key(key);
    if (found == std::end(kSpecials)) return fail(key, "\"$is\" stands beside \"$as\"");
    if (found->beside.find(name) == std::string_view::npos) {
      return fail(key, fmt::format("\"{}\" does not go with \"{}\"", name, found->key));
    }
  }
  return (this->*found->read)(object, depth, into);
}

bool JsonPatterns::unknown_key(const JsonNode& key) {
  std::string known;
  for (const Special& special : kSpecials) {
    known += special.key;
    known += ' ';
  }
  return fail(key, fmt::format("{} is none of the keys {}$is; a map that has it beside a \"$\" key "
                               "is {{\"$map\": {{...}}}}",
                               key.source(text_), known));
}

bool JsonPatterns::tagged_int(const JsonNode& object, size_t, Pattern& into) {
  const JsonNode& node = *member(object, "$int");
  const std::string digits = node.kind == Kind::kString   ? string_of(node, text_)
                             : node.kind == Kind::kNumber ? std::string(node.source(text_))
                                                          : "";
  const NumberText scanned = scan_number(digits);
  int64_t number = 0;
  if (digits.empty() || scanned.length != digits.size() || scanned.type != Type::kInt ||
      !parse_int(digits, number)) {
    return fail(node, "not an int, -2^63 to 2^63-1");
  }
  std::string canonical;
  encode_int(number, canonical);
  return value(std::move(canonical), into);
}

bool JsonPatterns::tagged_float(const JsonNode& object, size_t, Pattern& into) {
  const JsonNode& node = *member(object, "$float");
  const std::string digits = node.kind == Kind::kString   ? string_of(node, text_)
                             : node.kind == Kind::kNumber ? std::string(node.source(text_))
                                                          : "";
  double number = 0;
  if (digits == "inf" || digits == "-inf") {
    number = std::numeric_limits<double>::infinity();
    if (digits[0] == '-') number = -number;
  } else if (digits.empty() || scan_number(digits).length != digits.size() ||
             !parse_float(digits, number)) {
    return fail(node, "not a float, \"inf\" or \"-inf\"");
  }
  std::string canonical;
  encode_float(number, canonical);
  return value(std::move(canonical), into);
}

bool JsonPatterns::bytes(const JsonNode& object, size_t, Pattern& into) {
  const JsonNode& node = *member(object, "$bytes");
  std::string bytes;
  if (node.kind != Kind::kString || !decode_base64(string_of(node, text_), bytes)) {
    return fail(node, "not base64 with padding");
  }
  std::string canonical;
  encode_bytes(bytes, canonical);
  return value(std::move(canonical), into);
}

bool JsonPatterns::space(const JsonNode& object, size_t, Pattern& into) {
  const JsonNode& node = *member(object, "$space");
  const std::string name = node.kind == Kind::kString ? string_of(node, text_) : "";
  if (!is_space_name(name)) {
    return fail(node, "a space's name is made of A-Z a-z 0-9 . _ / -, at most 128 of them");
  }
  std::string canonical;
  encode_space(name, canonical);
  return value(std::move(canonical), into);
}

bool JsonPatterns::map(const JsonNode& object, size_t depth, Pattern& into) {
  const JsonNode& node = *member(object, "$map");
  if (node.kind != Kind::kObject) return fail(node, "\"$map\" holds an object");
  const JsonNode* const rest = member(object, "$rest");
  if (rest != nullptr && rest->kind != Kind::kTrue) {
    return fail(*rest, "the \"$rest\" of a map is true");
  }
  return entries(node, depth, rest != nullptr, into);
}

bool JsonPatterns::type(const JsonNode& object, size_t, Pattern& into) {
  const JsonNode& node = *member(object, "$type");
  const std::string word = node.kind == Kind::kString ? string_of(node, text_) : "";
  const auto type = type_of_name(word);
  if (!type) return fail(node, unknown_type(word));
  into = type_pattern(*type);
  return true;
}

bool JsonPatterns::range(const JsonNode& object, size_t depth, Pattern& into) {
  std::string ends[2];
  bool included[2] = {true, true};
  static constexpr std::string_view kKeys[2][2] = {{"$ge", "$gt"}, {"$le", "$lt"}};
  for (size_t end = 0; end < 2; ++end) {
    for (size_t open = 0; open < 2; ++open) {
      const JsonNode* const node = member(object, kKeys[end][open]);
      if (node == nullptr) continue;
      Pattern bound;
      if (!ends[end].empty()) return fail(*node, "a range ends once on each side");
      if (!pattern(*node, depth, bound)) return false;
      if (bound.kind != Pattern::Kind::kValue) return fail(*node, "a range ends at a value");
      ends[end] = std::move(bound.value);
      included[end] = open == 0;
    }
  }
  return take(range_pattern(std::move(ends[0]), included[0], std::move(ends[1]), included[1]),
              object, into);
}

bool JsonPatterns::prefix(const JsonNode& object, size_t depth, Pattern& into) {
  const JsonNode& node = *member(object, "$prefix");
  Pattern text;
  if (!pattern(node, depth, text)) return false;
  std::string scratch;
  if (text.kind == Pattern::Kind::kValue && type_of(text.value) == Type::kString) {
    into = string_prefix_pattern(decode_text(text.value, scratch));
  } else if (text.kind == Pattern::Kind::kValue && type_of(text.value) == Type::kBytes) {
    into = bytes_prefix_pattern(decode_text(text.value, scratch));
  } else {
    return fail(node, "a prefix is a string or bytes");
  }
  return true;
}

bool JsonPatterns::choice(const JsonNode& object, size_t depth, Pattern& into) {
  const JsonNode& node = *member(object, "$or");
  if (node.kind != Kind::kArray) return fail(node, "\"$or\" holds an array");
  std::vector<Pattern> alternatives;
  for (const JsonNode& item : node.items) {
    if (!pattern(item, depth, alternatives.emplace_back())) return false;
  }
  return take(choice_pattern(std::move(alternatives)), node, into);
}

bool JsonPatterns::regex(const JsonNode& object, size_t, Pattern& into) {
  const JsonNode& node = *member(object, "$re");
  if (node.kind != Kind::kString) return fail(node, "\"$re\" holds a string");
  return take(regex_pattern(string_of(node, text_)), node, into);
}

bool JsonPatterns::named(const JsonNode& object, size_t depth, Pattern& into) {
  const JsonNode& node = *member(object, "$as");
  std::string name;
  if (!name_of(node, name)) return false;
  const JsonNode* const is = member(object, "$is");
  if (is != nullptr && !pattern(*is, depth, into)) return false;
  if (into.name >= 0) return fail(node, "the field has a name already");
  into.name = names_.name_field(name);
  return true;
}

bool JsonPatterns::reference(const JsonNode& object, size_t depth, Pattern& into) {
  const JsonNode& node = *member(object, "$ref");
  std::string name;
  if (!name_of(node, name)) return false;
  if (member(object, "$type") != nullptr && !type(object, depth, into)) return false;
  if (std::find(bound_.begin(), bound_.end(), name) != bound_.end()) {
    into = reference_pattern(std::move(name), into.type);
  } else {
    into.name = names_.refer_to(name, node.begin);
  }
  return true;
}

bool JsonPatterns::misplaced_rest(const JsonNode& object, size_t, Pattern&) {
  return fail(object, "\"$rest\" is the last of an array, or stands beside \"$map\"");
}

bool JsonPatterns::name_of(const JsonNode& node, std::string& into) {
  into = node.kind == Kind::kString ? string_of(node, text_) : "";
  return is_name(into) ||
         fail(node, "not a name: a letter or _, then letters, digits and _; not a type");
}

// Brackets that a list or map stands in at most: {"$as": …, "$is": {"$or": [{"$map": {…}}]}}.
constexpr size_t kBracketsOfALevel = 5;

template <typename T, typename OfText, typename OfItems>
Result<T> from_json(std::string_view json, const Limits& limits,
                    const std::vector<std::string>& bound, OfText of_text, OfItems of_items) {
  const auto node = read_json(json, kBracketsOfALevel * (limits.depth_max + 1));
  if (!node.ok()) return node.status();
  if (node->kind == Kind::kString) {
    Result<T> made = of_text(string_of(*node, json));
    if (made.ok()) return made;
    const Status why = made.status();
    return Status(why.code(), "in the text form: " + why.message(), why.problem());
  }
  if (node->kind != Kind::kArray) return invalid("not a tuple; it is an array: [\"job\", 7]");
  JsonPatterns patterns(json, limits, bound);
  ParsedItems fields;
  if (!patterns.items(*node, 0, fields) || !patterns.check_references()) return patterns.status();
  return of_items(std::move(fields), patterns.names(), limits);
}

}  // namespace

Result<Tuple> tuple_from_json(std::string_view json, const Limits& limits) {
  const auto of_text = [&](std::string_view text) { return parse_tuple(text, {}, limits); };
  return from_json<Tuple>(json, limits, {}, of_text, tuple_of);
}

Result<Template> template_from_json(std::string_view json, const Limits& limits,
                                    const std::vector<std::string>& bound) {
  const auto of_text = [&](std::string_view text) {
    return parse_template(text, {}, limits, bound);
  };
  return from_json<Template>(json, limits, bound, of_text, template_of);
}

}  // namespace tuplespace
