#include "tuplespace/client.h"

#include "clients/cpp/ask.h"
#include "clients/cpp/remote.h"

// In libtuplespace_embedded, if that is linked.
extern "C" [[gnu::weak]] void tuplespace_open_embedded(
    const std::string& path, const tuplespace::client::ConnectOptions& options,
    tuplespace::Result<std::shared_ptr<tuplespace::client::Backend>>& opened);

namespace tuplespace::client {

Connection::Connection(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}

Space Connection::space(std::string name) const { return {backend_, std::move(name)}; }

Result<bool> Connection::create(const std::string& name, const Policy& policy) {
  return backend_->create(name, policy);
}
Result<uint64_t> Connection::drop(const std::string& name) { return backend_->drop(name); }
Result<std::vector<SpaceInfo>> Connection::list(const std::string& prefix) {
  return backend_->list(prefix);
}
Result<SpaceInfo> Connection::describe(const std::string& name) { return backend_->describe(name); }
Result<ServerStats> Connection::stats() { return backend_->stats(); }

Result<Blocked> Connection::blocked(const std::string& space) { return backend_->blocked(space); }
Result<std::vector<HoldInfo>> Connection::holds(const std::string& space, uint64_t session) {
  return backend_->holds(space, session);
}
Result<std::vector<HoldInfo>> Connection::our_holds(const std::string& space) {
  return backend_->holds(space, session());
}
Status Connection::release(const std::string& space, uint64_t token) {
  return backend_->release(space, token);
}
Result<Explanation> Connection::explain(const std::string& space, const TemplateArgument& wanted) {
  TS_RETURN_IF_ERROR(wanted.status());
  return backend_->explain(space, wanted.wanted());
}
Result<std::vector<SessionInfo>> Connection::sessions(uint64_t after) {
  return backend_->sessions(after);
}
Status Connection::end_session(uint64_t session) { return backend_->end_session(session); }

uint64_t Connection::session() const { return backend_->session(); }
uint64_t Connection::fence() const { return backend_->fence(); }
Status Connection::close() { return backend_->close(); }

// ---- watching ----

Result<Watch> Space::watch(const TemplateArgument& wanted, const WatchOptions& options) {
  TS_RETURN_IF_ERROR(wanted.status());
  TS_RETURN_IF_ERROR(may_wait());
  Result<std::unique_ptr<EventSource>> source = backend_->watch({*name_, wanted.wanted(), options});
  if (!source.ok()) return source.status();
  return Watch(*std::move(source));
}

Watch::Watch(std::unique_ptr<EventSource> source) : source_(std::move(source)) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

Result<Event> Watch::next(std::optional<milliseconds> wait) {
  TS_RETURN_IF_ERROR(may_wait());
  return source_->next(wait ? steady_now() + wait->count() * 1000 : kNoInstant);
}
void Watch::cancel() { source_->cancel(); }
uint64_t Watch::sequence() const { return source_->sequence(); }

const char* event_name(EventKind kind) {
  switch (kind) {
    case EventKind::kOut: return "out";
    case EventKind::kIn: return "in";
    case EventKind::kReturn: return "return";
    case EventKind::kExpire: return "expire";
    case EventKind::kPulse: return "pulse";
    case EventKind::kGap: return "gap";
    case EventKind::kSnapshotEnd: return "snapshot_end";
  }
  return "?";
}

// ---- connecting ----

Result<Connection> connect(std::string_view address, const ConnectOptions& options) {
  constexpr std::string_view kEmbedded = "embedded:";
  Result<std::shared_ptr<Backend>> backend = Status(
      Code::kUnimplemented, "address \"" + std::string(address) +
                                "\": this program is linked without spaces in the process; link "
                                "Tuplespace::embedded");
  if (!address.starts_with(kEmbedded)) {
    backend = connect_remote(std::string(address), options);
  } else if (tuplespace_open_embedded != nullptr) {
    tuplespace_open_embedded(std::string(address.substr(kEmbedded.size())), options, backend);
  }
  if (!backend.ok()) return backend.status();
  return Connection(*std::move(backend));
}

}  // namespace tuplespace::client
