// Unary calls that wait, and callers that do not wait for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/local_server.h"
#include "tests/integration/server_process.h"
#include "tests/integration/wire_client.h"

namespace tuplespace::integration {
namespace {

constexpr char kIn[] = "tuplespace.v1.TupleSpace/In";
constexpr int kCancelled = 1;
constexpr int kDeadlineExceeded = 4;
constexpr int kResourceExhausted = 8;
constexpr int kAborted = 10;
constexpr int kUnavailable = 14;

v1::InRequest in_of(const std::string& space) {
  v1::InRequest request;
  request.set_space(space);
  *request.mutable_template_() = wanted("job", v1::TYPE_INT);
  return request;
}

struct Waits : testing::Test {
  LocalServer server{[](Config& config) {
    config.engine.shard.waiters_max = 3;
    config.calls.in_flight_max = 6;
  }};
  WireClient client{server.address()};
  v1::InResponse response;
};

TEST_F(Waits, InWaitsForTheOutThatMatches) {
  const auto taken = client.start(kIn, in_of("s"), response);
  client.await_waiters(1);
  ASSERT_TRUE(client.out("s", tuple("other", 1)).ok());
  ASSERT_TRUE(client.out("s", tuple("job", 2)).ok());
  EXPECT_TRUE(taken->wait().ok());
  EXPECT_EQ(found_int(response), 2);
}

TEST_F(Waits, AWaitThatIsOverIsAnAnswerNotAnError) {
  EXPECT_EQ(client.in("s", wanted("job", 1), 20).ended(), v1::ENDED_TIMEOUT);
}

TEST_F(Waits, AWaitWithoutEndEndsAfterWaitMax) {
  LocalServer impatient([](Config& config) { config.wait_max = 30; });
  WireClient other(impatient.address());
  EXPECT_TRUE(other.call(kIn, in_of("s"), response).ok());
  EXPECT_EQ(response.ended(), v1::ENDED_TIMEOUT);
}

TEST_F(Waits, ACancelledCallTakesNothing) {
  const auto taken = client.start(kIn, in_of("s"), response);
  client.await_waiters(1);
  taken->cancel();
  EXPECT_EQ(taken->wait().code, kCancelled);
  client.await_waiters(0);
  ASSERT_TRUE(client.out("s", tuple("job", 1)).ok());
  EXPECT_EQ(found_int(client.in("s", wanted("job", v1::TYPE_INT))), 1);
}

TEST_F(Waits, ACallBeyondItsDeadlineTakesNothing) {
  const auto taken = client.start(kIn, in_of("s"), response, milliseconds(50));
  EXPECT_EQ(taken->wait().code, kDeadlineExceeded);
  client.await_waiters(0);
  ASSERT_TRUE(client.out("s", tuple("job", 1)).ok());
  EXPECT_EQ(found_int(client.in("s", wanted("job", v1::TYPE_INT))), 1);
}

TEST_F(Waits, AKilledClientTakesNothing) {
  Process waiting({program("integration_waiter"), server.address(), "s"});
  client.await_waiters(1);
  waiting.signal(SIGKILL);
  EXPECT_EQ(waiting.wait(), 128 + SIGKILL);
  client.await_waiters(0);
  ASSERT_TRUE(client.out("s", tuple("job", 1)).ok());
  EXPECT_EQ(found_int(client.in("s", wanted("job", v1::TYPE_INT))), 1);
}

TEST_F(Waits, AWaiterTooManyIsRefusedByName) {
  v1::InResponse responses[3];
  std::vector<std::unique_ptr<PendingCall>> waiting;
  for (v1::InResponse& one : responses) waiting.push_back(client.start(kIn, in_of("s"), one));
  client.await_waiters(3);
  const Outcome outcome = client.call(kIn, in_of("s"), response);
  EXPECT_EQ(outcome.code, kResourceExhausted);
  ASSERT_TRUE(outcome.problem);
  EXPECT_EQ(outcome.problem->bound(), "waiters_max");
}

TEST(InFlight, ACallTooManyIsRefusedByNameAndTheOthersAreUnharmed) {
  LocalServer server([](Config& config) { config.calls.in_flight_max = 3; });
  WireClient client(server.address());
  v1::InResponse responses[2];
  std::vector<std::unique_ptr<PendingCall>> waiting;
  for (v1::InResponse& one : responses) waiting.push_back(client.start(kIn, in_of("s"), one));
  client.await_waiters(2);  // and the question itself is the third
  v1::InResponse third, fourth;
  waiting.push_back(client.start(kIn, in_of("s"), third));
  Outcome refused;
  do {
    v1::ListSpacesResponse spaces;
    refused = client.call("tuplespace.v1.Admin/ListSpaces", v1::ListSpacesRequest(), spaces);
  } while (refused.ok());  // until the third has arrived
  EXPECT_EQ(refused.code, kResourceExhausted);
  ASSERT_TRUE(refused.problem);
  EXPECT_EQ(refused.problem->bound(), "in_flight_max");
  waiting[2]->cancel();
  EXPECT_EQ(waiting[2]->wait().code, kCancelled);
  for (int job = 0; job < 2;) {
    if (client.out("s", tuple("job", job)).ok()) ++job;  // refused until the cancel has arrived
  }
  EXPECT_TRUE(waiting[0]->wait().ok());
  EXPECT_TRUE(waiting[1]->wait().ok());
}

TEST_F(Waits, DroppingASpaceEndsItsWaits) {
  ASSERT_TRUE(client.out("s", tuple("other", 1)).ok());
  const auto taken = client.start(kIn, in_of("s"), response);
  client.await_waiters(1);
  v1::DropSpaceRequest drop;
  drop.set_name("s");
  v1::DropSpaceResponse dropped;
  EXPECT_TRUE(client.call("tuplespace.v1.Admin/DropSpace", drop, dropped).ok());
  EXPECT_EQ(dropped.tuples(), 1);
  EXPECT_EQ(taken->wait().code, kAborted);
}

TEST_F(Waits, AServerThatStopsAnswersWaitsWithUnavailable) {
  const auto taken = client.start(kIn, in_of("s"), response);
  client.await_waiters(1);
  server.drain();
  const Outcome outcome = taken->wait();
  EXPECT_EQ(outcome.code, kUnavailable);
  ASSERT_TRUE(outcome.problem);
  EXPECT_TRUE(outcome.problem->retry());
}

}  // namespace
}  // namespace tuplespace::integration
