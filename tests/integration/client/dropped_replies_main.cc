// dropped_replies puts and takes many tuples through the real client and a real server, while the
// reply of one in three operations is dropped: nothing may be lost, nothing doubled.
//
//   dropped_replies [--operations N]      default 100 000, half of them out, half in
//
// A reply is dropped by ending the connection in place of handing it on, so the client never sees
// the first answer to a third of what it asked.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/integration/client/reply_dropper.h"
#include "tests/integration/client/server_process.h"
#include "tuplespace/client.h"

namespace tuplespace::client {
namespace {

constexpr size_t kConnections = 4;  // each with a session and a proxy of its own
constexpr size_t kAtOnce = 16;      // operations of a connection under way
constexpr uint64_t kOneIn = 3;

class Campaign {
 public:
  explicit Campaign(int64_t operations) : each_(operations / 2 / int64_t{kConnections}) {}

  int run() {
    for (size_t i = 0; i < kConnections; ++i) {
      proxies_.push_back(std::make_unique<ReplyDropper>(server_.address(), kOneIn));
    }
    for (size_t i = 0; i < kConnections; ++i) {
      Result<Connection> connection = connect(proxies_[i]->address());
      TS_CHECK(connection.ok());
      connections_.push_back(*connection);
    }
    on_every_connection([this](Space space, int64_t first) { put(space, first); });
    on_every_connection([this](Space space, int64_t) { take(space); });
    return report();
  }

 private:
  template <typename Work>
  void on_every_connection(Work work) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kConnections; ++i) {
      threads.emplace_back([this, i, work] {
        work(connections_[i].space("jobs"), static_cast<int64_t>(i) * each_);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void put(Space space, int64_t first) {
    for (int64_t at = 0; at < each_;) {
      std::vector<Call<Placed>> calls;
      for (; calls.size() < kAtOnce && at < each_; ++at) {
        calls.push_back(space.out_async(fmt::format("('job', {})", first + at)));
      }
      for (Call<Placed>& call : calls) fail_unless(call.get().status());
    }
  }

  void take(Space space) {
    for (int64_t at = 0; at < each_;) {
      std::vector<Call<Match>> calls;
      for (; calls.size() < kAtOnce && at < each_; ++at) {
        calls.push_back(space.in_async("('job', ?int)"));
      }
      for (Call<Match>& call : calls) {
        const Result<Match> match = call.get();
        fail_unless(match.status());
        if (!match.ok()) continue;
        const std::lock_guard lock(mutex_);
        ++taken_[(*match)[1].as_int()];
      }
    }
  }

  void fail_unless(const Status& status) {
    if (status.ok()) return;
    const std::lock_guard lock(mutex_);
    if (++failed_ == 1) fmt::print("failed: {}\n", status.to_string());
  }

  int report() {
    uint64_t answered = 0, dropped = 0, cuts = 0;
    for (const auto& proxy : proxies_) {
      answered += proxy->answered();
      dropped += proxy->dropped();
      cuts += proxy->cuts();
    }
    uint64_t lost = 0, doubled = 0;
    for (int64_t number = 0; number < each_ * int64_t{kConnections}; ++number) {
      const auto times = taken_.find(number);
      if (times == taken_.end()) ++lost;
      if (times != taken_.end() && times->second > 1) ++doubled;
    }
    const Result<Connection> straight = connect(server_.address());
    const auto left = straight->space("jobs").count("(...)");
    const uint64_t there = left.ok() ? left->ready + left->held : ~uint64_t{0};
    fmt::print(
        "{} operations answered by the server, the first reply of {} dropped by {} broken "
        "connections: {} tuples lost, {} doubled, {} left over, {} operations failed\n",
        answered, dropped, cuts, lost, doubled, there, failed_);
    const bool enough = dropped * kOneIn + kOneIn * kAtOnce * kConnections >= answered &&
                        answered >= static_cast<uint64_t>(2 * each_) * kConnections;
    if (!enough) fmt::print("too few replies were dropped: this shows nothing\n");
    return enough && lost + doubled + there + failed_ == 0 ? 0 : 1;
  }

  const int64_t each_;  // tuples of a connection
  ServerProcess server_;
  std::vector<std::unique_ptr<ReplyDropper>> proxies_;
  std::vector<Connection> connections_;
  std::mutex mutex_;  // guards the rest
  std::map<int64_t, int> taken_;
  uint64_t failed_ = 0;
};

}  // namespace
}  // namespace tuplespace::client

int main(int argc, char** argv) {
  int64_t operations = 100'000;
  CLI::App app{"Drops the reply of one in three operations."};
  app.add_option("--operations", operations, "half of them out, half in");
  CLI11_PARSE(app, argc, argv);
  return tuplespace::client::Campaign(operations).run();
}
