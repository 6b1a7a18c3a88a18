#include "tuplespace/server/sessions.h"

#include <fmt/format.h>
#include <sys/random.h>

#include "tuplespace/server/request.h"
#include "tuplespace/v1/session.pb.h"

namespace tuplespace {
namespace {

constexpr uint32_t kProtocol = 1;
constexpr size_t kSecretBytes = 16;

// An empty secret would mean "checked before" further in.
Status check_secret(std::string_view secret) {
  if (!secret.empty()) return {};
  return {Code::kPermissionDenied, "the session's secret is missing", {"secret", false, false}};
}

Result<std::vector<NumberRange>> ranges_of(
    const google::protobuf::RepeatedPtrField<v1::Range64>& wire) {
  std::vector<NumberRange> ranges;
  for (const v1::Range64& range : wire) {
    if (range.first() == 0 || range.last() < range.first()) {
      return invalid(fmt::format("range {}..{}; numbers begin at 1 and first <= last",
                                 range.first(), range.last()),
                     "Range64");
    }
    ranges.push_back({range.first(), range.last()});
  }
  return ranges;
}

void set_ranges(const std::vector<NumberRange>& ranges,
                google::protobuf::RepeatedPtrField<v1::Range64>& wire) {
  for (const NumberRange& range : ranges) {
    v1::Range64* const added = wire.Add();
    added->set_first(range.first);
    added->set_last(range.last);
  }
}

}  // namespace

std::string make_secret() {
  std::string secret(kSecretBytes, '\0');
  TS_CHECK(::getrandom(secret.data(), secret.size(), 0) == static_cast<ssize_t>(secret.size()));
  return secret;
}

void open_session(Service& service, UnaryCall& call) {
  v1::OpenRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  Operation open;
  const std::string secret = make_secret();
  open.what = OpenSession{request.ttl_ms(), secret, false, request.name(), request.participant()};
  service.ask_for(call, std::move(open), [&service, secret](UnaryCall& asker, Answer& answer) {
    const auto& opened = std::get<SessionAnswer>(answer.what);
    v1::OpenResponse response;
    response.set_session(opened.session);
    response.set_secret(secret);
    response.set_ttl_ms(opened.ttl);
    response.set_incarnation(service.engine().incarnation());
    response.set_fence(opened.fence);
    service.reply(asker, response);
  });
}

void keep_session_alive(Service& service, UnaryCall& call) {
  v1::KeepAliveRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  if (const Status status = check_secret(request.secret()); !status.ok()) return call.fail(status);
  const auto ranges = ranges_of(request.confirmed());
  if (!ranges.ok()) return call.fail(ranges.status());
  Operation confirm;
  confirm.what = Confirm{request.session(), request.secret(), false, *ranges, {}};
  service.ask_for(
      call, std::move(confirm),
      [&service, session = request.session(), ranges = *ranges](UnaryCall& asker, Answer& answer) {
        service.confirm_elsewhere(session, ranges);
        v1::KeepAliveResponse response;
        if (const auto* kept = std::get_if<SessionAnswer>(&answer.what)) {
          response.set_ttl_ms(kept->ttl);
        }
        service.reply(asker, response);
      });
}

void close_session(Service& service, UnaryCall& call) {
  v1::CloseRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  if (const Status status = check_secret(request.secret()); !status.ok()) return call.fail(status);
  const auto ranges = ranges_of(request.confirmed());
  if (!ranges.ok()) return call.fail(ranges.status());
  Operation confirm;
  confirm.what = Confirm{request.session(), request.secret(), false, *ranges, {}};
  const auto close = [&service, session = request.session(), ranges = *ranges](UnaryCall& asker,
                                                                               Answer&) {
    service.close_session(session, ranges, [&service, token = asker.token()](Answer& closed) {
      UnaryCall* const waiting = service.find(token);
      if (waiting == nullptr) return;
      if (!closed.status.ok()) return waiting->fail(closed.status);
      service.reply(*waiting, v1::CloseResponse());
    });
  };
  service.ask_for(call, std::move(confirm), close);
}

Result<HelloParts> decode_hello(std::string_view bytes) {
  v1::Hello hello;
  TS_RETURN_IF_ERROR(parse(bytes, hello));
  if (hello.protocol() != kProtocol) {
    return Status(Code::kFailedPrecondition,
                  fmt::format("hello asks for protocol {}, this server speaks {}; use a client of "
                              "its version",
                              hello.protocol(), kProtocol),
                  {"protocol", false, false});
  }
  if (hello.session() != 0) TS_RETURN_IF_ERROR(check_secret(hello.secret()));
  Result<std::vector<NumberRange>> pending = ranges_of(hello.pending());
  if (!pending.ok()) return pending.status();
  return HelloParts{hello.session(),     hello.secret(), hello.ttl_ms(),
                    std::move(*pending), hello.name(),   hello.participant()};
}

void append_welcome(const WelcomeParts& parts, const Config& config, std::string& out) {
  v1::Welcome welcome;
  welcome.set_session(parts.session);
  welcome.set_secret(parts.secret);
  welcome.set_epoch(parts.epoch);
  welcome.set_incarnation(parts.incarnation);
  welcome.set_ttl_ms(parts.ttl);
  welcome.set_fence(parts.fence);
  const ShardConfig& shard = config.engine.shard;
  v1::ServerLimits& limits = *welcome.mutable_limits();
  limits.set_tuple_bytes_max(shard.limits.tuple_bytes_max);
  limits.set_fields_max(shard.limits.fields_max);
  limits.set_depth_max(shard.limits.depth_max);
  limits.set_frame_bytes_max(config.calls.frame_bytes_max);
  limits.set_operations_max(shard.operations_max);
  limits.set_unconfirmed_bytes_max(shard.unconfirmed_bytes_max);
  set_ranges(parts.waiting, *welcome.mutable_waiting());
  set_ranges(parts.not_executed, *welcome.mutable_not_executed());
  welcome.AppendToString(&out);
}

void add_number(std::vector<NumberRange>& ranges, Number number) {
  if (!ranges.empty() && ranges.back().last + 1 == number) {
    ranges.back().last = number;
  } else {
    ranges.push_back({number, number});
  }
}

}  // namespace tuplespace
