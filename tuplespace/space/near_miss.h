// NearMisses says why tuples do not match a template: by the first field that differs, and how.
//
// Threads: lane.
// Bounds:  two values are kept per way to miss; ways are as many as fields times types.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tuplespace/space/answer.h"
#include "tuplespace/tuple/template.h"

namespace tuplespace {

class NearMisses {
 public:
  explicit NearMisses(const Template& wanted);

  // Counts a tuple of an arity that the template may match. Requires: it does not match.
  void add(const Tuple& tuple);
  // Counts tuples that have another number of fields.
  void add_other_arity(size_t arity, uint64_t tuples);

  // The most frequent ways to miss, first; of equal ones the one that differs last.
  std::vector<ExplainAnswer::Near> most_frequent(size_t max) const;

 private:
  // The field that differs, and the type it has; field -1: another number of fields; kAny: fields
  // of one name differ.
  struct Miss {
    int field = -1;
    Type type = Type::kAny;
    size_t arity = 0;
    auto operator<=>(const Miss&) const = default;
  };
  struct Missed {
    uint64_t tuples = 0;
    std::set<std::string> values;  // canonical; no more than two are needed
    bool too_long = false;         // one of them is not for people
  };

  std::string text(const Miss& miss, const Missed& missed) const;

  const Template wanted_;
  std::vector<Template> fields_;    // each alone
  std::vector<Template> prefixes_;  // with two or more fields of one name: the first 1, 2, ...
  std::map<Miss, Missed> misses_;
};

}  // namespace tuplespace
