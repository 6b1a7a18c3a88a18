// bench_peers loads Redis or beanstalkd: each connection puts an item of 100 bytes, takes one,
// and so on; prints one line of JSON whose rate is pairs of put and take a second.
//
// With --pipeline N a connection sends N puts at once, waits for all answers, then N takes.
#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load.h"

namespace {

using namespace tuplespace::bench;

constexpr size_t kItemBytes = 100;

// How a peer is spoken to: the steps of one cycle, each a request and an answer.
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual size_t steps() const = 0;
  // Appends the request of `step`; `id` is what the step before found.
  virtual void request(size_t step, std::string_view id, std::string& out) const = 0;
  // Returns the length of the answer at the head of `in`, or nothing if it is not all there.
  // Sets `id` where the answer names what the next step needs.
  virtual std::optional<size_t> answer(size_t step, std::string_view in, std::string& id) const = 0;
};

void expect(std::string_view answer, std::string_view beginning) {
  if (answer.substr(0, beginning.size()) != beginning) {
    give_up(fmt::format("the peer answered {} where {} was due", answer, beginning));
  }
}

class Redis : public Protocol {
 public:
  size_t steps() const override { return 2; }
  void request(size_t step, std::string_view, std::string& out) const override {
    static const std::string push = fmt::format("*3\r\n$5\r\nLPUSH\r\n$4\r\njobs\r\n${}\r\n{}\r\n",
                                                kItemBytes, std::string(kItemBytes, 'i'));
    out += step == 0 ? push : "*2\r\n$4\r\nRPOP\r\n$4\r\njobs\r\n";
  }
  std::optional<size_t> answer(size_t step, std::string_view in, std::string&) const override {
    const size_t line = in.find("\r\n");
    if (line == in.npos) return std::nullopt;
    if (step == 0) {
      expect(in, ":");
      return line + 2;
    }
    expect(in, "$100\r\n");
    const size_t whole = line + 2 + kItemBytes + 2;
    return in.size() < whole ? std::nullopt : std::optional(whole);
  }
};

class Beanstalk : public Protocol {
 public:
  size_t steps() const override { return 3; }
  void request(size_t step, std::string_view id, std::string& out) const override {
    static const std::string put =
        fmt::format("put 0 0 60 {}\r\n{}\r\n", kItemBytes, std::string(kItemBytes, 'i'));
    if (step == 0) out += put;
    if (step == 1) out += "reserve\r\n";
    if (step == 2) out += fmt::format("delete {}\r\n", id);
  }
  std::optional<size_t> answer(size_t step, std::string_view in, std::string& id) const override {
    const size_t line = in.find("\r\n");
    if (line == in.npos) return std::nullopt;
    static constexpr std::string_view kWords[] = {"INSERTED ", "RESERVED ", "DELETED"};
    expect(in, kWords[step]);
    if (step != 1) return line + 2;
    const size_t begin = kWords[1].size();
    id = in.substr(begin, in.find(' ', begin) - begin);
    const size_t whole = line + 2 + kItemBytes + 2;
    return in.size() < whole ? std::nullopt : std::optional(whole);
  }
};

class Connection {
 public:
  Connection(const Protocol& protocol, uint16_t port, size_t pipeline)
      : protocol_(protocol), pipeline_(pipeline), ids_(pipeline) {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      give_up(fmt::format("no peer at port {}: {}", port, std::strerror(errno)));
    }
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  int socket_number() const { return socket_; }

  void send_step() {
    out_.clear();
    for (size_t i = 0; i < pipeline_; ++i) protocol_.request(step_, ids_[i], out_);
    if (step_ == 0) begun_ns_ = steady_ns();
    answered_ = 0;
    // A blocking send: at most a few kilobytes, which the socket's buffer holds.
    if (send(socket_, out_.data(), out_.size(), 0) != static_cast<ssize_t>(out_.size())) {
      give_up("the peer closed the connection");
    }
  }

  // Reads what is there; goes on with the next step when all answers came.
  void readable(Tally& tally) {
    char bytes[64 << 10];
    const ssize_t got = recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got <= 0) give_up("the peer closed the connection");
    in_.append(bytes, static_cast<size_t>(got));
    size_t used = 0;
    while (answered_ < pipeline_) {
      auto length = protocol_.answer(step_, std::string_view(in_).substr(used), ids_[answered_]);
      if (!length) break;
      used += *length;
      ++answered_;
    }
    in_.erase(0, used);
    if (answered_ < pipeline_) return;
    if (++step_ == protocol_.steps()) {
      step_ = 0;
      const int64_t now = steady_ns();
      for (size_t i = 0; i < pipeline_; ++i) tally.add(begun_ns_, now);
    }
    send_step();
  }

 private:
  const Protocol& protocol_;
  const size_t pipeline_;
  int socket_ = -1;
  size_t step_ = 0;
  size_t answered_ = 0;  // of this step
  int64_t begun_ns_ = 0;
  std::vector<std::string> ids_;
  std::string out_, in_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Redis and beanstalkd under load."};
  Load load;
  std::string peer;
  uint16_t port = 0;
  size_t pipeline = 1;
  app.add_option("peer", peer)->required()->check(CLI::IsMember({"redis", "beanstalkd"}));
  app.add_option("--port", port)->required();
  app.add_option("--connections", load.outstanding);
  app.add_option("--pipeline", pipeline);
  app.add_option("--seconds", load.seconds);
  app.add_option("--warm-up", load.warm_up_s);
  CLI11_PARSE(app, argc, argv);

  const Redis redis;
  const Beanstalk beanstalk;
  const Protocol& protocol = peer == "redis" ? static_cast<const Protocol&>(redis) : beanstalk;
  const int poll = epoll_create1(0);
  std::vector<std::unique_ptr<Connection>> connections;
  for (size_t i = 0; i < load.outstanding; ++i) {
    connections.push_back(std::make_unique<Connection>(protocol, port, pipeline));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = connections.back().get();
    epoll_ctl(poll, EPOLL_CTL_ADD, connections.back()->socket_number(), &event);
  }
  Tally tally(load);
  for (auto& connection : connections) connection->send_step();
  while (!tally.over(steady_ns())) {
    epoll_event events[256];
    const int ready = epoll_wait(poll, events, 256, 100);
    for (int i = 0; i < ready; ++i) static_cast<Connection*>(events[i].data.ptr)->readable(tally);
  }
  fmt::print("{}\n", tally.json());
}
