// Settling, collecting, atomic, leases and transactions on the wire.
#include <fmt/format.h>

#include "tuplespace/server/wire.h"
#include "tuplespace/server/wire_format.h"
#include "tuplespace/server/wire_parts.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace {
namespace {

Status no_such(std::string_view what, uint64_t value) {
  return invalid(fmt::format("{} is {}, which is none", what, value), std::string(what));
}

Status decode_hold(uint64_t varint, std::optional<Duration>& hold) {
  hold = static_cast<Duration>(varint);
  if (*hold > 0) return {};
  return invalid(fmt::format("hold_ms is {}; absent means no hold, else it is > 0", *hold),
                 "hold_ms");
}

}  // namespace

// ---- requests ----

Status Decoder::decode_settle(std::string_view request, Settle& settle, std::string_view& caller) {
  FieldReader fields(request);
  std::string_view space;
  uint64_t settlement = 0;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: settle.token = fields.varint(); break;
      case 3: settlement = fields.varint(); break;
      case 4: settle.after = static_cast<Duration>(fields.varint()); break;
      case 5: settle.reason.assign(fields.bytes()); break;
      case kCallerField: caller = fields.bytes(); break;
    }
  }
  if (fields.failed()) return malformed("SettleRequest");
  if (settlement < 1 || settlement > static_cast<uint64_t>(Settlement::kDead)) {
    return no_such("settlement", settlement);
  }
  settle.settlement = static_cast<Settlement>(settlement);
  return decode_space(space, settle.space);
}

Status Decoder::decode_collect(std::string_view request, Collect& collect,
                               std::string_view& caller) {
  FieldReader fields(request);
  std::string_view space, wanted, into;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: wanted = fields.bytes(); break;
      case 3: into = fields.bytes(); break;
      case kCallerField: caller = fields.bytes(); break;
    }
  }
  if (fields.failed()) return malformed("CollectRequest");
  TS_RETURN_IF_ERROR(decode_space(space, collect.space));
  TS_RETURN_IF_ERROR(decode_space(into, collect.into));
  return decode_template(wanted, collect.wanted);
}

Status Decoder::decode_take_step(std::string_view bytes, TakeStep& step) {
  FieldReader fields(bytes);
  std::string_view space, wanted;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: wanted = fields.bytes(); break;
      case 3: TS_RETURN_IF_ERROR(decode_hold(fields.varint(), step.hold)); break;
    }
  }
  if (fields.failed()) return malformed("TakeStep");
  TS_RETURN_IF_ERROR(decode_space(space, step.space));
  return decode_template(wanted, step.wanted);
}

Status Decoder::decode_out_step(std::string_view bytes, OutStep& step) {
  FieldReader fields(bytes);
  std::string_view space;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: {
        Result<Expression> field = expression_from_wire(fields.bytes(), limits_);
        if (!field.ok()) return field.status();
        step.fields.push_back(std::move(*field));
        break;
      }
      case 3: step.ttl = static_cast<Duration>(fields.varint()); break;
      case 4: step.delay = static_cast<Duration>(fields.varint()); break;
      case 5: step.bound = fields.varint() != 0; break;
    }
  }
  if (fields.failed()) return malformed("OutStep");
  return decode_space(space, step.space);
}

Status Decoder::decode_count_step(std::string_view bytes, CountStep& step) {
  FieldReader fields(bytes);
  std::string_view space, wanted;
  uint64_t comparison = 0;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: wanted = fields.bytes(); break;
      case 3: comparison = fields.varint(); break;
      case 4: step.value = fields.varint(); break;
    }
  }
  if (fields.failed()) return malformed("CountStep");
  if (comparison < 1 || comparison > static_cast<uint64_t>(Comparison::kGreater)) {
    return no_such("comparison", comparison);
  }
  step.comparison = static_cast<Comparison>(comparison);
  TS_RETURN_IF_ERROR(decode_space(space, step.space));
  return decode_template(wanted, step.wanted);
}

