#include "tests/simulation/planner.h"

#include <algorithm>
#include <utility>

namespace tuplespace::simulation {
namespace {

constexpr int kKeys = 3;
constexpr const char* kWord = "job";

void set_value(int64_t number, v1::Value& value) { value.set_int_value(number); }

void fill(Uid uid, int key, v1::Tuple& tuple) {
  set_value(uid, *tuple.add_fields());
  set_value(key, *tuple.add_fields());
  tuple.add_fields()->set_string_value(kWord);
}

void fill(const Wanted& wanted, v1::Template& message) {
  v1::Pattern& uid = *message.add_fields();
  wanted.uid != 0 ? set_value(wanted.uid, *uid.mutable_value()) : uid.set_type(v1::TYPE_INT);
  v1::Pattern& key = *message.add_fields();
  wanted.key >= 0 ? set_value(wanted.key, *key.mutable_value()) : key.set_type(v1::TYPE_INT);
  message.add_fields()->mutable_value()->set_string_value(kWord);
}

template <typename Request>
void fill_look(const Deed& deed, Request& request) {
  request.set_space(deed.space);
  fill(deed.wanted.front(), *request.mutable_template_());
  for (size_t i = 1; i < deed.wanted.size(); ++i) fill(deed.wanted[i], *request.add_any_of());
  if (deed.wait) request.set_wait_ms(*deed.wait);
  if (deed.max > 1) request.set_max(deed.max);
  if (deed.order == Order::kNewest) request.mutable_choice()->set_order(v1::ORDER_NEWEST);
  if (deed.order == Order::kRandom) request.mutable_choice()->set_order(v1::ORDER_RANDOM);
}

}  // namespace

std::vector<SpaceSetup> spaces_of(uint16_t shards) {
  std::vector<SpaceSetup> spaces = {
      {"s", 0, Durability::kSync, 0, 0},   {"a", 0, Durability::kAsync, 0, 0},
      {"m", 0, Durability::kMemory, 0, 0}, {"q", 0, Durability::kSync, 6, 0},
      {"d", 0, Durability::kSync, 0, 2},   {"g", 0, Durability::kSync, 0, 0},
      {"c", 0, Durability::kSync, 0, 0},   {"copies", 0, Durability::kMemory, 0, 0},
  };
  if (shards > 1) {
    spaces.push_back({"s1", 1, Durability::kSync, 0, 0});
    spaces.push_back({"a1", 1, Durability::kAsync, 0, 0});
  }
  return spaces;
}

Uid Planner::new_uid(int key) {
  past_.key_of.push_back(key);
  past_.deed_of.push_back(past_.deeds.size());
  return static_cast<Uid>(past_.key_of.size() - 1);
}

Wanted Planner::wanted() {
  Wanted wanted;
  if (draw_.percent(75)) wanted.key = static_cast<int>(draw_.below(kKeys));
  if (draw_.one_in(12) && past_.key_of.size() > 1) {
    wanted.uid = static_cast<Uid>(1 + draw_.below(past_.key_of.size() - 1));
    wanted.key = -1;
  }
  return wanted;
}

std::optional<Duration> Planner::wait() {
  if (draw_.percent(45)) return 0;
  if (draw_.percent(60)) return 1 + static_cast<Duration>(draw_.below(200));
  return std::nullopt;
}

Deed Planner::next(bool has_session, std::vector<HeldToken>& tokens) {
  Deed deed;
  const uint64_t verb = draw_.below(100);
  if (!tokens.empty() && draw_.percent(35)) {
    draw_.percent(80) ? settle(deed, tokens) : lease(deed, tokens);
  } else if (verb < 40) {
    out(deed, has_session);
  } else if (verb < 75) {
    look(deed, true, has_session);
  } else if (verb < 85) {
    look(deed, false, has_session);
  } else if (verb < 95 && has_session) {
    atomic(deed, tokens);
  } else if (verb < 98) {
    deed.what = What::kCount;
    deed.space = draw_.of(past_.spaces).name;
    deed.wanted = {wanted()};
    v1::CountRequest& request = *deed.request.mutable_count();
    request.set_space(deed.space);
    fill(deed.wanted.front(), *request.mutable_template_());
  } else {
    collect(deed);
  }
  return deed;
}

void Planner::out(Deed& deed, bool has_session) {
  deed.what = What::kOut;
  do {
    deed.space = draw_.of(past_.spaces).name;
  } while (deed.space == "copies" || deed.space == "c");
  const int key = static_cast<int>(draw_.below(kKeys));
  v1::OutRequest& request = *deed.request.mutable_out();
  request.set_space(deed.space);
  deed.uids.push_back(new_uid(key));
  fill(deed.uids.back(), key, *request.mutable_tuple());
  for (uint64_t more = draw_.one_in(6) ? 1 + draw_.below(3) : 0; more > 0; --more) {
    deed.uids.push_back(new_uid(key));
    fill(deed.uids.back(), key, *request.add_more());
  }
  if (draw_.one_in(10)) deed.ttl = 1 + static_cast<Duration>(draw_.below(2'000));
  if (draw_.one_in(8)) deed.delay = static_cast<Duration>(draw_.below(300));
  if (deed.ttl) request.set_ttl_ms(*deed.ttl);
  if (deed.delay) request.set_delay_ms(*deed.delay);
  if (!has_session) return;
  deed.bound = draw_.one_in(12);
  deed.until_taken = deed.uids.size() == 1 && draw_.one_in(16);
  request.set_bound(deed.bound);
  request.set_until_taken(deed.until_taken);
}

void Planner::look(Deed& deed, bool take, bool has_session) {
  deed.what = take ? What::kIn : What::kRd;
  deed.space = draw_.of(past_.spaces).name;
  if (take && !has_session && deed.space == "c") deed.space = "s";
  deed.wanted = {wanted()};
  if (draw_.one_in(8)) deed.wanted.push_back(wanted());
  deed.wait = wait();
  if (draw_.one_in(8)) deed.order = draw_.one_in(3) ? Order::kRandom : Order::kNewest;
  if (draw_.one_in(8)) deed.max = 2 + static_cast<uint32_t>(draw_.below(3));
  if (!take) return fill_look(deed, *deed.request.mutable_rd());
  if (deed.space == "g") {
    deed.grouped = true;
    deed.order = Order::kOldest;
    deed.wanted.resize(1);
    deed.max = 1;
    deed.request.mutable_in()->mutable_group()->set_field(1);
  }
  if (deed.space == "d" || deed.space == "g" || draw_.percent(30)) {
    deed.hold = 50 + static_cast<Duration>(draw_.below(2'000));
    deed.request.mutable_in()->set_hold_ms(*deed.hold);
  }
  fill_look(deed, *deed.request.mutable_in());
}

void Planner::settle(Deed& deed, std::vector<HeldToken>& tokens) {
  const size_t at = draw_.below(tokens.size());
  deed.what = What::kSettle;
  deed.space = tokens[at].space;
  deed.token = tokens[at].token;
  deed.of = tokens[at].deed;
  const uint64_t how = draw_.below(10);
  deed.settlement = how < 5   ? Settlement::kDone
                    : how < 8 ? Settlement::kBack
                    : how < 9 ? Settlement::kTail
                              : Settlement::kDead;
  if (deed.settlement == Settlement::kBack && draw_.one_in(3)) {
    deed.after = static_cast<Duration>(draw_.below(100));
  }
  v1::SettleRequest& request = *deed.request.mutable_settle();
  request.set_space(deed.space);
  request.set_token(deed.token);
  request.set_settlement(static_cast<v1::Settlement>(deed.settlement));
  request.set_after_ms(deed.after);
  // Now and then it is settled a second time: the late one must change nothing.
  if (!draw_.one_in(10)) tokens.erase(tokens.begin() + static_cast<long>(at));
}

void Planner::lease(Deed& deed, const std::vector<HeldToken>& tokens) {
  const HeldToken& held = draw_.of(tokens);
  deed.space = held.space;
  deed.token = held.token;
  deed.of = held.deed;
  deed.what = draw_.percent(70) ? What::kRenew : What::kEndLease;
  v1::Lease& lease = deed.what == What::kRenew ? *deed.request.mutable_renew()->mutable_lease()
                                               : *deed.request.mutable_cancel()->mutable_lease();
  lease.mutable_hold()->set_space(deed.space);
  lease.mutable_hold()->set_token(deed.token);
  deed.renewed = 50 + static_cast<Duration>(draw_.below(3'000));
  if (deed.what == What::kRenew) deed.request.mutable_renew()->set_ttl_ms(deed.renewed);
}

void Planner::collect(Deed& deed) {
  const bool copies = draw_.one_in(3);
  deed.what = copies ? What::kCopyCollect : What::kCollect;
  deed.space = draw_.one_in(2) ? "s" : "q";
  deed.into = copies ? "copies" : "c";
  deed.wanted = {wanted()};
  v1::CollectRequest& request =
      copies ? *deed.request.mutable_copy_collect() : *deed.request.mutable_collect();
  request.set_space(deed.space);
  request.set_into(deed.into);
  fill(deed.wanted.front(), *request.mutable_template_());
}

void Planner::atomic(Deed& deed, std::vector<HeldToken>& tokens) {
  deed.what = What::kAtomic;
  deed.wait = wait();
  v1::AtomicRequest& request = *deed.request.mutable_atomic();
  if (deed.wait) request.set_wait_ms(*deed.wait);
  const auto at = std::ranges::find_if(
      tokens, [&](const HeldToken& held) { return past_.space(held.space).shard == 0; });
  if (at != tokens.end() && draw_.percent(60)) {  // settled together with its results
    v1::Alternative& alternative = *request.add_alternatives();
    v1::SettleRequest& settle = *alternative.add_steps()->mutable_settle();
    settle.set_space(at->space);
    settle.set_token(at->token);
    settle.set_settlement(v1::SETTLEMENT_DONE);
    deed.token = at->token;
    deed.of = at->deed;
    tokens.erase(at);
    add_put(deed, alternative, draw_.one_in(2) ? "s" : "a");
    add_put(deed, alternative, "s");
    return;
  }
  draw_.percent(70) ? add_move(deed, *request.add_alternatives())
                    : add_room(deed, *request.add_alternatives());
  if (draw_.one_in(4)) add_move(deed, *request.add_alternatives());
}

void Planner::add_move(Deed& deed, v1::Alternative& alternative) {
  static const std::vector<std::string> kFrom = {"s", "a", "m", "c"};
  for (uint64_t takes = draw_.one_in(4) ? 2 : 1; takes > 0; --takes) {
    v1::TakeStep& take = *alternative.add_steps()->mutable_in();
    take.set_space(draw_.of(kFrom));
    fill(wanted(), *take.mutable_template_());
  }
  add_put(deed, alternative, draw_.one_in(3) ? "a" : "s");
  if (draw_.one_in(3)) add_put(deed, alternative, "s");
}

// out ... room
void Planner::add_room(Deed& deed, v1::Alternative& alternative) {
  v1::CountStep& count = *alternative.add_steps()->mutable_count();
  count.set_space("q");
  fill(Wanted{}, *count.mutable_template_());
  count.set_comparison(v1::COMPARISON_LESS);
  count.set_value(4);
  add_put(deed, alternative, "q");
}

void Planner::add_put(Deed& deed, v1::Alternative& alternative, const std::string& space) {
  const int key = static_cast<int>(draw_.below(kKeys));
  deed.uids.push_back(new_uid(key));
  v1::OutStep& put = *alternative.add_steps()->mutable_out();
  put.set_space(space);
  set_value(deed.uids.back(), *put.add_fields()->mutable_value());
  set_value(key, *put.add_fields()->mutable_value());
  put.add_fields()->mutable_value()->set_string_value(kWord);
}

}  // namespace tuplespace::simulation
