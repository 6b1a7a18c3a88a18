#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/protobuf.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace {
namespace {

using protobuf::Merged;
using protobuf::Reader;
using protobuf::tag_of;

// Field numbers of proto/tuplespace/v1/tuple.proto.
enum PatternField {
  kName = 1,
  kValue,
  kType,
  kRange,
  kPrefix,
  kChoice,
  kRegex,
  kList,
  kMap,
  kReference
};
enum ReferenceField { kReferenceName = 1, kReferenceType, kAdd };
enum ExpressionField { kPutValue = 1, kPutReference };
enum RangeField { kLow = 1, kHigh, kLowExcluded, kHighExcluded };
enum ItemsField { kItems = 1, kRest, kRestName };  // of Template, ListPattern, MapPattern
enum ChoiceField { kAlternatives = 1 };
enum EntryField { kEntryKey = 1, kEntryPattern };

constexpr uint32_t length_tag(uint32_t field) { return tag_of(field, protobuf::kLength); }
constexpr uint32_t varint_tag(uint32_t field) { return tag_of(field, protobuf::kVarint); }

Status malformed() { return invalid("the template is not a well-formed protobuf message"); }

// Patterns in order, and what may follow them.
struct Items {
  std::vector<Pattern> patterns;
  bool rest = false;
  int rest_name = -1;
};

class TemplateReader {
 public:
  explicit TemplateReader(const Limits& limits) : limits_(limits) {}

  // Reads Template or ListPattern.
  Status items(std::string_view message, size_t depth, Items& into);

  std::vector<std::string> take_names() { return std::move(names_); }

 private:
  Status pattern(std::string_view message, size_t depth, Pattern& into);
  Status kind(uint32_t tag, uint64_t number, std::string_view bytes, size_t depth, Pattern& into);
  Status range(std::string_view message, Pattern& into);
  Status prefix(std::string_view message, Pattern& into);
  Status choice(std::string_view message, size_t depth, Pattern& into);
  Status list(std::string_view message, size_t depth, Pattern& into);
  Status map(std::string_view message, size_t depth, Pattern& into);
  Status map_entry(std::string_view message, size_t depth, MapEntry& into);
  Status check_depth(size_t depth) const;
  Status room_for(size_t patterns);
  int index_of_name(std::string_view name);

  const Limits& limits_;
  size_t patterns_ = 0;
  size_t choices_ = 0;  // around the pattern that is being read
  std::vector<std::string> names_;
};

Status no_type(uint64_t number) {
  return invalid(fmt::format("{} is the number of no type", number));
}

Status read_reference(std::string_view message, Expression& into) {
  uint64_t type = 0;
  Reader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case length_tag(kReferenceName): into.name = reader.bytes(); break;
      case varint_tag(kReferenceType): type = reader.number(); break;
      case varint_tag(kAdd): into.add = protobuf::unzigzag(reader.number()); break;
      default: break;
    }
  }
  if (!reader.ok()) return malformed();
  if (type > static_cast<uint64_t>(Type::kSpace)) return no_type(type);
  into.type = static_cast<Type>(type);
  if (is_name(into.name)) return {};
  return invalid(fmt::format("a reference to \"{}\", which is no name", into.name), "reference");
}

// Moves what `made` holds to `into`, or returns why there is nothing.
Status assign(Result<Pattern> made, Pattern& into) {
  if (made.ok()) into = std::move(made).value();
  return made.status();
}

int TemplateReader::index_of_name(std::string_view name) {
  if (name.empty()) return -1;
  const auto found = std::find(names_.begin(), names_.end(), name);
  const auto index = static_cast<int>(found - names_.begin());
  if (found == names_.end()) names_.emplace_back(name);
  return index;
}

Status TemplateReader::room_for(size_t patterns) {
  patterns_ += patterns;
  if (patterns_ <= kPatternsMax) return {};
  return exhausted(
      fmt::format("template has more patterns than {}; ask for less at once", kPatternsMax),
      "patterns_max", false);
}

Status TemplateReader::check_depth(size_t depth) const {
  if (depth <= limits_.depth_max) return {};
  return invalid(fmt::format("a template is nested deeper than depth_max {}", limits_.depth_max),
                 "depth_max");
}

