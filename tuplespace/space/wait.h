// Waits are the reads and takes that are not answered yet: parked because nothing matched, or
// still searching. Waiters files those of one space so that a tuple finds whom it may serve by
// looking at a few hashes.
//
// Order:   a tuple serves every matching read, then the oldest matching take.
// Threads: lane.
// Bounds:  residual_max waits that only a look at each can decide, per hash; beyond it add() is
//          RESOURCE_EXHAUSTED.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tuplespace/space/operation.h"
#include "tuplespace/space/question.h"
#include "tuplespace/space/search.h"

namespace tuplespace {

struct Wait;
class Space;

// A wait's link in one list of waiters.
struct WaitLink {
  Wait* wait = nullptr;
  const Template* wanted = nullptr;  // the one that is filed here
  WaitLink* previous = nullptr;
  WaitLink* next = nullptr;
};

// How a template of a wait is looked up, and where Waiters filed it.
struct Filing {
  Plan plan;
  uint32_t shape = 0;
  std::vector<WaitLink> links;  // parallel to plan.hashes, or one
};

struct Wait {
  enum class Kind : uint8_t {
    kTake,    // a read or take: filed in its space's Waiters
    kAtomic,  // several steps at one instant
    kFate,    // an `out` until taken: is told what becomes of its tuple
  };
  Kind kind = Kind::kTake;
  uint64_t id = 0;  // ascending in order of arrival
  uint32_t space = 0;
  Take take;
  Order order = Order::kOldest;  // what take.choice comes to
  uint32_t field = 0;            // least, greatest
  int group = -1;                // only of a group by this field that is not busy
  Filing filing;                 // of take.wanted
  std::vector<Filing> further;   // of take.extras->any_of
  Atomic atomic;                 // kAtomic
  uint64_t line = 0;             // kAtomic: of those who wait for the same (atomic_group.h)
  Caller caller;
  ReplyTo reply;
  Time since = 0;
  Time deadline = kNever;  // a probe that still searches has none

  bool suspended = false;  // its session has no stream: offered nothing
  bool searching = false;  // has not seen all tuples: those ahead of the cursor come later
  Cursor cursor;

  Sequence tuple = 0;  // kFate: whose

  bool probe() const {
    const std::optional<Duration>& wait = kind == Kind::kAtomic ? atomic.wait : take.wait;
    return wait && *wait == 0;
  }
  // The templates of a read or take: the one, and any_of.
  size_t templates() const { return 1 + further.size(); }
  const Template& wanted(size_t i) const {
    return i == 0 ? take.wanted : take.extras->any_of[i - 1];
  }
  Filing& filed(size_t i) { return i == 0 ? filing : further[i - 1]; }
  // The first template that a tuple matches, or templates(): none.
  size_t matched(std::string_view tuple_bytes) const {
    size_t i = 0;
    while (i < templates() && !wanted(i).matches(tuple_bytes)) ++i;
    return i;
  }
};

// False: it is suspended, its group is busy, or its search will come across the tuple itself.
bool may_be_offered(Space& space, const Wait& wait, Sequence place, std::string_view tuple_bytes,
                    Fingerprint& print);

class Waiters {
 public:
  Waiters(uint64_t seed, size_t residual_max) : seed_(seed), residual_max_(residual_max) {}

  // Files `wait`, which must stay where it is until remove().
  Status add(Wait& wait);
  void remove(Wait& wait);

  size_t size() const { return size_; }

  // Finds whom a tuple that becomes available serves; forgets nobody. `print` is its fingerprint.
  // Suspended waits, searches that will come across it and takers whose group is busy in `space`
  // are passed over.
  struct Served {
    std::vector<Wait*> readers;  // in order of arrival
    Wait* taker = nullptr;
  };
  void offer(Space& space, std::string_view tuple_bytes, Sequence place, Fingerprint& print,
             Served& served) const;

  // Takers that ask for a group, in order of arrival.
  const std::map<uint64_t, Wait*>& grouped() const { return grouped_; }

  // Visits every wait once, in no particular order.
  template <typename Visit>
  void for_each(Visit visit) const;

 private:
  struct List {
    WaitLink* first = nullptr;
    WaitLink* last = nullptr;
    void append(WaitLink& link);
    void remove(WaitLink& link);
  };
  struct Lists {
    List readers;
    List takers;
    size_t residual = 0;
  };
  // Waits that ask the same question.
  struct Shape {
    Question question;
    bool rest;
    absl::flat_hash_map<uint64_t, Lists> lists;
  };

  uint32_t shape_of(const Template& wanted, const Question& question);
  Status add(Wait& wait, size_t which);
  void remove(Wait& wait, size_t which);

  uint64_t seed_;
  size_t residual_max_;
  std::vector<Shape> shapes_;
  std::map<uint64_t, Wait*> grouped_;
  size_t size_ = 0;
};

template <typename Visit>
void Waiters::for_each(Visit visit) const {
  for (const Shape& shape : shapes_) {
    for (const auto& [hash, lists] : shape.lists) {
      for (const List* list : {&lists.readers, &lists.takers}) {
        for (WaitLink* link = list->first; link != nullptr; link = link->next) {
          if (link == link->wait->filing.links.data()) visit(*link->wait);
        }
      }
    }
  }
}

}  // namespace tuplespace
