// What calls take: tuples and templates, as such or in text form, and options.
//
// Options hold no strings of their own: GCC 12 copies the bytes of an aggregate that stands in a
// co_await expression.
//
// Threads: any (values). Arguments and options refer to what they are given, for the time of the
//          call.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tuplespace/status.h"
#include "tuplespace/tuple/template.h"
#include "tuplespace/tuple/tuple.h"

namespace tuplespace::client {

using std::chrono::milliseconds;

// A tuple, as one or in text form. What is wrong with the text is the call's Status.
class TupleArgument {
 public:
  TupleArgument(Tuple tuple) : tuple_(std::move(tuple)) {}
  TupleArgument(std::string_view text);
  TupleArgument(const std::string& text) : TupleArgument(std::string_view(text)) {}
  TupleArgument(const char* text) : TupleArgument(std::string_view(text)) {}

  const Status& status() const { return status_; }
  const Tuple& tuple() const { return tuple_; }  // requires: status().ok()

 private:
  Tuple tuple_;
  Status status_;
};

// A template, likewise. It refers to the template it is given; meant for arguments only.
class TemplateArgument {
 public:
  TemplateArgument(const Template& wanted) : given_(&wanted) {}
  TemplateArgument(std::string_view text);
  TemplateArgument(const std::string& text) : TemplateArgument(std::string_view(text)) {}
  TemplateArgument(const char* text) : TemplateArgument(std::string_view(text)) {}

  const Status& status() const { return status_; }
  const Template& wanted() const { return given_ ? *given_ : parsed_; }

 private:
  const Template* given_ = nullptr;
  Template parsed_;
  Status status_;
};

// A field of a template, by its 0-based number or by the name that the template gives it.
class FieldChoice {
 public:
  FieldChoice(int number) : number_(static_cast<uint32_t>(number)) {}
  FieldChoice(std::string_view name) : name_(name) {}
  FieldChoice(const char* name) : name_(name) {}

  uint32_t number() const { return number_; }
  std::string_view name() const { return name_; }  // "": by number

 private:
  uint32_t number_ = 0;
  std::string_view name_;
};

struct OutOptions {
  std::optional<milliseconds> ttl = {};    // the tuple vanishes after this; absent: never
  std::optional<milliseconds> delay = {};  // nobody sees it until then; absent: at once
  bool pulse = false;                      // waiting readers see it, it is never stored
  bool bound = false;                      // it vanishes with our session
  // Answered when its taker has confirmed or settled it, saying its Fate; bound, too. A cancel
  // withdraws it, unless somebody has it.
  bool until_taken = false;
  uint64_t transaction = 0;  // seen by this Transaction only, until it commits; 0: none
};

// Which of several matches is chosen.
enum class Order : uint8_t { kDefault, kOldest, kNewest, kLeast, kGreatest, kRandom };

struct Choice {
  Order order = Order::kDefault;     // as the space's policy says; usually the oldest
  uint32_t field = 0;                // kLeast, kGreatest: of this 0-based field,
  std::string_view field_name = {};  // or of the one that the template gives this name
};

enum class Confirm : uint8_t {
  kAutomatic,  // when the tuple was handed over
  kManual,     // when Match::confirm() is called
};

struct TakeOptions {
  std::optional<milliseconds> wait = {};  // absent: without end; 0: do not wait
  Choice choice = {};
  Confirm confirm = Confirm::kAutomatic;  // of `in`; `rd` takes nothing
  // `in`: takes under a hold of this length. What is not settled by then, or when our session
  // ends, is given back. See Match::done().
  std::optional<milliseconds> hold = {};
  // `in`: takes the oldest match whose value in this field is not busy, that is: no tuple of that
  // value is held by anybody. So what belongs together is worked on one after the other.
  std::optional<FieldChoice> group = {};
  std::span<const TemplateArgument> any_of = {};  // further templates; see Match::matched()
  uint64_t transaction = 0;  // takes for, or reads in, this Transaction; 0: none
};

}  // namespace tuplespace::client
