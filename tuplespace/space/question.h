// Question says, per field of a tuple, whether it is asked for by value, by type, or not at all.
// Tuples that answer a question alike have one hash under it; that hash is what indexes and
// waiters are found by.
//
// The rule that keeps every wait alive: a template may be filed under a question only if every
// tuple that matches it has one of the plan's hashes.
//
// Threads: lane.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/tuple/template.h"

namespace tuplespace {

enum class Asked : char { kNothing = '?', kType = 't', kValue = 'v' };

class Question {
 public:
  Question() = default;
  explicit Question(size_t fields) : asked_(fields, static_cast<char>(Asked::kNothing)) {}

  size_t fields() const { return asked_.size(); }
  Asked asked(size_t field) const { return static_cast<Asked>(asked_[field]); }
  void ask(size_t field, Asked what) { asked_[field] = static_cast<char>(what); }

  // One more than the last field that is asked about; 0: none is.
  size_t bound() const;
  bool asks_nothing() const { return bound() == 0; }

  // True if every field that this asks about is asked as closely by `other`.
  bool is_within(const Question& other) const;
  // How closely it asks: values before types.
  int closeness() const;

  // The same question of a longer tuple.
  Question widened(size_t fields) const;

  // For people: "(value, type, ?)".
  std::string to_text() const;

  bool operator==(const Question&) const = default;

 private:
  std::string asked_;
};

// A hash that is known of a tuple, because it was found by it.
struct KnownHash {
  const Question* question = nullptr;  // nullptr: none is known
  uint64_t hash = 0;
};

// The fields of one tuple and their hashes, computed when first asked for. Reused from tuple to
// tuple.
class Fingerprint {
 public:
  explicit Fingerprint(uint64_t seed) : seed_(seed) {}

  // `tuple_bytes` and the known question must live until the next reset.
  void reset(std::string_view tuple_bytes, KnownHash known = {}) {
    bytes_ = tuple_bytes;
    known_ = known;
    split_ = false;
  }

  size_t arity() {
    if (!split_) split();
    return fields_.size();
  }
  std::string_view field(size_t index) {
    if (!split_) split();
    return fields_[index];
  }

  // The hash of this tuple under `question`, which has at most arity() fields.
  uint64_t hash(const Question& question) {
    return &question == known_.question ? known_.hash : compute(question);
  }

 private:
  void split();
  uint64_t compute(const Question& question);

  uint64_t seed_;
  std::string_view bytes_;
  KnownHash known_;
  bool split_ = false;  // the fields below are those of bytes_
  std::vector<std::string_view> fields_;
  std::vector<uint64_t> hashes_;  // of values; 0: not yet
};

// How a template is looked up: a question of as many fields as the template has, and the hashes
// that matching tuples have under it.
struct Plan {
  Question question;
  std::vector<uint64_t> hashes;  // several where a field is one of a set of values
  bool exact = false;            // a tuple with such a hash matches (but for collisions)
};

// `apart` is a field that the question shall not ask about (least, greatest), or -1.
Plan plan_of(const Template& wanted, uint64_t seed, int apart = -1);

// Plans remembers the plans of templates that were asked for lately: workers ask for the same ones
// again and again.
class Plans {
 public:
  explicit Plans(uint64_t seed) : seed_(seed), kept_(kKept) {}

  // As plan_of(). Valid until the next call.
  const Plan& of(const Template& wanted, int apart);

 private:
  static constexpr size_t kKept = 512;

  struct Kept {
    Template::Identity wanted;
    int apart = -1;
    Plan plan;
  };

  uint64_t seed_;
  std::vector<Kept> kept_;
};

// The hash of `plan.question` with type or value left out where `question` asks less. Requires:
// question.is_within(plan.question); `plan.hashes` are not used.
std::vector<uint64_t> hashes_under(const Template& wanted, const Question& question, uint64_t seed);

}  // namespace tuplespace
