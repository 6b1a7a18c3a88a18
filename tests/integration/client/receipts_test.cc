// Who has a tuple, when callers come and go.
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "tests/integration/client/server_process.h"
#include "tuplespace/client.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::client {
namespace {

using namespace std::chrono_literals;

class Receipts : public testing::Test {
 protected:
  Connection connect_to_server() {
    auto connected = connect(server_.address());
    EXPECT_TRUE(connected.ok()) << connected.status().to_string();
    return *connected;
  }

  ServerProcess server_;
  Connection ours_ = connect_to_server();
  Connection others_ = connect_to_server();
  Space jobs_ = ours_.space("jobs");
  Space theirs_ = others_.space("jobs");
};

TEST_F(Receipts, NotGivenLeaveTheTupleToOthersWhenTheConnectionCloses) {
  ASSERT_TRUE(jobs_.out("('job', 7)").ok());
  const auto match = jobs_.in("('job', ?)", {.confirm = Confirm::kManual});
  ASSERT_TRUE(match.ok());
  EXPECT_EQ(theirs_.count("(...)")->held, 1u);
  ASSERT_TRUE(ours_.close().ok());

  const auto again = theirs_.inp("('job', ?)");
  ASSERT_TRUE(again.ok() && again->has_value());
  EXPECT_EQ((*again)->attempt(), 1u);
  EXPECT_EQ((*again)->id(), match->id());
}

TEST_F(Receipts, GivenMakeTheTupleOursForEver) {
  ASSERT_TRUE(jobs_.out("('job', 7)").ok());
  auto match = jobs_.in("('job', ?)", {.confirm = Confirm::kManual});
  ASSERT_TRUE(match.ok());
  ASSERT_TRUE(match->confirm().ok());
  ASSERT_TRUE(ours_.close().ok());
  server_.restart();
  EXPECT_FALSE(theirs_.inp("('job', ?)")->has_value());
  EXPECT_EQ(theirs_.count("(...)")->held, 0u);
}

TEST_F(Receipts, DroppedGiveTheTupleBackAtOnce) {
  ASSERT_TRUE(jobs_.out("('job', 7)").ok());
  { ASSERT_TRUE(jobs_.in("('job', ?)", {.confirm = Confirm::kManual}).ok()); }
  const auto again = theirs_.in("('job', ?)");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->attempt(), 1u);
}

TEST_F(Receipts, AreConfirmedByTheLibraryWithoutFurtherCalls) {
  ASSERT_TRUE(jobs_.out("('job', 7)").ok());
  ASSERT_TRUE(jobs_.in("('job', ?)").ok());
  // Ends when the library has confirmed by itself; it would not otherwise.
  while (theirs_.count("(...)")->held > 0) std::this_thread::yield();
}

TEST_F(Receipts, OfACancelThatRacesAnOutLeaveEachTupleToExactlyOne) {
  int ours = 0;
  for (int round = 0; round < 1'000; ++round) {
    const std::string tuple = "('job', " + std::to_string(round) + ")";
    Call<Match> call = jobs_.in_async(tuple);
    Call<Placed> out = theirs_.out_async(tuple);
    if (round % 2 == 0) call.wait_for(milliseconds(round % 4 / 2));
    call.cancel();
    const auto match = call.get();
    ASSERT_TRUE(out.get().ok());
    const auto left = theirs_.inp(tuple);
    ASSERT_TRUE(left.ok());
    ASSERT_NE(match.ok(), left->has_value()) << "round " << round;
    if (!match.ok()) {
      ASSERT_EQ(match.status().code(), Code::kCancelled);
    }
    ours += match.ok();
  }
  RecordProperty("ours", ours);
}

TEST_F(Receipts, OfACallerWhoLeftAreNotGivenSoTheTupleIsLeftToOthers) {
  for (int round = 0; round < 1'000; ++round) {
    const std::string tuple = "('job', " + std::to_string(round) + ")";
    {
      const Call<Match> gone = jobs_.in_async(tuple);
      ASSERT_TRUE(theirs_.out(tuple).ok());
    }
    const auto match = theirs_.in(tuple, {.wait = 20s});
    ASSERT_TRUE(match.ok()) << "round " << round << ": " << match.status().to_string();
  }
}

TEST_F(Receipts, OfAProcessKilledWhileItWaitedAreNeverGiven) {
  Process waits({TUPLESPACE_COMMAND, "--server", server_.address(), "in", "jobs", "('job', ?)"},
                server_.directory() + "/waits.log");
  ASSERT_TRUE(ours_.create("jobs").ok());
  while (ours_.describe("jobs")->waiters == 0) std::this_thread::yield();
  waits.kill();
  ASSERT_TRUE(jobs_.out("('job', 7)").ok());
  // At once if the server has seen the end of the process, else when its session ends.
  EXPECT_TRUE(jobs_.in("('job', ?)", {.wait = 60s}).ok());
}

TEST_F(Receipts, AreStillOursToGiveAfterTheServerIsKilled) {
  auto patient = connect(server_.address(), {.session_ttl = 1h});
  ASSERT_TRUE(patient.ok());
  ASSERT_TRUE(jobs_.out("('job', 7)").ok());
  auto match = patient->space("jobs").in("('job', ?)", {.confirm = Confirm::kManual});
  ASSERT_TRUE(match.ok());
  EXPECT_FALSE(theirs_.inp("('job', ?)")->has_value());
  server_.restart();  // what it holds is known over a restart
  EXPECT_FALSE(theirs_.inp("('job', ?)")->has_value());
  EXPECT_TRUE(match->confirm().ok());
  ASSERT_TRUE(patient->close().ok());
  EXPECT_FALSE(theirs_.inp("('job', ?)")->has_value());
  EXPECT_EQ(theirs_.count("(...)")->held, 0u);
}

// The command writes before it confirms; nobody reads, and this is more than a pipe holds.
TEST_F(Receipts, OfAProcessKilledAfterItTookAreGivenBackWithItsSession) {
  const ServerProcess server("127.0.0.1:0", {"--session-ttl", "1s"});
  auto patient = connect(server.address(), {.session_ttl = 1h});
  ASSERT_TRUE(patient.ok());
  Space jobs = patient->space("jobs");
  ASSERT_TRUE(jobs.out("('job', '" + std::string(200'000, 'x') + "')").ok());
  Process takes({TUPLESPACE_COMMAND, "--server", server.address(), "in", "jobs", "('job', ?)"},
                server.directory() + "/takes.log");
  // Held, or on a very busy machine already given back.
  const auto untouched = [&] {
    const auto seen = jobs.rdp("('job', ?)");
    return seen.ok() && seen->has_value() && (*seen)->attempt() == 0;
  };
  while (untouched()) std::this_thread::yield();
  takes.kill();
  const auto again = jobs.in("('job', ?)");
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  EXPECT_GE(again->attempt(), 1u);
}

}  // namespace
}  // namespace tuplespace::client
