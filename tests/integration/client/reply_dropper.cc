#include "tests/integration/client/reply_dropper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>

#include "tuplespace/status.h"
#include "tuplespace/v1/session.pb.h"

namespace tuplespace::client {
namespace {

constexpr size_t kFrameHeader = 9;    // HTTP/2: length u24, type u8, flags u8, stream u32
constexpr size_t kMessageHeader = 5;  // gRPC: compressed u8, length u32
constexpr uint8_t kData = 0;
constexpr uint8_t kPadded = 8;

uint32_t big_endian(std::string_view bytes) {
  uint32_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

// Takes the server's bytes apart: whole HTTP/2 frames, and the answers that each completes.
class ReplyDropper::Reader {
 public:
  void add(const char* bytes, size_t size) { buffer_.append(bytes, size); }

  // Moves the next whole frame to `frame`; `numbers` are those of the answers that end in it.
  bool next(std::string& frame, std::vector<uint64_t>& numbers) {
    numbers.clear();
    if (buffer_.size() < kFrameHeader) return false;
    const size_t length = big_endian(std::string_view(buffer_).substr(0, 3));
    if (buffer_.size() < kFrameHeader + length) return false;
    frame = buffer_.substr(0, kFrameHeader + length);
    buffer_.erase(0, kFrameHeader + length);
    if (static_cast<uint8_t>(frame[3]) != kData) return true;
    std::string_view data = std::string_view(frame).substr(kFrameHeader);
    if (static_cast<uint8_t>(frame[4]) & kPadded) {
      const size_t padding = static_cast<uint8_t>(data[0]);
      data = data.substr(1, data.size() - 1 - padding);
    }
    std::string& messages = messages_[big_endian(std::string_view(frame).substr(5, 4))];
    messages.append(data);
    while (take_message(messages, numbers)) {
    }
    return true;
  }

 private:
  static bool take_message(std::string& messages, std::vector<uint64_t>& numbers) {
    if (messages.size() < kMessageHeader) return false;
    const size_t length = big_endian(std::string_view(messages).substr(1, 4));
    if (messages.size() < kMessageHeader + length) return false;
    v1::ServerFrame frame;
    if (frame.ParseFromString(messages.substr(kMessageHeader, length))) {
      for (const v1::Answer& answer : frame.answers()) numbers.push_back(answer.number());
      for (const v1::Answer& answer : frame.welcome().answers()) {
        numbers.push_back(answer.number());
      }
    }
    messages.erase(0, kMessageHeader + length);
    return true;
  }

  std::string buffer_;
  std::map<uint32_t, std::string> messages_;  // by stream
};

ReplyDropper::ReplyDropper(const std::string& target, uint64_t one_in)
    : target_port_(std::stoi(target.substr(target.rfind(':') + 1))), one_in_(one_in) {
  listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  TS_CHECK(bind(listening_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  TS_CHECK(listen(listening_, 16) == 0);
  TS_CHECK(getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  acceptor_ = std::thread([this] { accept_all(); });
}

ReplyDropper::~ReplyDropper() {
  over_ = true;
  shutdown(listening_, SHUT_RDWR);
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
  }
  acceptor_.join();
  close(listening_);
}

uint64_t ReplyDropper::answered() const {
  const std::lock_guard lock(mutex_);
  return seen_.size();
}

uint64_t ReplyDropper::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

// One connection at a time, so one pair of threads: it has ended when the next one is accepted.
void ReplyDropper::accept_all() {
  while (!over_) {
    const int client = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(target_port_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(client);
      close(server);
      continue;
    }
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    {
      const std::lock_guard lock(mutex_);
      sockets_ = {client, server};
      if (over_) shutdown(client, SHUT_RDWR);
    }
    std::thread requests([this, client, server] { forward(client, server); });
    forward_replies(server, client);
    requests.join();
    const std::lock_guard lock(mutex_);
    sockets_.clear();
    close(client);
    close(server);
  }
}

void ReplyDropper::forward(int from, int to) {
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = recv(from, buffer, sizeof buffer, 0);
    if (got <= 0 || send(to, buffer, static_cast<size_t>(got), MSG_NOSIGNAL) != got) break;
  }
  shutdown(from, SHUT_RDWR);
  shutdown(to, SHUT_RDWR);
}

void ReplyDropper::forward_replies(int from, int to) {
  Reader reader;
  std::string frame;
  std::vector<uint64_t> numbers;
  char buffer[1 << 16];
  for (bool goes_on = true; goes_on;) {
    const ssize_t got = recv(from, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    reader.add(buffer, static_cast<size_t>(got));
    while (goes_on && reader.next(frame, numbers)) {
      goes_on = !drops(numbers) &&
                send(to, frame.data(), frame.size(), MSG_NOSIGNAL) == ssize_t(frame.size());
    }
  }
  shutdown(from, SHUT_RDWR);
  shutdown(to, SHUT_RDWR);
}

// Only first replies count: those of a welcome may be the second.
bool ReplyDropper::drops(const std::vector<uint64_t>& numbers) {
  const std::lock_guard lock(mutex_);
  uint64_t fresh = 0;
  for (const uint64_t number : numbers) fresh += seen_.insert(number).second;
  if (fresh == 0 || dropped_ * one_in_ >= seen_.size()) return false;
  dropped_ += fresh;
  ++cuts_;
  return true;
}

}  // namespace tuplespace::client
