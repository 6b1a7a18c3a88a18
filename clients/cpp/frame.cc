#include "clients/cpp/frame.h"

#include <algorithm>

#include "clients/cpp/frame_parts.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace::client {
namespace {

using protobuf::append_bytes;
using protobuf::append_number;
using protobuf::append_varint;
using protobuf::kLength;
using protobuf::kVarint;
using protobuf::Reader;
using protobuf::tag_of;
using protobuf::varint_length;

// The field wait_ms of InRequest and RdRequest, and that of AtomicRequest.
constexpr uint32_t wait_field(Verb verb) { return verb == Verb::kAtomic ? 2 : 3; }

void append_range(NumberRange range, uint32_t field, std::string& frame) {
  append_varint(frame, tag_of(field, kLength));
  append_varint(frame, 2 + varint_length(range.first) + varint_length(range.last));
  append_number(frame, 1, range.first);
  append_number(frame, 2, range.last);
}

void encode_out(const Ask& ask, std::string& request) {
  append_message(request, 2, [&] { append_wire(*ask.tuple, request); });
  if (ask.out.ttl) append_number(request, 3, ask.out.ttl->count());
  if (ask.out.delay) append_number(request, 4, ask.out.delay->count());
  if (ask.out.pulse) append_number(request, 5, 1);
  if (ask.extras != nullptr) {
    for (const Tuple& tuple : ask.extras->more) {
      append_message(request, 6, [&] { append_wire(tuple, request); });
    }
  }
  if (ask.out.bound) append_number(request, 7, 1);
  if (ask.out.until_taken) append_number(request, 8, 1);
  if (ask.out.transaction != 0) append_number(request, 9, ask.out.transaction);
}

void encode_take(const Ask& ask, std::string& request) {
  if (ask.choice.order != Order::kDefault) {
    append_message(request, 4, [&] {
      append_number(request, 1, static_cast<uint64_t>(ask.choice.order));
      append_number(request, 2, ask.choice.field);
      if (!ask.choice.field_name.empty()) append_bytes(request, 3, ask.choice.field_name);
    });
  }
  if (ask.max > 1) append_number(request, 5, ask.max);
  if (ask.extras != nullptr) encode_take_extras(*ask.extras->take, request);
}

void encode_scan(const Ask& ask, std::string& request) {
  append_number(request, 3, ask.after);
  append_number(request, 4, ask.until);
  append_number(request, 5, ask.max);
}

Status read_range(std::string_view bytes, std::vector<NumberRange>& ranges) {
  NumberRange range{0, 0};
  Reader reader(bytes);
  while (reader.next()) {
    if (reader.tag() == tag_of(1, kVarint)) range.first = reader.number();
    if (reader.tag() == tag_of(2, kVarint)) range.last = reader.number();
  }
  if (!reader.ok() || range.first > range.last) return unreadable("range of numbers");
  ranges.push_back(range);
  return {};
}

Status read_limits(std::string_view bytes, WelcomeFrame& welcome) {
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): welcome.limits.tuple_bytes_max = reader.number(); break;
      case tag_of(2, kVarint): welcome.limits.fields_max = reader.number(); break;
      case tag_of(3, kVarint): welcome.limits.depth_max = reader.number(); break;
      case tag_of(4, kVarint): welcome.frame_bytes_max = reader.number(); break;
      case tag_of(5, kVarint): welcome.operations_max = reader.number(); break;
    }
  }
  return reader.ok() ? Status() : unreadable("limits");
}

