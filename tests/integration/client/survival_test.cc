// A server that is killed, or a connection that is cut, costs time and nothing else.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "tests/integration/client/proxy.h"
#include "tests/integration/client/server_process.h"
#include "tuplespace/client.h"

namespace tuplespace::client {
namespace {

using namespace std::chrono_literals;

constexpr int kOperations = 10'000;

// Puts 0..kOperations-1 without waiting for answers, and calls `disturb` at times.
template <typename Disturb>
void put_all(Space space, Disturb disturb) {
  std::atomic<int> answered = 0;
  std::atomic<int> failed = 0;
  for (int i = 0; i < kOperations; ++i) {
    space.out_then(Tuple::of({Value("job"), Value(i)}).value(), {}, [&](Result<Placed> placed) {
      if (!placed.ok()) ++failed;
      ++answered;
    });
    if (i % 1'000 == 500) disturb(answered);
  }
  while (answered < kOperations) std::this_thread::yield();
  EXPECT_EQ(failed, 0);
}

// Takes kOperations tuples with 64 takers side by side; returns how often each came.
template <typename Disturb>
std::map<int64_t, int> take_all(Space space, Disturb disturb) {
  std::mutex mutex;
  std::map<int64_t, int> taken;
  std::atomic<int> started = 0;
  std::atomic<int> over = 0;
  std::atomic<int> failed = 0;
  std::atomic<int> had = 0;
  const std::function<void()> take = [&] {
    if (started.fetch_add(1) >= kOperations) {
      ++over;
      return;
    }
    space.in_then("('job', ?int)", {}, [&](Result<Match> match) {
      if (match.ok()) {
        const std::lock_guard lock(mutex);
        ++taken[(*match)[1].as_int()];
      } else {
        ++failed;
      }
      ++had;
      take();
    });
  };
  constexpr int kTakers = 64;
  for (int i = 0; i < kTakers; ++i) take();
  int next = 500;
  while (over < kTakers) {
    if (had >= next) {
      next += 1'000;
      disturb(had);
    }
    std::this_thread::yield();
  }
  EXPECT_EQ(failed, 0);
  return taken;
}

void expect_each_once(const std::map<int64_t, int>& taken) {
  EXPECT_EQ(taken.size(), size_t{kOperations});
  for (const auto& [number, times] : taken) ASSERT_EQ(times, 1) << "tuple " << number;
}

TEST(Survival, OfAServerKilledTwentyTimesInTenThousandOperationsLosesAndDoublesNothing) {
  ServerProcess server;
  auto connection = connect(server.address());
  ASSERT_TRUE(connection.ok());
  const Space space = connection->space("jobs");
  int kills = 0;
  const auto kill = [&](int) {
    server.restart();
    ++kills;
  };
  put_all(space, kill);
  expect_each_once(take_all(space, kill));
  EXPECT_GE(kills, 15);
  EXPECT_EQ(connection->space("jobs").count("(...)")->ready, 0u);
}

TEST(Survival, OfAConnectionCutTwentyTimesInTenThousandOperationsLosesAndDoublesNothing) {
  ServerProcess server;
  Proxy proxy(server.address());
  auto connection = connect(proxy.address());
  ASSERT_TRUE(connection.ok());
  const uint64_t session = connection->session();
  const Space space = connection->space("jobs");
  int cuts = 0;
  const auto cut = [&](int) {
    proxy.cut();
    ++cuts;
  };
  put_all(space, cut);
  expect_each_once(take_all(space, cut));
  EXPECT_GE(cuts, 15);
  EXPECT_EQ(connection->session(), session);
}

TEST(Survival, OfAWaitKeepsItOverARestart) {
  ServerProcess server;
  auto connection = connect(server.address());
  ASSERT_TRUE(connection.ok());
  Call<Match> waits = connection->space("jobs").in_async("('job', ?)");
  server.restart();
  ASSERT_TRUE(connection->space("jobs").out("('job', 7)").ok());
  EXPECT_TRUE(waits.get().ok());
}

TEST(Survival, OfALostSessionIsADefiniteWordOnWhatIsUnknown) {
  ServerProcess server;
  auto connection = connect(server.address());
  ASSERT_TRUE(connection.ok());
  Space space = connection->space("jobs");
  Call<Match> takes = space.in_async("('job', ?)");
  Call<Match> reads = space.rd_async("('job', ?)");
  ASSERT_TRUE(space.out("('other')").ok());  // both have arrived
  server.kill();
  server.wipe();
  server.start();

  const auto taken = takes.get();
  EXPECT_EQ(taken.status().code(), Code::kAborted);
  EXPECT_TRUE(taken.status().problem().outcome_unknown);
  ASSERT_TRUE(space.out("('job', 7)").ok());
  EXPECT_TRUE(reads.get().ok()) << "a read may be asked again";
}

TEST(Survival, EndsWhenPatienceDoes) {
  ServerProcess server;
  auto connection = connect(server.address(), {.patience = 50ms});
  ASSERT_TRUE(connection.ok());
  Space space = connection->space("jobs");
  Call<Match> takes = space.in_async("('job', ?)");
  ASSERT_TRUE(space.out("('other')").ok());
  server.kill();

  const auto taken = takes.get();
  EXPECT_EQ(taken.status().code(), Code::kUnavailable);
  EXPECT_TRUE(taken.status().problem().outcome_unknown);
  EXPECT_EQ(space.out("('job', 1)").status().code(), Code::kUnavailable);

  server.start();
  while (!space.out("('job', 2)").ok()) std::this_thread::yield();
  EXPECT_TRUE(space.in("('job', ?)").ok());
}

}  // namespace
}  // namespace tuplespace::client
