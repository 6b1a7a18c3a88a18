// World is one simulation: a server, its clients and everything between them, in one thread, in
// virtual time, under one seed. It steps: each step somebody does something, a message arrives, a
// lane makes a round, the disk gets on, time passes, or something breaks. At the end everything is
// mended, and what clients know is given to the judge.
//
// Threads: one.
// Bounds:  WorldSetup.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/caller.h"
#include "tests/simulation/client.h"
#include "tests/simulation/repeater.h"
#include "tests/simulation/server.h"

namespace tuplespace::simulation {

struct WorldSetup {
  uint64_t seed = 1;
  size_t operations = 150;
  bool print = false;  // the trace, as it comes
  bool lying_disk = false;
};

enum class Fault : uint8_t {
  kBrokenStream,
  kDeadClient,
  kClosedClient,
  kCancelledWait,
  kLostReply,
  kGivenUpCall,
  kKill,
  kPowerCut,
  kFailedCommit,
  kFailedStart,
  kLongOutage,
  kEnd
};
inline constexpr size_t kFaults = static_cast<size_t>(Fault::kEnd);
const char* name_of(Fault fault);

class World final : public Surroundings {
 public:
  explicit World(const WorldSetup& setup);
  ~World() override;

  // Returns "" or what was wrong.
  std::string run();

  uint64_t operations() const { return past_.deeds.size(); }
  const std::array<uint64_t, kFaults>& faults() const { return faults_; }
  uint64_t steps() const { return moment_.step; }
  // Of everything that was said: two runs of a seed have the same.
  uint64_t trace_hash() const { return trace_hash_; }

  // ---- Surroundings ----
  Draw& draw() override { return draw_; }
  Past& past() override { return past_; }
  Planner& planner() override { return planner_; }
  Moment moment() const override { return moment_; }
  void say(const std::string& what) override;
  void wrong(const std::string& what) override;
  Link* connect(FarEnd& client) override;

 private:
  void step();
  void client_step();
  void deliver();
  void lane_round(size_t lane, size_t events);
  bool lane_has_news(size_t lane) const;
  void time_passes(Duration by);
  void break_something();
  void crash(Fault how);
  void start_server();
  void forget_links();
  void note(Fault fault) { ++faults_[static_cast<size_t>(fault)]; }

  bool settle();  // until nothing is under way; false: it never ends
  bool settled() const;
  void look_at_rest();
  void end_everything();
  std::vector<Left> look_around();
  uint64_t held();

  const WorldSetup setup_;
  Draw draw_;
  Past past_;
  Planner planner_;
  MovedClock clock_;
  Moment moment_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::vector<std::unique_ptr<Repeater>> repeaters_;
  struct Lane {
    std::vector<std::unique_ptr<Link>> links;
    std::vector<std::function<void(CallHandler&, Queue&)>> calls;
    Time due = 0;
  };
  std::vector<Lane> lanes_;
  std::array<uint64_t, kFaults> faults_{};
  uint64_t trace_hash_ = 14695981039346656037ull;
  std::string wrong_;
};

}  // namespace tuplespace::simulation
