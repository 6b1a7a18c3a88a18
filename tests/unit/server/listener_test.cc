#include "tuplespace/server/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace tuplespace {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Status open_status(const std::string& address) {
  return Listener::open({address, false, 10}).status();
}

TEST(Listener, TellsThePortItGot) {
  const auto listener = Listener::open({"127.0.0.1:0", false, 10});
  ASSERT_TRUE(listener.ok());
  EXPECT_THAT((*listener)->address(), HasSubstr("127.0.0.1:"));
  EXPECT_NE((*listener)->address(), "127.0.0.1:0");
}

TEST(Listener, RefusesWhatIsNoAddress) {
  for (const char* wrong : {"", "here", ":7070", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70707",
                            "127.0.0.1:x", "::1:7070", "[::1:7070", "unix:"}) {
    EXPECT_EQ(open_status(wrong).code(), Code::kInvalidArgument) << wrong;
  }
}

TEST(Listener, RefusesToReachBeyondThisMachineWithoutLeave) {
  EXPECT_THAT(open_status("0.0.0.0:0").message(), HasSubstr("--insecure"));
  EXPECT_TRUE(Listener::open({"0.0.0.0:0", true, 10}).ok());
}

TEST(Listener, NamesWhoHasThePort) {
  const auto first = Listener::open({"127.0.0.1:0", false, 10});
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE((*first)->start([](int fd) { ::close(fd); }).ok());
  const Status status = open_status((*first)->address());
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("unit_server"), HasSubstr(std::to_string(::getpid()))));
}

}  // namespace
}  // namespace tuplespace