Status TemplateReader::items(std::string_view message, size_t depth, Items& into) {
  TS_RETURN_IF_ERROR(check_depth(depth));
  size_t count = 0;
  for (Reader reader(message); reader.next();) count += reader.tag() == length_tag(kItems);
  TS_RETURN_IF_ERROR(room_for(count));
  into.patterns.reserve(count);
  std::string_view rest_name;
  Reader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case length_tag(kItems):
        TS_RETURN_IF_ERROR(pattern(reader.bytes(), depth, into.patterns.emplace_back()));
        break;
      case varint_tag(kRest): into.rest = reader.number() != 0; break;
      case length_tag(kRestName): rest_name = reader.bytes(); break;
      default: break;
    }
  }
  if (!reader.ok()) return malformed();
  if (!rest_name.empty() && !into.rest) return invalid("rest_name is set, and rest is not");
  into.rest_name = index_of_name(rest_name);
  return {};
}

Status TemplateReader::pattern(std::string_view message, size_t depth, Pattern& into) {
  uint32_t tag = 0;
  uint64_t number = 0;
  std::string_view name;
  Merged pieces;
  Reader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case length_tag(kName): name = reader.bytes(); continue;
      case varint_tag(kType): number = reader.number(); break;
      case length_tag(kRegex):
        pieces.clear();
        pieces.add(reader.bytes());
        break;
      case length_tag(kValue):
      case length_tag(kRange):
      case length_tag(kPrefix):
      case length_tag(kChoice):
      case length_tag(kList):
      case length_tag(kMap):
      case length_tag(kReference):
        if (tag != reader.tag()) pieces.clear();
        pieces.add(reader.bytes());
        break;
      default: continue;
    }
    tag = reader.tag();
  }
  if (!reader.ok()) return malformed();
  TS_RETURN_IF_ERROR(kind(tag, number, pieces.bytes(), depth, into));
  into.name = index_of_name(name);
  return {};
}

Status TemplateReader::kind(uint32_t tag, uint64_t number, std::string_view bytes, size_t depth,
                            Pattern& into) {
  switch (tag) {
    case length_tag(kValue): {
      auto canonical = value_from_wire(bytes, depth, limits_);
      if (!canonical.ok()) return canonical.status();
      into.kind = Pattern::Kind::kValue;
      into.value = std::move(*canonical);
      return {};
    }
    case varint_tag(kType):
      if (number > static_cast<uint64_t>(Type::kSpace)) return no_type(number);
      into = type_pattern(static_cast<Type>(number));
      return {};
    case length_tag(kRange): return range(bytes, into);
    case length_tag(kPrefix): return prefix(bytes, into);
    case length_tag(kChoice): return choice(bytes, depth, into);
    case length_tag(kRegex): return assign(regex_pattern(bytes), into);
    case length_tag(kList): return list(bytes, depth + 1, into);
    case length_tag(kMap): return map(bytes, depth + 1, into);
    case length_tag(kReference): {
      Expression reference;
      TS_RETURN_IF_ERROR(read_reference(bytes, reference));
      if (reference.add != 0) {
        return invalid(fmt::format("${}{:+}: a sum stands in what is put, not in a template",
                                   reference.name, reference.add),
                       "reference");
      }
      into = reference_pattern(std::move(reference.name), reference.type);
      return {};
    }
    default: return {};  // any
  }
}

Status TemplateReader::range(std::string_view message, Pattern& into) {
  Merged ends[2];
  bool excluded[2] = {false, false};
  Reader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case length_tag(kLow): ends[0].add(reader.bytes()); break;
      case length_tag(kHigh): ends[1].add(reader.bytes()); break;
      case varint_tag(kLowExcluded): excluded[0] = reader.number() != 0; break;
      case varint_tag(kHighExcluded): excluded[1] = reader.number() != 0; break;
      default: break;
    }
  }
  if (!reader.ok()) return malformed();
  std::string canonical[2];
  for (int i = 0; i < 2; ++i) {
    if (ends[i].empty()) continue;
    auto end = value_from_wire(ends[i].bytes(), 0, limits_);
    if (!end.ok()) return end.status();
    canonical[i] = std::move(*end);
  }
  return assign(
      range_pattern(std::move(canonical[0]), !excluded[0], std::move(canonical[1]), !excluded[1]),
      into);
}

