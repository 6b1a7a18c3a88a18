#include "tuplespace/tuple/json_reader.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/literal.h"

namespace tuplespace {
namespace {

// A recursive descent; at_ is the next character. Methods return false after an error, of which
// there is one.
class JsonReader {
 public:
  JsonReader(std::string_view text, size_t brackets_max)
      : text_(text), brackets_max_(brackets_max) {}

  bool whole(JsonNode& into);
  const Status& status() const { return status_; }

 private:
  bool fail(size_t at, std::string_view what) {
    status_ = invalid(fmt::format("{}: {}", place_of(text_, at), what));
    return false;
  }

  bool is_at(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void skip_blanks();
  bool value(JsonNode& into);
  bool number(JsonNode& into);
  bool string(JsonNode& into, std::string& value);
  bool word(JsonNode& into);
  bool array(JsonNode& into);
  bool object(JsonNode& into);
  bool enter();
  bool leave_or_go_on(char close, bool& more);

  std::string_view text_;
  size_t brackets_max_;
  size_t at_ = 0;
  size_t brackets_ = 0;  // around at_
  Status status_;
};

void JsonReader::skip_blanks() {
  while (is_at(' ') || is_at('\t') || is_at('\r') || is_at('\n')) ++at_;
}

bool JsonReader::whole(JsonNode& into) {
  const size_t valid = utf8_length(text_);
  if (valid < text_.size()) return fail(valid, "the text is not UTF-8");
  if (!value(into)) return false;
  skip_blanks();
  return at_ == text_.size() || fail(at_, "expected the end");
}

bool JsonReader::value(JsonNode& into) {
  skip_blanks();
  into.begin = at_;
  std::string unused;
  bool read = false;
  if (is_at('"')) {
    read = string(into, unused);
  } else if (is_at('[')) {
    read = array(into);
  } else if (is_at('{')) {
    read = object(into);
  } else if (at_ < text_.size() && (is_at('-') || (text_[at_] >= '0' && text_[at_] <= '9'))) {
    read = number(into);
  } else {
    read = word(into);
  }
  into.end = at_;
  return read;
}

bool JsonReader::number(JsonNode& into) {
  constexpr std::string_view kBehind = " \t\r\n,]}";
  const size_t length = scan_number(text_.substr(at_)).length;
  const size_t end = at_ + length;
  const bool ends = end == text_.size() || kBehind.find(text_[end]) != std::string_view::npos;
  if (length == 0 || !ends) return fail(at_, "not a JSON number");
  into.kind = JsonNode::Kind::kNumber;
  at_ = end;
  return true;
}

bool JsonReader::string(JsonNode& into, std::string& value) {
  into.kind = JsonNode::Kind::kString;
  const std::string wrong = read_quoted(text_, at_, Quoting::kJson, value);
  return wrong.empty() || fail(at_, wrong);
}

bool JsonReader::word(JsonNode& into) {
  using Kind = JsonNode::Kind;
  static constexpr std::pair<std::string_view, Kind> kWords[] = {
      {"null", Kind::kNull}, {"false", Kind::kFalse}, {"true", Kind::kTrue}};
  for (const auto& [word, kind] : kWords) {
    if (!text_.substr(at_).starts_with(word)) continue;
    into.kind = kind;
    at_ += word.size();
    return true;
  }
  return fail(at_, "expected a JSON value");
}

bool JsonReader::enter() {
  if (++brackets_ > brackets_max_) return fail(at_, "nested too deep");
  ++at_;
  skip_blanks();
  return true;
}

// Behind an item: takes the comma, or the bracket that closes.
bool JsonReader::leave_or_go_on(char close, bool& more) {
  skip_blanks();
  more = is_at(',');
  if (!more && !is_at(close)) return fail(at_, fmt::format("expected \",\" or \"{}\"", close));
  if (!more) --brackets_;
  ++at_;
  return true;
}

bool JsonReader::array(JsonNode& into) {
  into.kind = JsonNode::Kind::kArray;
  if (!enter()) return false;
  bool more = !is_at(']');
  if (!more) return leave_or_go_on(']', more);
  while (more) {
    if (!value(into.items.emplace_back()) || !leave_or_go_on(']', more)) return false;
  }
  return true;
}

bool JsonReader::object(JsonNode& into) {
  into.kind = JsonNode::Kind::kObject;
  if (!enter()) return false;
  std::set<std::string> keys;
  bool more = !is_at('}');
  if (!more) return leave_or_go_on('}', more);
  while (more) {
    skip_blanks();
    if (!is_at('"')) return fail(at_, "expected a key in double quotes");
    JsonNode& key = into.items.emplace_back();
    key.begin = at_;
    std::string name;
    if (!string(key, name)) return false;
    key.end = at_;
    if (!keys.insert(std::move(name)).second) {
      return fail(key.begin, fmt::format("the key {} comes twice", key.source(text_)));
    }
    skip_blanks();
    if (!is_at(':')) return fail(at_, "expected \":\"");
    ++at_;
    if (!value(into.items.emplace_back()) || !leave_or_go_on('}', more)) return false;
  }
  return true;
}

}  // namespace

Result<JsonNode> read_json(std::string_view text, size_t brackets_max) {
  JsonReader reader(text, brackets_max);
  JsonNode node;
  if (!reader.whole(node)) return reader.status();
  return node;
}

std::string string_of(const JsonNode& node, std::string_view text) {
  std::string value;
  size_t at = node.begin;
  (void)read_quoted(text, at, Quoting::kJson, value);  // read_json() found nothing wrong
  return value;
}

}  // namespace tuplespace
