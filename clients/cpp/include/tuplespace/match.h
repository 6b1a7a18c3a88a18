// What calls give: tuples that were found or put, counts, and how a hold ends.
//
// Threads: any; one Match by one thread at a time, its copies apart.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "tuplespace/arguments.h"

namespace tuplespace::client {

struct Receipt;  // of one taken answer, until it is confirmed
struct Held;     // what is known of a hold

// What became of a tuple that was put until taken.
enum class Fate : uint8_t {
  kNone,       // nobody asked
  kTaken,      // a taker has confirmed it, or settled it as done
  kExpired,    // its ttl ended first
  kWithdrawn,  // cancelled, dropped with its space, or dead
};

// An `out` that is as durable as its space promises.
struct Placed {
  uint64_t id = 0;                  // of the (first) tuple; its place and the instant, too
  std::optional<milliseconds> ttl;  // granted
  Fate fate = Fate::kNone;          // with OutOptions::until_taken
};

// How a hold ends.
class Settlement {
 public:
  enum class How : uint8_t { kDone = 1, kBack = 2, kTail = 3, kDead = 4 };

  // Gone for good.
  static Settlement done() { return {How::kDone, {}, {}}; }
  // Available again at its old place, at once or after a while; attempt + 1.
  static Settlement back(milliseconds after = milliseconds(0)) { return {How::kBack, after, {}}; }
  // Available again behind all others, under a new id; attempt + 1.
  static Settlement tail() { return {How::kTail, {}, {}}; }
  // Becomes ("dead", space, reason, attempts, [fields ...]) in the space NAME.dead.
  static Settlement dead(std::string_view reason) { return {How::kDead, {}, reason}; }

  How how() const { return how_; }
  milliseconds after() const { return after_; }
  std::string_view reason() const { return reason_; }

 private:
  Settlement(How how, milliseconds after, std::string_view reason)
      : how_(how), after_(after), reason_(reason) {}

  How how_;
  milliseconds after_;
  std::string_view reason_;
};

struct Settled {
  uint64_t id = 0;  // tail, dead: of the tuple that took its place
  uint64_t sequence = 0;
};

// Something that ends by itself unless it is renewed.
class Lease {
 public:
  enum class Kind : uint8_t { kTuple, kHold, kTransaction };

  static Lease tuple(uint64_t id) { return {Kind::kTuple, id}; }      // of a tuple's ttl
  static Lease hold(uint64_t token) { return {Kind::kHold, token}; }  // of Match::token()

  Kind kind() const { return kind_; }
  uint64_t number() const { return number_; }

 private:
  friend class Transaction;
  Lease(Kind kind, uint64_t number) : kind_(kind), number_(number) {}

  Kind kind_;
  uint64_t number_;
};

// A tuple that was found.
class Match {
 public:
  Match() = default;
  Match(Tuple tuple, uint64_t id, uint64_t sequence, uint32_t attempt)
      : tuple_(std::move(tuple)), id_(id), sequence_(sequence), attempt_(attempt) {}

  const Tuple& tuple() const { return tuple_; }
  uint64_t id() const { return id_; }              // its place
  uint64_t sequence() const { return sequence_; }  // the instant it was found
  uint32_t attempt() const { return attempt_; }    // how often it was given back before
  uint32_t matched() const { return matched_; }    // 0: the template, else the place in any_of, + 1

  // Returns the value of field `index`. Requires: index < tuple().arity().
  Value operator[](size_t index) const { return tuple_.at(index); }

  // Returns what the name stands for in the template that matched, or nothing if it has none.
  std::optional<Value> bound(std::string_view name) const;

  // ---- taken with Confirm::kManual ----

  // One of these ends the wait for a word on a taken tuple. confirm(): it is yours; told to the
  // server with the next frame, at latest after 1 ms, durable when close() is OK. give_back(): it
  // becomes available again, as it does without either when the last copy of the match is gone.
  // Tuples taken together (in_many) are confirmed when each of them was, and given back together.
  // Errors: ABORTED if the session ended before: the tuple went back. Otherwise OK, also for a
  // match that needs no confirmation.
  Status confirm();
  Status give_back();

  // ---- taken with TakeOptions::hold ----

  // Of its hold, and also its fencing token: greater than that of any hold before on the same
  // tuple. 0: it is under none. token() is all that others need to settle it: Space::settle.
  uint64_t token() const;
  milliseconds hold() const;  // granted

  // Each ends the hold, as Settlement says.
  // Errors: FAILED_PRECONDITION: the hold has ended before, and nothing was changed.
  Result<Settled> done() { return settle(Settlement::done()); }
  Result<Settled> back(milliseconds after = milliseconds(0)) {
    return settle(Settlement::back(after));
  }
  Result<Settled> tail() { return settle(Settlement::tail()); }
  Result<Settled> dead(std::string_view reason) { return settle(Settlement::dead(reason)); }
  Result<Settled> settle(const Settlement& how);

  // Lets the hold end this long after now; says what is granted. Errors: NOT_FOUND (it has ended).
  Result<milliseconds> renew(milliseconds hold);

 private:
  friend struct Builder;
  Tuple tuple_;
  uint64_t id_ = 0;
  uint64_t sequence_ = 0;
  uint32_t attempt_ = 0;
  uint32_t matched_ = 0;
  std::shared_ptr<const Template> wanted_;  // only if it has names
  std::shared_ptr<Receipt> receipt_;        // only with Confirm::kManual
  std::shared_ptr<const Held> held_;        // only under a hold
};

// What a probe found: a match, or nothing and how many matches somebody holds at that instant
// (of the oldest 4096).
struct Probed : std::optional<Match> {
  using std::optional<Match>::optional;
  uint64_t held = 0;
};

// How many match, at one instant.
struct Counted {
  uint64_t ready = 0;
  uint64_t held = 0;     // taken and not yet confirmed
  uint64_t delayed = 0;  // not yet visible
  uint64_t sequence = 0;
};

// How many were moved or copied, at one instant.
struct Collected {
  uint64_t count = 0;
  uint64_t sequence = 0;
};

}  // namespace tuplespace::client
