// Status says how an operation ended; Result<T> is a value or the Status that took its place.
//
// The codes are gRPC's, by number. A code exists here only if somebody reacts to it. The message
// says what was asked, what was seen, which bound, and what to do. A Problem carries the part of
// it that a program can use.
//
// Threads: any.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tuplespace {

enum class Code : int {
  kOk = 0,
  kCancelled = 1,           // the caller cancelled, or went away
  kInvalidArgument = 3,     // the request is wrong whatever the state
  kDeadlineExceeded = 4,    // the caller's deadline passed; the outcome may be unknown
  kNotFound = 5,            // no such space or session
  kAlreadyExists = 6,       // a space of that name exists with another policy
  kPermissionDenied = 7,    // the secret or the token is wrong
  kResourceExhausted = 8,   // a bound with a name was reached; nothing was done
  kFailedPrecondition = 9,  // the state forbids it: stale number, spaces of two shards
  kAborted = 10,            // ended by somebody else: space dropped, stream replaced
  kUnimplemented = 12,      // the server is older than the request
  kInternal = 13,           // our own bug
  kUnavailable = 14,        // no server, or it is going down; ask again
  kDataLoss = 15,           // what is on disk is not what was written
};

// Returns the name that gRPC gives `code`, for instance "RESOURCE_EXHAUSTED".
const char* code_name(Code code);

// What a program can read out of an error.
struct Problem {
  std::string bound;             // the bound or field that the error is about, "" if none
  bool retry = false;            // the same request may succeed later
  bool outcome_unknown = false;  // the operation may or may not have happened
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(Code code, std::string message) : rep_(new Rep{code, std::move(message), {}}) {}
  Status(Code code, std::string message, Problem problem)
      : rep_(new Rep{code, std::move(message), std::move(problem)}) {}

  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ ? rep_->code : Code::kOk; }
  const std::string& message() const;
  const Problem& problem() const;

  // "RESOURCE_EXHAUSTED: out to space ..." or "OK".
  std::string to_string() const;

 private:
  struct Rep {
    Code code;
    std::string message;
    Problem problem;
  };
  std::shared_ptr<const Rep> rep_;
};

inline Status invalid(std::string message, std::string field = {}) {
  return {Code::kInvalidArgument, std::move(message), {std::move(field), false, false}};
}
inline Status exhausted(std::string message, std::string bound, bool retry = true) {
  return {Code::kResourceExhausted, std::move(message), {std::move(bound), retry, false}};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::move(value)) {}
  // Requires: !status.ok().
  Result(Status status) : held_(std::move(status)) {}

  bool ok() const { return held_.index() == 0; }
  Status status() const { return ok() ? Status() : std::get<1>(held_); }

  // Requires: ok().
  T& value() & { return std::get<0>(held_); }
  const T& value() const& { return std::get<0>(held_); }
  T&& value() && { return std::get<0>(std::move(held_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> held_;
};

// Ends the process when `condition` is false: our own bug, or lost durability. Always on.
#define TS_CHECK(condition)                                                              \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)

// Returns the Status of `expression` from the enclosing function unless it is OK.
#define TS_RETURN_IF_ERROR(expression)                                                             \
  do {                                                                                             \
    if (::tuplespace::Status status_of_it = (expression); !status_of_it.ok()) return status_of_it; \
  } while (false)

}  // namespace tuplespace
