// tuplespaced as a process: its settings, its port, its signals, and noise on its port.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/server_process.h"
#include "tests/integration/wire_client.h"

namespace tuplespace::integration {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int kUnavailable = 14;

struct ServerAsProcess : testing::Test {
  std::vector<std::string> on_disk() const {
    return {"--data", (directory.path() / "data").string()};
  }
  // Starts the server with settings that it refuses; returns what it says.
  std::string refusal(const std::vector<std::string>& settings) {
    std::vector<std::string> command = {program("tuplespaced")};
    command.insert(command.end(), settings.begin(), settings.end());
    Process process(command);
    EXPECT_EQ(process.read_line(), "");
    EXPECT_EQ(process.wait(), 2);
    return process.error();
  }

  TemporaryDirectory directory;
};

int connect_to(const std::string& address) {
  const size_t colon = address.rfind(':');
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &at.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  return fd;
}

// Sends `bytes` and reads until the server closes.
void send_noise(const std::string& address, const std::string& bytes) {
  const int fd = connect_to(address);
  (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  ::shutdown(fd, SHUT_WR);
  char buffer[4096];
  while (::recv(fd, buffer, sizeof buffer, 0) > 0) {
  }
  ::close(fd);
}

TEST_F(ServerAsProcess, WhatWasAnsweredSurvivesAKill) {
  {
    ServerProcess server(on_disk());
    WireClient client(server.address());
    ASSERT_TRUE(client.out("jobs", tuple("job", 7)).ok());
    server.process().signal(SIGKILL);
    EXPECT_EQ(server.process().wait(), 128 + SIGKILL);
  }
  ServerProcess server(on_disk());
  WireClient client(server.address());
  EXPECT_EQ(found_int(client.in("jobs", wanted("job", v1::TYPE_INT))), 7);
  EXPECT_EQ(client.figure("incarnation"), 2);
}

TEST_F(ServerAsProcess, SigtermAnswersWaitsAndExitsWithSuccess) {
  ServerProcess server(on_disk());
  WireClient client(server.address());
  v1::InRequest request;
  request.set_space("jobs");
  *request.mutable_template_() = wanted("job", v1::TYPE_INT);
  v1::InResponse response;
  const auto taken = client.start("tuplespace.v1.TupleSpace/In", request, response);
  client.await_waiters(1);
  server.process().signal(SIGTERM);
  EXPECT_EQ(taken->wait().code, kUnavailable);
  EXPECT_EQ(server.process().wait(), 0);
  EXPECT_THAT(server.process().error(), AllOf(HasSubstr("draining"), HasSubstr("stopped")));
}

TEST_F(ServerAsProcess, ATakenPortIsNamedWithItsOwner) {
  ServerProcess first({"--store", "memory"});
  const std::string said = refusal({"--store", "memory", "--listen", first.address()});
  EXPECT_THAT(said, AllOf(HasSubstr("taken by tuplespaced"),
                          HasSubstr(std::to_string(first.process().pid()))));
}

TEST_F(ServerAsProcess, AnAddressBeyondLoopbackNeedsLeave) {
  EXPECT_THAT(refusal({"--store", "memory", "--listen", "0.0.0.0:0"}), HasSubstr("--insecure"));
}

TEST_F(ServerAsProcess, WrongSettingsAreExplained) {
  EXPECT_THAT(refusal({"--nope"}), HasSubstr("--nope"));
  EXPECT_THAT(refusal({"--lanes", "many"}), AllOf(HasSubstr("--lanes"), HasSubstr("1 to 64")));
  EXPECT_THAT(refusal({"--memory-max", "1B"}), HasSubstr("16MiB to"));
  EXPECT_THAT(refusal({"--drain", "1h"}), HasSubstr("0ms to 8s"));
  EXPECT_THAT(refusal({"--durability", "maybe"}), HasSubstr("sync|async|memory"));
  EXPECT_THAT(refusal({"--listen", "here"}), HasSubstr("127.0.0.1:7070"));
}

TEST_F(ServerAsProcess, DataThatIsInUseIsExitCodeThree) {
  ServerProcess first(on_disk());
  std::vector<std::string> command = {program("tuplespaced"), "--listen", "127.0.0.1:0"};
  for (const std::string& word : on_disk()) command.push_back(word);
  Process second(command);
  EXPECT_EQ(second.read_line(), "");
  EXPECT_EQ(second.wait(), 3);
}

TEST_F(ServerAsProcess, HelpShowsEverySettingAndItsDefault) {
  Process process({program("tuplespaced"), "--help"});
  const std::string help = process.read_all();
  EXPECT_EQ(process.wait(), 0);
  EXPECT_THAT(help, AllOf(HasSubstr("--frame-bytes-max size\n      default 4MiB, range 64KiB to"),
                          HasSubstr("--unsafe-no-sync")));
}

TEST_F(ServerAsProcess, AUnixSocketServesAndIsRemoved) {
  const std::string path = (directory.path() / "socket").string();
  Process process({program("tuplespaced"), "--store", "memory", "--listen", "unix:" + path});
  EXPECT_EQ(process.read_line(), "listening on unix:" + path);
  WireClient client("unix:" + path);
  EXPECT_TRUE(client.out("s", tuple("n", 1)).ok());
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ServerAsProcess, NoiseOnThePortHarmsNobody) {
  ServerProcess server({"--store", "memory"});
  WireClient client(server.address());
  ASSERT_TRUE(client.out("s", tuple("n", 1)).ok());
  send_noise(server.address(), "");
  send_noise(server.address(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  send_noise(server.address(), std::string(100'000, '\xa5'));
  send_noise(server.address(),
             std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string(1'000, '\xff'));
  EXPECT_EQ(found_int(client.rd("s", wanted("n", v1::TYPE_INT))), 1);
}

TEST_F(ServerAsProcess, AConnectionTooManyIsClosedAndThePlaceIsFreeAgain) {
  ServerProcess server({"--store", "memory", "--connections-max", "2"});
  WireClient client(server.address());
  ASSERT_TRUE(client.out("s", tuple("n", 1)).ok());
  const int second = connect_to(server.address());
  while (client.figure("server_connections") < 2) {
  }
  const int third = connect_to(server.address());
  char byte = 0;
  EXPECT_LE(::recv(third, &byte, 1, 0), 0);  // closed at once
  ::close(third);
  EXPECT_EQ(client.figure("server_connections_refused"), 1);
  ::close(second);
  while (client.figure("server_connections") > 1) {
  }
}

}  // namespace
}  // namespace tuplespace::integration
