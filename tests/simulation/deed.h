// A Deed is one operation as its client knows it: what was asked, when, and what came of it. A
// Past is all deeds of one simulation, and what else happened that excuses something. The judge
// sees nothing but this: no record, no answer that did not arrive.
//
// Threads: any (values).
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuplespace/space/operation.h"
#include "tuplespace/v1/session.pb.h"

namespace tuplespace::simulation {

inline constexpr uint64_t kNoStep = std::numeric_limits<uint64_t>::max();
inline constexpr size_t kNobody = std::numeric_limits<size_t>::max();

// Tuples of a simulation are (uid, key, "job"); every uid is put once.
using Uid = int64_t;
struct Wanted {
  Uid uid = 0;   // 0: any
  int key = -1;  // -1: any
  bool matches(Uid of, int with) const {
    return (uid == 0 || uid == of) && (key < 0 || key == with);
  }
};

struct Moment {
  uint64_t step = kNoStep;
  Time time = 0;
  int life = 0;  // of the server
};

enum class What : uint8_t {
  kOut,
  kIn,
  kRd,
  kCount,
  kSettle,
  kRenew,
  kEndLease,
  kCollect,
  kCopyCollect,
  kAtomic
};

enum class Outcome : uint8_t {
  kUnknown,  // nobody will ever say
  kAnswered,
  kNever,  // it was not executed, or was refused
};

struct Deed {
  What what = What::kOut;
  std::string space;
  std::string into;  // collect; kAtomic: where it puts
  size_t client = 0;
  size_t session = kNobody;  // in Past::sessions; kNobody: without one

  // kOut, kAtomic
  std::vector<Uid> uids;
  std::optional<Duration> ttl, delay;
  bool bound = false;
  bool until_taken = false;

  // kIn, kRd, kCount, kCollect, kAtomic (what it takes)
  std::vector<Wanted> wanted;
  std::optional<Duration> wait;  // absent: without end
  std::optional<Duration> hold;
  bool grouped = false;
  Order order = Order::kOldest;
  uint32_t max = 1;

  // kSettle, kRenew, kEndLease
  Token token = 0;
  size_t of = 0;  // the deed that took it
  Settlement settlement = Settlement::kDone;
  Duration after = 0;
  Duration renewed = 0;

  v1::Operation request;
  Moment asked, told;
  Outcome outcome = Outcome::kUnknown;
  bool ended_waiting = false;  // it timed out, or was cancelled
  v1::Answer answer;

  uint64_t confirm_step = kNoStep;   // its confirmation was sent first
  uint64_t returned_step = kNoStep;  // it was given back first
  bool surely_confirmed = false;     // durable, whatever happens

  bool takes() const { return what == What::kIn || what == What::kAtomic; }
};

struct SessionPast {
  size_t client = 0;
  uint64_t doubt_step = kNoStep;   // from here on it may have ended
  uint64_t closed_step = kNoStep;  // the server said that it has
};

struct SpaceSetup {
  std::string name;
  uint16_t shard = 0;
  Durability durability = Durability::kSync;
  uint64_t tuples_max = 0;
  uint32_t deliveries_max = 0;
};

// A tuple that was there at the end, or at rest.
struct Left {
  std::string space;
  Sequence id = 0;
  Uid uid = 0;
  int key = 0;
  uint32_t attempt = 0;
};

struct Past {
  std::vector<SpaceSetup> spaces;
  std::deque<Deed> deeds;
  std::vector<SessionPast> sessions;
  std::vector<uint64_t> restarts;                         // the steps of crashes
  std::vector<uint64_t> power_cuts;                       // those of them
  std::map<uint16_t, std::vector<Sequence>> life_begins;  // by shard: the first number of a life
  std::vector<int> key_of;                                // by uid
  std::vector<size_t> deed_of;                            // by uid: who put it
  std::vector<Left> at_rest;  // when everybody was connected and nothing was under way
  std::vector<Left> at_end;   // when every session and hold had ended
  uint64_t still_held = 0;    // then

  std::vector<size_t> waiting;  // deeds whose client waited at rest
  // That of a space of dead letters is the one they come from.
  const SpaceSetup& space(const std::string& name) const {
    for (const SpaceSetup& space : spaces) {
      if (space.name == name || name == space.name + ".dead") return space;
    }
    return spaces.front();
  }
};

}  // namespace tuplespace::simulation
