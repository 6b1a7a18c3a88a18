// Beginning and end of connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <optional>
#include <thread>

#include "tests/integration/client/server_process.h"
#include "tuplespace/client.h"

namespace tuplespace::client {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Connections, SayWhoIsNotThere) {
  ServerProcess server;
  const std::string address = server.address();
  server.kill();
  const auto connection = connect(address, {.timeout = 0ms});
  EXPECT_EQ(connection.status().code(), Code::kUnavailable);
  EXPECT_THAT(connection.status().message(), HasSubstr("no server at " + address));
  EXPECT_THAT(connection.status().message(), HasSubstr("Connection refused"));
  EXPECT_THAT(connection.status().message(), HasSubstr("tuplespaced"));
  EXPECT_TRUE(connection.status().problem().retry);
}

TEST(Connections, AskAgainUntilTheServerIsThere) {
  ServerProcess server;
  server.kill();
  std::thread starts([&] { server.start(); });
  EXPECT_TRUE(connect(server.address(), {.timeout = 60s}).ok());
  starts.join();
}

TEST(Connections, RefuseWhatIsNoAddress) {
  for (const char* address :
       {"", "localhost", "localhost:", ":7070", "host:0", "host:70000", "host:port", "unix:"}) {
    const auto connection = connect(address, {.timeout = 0ms});
    EXPECT_EQ(connection.status().code(), Code::kInvalidArgument) << address;
    EXPECT_THAT(connection.status().message(), HasSubstr("127.0.0.1:7070"));
  }
}

TEST(Connections, LiveAsLongAsTheirSpaces) {
  ServerProcess server;
  std::optional<Space> space;
  {
    auto connection = connect(server.address());
    ASSERT_TRUE(connection.ok());
    space.emplace(connection->space("jobs"));
  }
  EXPECT_TRUE(space->out("(1)").ok());
}

TEST(Connections, MayEndInsideACallback) {
  ServerProcess server;
  std::latch over(1);
  auto connection = connect(server.address());
  ASSERT_TRUE(connection.ok());
  auto last = std::make_shared<Space>(connection->space("jobs"));
  connection = Status(Code::kCancelled, "dropped");
  Space& space = *last;
  space.out_then("(1)", {}, [&over, last = std::move(last)](Result<Placed>) mutable {
    last.reset();
    over.count_down();
  });
  over.wait();
}

TEST(Connections, MayEndInsideACallbackWhileTheProcessEnds) {
  const TemporaryDirectory directory;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (int i = 0; i < 10; ++i) {
    const auto put_and_exit = [&] {
      std::latch over(1);
      auto last = std::make_shared<Space>(
          connect("embedded:" + directory.path() + "/spaces")->space("jobs"));
      Space& space = *last;
      space.out_then("(1)", {}, [&over, i, last = std::move(last)](Result<Placed>) mutable {
        over.count_down();
        std::this_thread::sleep_for(i * 100us);  // meanwhile exit() has begun
        last.reset();
      });
      over.wait();
      std::exit(0);
    };
    EXPECT_EXIT(put_and_exit(), testing::ExitedWithCode(0), "");
  }
}

TEST(Connections, KeepEmbeddedSpacesInTheirDirectory) {
  const TemporaryDirectory directory;
  const std::string address = "embedded:" + directory.path() + "/spaces";
  {
    auto connection = connect(address);
    ASSERT_TRUE(connection.ok()) << connection.status().to_string();
    ASSERT_TRUE(connection->space("jobs").out("('job', 7)").ok());
    EXPECT_FALSE(connect(address).ok()) << "somebody else has it";
    ASSERT_TRUE(connection->close().ok());
  }
  auto connection = connect(address);
  ASSERT_TRUE(connection.ok()) << connection.status().to_string();
  EXPECT_TRUE(connection->space("jobs").inp("('job', 7)")->has_value());
}

TEST(Connections, ToMemoryForgetEverything) {
  {
    auto connection = connect("embedded:");
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE(connection->space("jobs").out("('job', 7)").ok());
  }
  auto connection = connect("embedded:");
  ASSERT_TRUE(connection.ok());
  EXPECT_FALSE(connection->space("jobs").inp("('job', 7)")->has_value());
}

}  // namespace
}  // namespace tuplespace::client
