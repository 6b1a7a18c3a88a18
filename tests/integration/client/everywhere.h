// Everywhere is the fixture of tests that hold for every kind of address: a server's process over
// TCP or a Unix socket, spaces in this process, in memory or in a directory.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/integration/client/server_process.h"
#include "tuplespace/client.h"

namespace tuplespace::client {

class Everywhere : public testing::TestWithParam<std::string> {
 protected:
  Everywhere() {
    const std::string where = GetParam();
    if (where == "tcp") server_.emplace();
    if (where == "unix") server_.emplace("unix:" + directory_.path() + "/socket");
    if (server_) {
      address_ = server_->address();
    } else if (where == "memory") {
      address_ = "embedded:";
    } else {
      address_ = "embedded:" + directory_.path() + "/embedded";
    }
    auto connected = connect(address_);
    EXPECT_TRUE(connected.ok()) << connected.status().to_string();
    connection_.emplace(*connected);
  }

  Space space(const std::string& name = "jobs") { return connection_->space(name); }

  const TemporaryDirectory directory_;
  std::optional<ServerProcess> server_;
  std::string address_;
  std::optional<Connection> connection_;
};

// Waits until somebody waits: `count` calls in all. Ends only when it is so.
inline void until_waiting(Connection& connection, size_t count) {
  while (true) {
    const auto blocked = connection.blocked();
    if (!blocked.ok() || blocked->waits.size() == count) return;
  }
}

#define TUPLESPACE_EVERYWHERE(Fixture)                                            \
  INSTANTIATE_TEST_SUITE_P(Everywhere, Fixture,                                   \
                           testing::Values("tcp", "unix", "memory", "directory"), \
                           [](const auto& where) { return where.param; })

// Those that need several sessions: a server's process.
#define TUPLESPACE_ON_SERVERS(Fixture)                                         \
  INSTANTIATE_TEST_SUITE_P(OnServers, Fixture, testing::Values("tcp", "unix"), \
                           [](const auto& where) { return where.param; })

}  // namespace tuplespace::client
