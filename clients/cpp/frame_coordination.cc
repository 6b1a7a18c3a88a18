// Holds, settling, collecting, atomic, leases and transactions in frames.
#include "clients/cpp/frame_parts.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace::client {
namespace {

using protobuf::append_bytes;
using protobuf::append_number;
using protobuf::kLength;
using protobuf::kVarint;
using protobuf::Reader;
using protobuf::tag_of;

void encode_settle(const std::string& space, uint64_t token, Settlement::How how,
                   milliseconds after, std::string_view reason, std::string& request) {
  append_bytes(request, 1, space);
  append_number(request, 2, token);
  append_number(request, 3, static_cast<uint64_t>(how));
  if (after.count() != 0) append_number(request, 4, static_cast<uint64_t>(after.count()));
  if (!reason.empty()) append_bytes(request, 5, reason);
}

void encode_put(const AtomicStep& step, std::string& request) {
  append_bytes(request, 1, step.space);
  for (const Expression& field : step.fields) {
    append_message(request, 2, [&] { append_wire(field, request); });
  }
  if (step.put.ttl) append_number(request, 3, static_cast<uint64_t>(step.put.ttl->count()));
  if (step.put.delay) append_number(request, 4, static_cast<uint64_t>(step.put.delay->count()));
  if (step.put.bound) append_number(request, 5, 1);
}

// Appends the body of the step's own kind of message.
void encode_step(const AtomicStep& step, std::string& request) {
  using Kind = AtomicStep::Kind;
  if (step.kind == Kind::kOut) return encode_put(step, request);
  if (step.kind == Kind::kSettle) {
    return encode_settle(step.space, step.number, step.how, step.after, step.reason, request);
  }
  append_bytes(request, 1, step.space);
  append_message(request, 2, [&] { append_wire(step.wanted, request); });
  if (step.kind == Kind::kCount) {
    append_number(request, 3, static_cast<uint64_t>(step.comparison));
    append_number(request, 4, step.number);
  } else if (step.hold) {
    append_number(request, 3, static_cast<uint64_t>(step.hold->count()));
  }
}

void encode_atomic(const Atomic& atomic, std::string& request) {
  for (const std::vector<AtomicStep>& alternative : atomic.alternatives()) {
    append_message(request, 1, [&] {
      for (const AtomicStep& step : alternative) {
        append_message(request, 1, [&] {
          append_message(request, static_cast<uint32_t>(step.kind),
                         [&] { encode_step(step, request); });
        });
      }
    });
  }
}

void encode_lease(const std::string& space, const Lease& lease, std::string& request) {
  append_message(request, 1, [&] {
    if (lease.kind() == Lease::Kind::kTransaction) {
      return append_number(request, 3, lease.number());
    }
    append_message(request, lease.kind() == Lease::Kind::kTuple ? 1 : 2, [&] {
      append_bytes(request, 1, space);
      append_number(request, 2, lease.number());
    });
  });
}

Status read_step(std::string_view bytes, const Limits& limits, FoundSteps::Step& step) {
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kLength):
        TS_RETURN_IF_ERROR(read_found(reader.bytes(), limits, step.found.emplace()));
        break;
      case tag_of(2, kVarint): step.id = reader.number(); break;
      case tag_of(3, kVarint): step.count = reader.number(); break;
    }
  }
  return reader.ok() ? Status() : unreadable("step of an atomic");
}

Status read_atomic(std::string_view bytes, const Limits& limits, Reply& reply) {
  auto did = std::make_unique<FoundSteps>();
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): reply.sequence = reader.number(); break;
      case tag_of(2, kVarint): did->alternative = reader.number(); break;
      case tag_of(3, kLength):
        TS_RETURN_IF_ERROR(read_step(reader.bytes(), limits, did->steps.emplace_back()));
        break;
      case tag_of(4, kVarint): reply.ended = static_cast<Ended>(reader.number()); break;
    }
  }
  if (reply.ended == Ended::kNot) reply.did = std::move(did);
  return reader.ok() ? Status() : unreadable("answer to atomic");
}

}  // namespace

Status unreadable(const char* what) {
  return {Code::kInternal, std::string("the server's answer cannot be read: ") + what};
}

void encode_take_extras(const TakeOptions& options, std::string& request) {
  if (options.hold) append_number(request, 6, static_cast<uint64_t>(options.hold->count()));
  if (options.group) {
    append_message(request, 7, [&] {
      append_number(request, 1, options.group->number());
      if (!options.group->name().empty()) append_bytes(request, 2, options.group->name());
    });
  }
  for (const TemplateArgument& wanted : options.any_of) {
    append_message(request, 8, [&] { append_wire(wanted.wanted(), request); });
  }
  if (options.transaction != 0) append_number(request, 9, options.transaction);
}

void encode_coordination(const Ask& ask, std::string& request) {
  const Extras& extras = *ask.extras;
  switch (ask.verb) {
    case Verb::kSettle:
      return encode_settle(ask.space, extras.number, extras.settlement->how(),
                           extras.settlement->after(), extras.settlement->reason(), request);
    case Verb::kCollect:
    case Verb::kCopyCollect:
      append_bytes(request, 1, ask.space);
      append_message(request, 2, [&] { append_wire(*ask.wanted, request); });
      return append_bytes(request, 3, *extras.into);
    case Verb::kAtomic: return encode_atomic(*extras.atomic, request);
    case Verb::kRenew:
      encode_lease(ask.space, *extras.lease, request);
      return append_number(request, 2, static_cast<uint64_t>(extras.ttl.count()));
    case Verb::kCancel: return encode_lease(ask.space, *extras.lease, request);
    case Verb::kBegin:
      append_bytes(request, 1, ask.space);
      if (extras.ttl.count() != 0) {
        append_number(request, 2, static_cast<uint64_t>(extras.ttl.count()));
      }
      if (extras.detached) append_number(request, 3, 1);
      return;
    case Verb::kCommit:
    case Verb::kAbort: return append_number(request, 1, extras.number);
    default: return;
  }
}

Status read_coordination(uint32_t tag, std::string_view bytes, const Limits& limits, Reply& reply) {
  constexpr uint32_t kAtomicAnswer = tag_of(12, kLength);
  if (tag == kAtomicAnswer) return read_atomic(bytes, limits, reply);
  const bool renewed = tag == tag_of(13, kLength);
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): reply.sequence = reader.number(); break;
      case tag_of(2, kVarint):
        if (renewed) {
          reply.ttl = milliseconds(reader.number());
        } else {
          reply.number = reader.number();
        }
        break;
      case tag_of(3, kVarint): reply.ttl = milliseconds(reader.number()); break;  // begin
    }
  }
  return reader.ok() ? Status() : unreadable("answer");
}

Status read_found(std::string_view bytes, const Limits& limits, FoundTuple& found) {
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): found.id = reader.number(); break;
      case tag_of(2, kLength): {
        Result<Tuple> tuple = tuple_from_wire(reader.bytes(), limits);
        if (!tuple.ok()) return unreadable(tuple.status().message().c_str());
        found.tuple = *std::move(tuple);
        break;
      }
      case tag_of(3, kVarint): found.attempt = static_cast<uint32_t>(reader.number()); break;
      case tag_of(4, kVarint): found.token = reader.number(); break;
      case tag_of(5, kVarint): found.matched = static_cast<uint32_t>(reader.number()); break;
    }
  }
  return reader.ok() ? Status() : unreadable("tuple found");
}

}  // namespace tuplespace::client
