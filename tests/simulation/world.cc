#include "tests/simulation/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/simulation/judge.h"

namespace tuplespace::simulation {
namespace {

constexpr size_t kClients = 5;
constexpr size_t kCallers = 2;
constexpr size_t kRepeaters = 2;
constexpr int kSettleRoundsMax = 20'000;
constexpr int kQuietRounds = 4;           // what the disk has done is told in the round after
constexpr Duration kLongEnough = 60'000;  // beyond every lease of a simulation

ServerSetup server_setup(uint64_t seed, bool lying_disk) {
  ServerSetup setup;
  setup.lying_disk = lying_disk;
  setup.seed = seed;
  setup.shards = seed % 3 == 0 ? 2 : 1;
  setup.lanes = seed % 6 == 0 ? 2 : 1;
  return setup;
}

}  // namespace

const char* name_of(Fault fault) {
  static constexpr const char* kNames[kFaults] = {
      "broken streams", "dead clients",   "closed sessions", "cancelled waits",
      "lost replies",   "given-up calls", "kills",           "power cuts",
      "failed commits", "failed starts",  "long outages"};
  return kNames[static_cast<size_t>(fault)];
}

World::World(const WorldSetup& setup) : setup_(setup), draw_(setup.seed), planner_(draw_, past_) {
  const ServerSetup server = server_setup(setup.seed, setup.lying_disk);
  past_.spaces = spaces_of(server.shards);
  past_.key_of.push_back(-1);  // uids begin at 1
  past_.deed_of.push_back(0);
  server_ = std::make_unique<Server>(server, clock_);
  lanes_.resize(server.lanes);
  const auto on_lane = [this](size_t lane, auto call) {
    lanes_[lane].calls.push_back(std::move(call));
  };
  for (size_t i = 0; i < kClients; ++i) clients_.push_back(std::make_unique<Client>(*this, i));
  for (size_t i = 0; i < kCallers; ++i) {
    callers_.push_back(std::make_unique<Caller>(*this, kClients + i, on_lane));
  }
  for (size_t i = 0; i < kRepeaters; ++i) {
    repeaters_.push_back(std::make_unique<Repeater>(*this, kClients + kCallers + i, on_lane));
  }
  moment_ = {0, clock_.now(), 0};
}

World::~World() = default;

void World::say(const std::string& what) {
  if (setup_.print) fmt::print("{:>6} {:>6} {}\n", moment_.step, moment_.time % 10'000'000, what);
  for (const char byte : what) trace_hash_ = (trace_hash_ ^ uint8_t(byte)) * 1099511628211ull;
}

void World::wrong(const std::string& what) {
  if (wrong_.empty()) wrong_ = what;
}

Link* World::connect(FarEnd& client) {
  if (!server_->up()) return nullptr;
  static const size_t kMethod = method_named("/tuplespace.v1.Sessions/Stream");
  auto& links = lanes_[draw_.below(lanes_.size())].links;
  links.push_back(std::make_unique<Link>(client, kMethod));
  return links.back().get();
}

// ---- the run ----

std::string World::run() {
  start_server();
  while (!server_->up()) start_server();
  for (const SpaceSetup& space : past_.spaces) {
    Operation create;
    Policy policy;
    policy.durability = space.durability;
    policy.shard = space.shard;
    policy.tuples_max = space.tuples_max;
    policy.deliveries_max = space.deliveries_max;
    create.what = CreateSpace{space.name, policy};
    if (!server_->ask(0, std::move(create)).status.ok()) return "a space cannot be created";
  }
  const uint64_t steps_max = setup_.operations * 1'000 + 10'000;
  while (operations() < setup_.operations && wrong_.empty()) {
    if (moment_.step > steps_max) return "clients do not get on";
    step();
  }
  if (wrong_.empty() && !settle()) return wrong_;
  if (wrong_.empty()) look_at_rest();
  if (wrong_.empty()) end_everything();
  if (wrong_.empty()) wrong_ = judge(past_);
  return wrong_;
}

void World::step() {
  ++moment_.step;
  moment_.time = clock_.now();
  if (!server_->up()) {
    if (draw_.percent(20)) return start_server();
    if (draw_.percent(10)) return time_passes(static_cast<Duration>(draw_.below(500)));
  }
  const uint64_t what = draw_.below(1000);
  if (what < 380) return client_step();
  if (what < 600) return deliver();
  if (what < 820) {
    if (server_->up()) lane_round(draw_.below(lanes_.size()), draw_.below(7));
    return;
  }
  if (what < 900) {
    if (server_->up()) (void)server_->disk().go_on(draw_);
    return;
  }
  if (what < 965) return time_passes(static_cast<Duration>(draw_.below(12)));
  if (what < 968) return time_passes(static_cast<Duration>(draw_.below(1'500)));
  break_something();
}

void World::client_step() {
  const size_t who = draw_.below(kClients + kCallers + kRepeaters);
  if (who >= kClients + kCallers) {
    if (server_->up()) repeaters_[who - kClients - kCallers]->ask(lanes_.size());
    return;
  }
  if (who >= kClients) {
    if (server_->up() && draw_.percent(60)) callers_[who - kClients]->ask(lanes_.size());
    return;
  }
  Client& client = *clients_[who];
  if (client.offline()) {
    if (draw_.percent(30)) client.connect();
    return;
  }
  const uint64_t what = draw_.below(100);
  if (what < 50) return client.ask();
  if (what < 95) return client.write();
  client.confirm_kept();
}

void World::deliver() {
  if (draw_.percent(25)) {
    const bool lost = draw_.percent(30);
    const size_t who = draw_.below(kCallers + kRepeaters);
    const bool heard =
        who < kCallers ? callers_[who]->hear(lost) : repeaters_[who - kCallers]->hear(lost);
    if (heard && lost) note(Fault::kLostReply);
    return;
  }
  const auto& links = lanes_[draw_.below(lanes_.size())].links;
  if (links.empty()) return;
  Link& link = *links[draw_.below(links.size())];
  if (link.can_go_down()) link.go_down();
  forget_links();
}

void World::forget_links() {
  for (Lane& lane : lanes_) {
    std::erase_if(lane.links, [](const auto& link) { return link->over(); });
  }
}

// Some of what is on its way to this lane arrives, then the lane makes a round.
void World::lane_round(size_t at, size_t events) {
  Lane& lane = lanes_[at];
  lane.due = server_->round(at, [&](CallHandler& handler, Queue& queue) {
    for (; events > 0; --events) {
      const size_t choice = draw_.below(lane.links.size() + 1);
      if (choice < lane.links.size()) {
        lane.links[choice]->go_up(handler);
      } else if (!lane.calls.empty()) {
        const auto call = std::move(lane.calls.front());
        lane.calls.erase(lane.calls.begin());
        call(handler, queue);
      }
    }
  });
  if (server_->disk().failed() && draw_.percent(50)) crash(Fault::kFailedCommit);
}

void World::time_passes(Duration by) {
  clock_.advance(by);
  moment_.time = clock_.now();
}

// ---- what breaks ----

void World::break_something() {
  const uint64_t what = draw_.below(1000);
  Client& client = *clients_[draw_.below(kClients)];
  if (what < 560) {
    std::vector<Link*> links;
    for (const Lane& lane : lanes_) {
      for (const auto& link : lane.links) links.push_back(link.get());
    }
    if (links.empty()) return;
    Link& link = *links[draw_.below(links.size())];
    if (link.broken_step() != kNoStep) return;
    link.break_off(draw_, moment_.step);
    return note(Fault::kBrokenStream);
  }
  if (what < 640) {
    client.cancel_something();
    return note(Fault::kCancelledWait);
  }
  if (what < 700) {
    client.die();
    return note(Fault::kDeadClient);
  }
  if (what < 760) {
    client.want_close();
    return note(Fault::kClosedClient);
  }
  if (what < 840) {
    callers_[draw_.below(kCallers)]->give_up_something();
    return note(Fault::kGivenUpCall);
  }
  if (what < 860) {
    note(Fault::kLongOutage);
    return time_passes(1'000 + static_cast<Duration>(draw_.below(4'000)));
  }
  if (!server_->up()) return;
  if (what < 910) return crash(Fault::kKill);
  if (what < 940) return crash(Fault::kPowerCut);
  if (what < 970) return server_->disk().fail_after(draw_.below(3));
  server_->fail_next_start(draw_.below(2));
  crash(Fault::kKill);
}

void World::crash(Fault how) {
  note(how);
  say(fmt::format("the server dies: {}", name_of(how)));
  const bool power = how == Fault::kPowerCut;
  past_.restarts.push_back(moment_.step);
  if (power) past_.power_cuts.push_back(moment_.step);
  server_->crash(draw_, power);
  for (Lane& lane : lanes_) {
    lane.calls.clear();
    for (const auto& link : lane.links) link->lose_server(draw_, moment_.step);
  }
  for (const auto& caller : callers_) caller->lose_server();
  for (const auto& repeater : repeaters_) repeater->lose_server();
  forget_links();
}

void World::start_server() {
  if (!server_->start()) {
    note(Fault::kFailedStart);
    return say("the server dies while it starts");
  }
  ++moment_.life;
  for (uint16_t shard = 0; shard < server_->engine().shards(); ++shard) {
    past_.life_begins[shard].push_back(server_->last(shard));
  }
  server_->disk().be_slow();
  say(fmt::format("the server starts, life {}", moment_.life));
}

// ---- the end ----

bool World::settled() const {
  const auto rests = [](const auto& one) { return one->at_rest(); };
  if (!std::ranges::all_of(clients_, rests) || !std::ranges::all_of(callers_, rests)) return false;
  if (!std::ranges::all_of(repeaters_, rests)) return false;
  for (const Lane& lane : lanes_) {
    if (!lane.calls.empty() || lane.due <= clock_.now()) return false;
    for (const auto& link : lane.links) {
      if (!link->idle()) return false;
    }
  }
  return server_->disk().idle();
}

bool World::settle() {
  if (server_->up()) server_->disk().mend();
  int quiet_rounds = 0;
  for (int rounds = 0; rounds < kSettleRoundsMax && wrong_.empty(); ++rounds) {
    ++moment_.step;
    if (server_->up() && server_->disk().failed()) crash(Fault::kFailedCommit);
    while (!server_->up()) start_server();
    for (const auto& client : clients_) client->settle_down();
    for (size_t lane = 0; lane < lanes_.size() && server_->up(); ++lane) lane_round(lane, 20);
    if (!server_->up()) continue;
    server_->disk().catch_up();
    for (Lane& lane : lanes_) {
      for (const auto& link : lane.links) {
        while (link->can_go_down()) link->go_down();
      }
    }
    forget_links();
    for (const auto& caller : callers_) {
      while (caller->hear(false)) {
      }
    }
    for (const auto& repeater : repeaters_) {
      (void)repeater->hear(false);
      // What was lost with the server is asked again, and nothing new.
      if (!repeater->has_call() && !repeater->at_rest()) repeater->ask(lanes_.size());
    }
    quiet_rounds = settled() ? quiet_rounds + 1 : 0;
    if (quiet_rounds == kQuietRounds) return true;
  }
  std::string unrest;
  for (const auto& client : clients_) {
    if (!client->at_rest()) unrest += "\n  " + client->unrest();
  }
  for (const auto& caller : callers_) {
    std::vector<size_t> deeds;
    caller->add_waiting(deeds);
    if (!caller->at_rest())
      unrest += fmt::format("\n  a caller waits for {}", fmt::join(deeds, " "));
  }
  for (const Lane& lane : lanes_) {
    unrest += fmt::format("\n  lane due in {} ms, {} calls, {} streams", lane.due - clock_.now(),
                          lane.calls.size(), lane.links.size());
  }
  wrong(fmt::format("it does not come to rest, disk idle: {}{}", server_->disk().idle(), unrest));
  return false;
}

void World::look_at_rest() {
  past_.at_rest = look_around();
  for (const auto& client : clients_) client->add_waiting(past_.waiting);
  say(fmt::format("at rest, {} tuples", past_.at_rest.size()));
  for (const auto& caller : callers_) caller->add_waiting(past_.waiting);
  for (const auto& repeater : repeaters_) repeater->add_waiting(past_.waiting);
}

// All clients go, in one way or the other, and every lease runs out.
void World::end_everything() {
  ++moment_.step;
  for (const auto& client : clients_) client->die();
  for (const auto& repeater : repeaters_) repeater->die();
  for (const auto& caller : callers_) {
    while (!caller->idle()) caller->give_up_something();
  }
  for (int rounds = 0; rounds < 200; ++rounds) {
    ++moment_.step;
    if (rounds == 100) time_passes(kLongEnough);
    for (size_t lane = 0; lane < lanes_.size(); ++lane) lane_round(lane, 20);
    server_->disk().catch_up();
  }
  past_.at_end = look_around();
  past_.still_held = held();
}

std::vector<Left> World::look_around() {
  std::vector<Left> all;
  for (const SpaceSetup& space : past_.spaces) {
    for (const std::string& name : {space.name, space.name + ".dead"}) {
      Operation scan;
      scan.what = Scan{name, Template::of({}, {}, true).value(), 0, 0, 10'000};
      const Answer answer = server_->ask(space.shard, std::move(scan));
      const auto* found = std::get_if<ScanAnswer>(&answer.what);
      if (found == nullptr) continue;
      for (const Found& one : found->tuples) {
        const std::vector<Value> values = one.tuple.values();
        const auto& fields = values.size() == 5 ? values[4].as_list() : values;
        all.push_back(
            {name, one.id, fields[0].as_int(), static_cast<int>(fields[1].as_int()), one.attempt});
      }
    }
  }
  return all;
}

uint64_t World::held() {
  uint64_t held = 0;
  for (uint16_t shard = 0; shard < server_->engine().shards(); ++shard) {
    Operation list;
    list.what = ListHolds{};
    const Answer answer = server_->ask(shard, std::move(list));
    const auto* holds = std::get_if<HoldsAnswer>(&answer.what);
    if (holds == nullptr) continue;
    held += holds->holds.size();
    for (const HoldsAnswer::Hold& hold : holds->holds) {
      say(fmt::format("shard {}: {} {} is held by session {} until {}", shard, hold.space,
                      hold.found.id, hold.session, hold.until));
    }
  }
  return held;
}

}  // namespace tuplespace::simulation
