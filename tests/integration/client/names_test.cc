// Sessions by name, and those that take part in the detection of deadlock.
#include <gtest/gtest.h>

#include "tests/integration/client/everywhere.h"

namespace tuplespace::client {
namespace {

using namespace std::chrono_literals;

class Names : public testing::Test {
 protected:
  Connection connect_as(const std::string& name, bool participant = false) {
    auto connected = connect(server_.address(), {.name = name, .participant = participant});
    EXPECT_TRUE(connected.ok()) << connected.status().to_string();
    return *connected;
  }

  ServerProcess server_;
};

TEST_F(Names, TheNewerHolderFencesTheOlder) {
  Connection older = connect_as("writer");
  EXPECT_GT(older.fence(), 0u);
  EXPECT_EQ(connect_as("").fence(), 0u);
  Space theirs = older.space("jobs");
  ASSERT_TRUE(theirs.out("('job', 7)").ok());
  ASSERT_TRUE(theirs.in("('job', ?)", {.hold = 1h}).ok());

  Connection newer = connect_as("writer");
  EXPECT_GT(newer.fence(), older.fence());
  EXPECT_EQ(newer.space("jobs").in("('job', ?)")->attempt(), 1u);
  const Status refused = theirs.out("('job', 8)").status();
  EXPECT_EQ(refused.code(), Code::kAborted) << refused.to_string();
  EXPECT_EQ(theirs.out("('job', 9)").status().code(), Code::kAborted);
  EXPECT_EQ(older.close().code(), Code::kAborted);
  EXPECT_EQ(newer.space("jobs").count("(...)")->ready, 0u);
  EXPECT_TRUE(newer.close().ok());
}

TEST_F(Names, AreKeptOverARestartOfTheServer) {
  Connection writer = connect_as("writer");
  const uint64_t fence = writer.fence();
  ASSERT_TRUE(writer.space("jobs").out("('here')", {.bound = true}).ok());
  server_.restart();
  EXPECT_TRUE(writer.space("jobs").rdp("('here')")->has_value());
  EXPECT_EQ(writer.fence(), fence);
  EXPECT_GT(connect_as("writer").fence(), fence);
}

TEST_F(Names, TheYoungestWaitOfADeadlockEnds) {
  Connection host = connect_as("host");
  Connection ann = connect_as("ann", true);
  Connection bob = connect_as("bob", true);
  ASSERT_TRUE(host.create("table", {.deadlock = Deadlock::kFail}).ok());
  // Who has done something there has joined.
  ASSERT_FALSE(ann.space("table").inp("(0)")->has_value());
  ASSERT_FALSE(bob.space("table").inp("(0)")->has_value());
  Call<Match> older = ann.space("table").in_async("(1)");
  until_waiting(host, 1);
  const auto younger = bob.space("table").in("(2)");
  EXPECT_EQ(younger.status().code(), Code::kAborted);
  EXPECT_EQ(younger.status().problem().bound, "deadlock");
  ASSERT_TRUE(bob.space("table").out("(1)").ok());
  EXPECT_TRUE(older.get().ok());
}

}  // namespace
}  // namespace tuplespace::client