Status TemplateReader::prefix(std::string_view message, Pattern& into) {
  const auto canonical = value_from_wire(message, 0, limits_);
  if (!canonical.ok()) return canonical.status();
  std::string scratch;
  switch (type_of(*canonical)) {
    case Type::kString: into = string_prefix_pattern(decode_text(*canonical, scratch)); return {};
    case Type::kBytes: into = bytes_prefix_pattern(decode_text(*canonical, scratch)); return {};
    default:
      return invalid(
          fmt::format("a prefix is a string or bytes, not {}", type_name(type_of(*canonical))));
  }
}

Status TemplateReader::choice(std::string_view message, size_t depth, Pattern& into) {
  // Alternatives do not nest in text and JSON, so they are no level there; here they need a bound.
  TS_RETURN_IF_ERROR(check_depth(++choices_));
  std::vector<Pattern> alternatives;
  Reader reader(message);
  while (reader.next()) {
    if (reader.tag() != length_tag(kAlternatives)) continue;
    TS_RETURN_IF_ERROR(room_for(1));
    TS_RETURN_IF_ERROR(pattern(reader.bytes(), depth, alternatives.emplace_back()));
  }
  if (!reader.ok()) return malformed();
  --choices_;
  return assign(choice_pattern(std::move(alternatives)), into);
}

Status TemplateReader::list(std::string_view message, size_t depth, Pattern& into) {
  Items list;
  TS_RETURN_IF_ERROR(items(message, depth, list));
  into = list_pattern(std::move(list.patterns), list.rest, list.rest_name);
  return {};
}

Status TemplateReader::map(std::string_view message, size_t depth, Pattern& into) {
  TS_RETURN_IF_ERROR(check_depth(depth));
  std::vector<MapEntry> entries;
  bool rest = false;
  Reader reader(message);
  while (reader.next()) {
    switch (reader.tag()) {
      case length_tag(kItems):
        TS_RETURN_IF_ERROR(room_for(1));
        TS_RETURN_IF_ERROR(map_entry(reader.bytes(), depth, entries.emplace_back()));
        break;
      case varint_tag(kRest): rest = reader.number() != 0; break;
      default: break;
    }
  }
  if (!reader.ok()) return malformed();
  return assign(map_pattern(std::move(entries), rest), into);
}

Status TemplateReader::map_entry(std::string_view message, size_t depth, MapEntry& into) {
  std::string_view key;
  Merged item;
  Reader reader(message);
  while (reader.next()) {
    if (reader.tag() == length_tag(kEntryKey)) key = reader.bytes();
    if (reader.tag() == length_tag(kEntryPattern)) item.add(reader.bytes());
  }
  if (!reader.ok()) return malformed();
  if (!is_utf8(key)) return invalid("a map key is not UTF-8");
  encode_string(key, into.key);
  return pattern(item.bytes(), depth, into.pattern);
}

// Writes templates. Each message is written behind the room for a length of one byte; end() makes
// more room when that is too little.
class TemplateWriter {
 public:
  TemplateWriter(const std::vector<std::string>& names, std::string& out)
      : names_(names), out_(out) {}

  void items(const std::vector<Pattern>& patterns, bool rest, int rest_name);

 private:
  size_t begin(uint32_t field) {
    protobuf::append_varint(out_, length_tag(field));
    out_ += '\0';
    return out_.size();
  }
  void end(size_t begin) {
    const size_t length = out_.size() - begin;
    char bytes[10];
    const size_t more = protobuf::put_varint(bytes, length) - bytes - 1;
    out_[begin - 1] = bytes[0];
    if (more > 0) out_.insert(begin, bytes + 1, more);
  }

  void pattern(uint32_t field, const Pattern& pattern);
  void kind(const Pattern& pattern);
  void range(const Pattern& pattern);
  void map(const Pattern& pattern);

  const std::vector<std::string>& names_;
  std::string& out_;
};

void TemplateWriter::items(const std::vector<Pattern>& patterns, bool rest, int rest_name) {
  for (const Pattern& item : patterns) pattern(kItems, item);
  if (rest) protobuf::append_number(out_, kRest, 1);
  if (rest_name >= 0) protobuf::append_bytes(out_, kRestName, names_[rest_name]);
}

void TemplateWriter::pattern(uint32_t field, const Pattern& pattern) {
  const size_t message = begin(field);
  if (pattern.name >= 0) protobuf::append_bytes(out_, kName, names_[pattern.name]);
  kind(pattern);
  end(message);
}

