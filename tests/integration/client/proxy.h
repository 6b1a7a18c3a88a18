// Proxy stands between client and server and cuts their connections when it is told to.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tuplespace::client {

class Proxy {
 public:
  // Forwards to `target`, 127.0.0.1:PORT.
  explicit Proxy(const std::string& target);
  ~Proxy();

  const std::string& address() const { return address_; }
  // Ends all connections that there are; new ones are welcome.
  void cut();
  // Bytes that went from clients to the server, ever.
  uint64_t forwarded() const { return forwarded_; }

 private:
  void accept_all();
  void forward(int from, int to, bool counts);

  const int target_port_;
  int listening_ = -1;
  std::string address_;
  std::atomic<bool> over_ = false;
  std::atomic<uint64_t> forwarded_ = 0;
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace tuplespace::client
