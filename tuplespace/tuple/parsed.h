// Parsed is what the parsers of text and JSON have in hand when they are through: patterns, and
// the names that were given and used. It becomes a tuple if all its fields are values, or a
// template.
//
// Threads: any (values).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/status.h"
#include "tuplespace/tuple/template.h"
#include "tuplespace/tuple/tuple.h"

namespace tuplespace {

// What stands between two brackets, in order.
class ParsedItems {
 public:
  void add(Pattern pattern);
  void add_rest(int name);

  // The value or pattern of a list of these items.
  Pattern take_list();
  std::vector<Pattern> take_patterns();
  bool rest() const { return rest_; }
  int rest_name() const { return rest_name_; }

 private:
  void spread();

  // `values_` takes the place of `patterns_` as long as all are values: canonical bytes need far
  // less room.
  std::vector<Pattern> patterns_;
  std::string values_;
  bool rest_ = false;
  int rest_name_ = -1;
};

// The names of a template: fields are called so, and references mean the field's value.
class ParsedNames {
 public:
  struct Reference {
    int name;
    size_t at;  // offset in the text
  };

  int name_field(std::string_view name);
  int refer_to(std::string_view name, size_t at);

  // A reference to a name that no field has, or null.
  const Reference* unresolved() const;

  const std::vector<std::string>& names() const { return names_; }

 private:
  int index_of(std::string_view name);

  std::vector<std::string> names_;
  std::vector<bool> named_;  // parallel: a field is called so
  std::vector<Reference> references_;
};

// Returns the tuple of these fields, or says which of them is a template.
Result<Tuple> tuple_of(ParsedItems fields, const ParsedNames& names, const Limits& limits);
Result<Template> template_of(ParsedItems fields, const ParsedNames& names, const Limits& limits);

// The text form of one pattern. `names` are those of its template.
std::string pattern_to_text(const Pattern& pattern, const std::vector<std::string>& names);

}  // namespace tuplespace