void TemplateWriter::kind(const Pattern& pattern) {
  switch (pattern.kind) {
    case Pattern::Kind::kAny: return;  // no kind is any value
    case Pattern::Kind::kType:
      return protobuf::append_number(out_, kType, static_cast<uint64_t>(pattern.type));
    case Pattern::Kind::kValue: return append_value_field(kValue, pattern.value, out_);
    case Pattern::Kind::kRange: return range(pattern);
    case Pattern::Kind::kPrefix:
      return append_value_field(kPrefix, pattern.value + '\0', out_);  // the end a prefix lacks
    case Pattern::Kind::kRegex: return protobuf::append_bytes(out_, kRegex, pattern.value);
    case Pattern::Kind::kMap: return map(pattern);
    case Pattern::Kind::kReference: {
      const size_t message = begin(kReference);
      protobuf::append_bytes(out_, kReferenceName, pattern.value);
      if (pattern.type != Type::kAny) {
        protobuf::append_number(out_, kReferenceType, static_cast<uint64_t>(pattern.type));
      }
      return end(message);
    }
    case Pattern::Kind::kChoice:
    case Pattern::Kind::kList: {
      const size_t message = begin(pattern.kind == Pattern::Kind::kList ? kList : kChoice);
      items(pattern.items, pattern.rest, pattern.rest_name);
      return end(message);
    }
  }
}

void TemplateWriter::range(const Pattern& pattern) {
  const size_t message = begin(kRange);
  if (!pattern.low.empty()) append_value_field(kLow, pattern.low, out_);
  if (!pattern.high.empty()) append_value_field(kHigh, pattern.high, out_);
  if (!pattern.low_included) protobuf::append_number(out_, kLowExcluded, 1);
  if (!pattern.high_included) protobuf::append_number(out_, kHighExcluded, 1);
  end(message);
}

void TemplateWriter::map(const Pattern& map) {
  const size_t message = begin(kMap);
  std::string scratch;
  for (size_t i = 0; i < map.keys.size(); ++i) {
    const size_t entry = begin(kItems);
    protobuf::append_bytes(out_, kEntryKey, decode_text(map.keys[i], scratch));
    pattern(kEntryPattern, map.items[i]);
    end(entry);
  }
  if (map.rest) protobuf::append_number(out_, kRest, 1);
  end(message);
}

}  // namespace

Result<Template> template_from_wire(std::string_view bytes, const Limits& limits) {
  TemplateReader reader(limits);
  Items items;
  TS_RETURN_IF_ERROR(reader.items(bytes, 0, items));
  return Template::of(std::move(items.patterns), reader.take_names(), items.rest, items.rest_name,
                      limits);
}

Result<Expression> expression_from_wire(std::string_view bytes, const Limits& limits) {
  Expression made;
  uint32_t tag = 0;
  Merged pieces;
  Reader reader(bytes);
  while (reader.next()) {
    if (reader.tag() != length_tag(kPutValue) && reader.tag() != length_tag(kPutReference)) {
      continue;
    }
    if (tag != reader.tag()) pieces.clear();
    tag = reader.tag();
    pieces.add(reader.bytes());
  }
  if (!reader.ok()) return malformed();
  if (tag == 0) return invalid("a field that is put has neither a value nor a reference");
  if (tag == length_tag(kPutReference)) {
    TS_RETURN_IF_ERROR(read_reference(pieces.bytes(), made));
    return made;
  }
  auto canonical = value_from_wire(pieces.bytes(), 0, limits);
  if (!canonical.ok()) return canonical.status();
  made.value = std::move(*canonical);
  return made;
}

void append_wire(const Expression& field, std::string& out) {
  if (!field.value.empty()) return append_value_field(kPutValue, field.value, out);
  std::string reference;
  protobuf::append_bytes(reference, kReferenceName, field.name);
  if (field.type != Type::kAny) {
    protobuf::append_number(reference, kReferenceType, static_cast<uint64_t>(field.type));
  }
  if (field.add != 0) protobuf::append_number(reference, kAdd, protobuf::zigzag(field.add));
  protobuf::append_bytes(out, kPutReference, reference);
}

void append_wire(const Template& wanted, std::string& out) {
  TemplateWriter(wanted.names(), out).items(wanted.fields(), wanted.rest(), wanted.rest_name());
}

}  // namespace tuplespace
