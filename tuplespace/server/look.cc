#include "tuplespace/server/look.h"

#include "tuplespace/server/request.h"
#include "tuplespace/server/wire_format.h"
#include "tuplespace/v1/admin.pb.h"

namespace tuplespace {
namespace {

// "" means all spaces.
Status check_name(const std::string& name) {
  return name.empty() ? Status() : check_space_name(name, "space");
}

void set_found(const Found& found, v1::Found& wire) {
  std::string bytes;
  append_found(1, found, bytes);
  FieldReader field(bytes);
  field.next();
  (void)wire.ParseFromArray(field.bytes().data(), static_cast<int>(field.bytes().size()));
}

}  // namespace

void blocked(Service& service, UnaryCall& call) {
  v1::BlockedRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  if (const Status status = check_name(request.space()); !status.ok()) return call.fail(status);
  Operation ask;
  ask.what = Blocked{request.space()};
  service.ask_for(call, std::move(ask), [&service](UnaryCall& asker, Answer& answer) {
    const auto& waiting = std::get<BlockedAnswer>(answer.what);
    v1::BlockedResponse response;
    response.set_deadlock(waiting.deadlock);
    for (const BlockedAnswer::Wait& wait : waiting.waits) {
      v1::BlockedWait& added = *response.add_waits();
      added.set_space(wait.space);
      added.set_what(wait.what);
      added.set_since_ms(wait.since);
      if (wait.deadline != kNever) added.set_deadline_ms(wait.deadline);
      added.set_session(wait.session);
      added.set_session_name(wait.session_name);
      added.set_suspended(wait.suspended);
      added.set_searching(wait.searching);
    }
    service.reply(asker, response);
  });
}

void list_holds(Service& service, UnaryCall& call) {
  v1::HoldsRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  if (const Status status = check_name(request.space()); !status.ok()) return call.fail(status);
  Operation ask;
  ask.what = ListHolds{request.space(), request.session()};
  service.ask_for(call, std::move(ask), [&service](UnaryCall& asker, Answer& answer) {
    v1::HoldsResponse response;
    for (const HoldsAnswer::Hold& hold : std::get<HoldsAnswer>(answer.what).holds) {
      v1::Hold& added = *response.add_holds();
      added.set_space(hold.space);
      set_found(hold.found, *added.mutable_tuple());
      added.set_session(hold.session);
      added.set_session_name(hold.session_name);
      added.set_since_ms(hold.since);
      if (hold.until != kNever) added.set_until_ms(hold.until);
      added.set_transaction(hold.transaction);
    }
    service.reply(asker, response);
  });
}

void release_hold(Service& service, UnaryCall& call) {
  v1::ReleaseRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  if (!is_space_name(request.space()) || request.token() == 0) {
    return call.fail(invalid("release: name the space and the token of the hold", "token"));
  }
  Operation end;
  end.what = EndLease{{request.space(), request.token(), 0, 0}};
  service.ask_for(call, std::move(end), [&service](UnaryCall& asker, Answer&) {
    service.reply(asker, v1::ReleaseResponse());
  });
}

void explain(Service& service, UnaryCall& call) {
  // The template is taken as bytes: FieldReader finds it without building messages.
  Explain what;
  FieldReader fields(call.request());
  std::string_view space, wanted;
  while (fields.next()) {
    if (fields.number() == 1) space = fields.bytes();
    if (fields.number() == 2) wanted = fields.bytes();
  }
  Status status = fields.failed() ? malformed("ExplainRequest")
                                  : service.decoder().decode_space(space, what.space);
  if (status.ok()) status = service.decoder().decode_template(wanted, what.wanted);
  if (!status.ok()) return call.fail(status);
  Operation ask;
  ask.what = std::move(what);
  service.ask_for(call, std::move(ask), [&service](UnaryCall& asker, Answer& answer) {
    const auto& explained = std::get<ExplainAnswer>(answer.what);
    v1::ExplainResponse response;
    response.set_index(explained.index);
    response.set_building(explained.building);
    response.set_candidates(explained.candidates);
    response.set_ready(explained.ready);
    response.set_held(explained.held);
    response.set_delayed(explained.delayed);
    response.set_examined(explained.examined);
    for (const ExplainAnswer::Near& near : explained.near) {
      v1::NearMiss& added = *response.add_near();
      added.set_text(near.text);
      added.set_field(near.field);
      added.set_tuples(near.tuples);
    }
    service.reply(asker, response);
  });
}

void list_sessions(Service& service, UnaryCall& call) {
  v1::ListSessionsRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  Operation ask;
  ask.what = ListSessions{request.after()};
  service.ask_for(call, std::move(ask), [&service](UnaryCall& asker, Answer& answer) {
    v1::ListSessionsResponse response;
    for (const SessionsAnswer::Info& info : std::get<SessionsAnswer>(answer.what).sessions) {
      v1::SessionInfo& added = *response.add_sessions();
      added.set_session(info.session);
      added.set_name(info.name);
      added.set_epoch(info.epoch);
      added.set_connected(info.connected);
      if (info.lease_end != kNever) added.set_lease_end_ms(info.lease_end);
      added.set_waits(info.waits);
      added.set_unconfirmed(info.unconfirmed);
      added.set_holds(info.holds);
    }
    service.reply(asker, response);
  });
}

void end_session(Service& service, UnaryCall& call) {
  v1::EndSessionRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  service.close_session(request.session(), {}, [&service, token = call.token()](Answer& answer) {
    UnaryCall* const asker = service.find(token);
    if (asker == nullptr) return;
    if (!answer.status.ok()) return asker->fail(answer.status);
    service.reply(*asker, v1::EndSessionResponse());
  });
}

}  // namespace tuplespace
