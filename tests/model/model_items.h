// ModelItems is the tuples of all spaces as a vector: which of them are available, match, count;
// and what somebody asks for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tuplespace/space/answer.h"

namespace tuplespace {
struct ModelItems {
  struct Item {
    std::string space;
    Sequence place;
    Tuple tuple;
    Time visible_at = 0, expires_at = kNever;
    Caller holder = {};    // who took it and has not confirmed; session 0: it is free
    uint32_t attempt = 0;  // how often it was given back
  };
  struct Asked {  // a read or take, or an atomic; while it waits, its place in line
    Take take;
    Caller caller;
    ReplyTo reply;
    Time until = kNever;
    bool awake = true;                                      // false: its session is suspended
    std::shared_ptr<const std::vector<Steps>> atomic = {};  // instead of `take`
  };
  std::vector<Item> items;  // the oldest place first
  std::vector<Item> left;   // available before, and not any more
  Time now = 0;

  bool gone(const Item& item) const { return !item.holder.session && item.expires_at <= now; }
  bool available(const Item& item) const {
    return !item.holder.session && item.visible_at <= now && !gone(item);
  }
  static int matched(const auto& asked, const Item& item) {  // which template; -1: none
    if (item.space != asked.space) return -1;
    if (asked.wanted.matches(item.tuple)) return 0;
    if constexpr (requires { asked.extras->any_of; }) {
      for (size_t i = 0; asked.extras && i < asked.extras->any_of.size(); ++i) {
        if (asked.extras->any_of[i].matches(item.tuple)) return int(i + 1);
      }
    }
    return -1;
  }

  void take_away(Item& item, const Caller& caller) {
    left.push_back(item);
    if (caller.number) item.holder = caller;
    if (!caller.number) item.expires_at = now;
  }

  CountAnswer count(const auto& asked) const {
    CountAnswer answer;
    for (const Item& item : items) {
      if (gone(item) || matched(asked, item) < 0) continue;
      uint64_t& free = available(item) ? answer.ready : answer.delayed;
      ++(item.holder.session ? answer.held : free);
    }
    return answer;
  }
};
}  // namespace tuplespace
