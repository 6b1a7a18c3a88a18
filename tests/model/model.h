// Model is spaces as a vector and a loop: what everything else is held to. It knows no index, no
// slice, no record and no session, only what the promises say. serve() comes after everything that
// happens, advance(now) before what happens at `now`. At most 150 lines.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>

#include "tests/model/model_items.h"
#include "tuplespace/tuple/encoding.h"

namespace tuplespace {
struct Model : ModelItems {
  std::vector<Asked> waiters;    // the longest waiting first
  std::deque<Sequence> arrived;  // not offered yet to takers and atomics
  std::function<void(const Asked&, const TakeAnswer&)> on_answer;
  std::function<void(const Asked&)> on_timeout;                         // of an atomic
  std::function<bool(const Asked&, const Item&, bool leaves)> matters;  // to an atomic
  std::function<bool(size_t waiter)> happens;  // does what waits there, or cannot
  void hand_over(Item& item, const Asked& asked, TakeAnswer& answer) {
    const auto which = uint32_t(matched(asked.take, item));
    answer.tuples.push_back({item.place, item.tuple, item.attempt, which, 0});
    if (asked.take.remove) take_away(item, asked.caller);
  }
  bool serve_waiter(size_t i, Item& item) {  // with this tuple, if it is a read or take of it
    const Asked asked = waiters[i];
    if (!asked.awake || asked.atomic || matched(asked.take, item) < 0) return false;
    waiters.erase(waiters.begin() + long(i));
    TakeAnswer answer{{}, Ended::kNot, 0, asked.take.remove, 0};
    hand_over(item, asked, answer);
    on_answer(asked, answer);
    return true;
  }
  // Promise 3: every matching reader, then the longest-waiting taker or atomic.
  void arrive(Item& item) {
    for (size_t i = 0; i < waiters.size() && available(item);) {
      i += waiters[i].take.remove || !serve_waiter(i, item);
    }
    arrived.push_back(item.place);
  }
  bool offer(Sequence place) {  // true: an atomic happened, offer it again
    const auto item = std::ranges::find(items, place, &Item::place);
    for (size_t i = 0; i < waiters.size() && item != items.end() && available(*item); ++i) {
      const bool atomic = waiters[i].awake && waiters[i].atomic;
      if (atomic && matters(waiters[i], *item, false) && happens(i)) return true;
      if (!atomic && waiters[i].take.remove && serve_waiter(i, *item)) return false;
    }
    return false;
  }
  bool serve_left() {
    for (size_t i = 0; i < waiters.size(); ++i) {
      const auto helps = [&](const Item& item) { return matters(waiters[i], item, true); };
      if (!waiters[i].awake || !waiters[i].atomic || !std::ranges::any_of(left, helps)) continue;
      if (happens(i)) return true;
    }
    return false;
  }
  void serve() {
    while (!arrived.empty() || !left.empty()) {
      if (arrived.empty() && !serve_left()) left.clear();
      if (!arrived.empty() && !offer(Sequence(arrived.front()))) arrived.pop_front();
    }
  }
  void out(std::vector<Item> many, bool pulse) {
    for (Item& item : many) {
      if (!pulse) items.push_back(item);
      if (available(item)) arrive(pulse ? item : items.back());
    }
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
      if (available(item) && matched(asked.take, item) >= 0) found.push_back(&item);
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
    TakeAnswer answer{{}, Ended::kNot, 0, asked.take.remove, 0};
    for (Item* item : found) hand_over(*item, asked, answer);
    if (!found.empty()) on_answer(asked, answer);
    return !found.empty();
  }
  void take(Asked asked, const std::vector<Found>& picked) {
    if (serve(asked, picked)) return;
    if (asked.until > now) return waiters.push_back(std::move(asked));
    on_answer(asked, {{}, Ended::kNone, count(asked.take).held, asked.take.remove, 0});
  }
  // What those hold becomes available again, one after the other.
  void give_back(const std::function<bool(const Caller&)>& is_holder) {
    for (size_t i = 0; i < items.size(); ++i) {
      if (!items[i].holder.session || !is_holder(items[i].holder)) continue;
      items[i].holder = {};
      ++items[i].attempt;
      if (available(items[i])) arrive(items[i]);
    }
  }
  // Time passes. At one instant: expiry and delays that end, by place, then waits that end.
  void advance(Time until) {
    while (now < until) {
      Time due = until;
      for (const Item& item : items) {
        if (item.visible_at > now) due = std::min(due, item.visible_at);
        if (item.expires_at > now) due = std::min(due, item.expires_at);
      }
      for (const Asked& asked : waiters) due = std::min(due, std::max(asked.until, now + 1));
      now = due;
      for (const Item& item : items) {
        if (gone(item) && item.expires_at == now) left.push_back(item);
      }
      std::erase_if(items, [&](const Item& item) { return gone(item); });
      for (size_t i = 0; i < items.size(); ++i) {
        if (items[i].visible_at == now && available(items[i])) arrive(items[i]);
      }
      serve();
      end_waits();
    }
  }
  void end_waits() {
    for (size_t i = 0; i < waiters.size();) {
      const Asked asked = waiters[i++];
      if (!asked.awake || asked.until > now) continue;
      waiters.erase(waiters.begin() + long(--i));
      asked.atomic ? on_timeout(asked)
                   : on_answer(asked, {{}, Ended::kTimeout, 0, asked.take.remove, 0});
    }
  }
};
}  // namespace tuplespace
