// ClientBackend runs scripts through the C++ client, one connection and so one session for each
// client: on a server's process, which it starts, or on spaces in this process, where all clients
// share one connection.
//
// A call is blocked when the server says that as many operations wait as the script has calls
// under way; it is asked until it is so, for at most kPatience.
//
// Threads: one; the client library has its own.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tests/conformance/backend.h"
#include "tests/conformance/script.h"
#include "tests/integration/server_process.h"
#include "tuplespace/client.h"

namespace tuplespace::conformance {

class ClientBackend : public Backend {
 public:
  using milliseconds = std::chrono::milliseconds;
  static constexpr milliseconds kPatience{20'000};

  // `program`: the path of a server; "": in this process.
  static Result<std::unique_ptr<Backend>> make(const std::string& program);

  bool serves(std::string_view tag) const override;
  void start(const std::string& client, const Call& call) override;
  std::optional<Outcome> answer(const std::string& client) override;
  bool is_blocked(const std::string& client) override;
  void cancel(const std::string& client) override;
  Status open(const std::string& client, Duration ttl) override;
  Status confirm(const std::string& client) override;
  Status close(const std::string& client) override;
  Status die(const std::string& client) override;
  Status break_stream(const std::string& client) override;
  Status resume(const std::string& client) override;
  Status advance(Duration by) override;
  Status restart(bool kill) override;
  Outcome told(const std::string& client) override;
  Status participate(const std::string& client) override;

 private:
  using Read = client::Call<client::Match>;
  using Takes = client::Call<std::vector<client::Match>>;
  using Outs = client::Call<client::Placed>;
  using Does = client::Call<client::Did>;
  struct Under {
    Call call;
    std::optional<Outcome> outcome;  // of what never waits
    std::unique_ptr<Read> read;
    std::unique_ptr<Takes> takes;
    std::unique_ptr<Does> does;
    std::unique_ptr<Outs> out;

    bool ready() const {
      return outcome || (read && read->ready()) || (takes && takes->ready()) ||
             (does && does->ready()) || (out && out->ready());
    }
  };
  // A watch, and one of everything beside it, which sees the mark that says how far it is.
  struct Watching {
    std::string space;
    Template wanted;
    client::Watch watch;
    client::Watch all;
    Words told = {};      // by `watch`
    Words expected = {};  // by `watch`, as `all` says
    bool marked = false;
  };
  struct Client {
    std::unique_ptr<client::Connection> connection;
    std::vector<client::Match> unconfirmed;
  };

  explicit ClientBackend(const std::string& program) : program_(program) {}
  Status start_server();
  uint64_t figure(const std::string& name);
  std::string session_of(const std::string& client) const;
  Client& client_of(const std::string& client);
  Outcome at_once(client::Connection& connection, const Call& call);
  Outcome taken(Client& client, const Call& call, Result<std::vector<client::Match>> matches);
  Outcome probed(Client& client, const Call& call, const client::TakeOptions& options);

  // ---- client_watching.cc ----
  Outcome begin_watch(client::Connection& connection, const std::string& name, const Call& call);
  void hear_all(Watching& watching, milliseconds wait);
  bool hear(Watching& watching, milliseconds wait);

  const std::string program_;
  integration::TemporaryDirectory data_;
  std::string address_;
  std::unique_ptr<integration::Process> server_;
  std::map<std::string, Client> clients_;
  std::map<std::string, Under> calls_;
  std::map<std::string, Watching> watches_;
  int marks_ = 0;
};

}  // namespace tuplespace::conformance
