// What administrators of a remote server ask: who waits, who holds, why nothing is found.
#include "clients/cpp/admin.h"
#include "clients/cpp/admin_call.h"
#include "tuplespace/raw/admin.pb.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace::client {
namespace {

namespace proto = ::tuplespace::v1::raw;

constexpr Limits kAny{SIZE_MAX, SIZE_MAX, SIZE_MAX};  // the server sent them

system_clock::time_point time_of(int64_t milliseconds_since_1970) {
  return system_clock::time_point(milliseconds(milliseconds_since_1970));
}

std::optional<system_clock::time_point> end_of(int64_t milliseconds_since_1970) {
  if (milliseconds_since_1970 == 0) return std::nullopt;
  return time_of(milliseconds_since_1970);
}

}  // namespace

Result<Blocked> Admin::blocked(const std::string& space) const {
  proto::BlockedRequest request;
  request.set_space(space);
  proto::BlockedResponse response;
  TS_RETURN_IF_ERROR(call_admin(target_, patience_, "Blocked", request, response));
  Blocked blocked;
  blocked.deadlock = response.deadlock();
  for (const proto::BlockedWait& wait : response.waits()) {
    blocked.waits.push_back({wait.space(), wait.what(), time_of(wait.since_ms()),
                             end_of(wait.deadline_ms()), wait.session(), wait.session_name(),
                             wait.suspended(), wait.searching()});
  }
  return blocked;
}

Result<std::vector<HoldInfo>> Admin::holds(const std::string& space, uint64_t session) const {
  proto::HoldsRequest request;
  request.set_space(space);
  request.set_session(session);
  proto::HoldsResponse response;
  TS_RETURN_IF_ERROR(call_admin(target_, patience_, "Holds", request, response));
  std::vector<HoldInfo> holds;
  for (const proto::Hold& hold : response.holds()) {
    Result<Tuple> tuple = tuple_from_wire(hold.tuple().tuple(), kAny);
    if (!tuple.ok()) return tuple.status();
    holds.push_back({hold.space(), *std::move(tuple), hold.tuple().id(), hold.tuple().attempt(),
                     hold.tuple().token(), hold.session(), hold.session_name(),
                     time_of(hold.since_ms()), end_of(hold.until_ms()), hold.transaction()});
  }
  return holds;
}

Status Admin::release(const std::string& space, uint64_t token) const {
  proto::ReleaseRequest request;
  request.set_space(space);
  request.set_token(token);
  proto::ReleaseResponse response;
  return call_admin(target_, patience_, "Release", request, response);
}

Result<Explanation> Admin::explain(const std::string& space, const Template& wanted) const {
  proto::ExplainRequest request;
  request.set_space(space);
  append_wire(wanted, *request.mutable_template_());
  proto::ExplainResponse response;
  TS_RETURN_IF_ERROR(call_admin(target_, patience_, "Explain", request, response));
  Explanation explanation;
  explanation.index = response.index();
  explanation.building = response.building();
  explanation.candidates = response.candidates();
  explanation.ready = response.ready();
  explanation.held = response.held();
  explanation.delayed = response.delayed();
  explanation.examined = response.examined();
  for (const proto::NearMiss& near : response.near()) {
    explanation.near.push_back({near.text(), near.field(), near.tuples()});
  }
  return explanation;
}

Result<std::vector<SessionInfo>> Admin::sessions(uint64_t after) const {
  proto::ListSessionsRequest request;
  request.set_after(after);
  proto::ListSessionsResponse response;
  TS_RETURN_IF_ERROR(call_admin(target_, patience_, "ListSessions", request, response));
  std::vector<SessionInfo> sessions;
  for (const proto::SessionInfo& info : response.sessions()) {
    sessions.push_back({info.session(), info.name(), info.epoch(), info.connected(),
                        end_of(info.lease_end_ms()), info.waits(), info.unconfirmed(),
                        info.holds()});
  }
  return sessions;
}

Status Admin::end_session(uint64_t session) const {
  proto::EndSessionRequest request;
  request.set_session(session);
  proto::EndSessionResponse response;
  return call_admin(target_, patience_, "EndSession", request, response);
}

}  // namespace tuplespace::client
