// ShardBackend runs scripts on a bare shard: every client has a session as if on a stream, time
// is told, and a blocked operation is one that has no answer when the shard has nothing to do.
//
// Threads: one.
#pragma once

#include <map>
#include <set>
#include <string>

#include "tests/conformance/backend.h"
#include "tests/model/shard_host.h"

namespace tuplespace::conformance {

class ShardBackend : public Backend {
 public:
  ShardBackend();

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
  Outcome told(const std::string& client) override;
  Status participate(const std::string& client) override;
  Status advance(Duration by) override;
  Status restart(bool kill) override;

 private:
  struct Under {  // a call under way, or answered and not yet looked at
    Number number = 0;
    Call call;
    Time since = 0;
    std::optional<Outcome> outcome;
    uint64_t watch = 0;    // the token of a watch under way
    Sequence told_to = 0;  // where it resumes
    std::string told;      // not asked for yet
  };
  struct Client {
    SessionId session = 0;
    uint64_t epoch = 0;
    uint64_t receiver = 0;  // of the stream; 0: it has none
    Number last = 0;
    std::map<std::string, Under> calls;  // by full name
    std::set<Number> unconfirmed;        // kept so by the script
  };

  static std::string session_of(const std::string& client);
  Client& client_of(const std::string& client);
  std::vector<Answer> ask(
      std::variant<CreateSpace, DropSpace, ListSpaces, OpenSession, ResumeSession, SuspendSession,
                   Confirm, CloseSession, Blocked, Explain, ListHolds>
          what,
      uint64_t receiver);
  Status open_as(const std::string& client, OpenSession how);
  void send(Client& client, Under& under);
  void administer(Under& under);
  void scan(Under& under);
  void watch(Under& under);
  void deliver_watched(const Answer& answer);
  void deliver_all();
  void deliver(const Answer& answer);
  void confirm_numbers(Client& client, std::vector<NumberRange> ranges);

  ShardHost host_;
  std::map<std::string, Client> clients_;
  uint64_t next_receiver_ = 1;
  uint64_t next_token_ = 1;
};

}  // namespace tuplespace::conformance