Status Decoder::decode_step(std::string_view bytes, Steps& steps) {
  FieldReader fields(bytes);
  std::string_view ignored;
  size_t kinds = 0;
  while (fields.next()) {
    ++kinds;
    switch (fields.number()) {
      case 1:
      case 2: {
        TakeStep step;
        step.remove = fields.number() == 1;
        TS_RETURN_IF_ERROR(decode_take_step(fields.bytes(), step));
        steps.emplace_back(std::move(step));
        break;
      }
      case 3: {
        Settle step;
        TS_RETURN_IF_ERROR(decode_settle(fields.bytes(), step, ignored));
        steps.emplace_back(std::move(step));
        break;
      }
      case 4: {
        OutStep step;
        TS_RETURN_IF_ERROR(decode_out_step(fields.bytes(), step));
        steps.emplace_back(std::move(step));
        break;
      }
      case 5: {
        CountStep step;
        TS_RETURN_IF_ERROR(decode_count_step(fields.bytes(), step));
        steps.emplace_back(std::move(step));
        break;
      }
      default:
        return {Code::kUnimplemented, fmt::format("this server is older than step kind {} of an "
                                                  "atomic",
                                                  fields.number())};
    }
  }
  if (fields.failed()) return malformed("Step");
  if (kinds == 1) return {};
  return invalid(fmt::format("a step of an atomic has {} kinds; it is one of in, rd, settle, out "
                             "and count",
                             kinds),
                 "step");
}

Status Decoder::decode_atomic(std::string_view request, Atomic& atomic, std::string_view& caller) {
  FieldReader fields(request);
  auto alternatives = std::make_shared<std::vector<Steps>>();
  while (fields.next()) {
    switch (fields.number()) {
      case 1: {
        Steps& steps = alternatives->emplace_back();
        FieldReader alternative(fields.bytes());
        while (alternative.next()) {
          if (alternative.number() == 1) {
            TS_RETURN_IF_ERROR(decode_step(alternative.bytes(), steps));
          }
        }
        if (alternative.failed()) return malformed("Alternative");
        break;
      }
      case 2: TS_RETURN_IF_ERROR(set_wait(fields.varint(), atomic.wait)); break;
      case kCallerField: caller = fields.bytes(); break;
    }
  }
  if (fields.failed()) return malformed("AtomicRequest");
  atomic.alternatives = std::move(alternatives);
  return {};
}

Result<Lease> decode_lease(std::string_view bytes) {
  Lease lease;
  FieldReader fields(bytes);
  size_t kinds = 0;
  while (fields.next()) {
    ++kinds;
    if (fields.number() == 3) {
      lease.transaction = fields.varint();
      continue;
    }
    uint64_t number = 0;
    FieldReader parts(fields.bytes());
    while (parts.next()) {
      if (parts.number() == 1) lease.space.assign(parts.bytes());
      if (parts.number() == 2) number = parts.varint();
    }
    if (parts.failed()) return malformed("Lease");
    (fields.number() == 1 ? lease.tuple : lease.token) = number;
  }
  if (fields.failed()) return malformed("Lease");
  const bool is_one = (lease.tuple != 0) + (lease.token != 0) + (lease.transaction != 0) == 1;
  if (kinds != 1 || !is_one || (lease.transaction == 0 && !is_space_name(lease.space))) {
    return invalid(
        "a lease is that of a tuple (space, id), of a hold (space, token) or of a "
        "transaction, exactly one of them",
        "lease");
  }
  return lease;
}

Status Decoder::decode_renew(std::string_view request, Renew& renew, std::string_view& caller) {
  FieldReader fields(request);
  std::string_view lease;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: lease = fields.bytes(); break;
      case 2: renew.ttl = static_cast<Duration>(fields.varint()); break;
      case kCallerField: caller = fields.bytes(); break;
    }
  }
  if (fields.failed()) return malformed("RenewRequest");
  Result<Lease> decoded = decode_lease(lease);
  if (decoded.ok()) renew.lease = std::move(*decoded);
  return decoded.status();
}

Status Decoder::decode_end_lease(std::string_view request, EndLease& end,
                                 std::string_view& caller) {
  FieldReader fields(request);
  std::string_view lease;
  while (fields.next()) {
    if (fields.number() == 1) lease = fields.bytes();
    if (fields.number() == kCallerField) caller = fields.bytes();
  }
  if (fields.failed()) return malformed("CancelRequest");
  Result<Lease> decoded = decode_lease(lease);
  if (decoded.ok()) end.lease = std::move(*decoded);
  return decoded.status();
}