Status read_welcome(std::string_view bytes, ServerFrame& frame) {
  WelcomeFrame& welcome = frame.welcome.emplace();
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): welcome.session = reader.number(); break;
      case tag_of(2, kLength): welcome.secret = reader.bytes(); break;
      case tag_of(3, kVarint): welcome.epoch = reader.number(); break;
      case tag_of(4, kVarint): welcome.incarnation = reader.number(); break;
      case tag_of(5, kVarint): welcome.ttl_ms = static_cast<int64_t>(reader.number()); break;
      case tag_of(6, kLength): TS_RETURN_IF_ERROR(read_limits(reader.bytes(), welcome)); break;
      case tag_of(7, kLength): frame.answers.push_back(reader.bytes()); break;
      case tag_of(8, kLength):
        TS_RETURN_IF_ERROR(read_range(reader.bytes(), welcome.waiting));
        break;
      case tag_of(9, kLength):
        TS_RETURN_IF_ERROR(read_range(reader.bytes(), welcome.not_executed));
        break;
      case tag_of(10, kVarint): welcome.fence = reader.number(); break;
    }
  }
  return reader.ok() ? Status() : unreadable("welcome");
}

Status read_out(std::string_view bytes, Reply& reply) {
  Reader reader(bytes);
  while (reader.next()) {
    if (reader.tag() == tag_of(1, kVarint)) reply.sequence = reader.number();
    if (reader.tag() == tag_of(2, kVarint)) reply.ttl = milliseconds(reader.number());
    if (reader.tag() == tag_of(3, kVarint)) reply.fate = static_cast<Fate>(reader.number());
  }
  return reader.ok() ? Status() : unreadable("answer to out");
}

Status read_take(std::string_view bytes, const Limits& limits, Reply& reply) {
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): reply.sequence = reader.number(); break;
      case tag_of(2, kLength):
        TS_RETURN_IF_ERROR(read_found(reader.bytes(), limits, reply.tuples.emplace_back()));
        break;
      case tag_of(3, kVarint): reply.ended = static_cast<Ended>(reader.number()); break;
      case tag_of(4, kVarint): reply.held = reader.number(); break;
      case tag_of(5, kVarint): reply.ttl = milliseconds(reader.number()); break;
    }
  }
  return reader.ok() ? Status() : unreadable("answer to in or rd");
}

Status read_count(std::string_view bytes, Reply& reply) {
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): reply.sequence = reader.number(); break;
      case tag_of(2, kVarint): reply.ready = reader.number(); break;
      case tag_of(3, kVarint): reply.held = reader.number(); break;
      case tag_of(4, kVarint): reply.delayed = reader.number(); break;
    }
  }
  return reader.ok() ? Status() : unreadable("answer to count");
}

Status read_scan(std::string_view bytes, const Limits& limits, Reply& reply) {
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): reply.sequence = reader.number(); break;
      case tag_of(2, kLength):
        TS_RETURN_IF_ERROR(read_found(reader.bytes(), limits, reply.tuples.emplace_back()));
        break;
      case tag_of(3, kVarint): reply.next = reader.number(); break;
      case tag_of(4, kVarint): reply.until = reader.number(); break;
    }
  }
  return reader.ok() ? Status() : unreadable("answer to scan");
}

Status read_problem(std::string_view bytes, Problem& problem) {
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kLength): problem.bound = reader.bytes(); break;
      case tag_of(2, kVarint): problem.retry = reader.number() != 0; break;
      case tag_of(3, kVarint): problem.outcome_unknown = reader.number() != 0; break;
    }
  }
  return reader.ok() ? Status() : unreadable("problem");
}

}  // namespace

void normalize(std::vector<NumberRange>& ranges) {
  if (ranges.size() < 2) return;
  std::sort(ranges.begin(), ranges.end(),
            [](const NumberRange& a, const NumberRange& b) { return a.first < b.first; });
  size_t kept = 0;
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first <= ranges[kept].last + 1) {
      ranges[kept].last = std::max(ranges[kept].last, ranges[i].last);
    } else {
      ranges[++kept] = ranges[i];
    }
  }
  ranges.resize(kept + 1);
}

