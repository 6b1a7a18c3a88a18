// Template says which tuples are wanted: per field a pattern, at the end perhaps "..." for any
// further fields. A tuple matches when every pattern does and fields of one name are equal.
//
// Patterns (pattern.h) are compared with canonical bytes; nothing is decoded except text for
// regular expressions.
//
// Bounds:  Limits, kPatternsMax; checked by of().
// Threads: any (immutable once built; copies share).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/status.h"
#include "tuplespace/tuple/pattern.h"
#include "tuplespace/tuple/tuple.h"
#include "tuplespace/tuple/value.h"

namespace tuplespace {

inline constexpr size_t kPatternsMax = 4096;  // of one template, nested ones included

// What the names of a template stand for after a match: parallel to names(). A named rest is
// the canonical bytes of a list.
using Bindings = std::vector<std::string>;

class Template {
 public:
  Template() : rep_(empty()) {}  // matches only ()

  // Builds a template, or says what is wrong with it: limits, a name that is none.
  // Patterns refer to `names` by index; a name used twice means equal. Names come out in the
  // order of their first use, so that templates of one meaning are equal.
  static Result<Template> of(std::vector<Pattern> fields, std::vector<std::string> names,
                             bool rest = false, int rest_name = -1, const Limits& limits = {});

  // The template that only `tuple` itself matches.
  static Template exactly(const Tuple& tuple);

  const std::vector<Pattern>& fields() const { return rep_->fields; }
  const std::vector<std::string>& names() const { return rep_->names; }
  bool rest() const { return rep_->rest; }
  int rest_name() const { return rep_->rest_name; }

  // True if nothing but equality and type decides (no names used twice): an index on those
  // fields answers exactly.
  bool plain() const { return rep_->plain; }

  // True if a pattern refers to a name of another template (reference.h). Such a template matches
  // nothing.
  bool has_references() const { return rep_->references; }

  // Returns the top-level field that binds `name`, or -1.
  int field_of_name(std::string_view name) const;

  bool matches(std::string_view tuple_bytes) const;
  bool matches(const Tuple& tuple) const { return matches(tuple.bytes()); }

  // As matches(); fills `bindings` with the canonical bytes of each name when it is true.
  bool bind(std::string_view tuple_bytes, Bindings& bindings) const;

  bool operator==(const Template& other) const { return *rep_ == *other.rep_; }

  // Remembers a template without keeping it: copies of it are the same, built again it is not.
  class Identity {
   public:
    Identity() = default;
    explicit Identity(const Template& of) : rep_(of.rep_) {}
    bool is(const Template& other) const {
      return !rep_.owner_before(other.rep_) && !other.rep_.owner_before(rep_);
    }

   private:
    std::weak_ptr<const void> rep_;
  };
  size_t identity_hash() const { return reinterpret_cast<uintptr_t>(rep_.get()) >> 4; }

 private:
  struct Rep {
    std::vector<Pattern> fields;
    std::vector<std::string> names;
    bool rest = false;
    int rest_name = -1;
    bool plain = true;
    bool names_twice = false;
    bool references = false;

    bool operator==(const Rep&) const = default;
  };
  explicit Template(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}
  static const std::shared_ptr<const Rep>& empty();

  std::shared_ptr<const Rep> rep_;
};

}  // namespace tuplespace
