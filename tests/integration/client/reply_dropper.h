// ReplyDropper stands between a client and a server and drops replies: it reads what the server
// sends (HTTP/2, as far as it needs), and where a frame of Sessions.Stream carries answers it may
// end the connection in place of handing it on. The server has done what was asked; the client has
// to find that out.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tuplespace::client {

class ReplyDropper {
 public:
  // Forwards to `target`, 127.0.0.1:PORT. Of every `one_in` operations it drops the first reply of
  // one. Requires: one session at a time goes through it.
  ReplyDropper(const std::string& target, uint64_t one_in);
  ~ReplyDropper();

  const std::string& address() const { return address_; }

  // Operations that the server answered, and those of them whose first reply was dropped.
  uint64_t answered() const;
  uint64_t dropped() const;
  uint64_t cuts() const { return cuts_; }  // connections that were ended for it

 private:
  class Reader;
  void accept_all();
  void forward(int from, int to);
  void forward_replies(int from, int to);
  bool drops(const std::vector<uint64_t>& numbers);

  const int target_port_;
  const uint64_t one_in_;
  int listening_ = -1;
  std::string address_;
  std::atomic<bool> over_ = false;
  std::atomic<uint64_t> cuts_ = 0;
  mutable std::mutex mutex_;
  std::set<uint64_t> seen_;  // numbers
  uint64_t dropped_ = 0;
  std::vector<int> sockets_;  // of the connection that there is
  std::thread acceptor_;
};

}  // namespace tuplespace::client