void append_hello(const HelloFrame& hello, std::string& frame) {
  append_message(frame, 1, [&] {
    append_number(frame, 1, 1);  // protocol
    if (hello.session != 0) {
      append_number(frame, 2, hello.session);
      append_bytes(frame, 3, hello.secret);
      append_number(frame, 4, hello.epoch);
    }
    if (hello.ttl_ms > 0) append_number(frame, 5, hello.ttl_ms);
    for (const NumberRange range : hello.pending) append_range(range, 6, frame);
    if (hello.session == 0 && !hello.name.empty()) append_bytes(frame, 7, hello.name);
    if (hello.session == 0 && hello.participant) append_number(frame, 8, 1);
  });
}

void append_confirmed(NumberRange range, std::string& frame) { append_range(range, 2, frame); }

void append_returned(NumberRange range, std::string& frame) { append_range(range, 6, frame); }

void append_operation(Number number, Verb verb, std::string_view request,
                      std::optional<int64_t> wait_ms, std::string& frame) {
  const size_t request_size =
      request.size() + (wait_ms ? 1 + varint_length(static_cast<uint64_t>(*wait_ms)) : 0);
  append_varint(frame, tag_of(3, kLength));
  append_varint(frame, 2 + varint_length(number) + varint_length(request_size) + request_size);
  append_number(frame, 1, number);
  append_varint(frame, tag_of(static_cast<uint32_t>(verb) + 2, kLength));
  append_varint(frame, request_size);
  frame += request;
  if (wait_ms) append_number(frame, wait_field(verb), static_cast<uint64_t>(*wait_ms));
}

void append_cancel(Number number, std::string& frame) { append_number(frame, 4, number); }

void append_close(std::string& frame) { append_number(frame, 5, 1); }

void encode_request(const Ask& ask, std::string& request) {
  if (ask.verb > Verb::kScan) return encode_coordination(ask, request);
  append_bytes(request, 1, ask.space);
  if (ask.verb == Verb::kOut) return encode_out(ask, request);
  append_message(request, 2, [&] { append_wire(*ask.wanted, request); });
  if (ask.verb == Verb::kIn || ask.verb == Verb::kRd) encode_take(ask, request);
  if (ask.verb == Verb::kScan) encode_scan(ask, request);
}

Status read_frame(std::string_view bytes, ServerFrame& frame) {
  frame.welcome.reset();
  frame.answers.clear();
  frame.closed = false;
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kLength): TS_RETURN_IF_ERROR(read_welcome(reader.bytes(), frame)); break;
      case tag_of(2, kLength): frame.answers.push_back(reader.bytes()); break;
      case tag_of(3, kVarint): frame.closed = reader.number() != 0; break;
    }
  }
  return reader.ok() ? Status() : unreadable("frame");
}

Status read_answer(std::string_view bytes, const Limits& limits, Reply& reply) {
  int32_t code = 0;
  std::string message;
  Problem problem;
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): reply.ticket.number = reader.number(); break;
      case tag_of(2, kVarint): code = static_cast<int32_t>(reader.number()); break;
      case tag_of(3, kLength): message = reader.bytes(); break;
      case tag_of(4, kLength): TS_RETURN_IF_ERROR(read_problem(reader.bytes(), problem)); break;
      case tag_of(5, kLength): TS_RETURN_IF_ERROR(read_out(reader.bytes(), reply)); break;
      case tag_of(6, kLength):
      case tag_of(7, kLength): TS_RETURN_IF_ERROR(read_take(reader.bytes(), limits, reply)); break;
      case tag_of(8, kLength): TS_RETURN_IF_ERROR(read_count(reader.bytes(), reply)); break;
      case tag_of(9, kLength): TS_RETURN_IF_ERROR(read_scan(reader.bytes(), limits, reply)); break;
      default:
        if (reader.tag() < tag_of(10, kLength)) break;
        TS_RETURN_IF_ERROR(read_coordination(reader.tag(), reader.bytes(), limits, reply));
    }
  }
  if (!reader.ok()) return unreadable("answer");
  if (code != 0) reply.status = {static_cast<Code>(code), std::move(message), std::move(problem)};
  return {};
}

}  // namespace tuplespace::client
