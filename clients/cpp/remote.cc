#include "clients/cpp/remote.h"

#include <thread>

#include "clients/cpp/admin.h"
#include "clients/cpp/driver.h"
#include "clients/cpp/remote_watch.h"

namespace tuplespace::client {
namespace {

class Remote final : public Backend {
 public:
  Remote(std::shared_ptr<Driver> driver, const std::string& target, const ConnectOptions& options)
      : target_(target),
        patience_(options.patience),
        driver_(std::move(driver)),
        admin_(target, options.patience),
        background_([driver = driver_] { driver->run(); }) {}

  ~Remote() override {
    driver_->shut_down();
    // A callback may drop the last handle on the background thread itself.
    if (background_.get_id() == std::this_thread::get_id()) {
      background_.detach();
    } else {
      background_.join();
    }
  }

  void submit(const Ask& ask, Waiter& waiter) override { driver_->submit(ask, waiter); }
  void cancel(Waiter& waiter) override { driver_->cancel(waiter); }
  void listen(Waiter& waiter) override { driver_->listen(waiter); }
  void await(const Waiter& waiter, Instant deadline) override { driver_->await(waiter, deadline); }
  Status settle(Ticket ticket, bool give_back) override {
    return driver_->settle(ticket, give_back);
  }

  Result<bool> create(const std::string& name, const Policy& policy) override {
    return admin_.create(name, policy, driver_->session(), driver_->secret());
  }
  Result<uint64_t> drop(const std::string& name) override { return admin_.drop(name); }
  Result<std::vector<SpaceInfo>> list(const std::string& prefix) override {
    return admin_.list(prefix);
  }
  Result<SpaceInfo> describe(const std::string& name) override { return admin_.describe(name); }
  Result<ServerStats> stats() override { return admin_.stats(); }
  Result<Blocked> blocked(const std::string& space) override { return admin_.blocked(space); }
  Result<std::vector<HoldInfo>> holds(const std::string& space, uint64_t session) override {
    return admin_.holds(space, session);
  }
  Status release(const std::string& space, uint64_t token) override {
    return admin_.release(space, token);
  }
  Result<Explanation> explain(const std::string& space, const Template& wanted) override {
    return admin_.explain(space, wanted);
  }
  Result<std::vector<SessionInfo>> sessions(uint64_t after) override {
    return admin_.sessions(after);
  }
  Status end_session(uint64_t session) override { return admin_.end_session(session); }

  Result<std::unique_ptr<EventSource>> watch(WatchAsk ask) override {
    return watch_remote(target_, patience_, std::move(ask));
  }

  uint64_t session() const override { return driver_->session(); }
  uint64_t fence() const override { return driver_->fence(); }
  Status close() override { return driver_->close(); }

 private:
  const std::string target_;
  const milliseconds patience_;
  const std::shared_ptr<Driver> driver_;
  const Admin admin_;
  std::thread background_;
};

Result<std::string> target_of(const std::string& address) {
  if (address.starts_with("unix:") && address.size() > 5) return address;
  const size_t colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos;
  if (colon == 0 || !digits || std::stoul(port) == 0 || std::stoul(port) > 65'535) {
    return invalid("address \"" + address +
                       "\": expected host:port, unix:/path, embedded: or embedded:/path, for "
                       "instance 127.0.0.1:7070",
                   "address");
  }
  return "dns:///" + address;
}

}  // namespace

Result<std::shared_ptr<Backend>> connect_remote(const std::string& address,
                                                const ConnectOptions& options) {
  Result<std::string> target = target_of(address);
  if (!target.ok()) return target.status();
  auto driver = std::make_shared<Driver>(address, *target, options);
  if (Status started = driver->start(); !started.ok()) {
    driver->shut_down();
    return started;
  }
  return std::shared_ptr<Backend>(std::make_shared<Remote>(std::move(driver), *target, options));
}

}  // namespace tuplespace::client
