// Model is spaces as a vector and a loop: what everything else is held to. It knows no index, no
// slice, no record and no session, only what the promises say. advance(now) comes before what
// happens at `now`. At most 150 lines.
#pragma once

#include <algorithm>
#include <functional>

#include "tuplespace/space/operation.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
struct Model {
  struct Item {
    std::string space;
    Sequence place;
    Tuple tuple;
    Time visible_at = 0, expires_at = kNever;
    Caller holder = {};    // who took it and has not confirmed; session 0: it is free
    uint32_t attempt = 0;  // how often it was given back
  };
  struct Asked {  // a read or take; while it waits, its place in line
    Take take;
    Caller caller;
    ReplyTo reply;
    Time until = kNever;
    bool awake = true;  // false: its session is suspended, it is offered nothing
  };
  std::vector<Item> items;     // the oldest place first
  std::vector<Asked> waiters;  // the longest waiting first
  std::function<void(const Asked&, const TakeAnswer&)> on_answer;
  Time now = 0;

  bool gone(const Item& item) const { return !item.holder.session && item.expires_at <= now; }
  bool available(const Item& item) const {
    return !item.holder.session && item.visible_at <= now && !gone(item);
  }
  static bool wants(const auto& asked, const Item& item) {  // a Take or a Count
    return item.space == asked.space && asked.wanted.matches(item.tuple);
  }

  void hand_over(Item& item, const Asked& asked, TakeAnswer& answer) {
    answer.tuples.push_back({item.place, item.tuple, item.attempt});
    if (asked.take.remove && asked.caller.number) item.holder = asked.caller;
    if (asked.take.remove && !asked.caller.number) item.expires_at = now;
  }

  // Promise 3: every matching reader, then the longest-waiting matching taker.
  void offer(Item& item, bool pulse = false) {
    for (const bool remove : {false, true}) {
      for (size_t i = 0; i < waiters.size() && available(item) && !(remove && pulse);) {
        const Asked asked = waiters[i++];
        if (!asked.awake || asked.take.remove != remove || !wants(asked.take, item)) continue;
        waiters.erase(waiters.begin() + long(--i));
        TakeAnswer answer{{}, Ended::kNot, 0, remove};
        hand_over(item, asked, answer);
        on_answer(asked, answer);
      }
    }
  }

  void out(Item item, bool pulse) {
    offer(item, pulse);
    if (!pulse) items.push_back(std::move(item));
  }

  // Promise 4: the oldest place first, or as asked; at random: what the other one picked.
  bool serve(const Asked& asked, const std::vector<Found>& picked = {}) {
    const auto key = [&](const Item* item) {
      std::string_view rest = item->tuple.bytes();
      for (uint32_t i = 0; i < asked.take.choice.field; ++i) take_field(rest);
      return take_field(rest);
    };
    const auto pick = [&](const Item* item) {
      return std::ranges::find(picked, item->place, &Found::id) - picked.begin();
    };
    std::vector<Item*> found;
    for (Item& item : items) {
      if (available(item) && wants(asked.take, item)) found.push_back(&item);
    }
    std::ranges::stable_sort(found, [&](const Item* a, const Item* b) {
      switch (asked.take.choice.order) {
        case Order::kNewest: return a->place > b->place;
        case Order::kLeast: return key(a) < key(b);
        case Order::kGreatest: return key(b) < key(a);
        case Order::kRandom: return pick(a) < pick(b);
        default: return a->place < b->place;
      }
    });
    if (found.size() > asked.take.max) found.resize(asked.take.max);
    TakeAnswer answer{{}, Ended::kNot, 0, asked.take.remove};
    for (Item* item : found) hand_over(*item, asked, answer);
    if (!found.empty()) on_answer(asked, answer);
    return !found.empty();
  }

  void take(Asked asked, const std::vector<Found>& picked) {
    if (serve(asked, picked)) return;
    if (asked.until > now) return waiters.push_back(std::move(asked));
    on_answer(asked, {{}, Ended::kNone, count(asked.take).held, asked.take.remove});
  }

  // What those hold becomes available again, one after the other.
  void give_back(const std::function<bool(const Caller&)>& is_holder) {
    for (Item& item : items) {
      if (!item.holder.session || !is_holder(item.holder)) continue;
      item.holder = {};
      ++item.attempt;
      offer(item);
    }
  }

  CountAnswer count(const auto& asked) const {
    CountAnswer answer;
    for (const Item& item : items) {
      if (gone(item) || !wants(asked, item)) continue;
      uint64_t& free = available(item) ? answer.ready : answer.delayed;
      ++(item.holder.session ? answer.held : free);
    }
    return answer;
  }

  // Time passes. At one instant: expiry, then delays that end, by place, then waits that end.
  void advance(Time until) {
    while (now < until) {
      Time due = until;
      for (const Item& item : items) {
        if (item.visible_at > now) due = std::min(due, item.visible_at);
        if (item.expires_at > now) due = std::min(due, item.expires_at);
      }
      for (const Asked& asked : waiters) due = std::min(due, std::max(asked.until, now + 1));
      now = due;
      std::erase_if(items, [&](const Item& item) { return gone(item); });
      for (Item& item : items) {
        if (item.visible_at == now) offer(item);
      }
      end_waits();
    }
  }

  void end_waits() {
    for (size_t i = 0; i < waiters.size();) {
      const Asked asked = waiters[i++];
      if (!asked.awake || asked.until > now) continue;
      waiters.erase(waiters.begin() + long(--i));
      on_answer(asked, {{}, Ended::kTimeout, 0, asked.take.remove});
    }
  }
};
}  // namespace tuplespace