Status Decoder::decode_begin(std::string_view request, Begin& begin, std::string_view& caller) {
  FieldReader fields(request);
  std::string_view space;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: begin.ttl = static_cast<Duration>(fields.varint()); break;
      case 3: begin.detached = fields.varint() != 0; break;
      case kCallerField: caller = fields.bytes(); break;
    }
  }
  if (fields.failed()) return malformed("BeginRequest");
  return decode_space(space, begin.space);
}

Status Decoder::decode_end_transaction(std::string_view request, EndTransaction& end,
                                       std::string_view& caller) {
  FieldReader fields(request);
  while (fields.next()) {
    if (fields.number() == 1) end.transaction = fields.varint();
    if (fields.number() == kCallerField) caller = fields.bytes();
  }
  if (fields.failed()) return malformed(end.commit ? "CommitRequest" : "AbortRequest");
  if (end.transaction != 0) return {};
  return invalid("transaction is 0, which is none", "transaction");
}

// What few outs ask for: fields 6 to 9.
Status Decoder::decode_out_extra(const FieldReader& field, OutExtras& extras) {
  switch (field.number()) {
    case 6: {
      Result<Tuple> tuple = tuple_from_wire(field.bytes(), limits_);
      if (!tuple.ok()) return tuple.status();
      extras.more.push_back(std::move(*tuple));
      break;
    }
    case 7: extras.bound = field.varint() != 0; break;
    case 8: extras.until_taken = field.varint() != 0; break;
    case 9: extras.transaction = field.varint(); break;
  }
  return {};
}

// What few reads and takes ask for: fields 6 to 9.
Status Decoder::decode_take_extra(const FieldReader& field, bool remove, TakeExtras& extras) {
  switch (field.number()) {
    case 6: return remove ? decode_hold(field.varint(), extras.hold) : Status();
    case 7: {
      if (!remove) return {};
      FieldChoice group;
      FieldReader parts(field.bytes());
      while (parts.next()) {
        if (parts.number() == 1) group.field = static_cast<uint32_t>(parts.varint());
        if (parts.number() == 2) group.name.assign(parts.bytes());
      }
      if (parts.failed() || !is_utf8(group.name)) return malformed("FieldChoice");
      extras.group = std::move(group);
      break;
    }
    case 8: {
      Template wanted;
      TS_RETURN_IF_ERROR(decode_template(field.bytes(), wanted));
      extras.any_of.push_back(std::move(wanted));
      break;
    }
    case 9: extras.transaction = field.varint(); break;
  }
  return {};
}

// ---- answers ----

uint32_t coordination_field(const Answer& answer) {
  if (std::holds_alternative<SettleAnswer>(answer.what)) return 10;
  if (std::holds_alternative<CollectAnswer>(answer.what)) return 11;
  if (std::holds_alternative<AtomicAnswer>(answer.what)) return 12;
  if (std::holds_alternative<RenewAnswer>(answer.what)) return 13;
  if (std::holds_alternative<EndLeaseAnswer>(answer.what)) return 14;
  if (std::holds_alternative<BeginAnswer>(answer.what)) return 15;
  const auto* end = std::get_if<EndTransactionAnswer>(&answer.what);
  return end == nullptr ? 0 : end->commit ? 16 : 17;
}

void append_coordination_response(const Answer& answer, std::string& out) {
  append_number(out, 1, answer.sequence);
  if (const auto* settled = std::get_if<SettleAnswer>(&answer.what)) {
    append_number(out, 2, settled->id);
  } else if (const auto* collected = std::get_if<CollectAnswer>(&answer.what)) {
    append_number(out, 2, collected->count);
  } else if (const auto* renewed = std::get_if<RenewAnswer>(&answer.what)) {
    append_number(out, 2, static_cast<uint64_t>(renewed->ttl));
  } else if (const auto* begun = std::get_if<BeginAnswer>(&answer.what)) {
    append_number(out, 2, begun->transaction);
    append_number(out, 3, static_cast<uint64_t>(begun->ttl));
  } else if (const auto* atomic = std::get_if<AtomicAnswer>(&answer.what)) {
    append_number(out, 2, atomic->alternative);
    for (const StepAnswer& step : atomic->steps) {
      Nested result(out, 3);
      if (step.found) append_found(1, *step.found, out);
      append_number(out, 2, step.id);
      append_number(out, 3, step.count);
    }
    append_number(out, 4, static_cast<uint64_t>(atomic->ended));
  }
}

}  // namespace tuplespace
