// Atomic is several steps, on spaces of one shard, that happen at one instant: all or none.
//
//   auto did = connection.atomic(Atomic()
//                                    .in("jobs", "('job', ?id:int)", {.hold = 30s})
//                                    .fewer_than(10, "results", "('result', ...)")
//                                    .out("results", "('result', $id, 'begun')")
//                                .otherwise()
//                                    .rd("jobs", "('closed')"));
//
// Names that `in` and `rd` bind stand for their values in later steps: $id, and $n+1 for an int.
// Each in and rd step finds another tuple; the first combination in order of places is chosen.
// Counts see available tuples, after the takes and before the outs. Of several alternatives the
// first that can happen does. Who waits stands in line with those who take.
//
// Receipt: with an `out` or `settle` in it, what it took is final at that instant: all has
//          happened, also if this process dies before it hears of it. Without, as `in`: what was
//          taken goes back if this process dies before it has confirmed.
// Threads: one at a time.
// Bounds:  the server's steps_max (32) alternatives, and steps that match; its effects_max.
// Errors:  what is wrong with a step is the atomic's Status.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/arguments.h"
#include "tuplespace/match.h"
#include "tuplespace/tuple/reference.h"

namespace tuplespace::client {

struct PutOptions {
  std::optional<milliseconds> ttl = {};
  std::optional<milliseconds> delay = {};
  bool bound = false;  // vanishes with our session
};

struct HoldOptions {
  std::optional<milliseconds> hold = {};  // takes under a hold of this length
};

// A template, as one or as text that may refer to names of earlier steps. It refers to what it is
// given; meant for arguments only.
class StepTemplate {
 public:
  StepTemplate(const Template& wanted) : given_(&wanted) {}
  StepTemplate(std::string_view text) : text_(text) {}
  StepTemplate(const std::string& text) : text_(text) {}
  StepTemplate(const char* text) : text_(text) {}

 private:
  friend class Atomic;
  const Template* given_ = nullptr;
  std::string_view text_;
};

enum class Comparison : uint8_t { kLess = 1, kEqual = 2, kGreater = 3 };

// One step, as Atomic keeps it.
struct AtomicStep {
  enum class Kind : uint8_t { kIn = 1, kRd = 2, kSettle = 3, kOut = 4, kCount = 5 };

  Kind kind = Kind::kIn;
  std::string space;
  Template wanted;                        // kIn, kRd, kCount
  std::optional<milliseconds> hold = {};  // kIn
  std::vector<Expression> fields = {};    // kOut
  PutOptions put = {};                    // kOut
  uint64_t number = 0;                    // kSettle: the token; kCount: compared with this
  Comparison comparison = Comparison::kEqual;
  Settlement::How how = Settlement::How::kDone;
  milliseconds after{0};    // kSettle
  std::string reason = {};  // kSettle
};

class Atomic {
 public:
  // Each adds a step to the last alternative.
  Atomic& in(std::string_view space, const StepTemplate& wanted, const HoldOptions& options = {});
  Atomic& rd(std::string_view space, const StepTemplate& wanted);
  // `fields`: a tuple, or text with references to what earlier steps have bound.
  Atomic& out(std::string_view space, const Tuple& tuple, const PutOptions& options = {});
  Atomic& out(std::string_view space, std::string_view fields, const PutOptions& options = {});
  Atomic& out(std::string_view space, std::vector<Expression> fields,
              const PutOptions& options = {});
  // Ends a hold. Whoever has its token may.
  Atomic& settle(std::string_view space, uint64_t token,
                 const Settlement& how = Settlement::done());
  // Each holds while so many match.
  Atomic& fewer_than(uint64_t n, std::string_view space, const StepTemplate& wanted);
  Atomic& exactly(uint64_t n, std::string_view space, const StepTemplate& wanted);
  Atomic& more_than(uint64_t n, std::string_view space, const StepTemplate& wanted);
  Atomic& none(std::string_view space, const StepTemplate& wanted) {
    return exactly(0, space, wanted);
  }

  // Begins another alternative.
  Atomic& otherwise();

  const Status& status() const { return status_; }  // what is wrong with a step
  const std::vector<std::vector<AtomicStep>>& alternatives() const { return alternatives_; }

 private:
  AtomicStep& add(AtomicStep::Kind kind, std::string_view space);
  Template template_of(const StepTemplate& wanted);
  Atomic& count(std::string_view space, const StepTemplate& wanted, Comparison comparison,
                uint64_t n);
  void note(const Status& status);

  std::vector<std::vector<AtomicStep>> alternatives_ = std::vector<std::vector<AtomicStep>>(1);
  std::vector<std::string> bound_;  // names, in the last alternative
  Status status_;
};

struct AtomicOptions {
  std::optional<milliseconds> wait = {};  // absent: without end; 0: do not wait
};

// What an atomic did.
struct Did {
  struct Step {
    std::optional<Match> found;  // in, rd
    uint64_t id = 0;             // out; settle as tail or dead
    uint64_t count = 0;          // fewer_than and so on
  };

  size_t alternative = 0;   // which one happened, from 0
  std::vector<Step> steps;  // of that alternative
  uint64_t sequence = 0;    // the instant

  // Returns what step `index` found. Requires: it is an `in` or `rd`.
  const Match& operator[](size_t index) const { return *steps[index].found; }
  // Returns what `name` stands for, or nothing if no step has bound it.
  std::optional<Value> bound(std::string_view name) const;
};

using AtomicDone = std::function<void(Result<Did>)>;

}  // namespace tuplespace::client
