// Facts is what can be known for certain of every tuple from what clients were told: the model that
// the judge holds a simulation to. A tuple is a line of points in the order of sequence numbers;
// what no client was told is not in it, and proves nothing.
//
// Threads: one.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/deed.h"

namespace tuplespace::simulation {

struct Point {
  enum class Kind : uint8_t {
    kPut,  // it came, available unless delayed
    kTaken,
    kGone,  // settled for good, or under a new id now
    kSeen,  // it is available
  };
  Sequence at = 0;
  Kind kind = Kind::kPut;
  uint32_t attempt = 0;
  size_t deed = 0;  // kNobody: it was seen at the end
  Token token = 0;  // kTaken under a hold
  bool delayed = false;
};

struct Item {
  std::string space;
  Sequence id = 0;
  Uid uid = 0;
  int key = 0;
  std::vector<Point> points;  // by `at`; at one number changes come before what is seen
};

// What happened to a hold.
struct HoldEnd {
  size_t deed = 0;
  Settlement settlement = Settlement::kDone;
  bool by_lease = false;  // kEndLease: as kBack
};

class Facts {
 public:
  explicit Facts(const Past& past);

  // True if it is certain that `item` was available just before number `next` was given.
  bool available_before(const Item& item, Sequence next) const;
  // True if it was during the whole time in which `at` was the last number: what ends a delay or
  // a lease gives no number, so of two who were told the same one each may have been first.
  bool available_at(const Item& item, Sequence at) const;

  // True if a power cut may have undone what was told of this deed.
  bool shaken(const Deed& deed) const;
  // True if tuples of this space may be lost with the server, as it promises.
  bool forgetful(const std::string& space) const;

  const std::map<std::pair<std::string, Sequence>, Item>& items() const { return items_; }
  const std::vector<const Item*>& items_in(const std::string& space) const;
  const std::vector<const Item*>& items_of(Uid uid) const;
  const std::vector<HoldEnd>& ends_of(uint16_t shard, Token token) const;
  // Where the one who put it put it.
  const std::string& home_of(Uid uid) const { return homes_[static_cast<size_t>(uid)]; }
  // The uids that a deed put at one instant, if it did: of each alternative, or of the out.
  static std::vector<std::vector<Uid>> puts_of(const Deed& deed);
  // An alternative that puts or settles takes for good.
  static bool is_final(const v1::Alternative& alternative);
  // True if what the deed took without a hold is gone for good.
  static bool took_for_good(const Deed& deed);

  // What no client should have been told.
  const std::vector<std::string>& nonsense() const { return nonsense_; }

 private:
  void add(size_t index);
  void add_taken(size_t index, const std::string& space, const v1::Found& found, Sequence at);
  void add_settled(size_t index, const std::string& space, Token token, Settlement settlement,
                   Sequence at, Sequence new_id);
  void add_atomic(size_t index);
  void add_end(size_t index);
  void add_left(const std::vector<Left>& left);
  Item& item(const std::string& space, Sequence id, Uid uid, int key);
  Item& item(const std::string& space, const v1::Found& found);
  size_t life_of(uint16_t shard, Sequence at) const;

  const Past& past_;
  std::map<std::pair<std::string, Sequence>, Item> items_;
  std::map<std::string, std::vector<const Item*>> by_space_;
  std::vector<std::vector<const Item*>> by_uid_;
  std::vector<std::string> homes_;
  std::map<std::pair<uint16_t, Token>, std::vector<HoldEnd>> ends_;
  std::map<std::pair<uint16_t, Token>, std::pair<Item*, uint32_t>> holds_;  // and the attempt
  // (asked, told) of changes that were synced when they were told; told: the least from here on.
  std::vector<std::pair<uint64_t, uint64_t>> syncs_;
  std::vector<std::string> nonsense_;
};

}  // namespace tuplespace::simulation
