#include "tuplespace/server/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tuplespace/log.h"
#include "tuplespace/server/port_owner.h"

namespace tuplespace {
namespace {

constexpr int kBacklog = 4096;
constexpr int kEventsAtOnce = 64;
constexpr uint64_t kRefusedPerLine = 1'000;  // refused connections for one line of the log

Status not_an_address(const std::string& given) {
  return invalid(fmt::format("--listen {}: not an address; write 127.0.0.1:7070, [::1]:7070 or "
                             "unix:/path",
                             given),
                 "listen");
}

Status failed(const std::string& address, const char* what) {
  return {Code::kFailedPrecondition,
          fmt::format("--listen {}: {}: {}", address, what, std::strerror(errno))};
}

// Says why bind() or listen() did not give us the port.
Status port_refused(const std::string& address, const std::string& port) {
  if (errno != EADDRINUSE) return failed(address, "bind");
  return {Code::kFailedPrecondition,
          fmt::format("--listen {}: the port is taken by {}; stop it or choose another port",
                      address, owner_of_port(std::stoi(port))),
          {"listen", false, false}};
}

struct HostPort {
  std::string host, port;
};

Result<HostPort> split(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return not_an_address(address);
  HostPort parts{address.substr(0, colon), address.substr(colon + 1)};
  if (parts.host.front() == '[') {
    if (parts.host.back() != ']') return not_an_address(address);
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  } else if (parts.host.find(':') != std::string::npos) {
    return not_an_address(address);
  }
  if (parts.port.empty() || parts.port.size() > 5 ||
      parts.port.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(parts.port) > 65535) {
    return not_an_address(address);
  }
  return parts;
}

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

std::string name_of(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(v4->sin_port));
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
  ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  return fmt::format("[{}]:{}", text, ntohs(v6->sin6_port));
}

struct AddressList {
  ~AddressList() {
    if (first != nullptr) ::freeaddrinfo(first);
  }
  addrinfo* first = nullptr;
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const Options& options) {
  std::unique_ptr<Listener> listener(new Listener(options));
  const bool is_unix = options.address.rfind("unix:", 0) == 0;
  TS_RETURN_IF_ERROR(is_unix ? listener->bind_unix(options.address.substr(5))
                             : listener->bind_tcp());
  return listener;
}

Listener::~Listener() {
  stop();
  for (const int fd : {socket_, epoll_, stop_event_}) {
    if (fd >= 0) ::close(fd);
  }
}

Status Listener::bind_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return invalid(fmt::format("--listen unix:{}: a path has 1 to {} bytes", path,
                               sizeof address.sun_path - 1),
                   "listen");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return failed(options_.address, "socket");

  // A socket file that nobody answers on was left by a server that was killed.
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  // One that was killed just now still answers until the kernel is done with it: milliseconds.
  bool answered = true;
  bool stale = false;
  for (int tries = 0; answered && tries < 100; ++tries) {
    if (tries > 0) ::usleep(10'000);
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    answered = ::connect(probe, generic, sizeof address) == 0;
    stale = !answered && errno == ECONNREFUSED;
    ::close(probe);
  }
  if (answered) {
    return {Code::kFailedPrecondition,
            fmt::format("--listen {}: another process listens there; stop it or choose another "
                        "path",
                        options_.address),
            {"listen", false, false}};
  }
  if (stale) ::unlink(path.c_str());
  if (::bind(socket_, generic, sizeof address) != 0) return failed(options_.address, "bind");
  unix_path_ = path;
  address_ = options_.address;
  return {};
}

Status Listener::bind_tcp() {
  const Result<HostPort> parts = split(options_.address);
  if (!parts.ok()) return parts.status();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  AddressList found;
  const int error = ::getaddrinfo(parts->host.c_str(), parts->port.c_str(), &hints, &found.first);
  if (error != 0) {
    return invalid(
        fmt::format("--listen {}: {}: {}", options_.address, parts->host, ::gai_strerror(error)),
        "listen");
  }
  const addrinfo& at = *found.first;
  if (!is_loopback(at.ai_addr) && !options_.beyond_loopback) {
    return invalid(
        fmt::format("--listen {}: reaches beyond this machine, where anyone could read, take and "
                    "drop; listen on 127.0.0.1, or say --insecure to allow it",
                    options_.address),
        "listen");
  }
  socket_ = ::socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return failed(options_.address, "socket");
  const int on = 1;
  ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // connections inherit it
  if (at.ai_family == AF_INET6) {
    ::setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(socket_, at.ai_addr, at.ai_addrlen) != 0) {
    return port_refused(options_.address, parts->port);
  }
  address_ = name_of(socket_);
  return {};
}

Status Listener::start(std::function<void(int fd)> adopt) {
  adopt_ = std::move(adopt);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  stop_event_ = ::eventfd(0, EFD_CLOEXEC);
  if (epoll_ < 0 || stop_event_ < 0) return failed(address_, "epoll");
  if (::listen(socket_, kBacklog) != 0) {
    if (!unix_path_.empty()) return failed(address_, "listen");
    return port_refused(address_, address_.substr(address_.rfind(':') + 1));
  }
  for (const int fd : {socket_, stop_event_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return failed(address_, "epoll_ctl");
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

void Listener::stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_event_, &one, sizeof one);
    thread_.join();
  }
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
  unix_path_.clear();
}

void Listener::run() {
  pthread_setname_np(pthread_self(), "listener");
  for (;;) {
    epoll_event events[kEventsAtOnce];
    const int count = ::epoll_wait(epoll_, events, kEventsAtOnce, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == stop_event_) return;
      if (fd == socket_) {
        accept_all();
      } else {
        close_ended(fd);
      }
    }
  }
}

void Listener::accept_all() {
  for (;;) {
    const int fd = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
        log(Level::kWarning, "accept_failed", {{"error", std::strerror(errno)}});
        ::usleep(10'000);  // the connection stays in the backlog; do not spin on it
      }
      return;
    }
    const int watched =
        connections_ < options_.connections_max ? ::fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (watched < 0) {
      if (refused_++ % kRefusedPerLine == 0) {
        log(Level::kWarning, "connections_refused",
            {{"refused", refused_.load()},
             {"connections", connections_.load()},
             {"connections_max", options_.connections_max}});
      }
      ::close(fd);
      continue;
    }
    epoll_event event{};
    event.events = EPOLLRDHUP;  // and EPOLLHUP, which always comes
    event.data.fd = watched;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, watched, &event);
    ++connections_;
    adopt_(fd);
  }
}

// Either side has closed; the connection lives on the descriptor that was handed over.
void Listener::close_ended(int fd) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);  // closing would not: gRPC's is still open
  ::close(fd);
  --connections_;
}

}  // namespace tuplespace
