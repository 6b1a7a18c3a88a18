// Administration of spaces in this process, and watches on them.
#include <algorithm>
#include <utility>

#include "clients/cpp/embedded.h"
#include "clients/cpp/operations.h"

namespace tuplespace::client {

// ---- administration ----

Result<engine::Answer> Embedded::ask(engine::Operation operation) {
  TS_RETURN_IF_ERROR(may_wait());
  Asked asked;
  {
    const Lock lock(mutex_);
    if (closed_) return Status(Code::kFailedPrecondition, "the connection is closed");
    calls_.emplace(++last_, Call{&asked, &asked.answer, false});
    operation.reply = {receiver_, last_};
    send(lock, std::move(operation));
  }
  await(asked, kNoInstant);
  if (!asked.answer.status.ok()) return asked.answer.status;
  return std::move(asked.answer);
}

Result<bool> Embedded::create(const std::string& name, const Policy& policy) {
  engine::Operation operation;
  operation.what = engine::CreateSpace{name, policy_of(policy),
                                       policy.bound || policy.collected ? session_ : SessionId{0}};
  operation.caller.secret = kSecret;
  const Result<engine::Answer> answer = ask(std::move(operation));
  if (!answer.ok()) return answer.status();
  return std::get<engine::CreateAnswer>(answer->what).created;
}

Result<uint64_t> Embedded::drop(const std::string& name) {
  engine::Operation operation;
  operation.what = engine::DropSpace{name};
  const Result<engine::Answer> answer = ask(std::move(operation));
  if (!answer.ok()) return answer.status();
  return std::get<engine::DropAnswer>(answer->what).tuples;
}

Result<std::vector<SpaceInfo>> Embedded::list(const std::string& prefix) {
  engine::Operation operation;
  operation.what = engine::ListSpaces{prefix, {}};
  const Result<engine::Answer> answer = ask(std::move(operation));
  if (!answer.ok()) return answer.status();
  return spaces_of(std::get<engine::ListAnswer>(answer->what));
}

Result<SpaceInfo> Embedded::describe(const std::string& name) {
  engine::Operation operation;
  operation.what = engine::ListSpaces{{}, name};
  const Result<engine::Answer> answer = ask(std::move(operation));
  if (!answer.ok()) return answer.status();
  std::vector<SpaceInfo> spaces = spaces_of(std::get<engine::ListAnswer>(answer->what));
  if (spaces.empty()) return Status(Code::kNotFound, "no space \"" + name + "\"");
  return std::move(spaces.front());
}

Result<ServerStats> Embedded::stats() {
  engine::Operation operation;
  operation.what = engine::Stats{};
  const Result<engine::Answer> answer = ask(std::move(operation));
  if (!answer.ok()) return answer.status();
  ServerStats stats;
  stats.version = TUPLESPACE_VERSION;
  stats.incarnation = engine_->incarnation();
  stats.counters = std::get<engine::StatsAnswer>(answer->what).counters;
  for (auto& figure : engine_->figures()) stats.counters.push_back(std::move(figure));
  std::sort(stats.counters.begin(), stats.counters.end());
  return stats;
}

Result<Blocked> Embedded::blocked(const std::string& space) {
  engine::Operation operation;
  operation.what = engine::Blocked{space};
  const Result<engine::Answer> answer = ask(std::move(operation));
  if (!answer.ok()) return answer.status();
  return blocked_of(std::get<engine::BlockedAnswer>(answer->what));
}

Result<std::vector<HoldInfo>> Embedded::holds(const std::string& space, uint64_t session) {
  engine::Operation operation;
  operation.what = engine::ListHolds{space, session};
  const Result<engine::Answer> answer = ask(std::move(operation));
  if (!answer.ok()) return answer.status();
  return holds_of(std::get<engine::HoldsAnswer>(answer->what));
}

Status Embedded::release(const std::string& space, uint64_t token) {
  engine::Operation operation;
  operation.what = engine::EndLease{{space, token, 0, 0}};
  return ask(std::move(operation)).status();
}

Result<Explanation> Embedded::explain(const std::string& space, const Template& wanted) {
  engine::Operation operation;
  operation.what = engine::Explain{space, wanted};
  const Result<engine::Answer> answer = ask(std::move(operation));
  if (!answer.ok()) return answer.status();
  return explanation_of(std::get<engine::ExplainAnswer>(answer->what));
}

Result<std::vector<SessionInfo>> Embedded::sessions(uint64_t after) {
  engine::Operation operation;
  operation.what = engine::ListSessions{after};
  const Result<engine::Answer> answer = ask(std::move(operation));
  if (!answer.ok()) return answer.status();
  return sessions_of(std::get<engine::SessionsAnswer>(answer->what));
}

Status Embedded::end_session(uint64_t session) {
  if (session == session_) {
    return invalid("end_session: the only session of an embedded space ends with close()",
                   "session");
  }
  engine::Operation operation;
  operation.what = engine::CloseSession{session, {}, true, {}};
  return ask(std::move(operation)).status();
}

// ---- watching ----

class Embedded::EmbeddedWatch final : public EventSource {
 public:
  EmbeddedWatch(std::shared_ptr<Embedded> backend, std::shared_ptr<WatchQueue> queue,
                uint64_t token)
      : backend_(std::move(backend)), queue_(std::move(queue)), token_(token) {}
  ~EmbeddedWatch() override { cancel(); }

  Result<Event> next(Instant deadline) override { return queue_->next(deadline); }
  void cancel() override {
    queue_->end({Code::kCancelled, "the watch was cancelled"});
    backend_->end_watch(token_);
  }
  uint64_t sequence() const override { return queue_->sequence(); }

 private:
  const std::shared_ptr<Embedded> backend_;
  const std::shared_ptr<WatchQueue> queue_;
  const uint64_t token_;
};

Result<std::unique_ptr<EventSource>> Embedded::watch(WatchAsk ask) {
  auto queue = std::make_shared<WatchQueue>();
  uint64_t token = 0;
  {
    const Lock lock(mutex_);
    if (closed_) return Status(Code::kFailedPrecondition, "the connection is closed");
    token = ++last_;
    watches_.emplace(token, queue);
    engine::Operation operation;
    operation.what = watch_of(ask);
    operation.reply = {receiver_, token};
    send(lock, std::move(operation));
  }
  auto self = std::static_pointer_cast<Embedded>(shared_from_this());
  auto watch = std::make_unique<EmbeddedWatch>(std::move(self), queue, token);
  TS_RETURN_IF_ERROR(queue->begin());
  return std::unique_ptr<EventSource>(std::move(watch));
}

void Embedded::end_watch(uint64_t token) {
  const Lock lock(mutex_);
  if (watches_.erase(token) == 0 || closed_) return;
  engine::Operation cancel;
  cancel.what = engine::Cancel{0, 0, {receiver_, token}};
  send(lock, std::move(cancel));
}

}  // namespace tuplespace::client
