#include "tuplespace/server/wire.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "tuplespace/server/wire_format.h"
#include "tuplespace/server/wire_parts.h"
#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/protobuf.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace {
namespace {

using protobuf::put_varint;
using protobuf::varint_length;

constexpr size_t kKeptBytesMax = 512;  // templates longer than this are not remembered

Status decode_selection(std::string_view bytes, Selection& choice) {
  FieldReader fields(bytes);
  while (fields.next()) {
    switch (fields.number()) {
      case 1:
        if (fields.varint() > static_cast<uint64_t>(Order::kRandom)) {
          return invalid(fmt::format("choice.order is {}, which is no Order", fields.varint()),
                         "order");
        }
        choice.order = static_cast<Order>(fields.varint());
        break;
      case 2: choice.field = static_cast<uint32_t>(fields.varint()); break;
      case 3:
        if (!is_utf8(fields.bytes()))
          return invalid("choice.field_name is not UTF-8", "field_name");
        choice.field_name.assign(fields.bytes());
        break;
    }
  }
  return fields.failed() ? malformed("choice") : Status();
}

void append_out_response(const Answer& answer, const OutAnswer& what, std::string& out) {
  append_number(out, 1, answer.sequence);
  if (what.ttl) {
    append_varint(out, 2 << 3);
    append_varint(out, static_cast<uint64_t>(*what.ttl));
  }
  append_number(out, 3, static_cast<uint64_t>(what.fate));
}

void append_take_response(const Answer& answer, const TakeAnswer& what, std::string& out) {
  append_number(out, 1, answer.sequence);
  for (const Found& found : what.tuples) append_found(2, found, out);
  append_number(out, 3, static_cast<uint64_t>(what.ended));
  append_number(out, 4, what.held);
  append_number(out, 5, static_cast<uint64_t>(what.hold));
}

void append_count_response(const Answer& answer, const CountAnswer& what, std::string& out) {
  append_number(out, 1, answer.sequence);
  append_number(out, 2, what.ready);
  append_number(out, 3, what.held);
  append_number(out, 4, what.delayed);
}

void append_scan_response(const Answer& answer, const ScanAnswer& what, std::string& out) {
  append_number(out, 1, answer.sequence);
  for (const Found& found : what.tuples) append_found(2, found, out);
  append_number(out, 3, what.next);
  append_number(out, 4, what.until);
}

// The field of message Answer that holds an answer like this.
uint32_t answer_field(const Answer& answer) {
  if (std::holds_alternative<OutAnswer>(answer.what)) return 5;
  if (const auto* take = std::get_if<TakeAnswer>(&answer.what)) return take->remove ? 6 : 7;
  if (std::holds_alternative<CountAnswer>(answer.what)) return 8;
  if (std::holds_alternative<ScanAnswer>(answer.what)) return 9;
  const uint32_t field = coordination_field(answer);
  TS_CHECK(field != 0);
  return field;
}

size_t number_length(uint64_t value) { return value == 0 ? 0 : 1 + varint_length(value); }

char* put_number(char* at, uint32_t field, uint64_t value) {
  if (value == 0) return at;
  *at++ = static_cast<char>(field << 3);
  return put_varint(at, value);
}

char* put_length(char* at, uint32_t field, size_t length) {
  *at++ = static_cast<char>(field << 3 | 2);
  return put_varint(at, length);
}

// True if neither a hold nor several templates have to be told of.
bool is_plain(const TakeAnswer& take) { return take.hold == 0 && take.tuples.front().matched == 0; }

// Appends the answer to an operation that found one tuple, which is nearly every one. The lengths
// of the messages around the tuple are known before, so nothing is moved.
void append_one_found(uint32_t field, Number number, const Answer& answer, const TakeAnswer& take,
                      std::string& out) {
  const Found& found = take.tuples.front();
  WireForm form;
  const std::string_view tuple = form.of(found.tuple);
  const auto ended = static_cast<uint64_t>(take.ended);
  const size_t found_length = number_length(found.id) + 1 + varint_length(tuple.size()) +
                              tuple.size() + number_length(found.attempt);
  const size_t response_length = number_length(answer.sequence) + 1 + varint_length(found_length) +
                                 found_length + number_length(ended) + number_length(take.held);
  const size_t length =
      number_length(number) + 1 + varint_length(response_length) + response_length;
  char around[96];  // seven fields of at most 11 bytes
  char* at = put_length(around, field, length);
  at = put_number(at, 1, number);
  at = put_length(at, answer_field(answer), response_length);
  at = put_number(at, 1, answer.sequence);
  at = put_length(at, 2, found_length);
  at = put_number(at, 1, found.id);
  at = put_length(at, 2, tuple.size());
  out.append(around, at);
  out += tuple;
  at = put_number(around, 3, found.attempt);
  at = put_number(at, 3, ended);
  at = put_number(at, 4, take.held);
  out.append(around, at);
}

}  // namespace

Status malformed(std::string_view what) {
  return invalid(fmt::format("{} is not a protobuf message of proto/tuplespace/v1", what));
}

Status set_wait(uint64_t varint, std::optional<Duration>& wait) {
  const auto ms = static_cast<int64_t>(varint);
  if (ms < 0) {
    return invalid(fmt::format("wait_ms is {}; absent waits, 0 probes, else it is > 0", ms),
                   "wait_ms");
  }
  wait = ms;
  return {};
}

void append_found(uint32_t field, const Found& found, std::string& out) {
  Nested message(out, field);
  append_number(out, 1, found.id);
  {
    Nested tuple(out, 2);
    append_wire(found.tuple, out);
  }
  append_number(out, 3, found.attempt);
  append_number(out, 4, found.token);
  append_number(out, 5, found.matched);
}

// ---- requests ----

struct Decoder::Kept {
  std::string bytes;
  bool used = false;
  Template wanted;
};

Decoder::Decoder(const Limits& limits) : limits_(limits), kept_(new Kept[kTemplatesKept]) {}
Decoder::~Decoder() = default;

Status Decoder::decode(Verb verb, std::string_view request, Operation& operation,
                       std::string_view& caller) {
  caller = {};
  switch (verb) {
    case Verb::kOut: return decode_out(request, operation.what.emplace<Out>(), caller);
    case Verb::kIn:
    case Verb::kRd: {
      Take& take = operation.what.emplace<Take>();
      take.remove = verb == Verb::kIn;
      return decode_take(request, take, caller);
    }
    case Verb::kCount: return decode_count(request, operation.what.emplace<Count>(), caller);
    case Verb::kScan: return decode_scan(request, operation.what.emplace<Scan>(), caller);
    case Verb::kSettle: return decode_settle(request, operation.what.emplace<Settle>(), caller);
    case Verb::kCollect:
    case Verb::kCopyCollect: {
      Collect& collect = operation.what.emplace<Collect>();
      collect.remove = verb == Verb::kCollect;
      return decode_collect(request, collect, caller);
    }
    case Verb::kAtomic: return decode_atomic(request, operation.what.emplace<Atomic>(), caller);
    case Verb::kRenew: return decode_renew(request, operation.what.emplace<Renew>(), caller);
    case Verb::kCancel:
      return decode_end_lease(request, operation.what.emplace<EndLease>(), caller);
    case Verb::kBegin: return decode_begin(request, operation.what.emplace<Begin>(), caller);
    case Verb::kCommit:
    case Verb::kAbort: {
      EndTransaction& end = operation.what.emplace<EndTransaction>();
      end.commit = verb == Verb::kCommit;
      return decode_end_transaction(request, end, caller);
    }
  }
  return {Code::kInternal, "no such verb"};
}

Status Decoder::decode_space(std::string_view name, std::string& space) {
  if (name.empty() || name != last_space_) {
    if (!is_space_name(name)) {
      return invalid(
          fmt::format("space name of {} bytes; names are [A-Za-z0-9._/-]{{1,128}}", name.size()),
          "space");
    }
    last_space_.assign(name);
  }
  space.assign(name);
  return {};
}

Status Decoder::decode_template(std::string_view bytes, Template& wanted) {
  if (bytes.size() > kKeptBytesMax) {
    Result<Template> parsed = template_from_wire(bytes, limits_);
    if (parsed.ok()) wanted = std::move(*parsed);
    return parsed.status();
  }
  Kept& kept = kept_[XXH3_64bits(bytes.data(), bytes.size()) % kTemplatesKept];
  if (!kept.used || kept.bytes != bytes) {
    Result<Template> parsed = template_from_wire(bytes, limits_);
    if (!parsed.ok()) return parsed.status();
    kept.bytes.assign(bytes);
    kept.used = true;
    kept.wanted = std::move(*parsed);
  }
  wanted = kept.wanted;
  return {};
}

Status Decoder::decode_out(std::string_view request, Out& out, std::string_view& caller) {
  FieldReader fields(request);
  std::string_view space, tuple;
  std::shared_ptr<OutExtras> extras;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: tuple = fields.bytes(); break;
      case 3: out.ttl = static_cast<Duration>(fields.varint()); break;
      case 4: out.delay = static_cast<Duration>(fields.varint()); break;
      case 5: out.pulse = fields.varint() != 0; break;
      case 6:
      case 7:
      case 8:
      case 9:
        if (extras == nullptr) extras = std::make_shared<OutExtras>();
        TS_RETURN_IF_ERROR(decode_out_extra(fields, *extras));
        break;
      case kCallerField: caller = fields.bytes(); break;
    }
  }
  if (fields.failed()) return malformed("OutRequest");
  out.extras = std::move(extras);
  TS_RETURN_IF_ERROR(decode_space(space, out.space));
  if (out.ttl && *out.ttl <= 0) {
    return invalid(fmt::format("ttl_ms is {}; absent means never, else it is > 0", *out.ttl),
                   "ttl_ms");
  }
  if (out.delay && *out.delay < 0) {
    return invalid(fmt::format("delay_ms is {}; it is >= 0", *out.delay), "delay_ms");
  }
  Result<Tuple> parsed = tuple_from_wire(tuple, limits_);
  if (parsed.ok()) out.tuple = std::move(*parsed);
  return parsed.status();
}

Status Decoder::decode_take(std::string_view request, Take& take, std::string_view& caller) {
  FieldReader fields(request);
  std::string_view space, wanted;
  std::shared_ptr<TakeExtras> extras;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: wanted = fields.bytes(); break;
      case 3: TS_RETURN_IF_ERROR(set_wait(fields.varint(), take.wait)); break;
      case 4: TS_RETURN_IF_ERROR(decode_selection(fields.bytes(), take.choice)); break;
      case 5: take.max = static_cast<uint32_t>(fields.varint()); break;
      case 6:
      case 7:
      case 8:
      case 9:
        if (extras == nullptr) extras = std::make_shared<TakeExtras>();
        TS_RETURN_IF_ERROR(decode_take_extra(fields, take.remove, *extras));
        break;
      case kCallerField: caller = fields.bytes(); break;
    }
  }
  if (fields.failed()) return malformed(take.remove ? "InRequest" : "RdRequest");
  take.extras = std::move(extras);
  if (take.max == 0) take.max = 1;
  TS_RETURN_IF_ERROR(decode_space(space, take.space));
  return decode_template(wanted, take.wanted);
}

Status Decoder::decode_count(std::string_view request, Count& count, std::string_view& caller) {
  FieldReader fields(request);
  std::string_view space, wanted;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: wanted = fields.bytes(); break;
      case kCallerField: caller = fields.bytes(); break;
    }
  }
  if (fields.failed()) return malformed("CountRequest");
  TS_RETURN_IF_ERROR(decode_space(space, count.space));
  return decode_template(wanted, count.wanted);
}

Status Decoder::decode_scan(std::string_view request, Scan& scan, std::string_view& caller) {
  FieldReader fields(request);
  std::string_view space, wanted;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: wanted = fields.bytes(); break;
      case 3: scan.after = fields.varint(); break;
      case 4: scan.until = fields.varint(); break;
      case 5: scan.max = static_cast<uint32_t>(fields.varint()); break;
      case kCallerField: caller = fields.bytes(); break;
    }
  }
  if (fields.failed()) return malformed("ScanRequest");
  TS_RETURN_IF_ERROR(decode_space(space, scan.space));
  return decode_template(wanted, scan.wanted);
}

uint64_t operation_hash(Verb verb, std::string_view request, bool has_caller) {
  const auto seed = static_cast<uint64_t>(verb);
  if (!has_caller) return XXH3_64bits_withSeed(request.data(), request.size(), seed);
  std::string rest;
  FieldReader fields(request);
  while (fields.next()) {
    if (fields.number() == kCallerField) continue;
    if (fields.is_bytes()) {
      append_bytes(rest, fields.number(), fields.bytes());
    } else {
      append_varint(rest, fields.number() << 3);
      append_varint(rest, fields.varint());
    }
  }
  return XXH3_64bits_withSeed(rest.data(), rest.size(), seed);
}

Status decode_range(std::string_view bytes, std::vector<NumberRange>& ranges) {
  NumberRange range{0, 0};
  FieldReader fields(bytes);
  while (fields.next()) {
    if (fields.number() == 1) range.first = fields.varint();
    if (fields.number() == 2) range.last = fields.varint();
  }
  if (fields.failed()) return malformed("Range64");
  if (range.first == 0 || range.last < range.first) {
    return invalid(
        fmt::format("range {}..{}; numbers begin at 1 and first <= last", range.first, range.last),
        "Range64");
  }
  ranges.push_back(range);
  return {};
}

Result<WireCaller> decode_caller(std::string_view bytes) {
  WireCaller caller;
  FieldReader fields(bytes);
  while (fields.next()) {
    switch (fields.number()) {
      case 1: caller.session = fields.varint(); break;
      case 2: caller.secret.assign(fields.bytes()); break;
      case 3: caller.number = fields.varint(); break;
      case 4: TS_RETURN_IF_ERROR(decode_range(fields.bytes(), caller.confirmed)); break;
    }
  }
  if (fields.failed()) return malformed("Caller");
  if (caller.session == 0 || caller.number == 0) {
    return invalid("caller: session and number are both needed; leave caller out for none",
                   caller.session == 0 ? "session" : "number");
  }
  if (caller.secret.empty()) {  // further in it would mean "checked before"
    return Status(Code::kPermissionDenied, "caller: the session's secret is missing",
                  {"secret", false, false});
  }
  return caller;
}

// ---- the stream ----

Status ClientFrameParts::parse(std::string_view frame) {
  has_hello = close = false;
  confirmed.clear();
  operations.clear();
  cancels.clear();
  returned.clear();
  FieldReader fields(frame);
  while (fields.next()) {
    switch (fields.number()) {
      case 1:
        has_hello = true;
        hello = fields.bytes();
        break;
      case 2: TS_RETURN_IF_ERROR(decode_range(fields.bytes(), confirmed)); break;
      case 3: operations.push_back(fields.bytes()); break;
      case 4:
        if (fields.is_bytes()) {
          FieldReader packed(fields.bytes());
          while (packed.more()) cancels.push_back(packed.read_varint());
          if (packed.failed()) return malformed("ClientFrame.cancels");
        } else {
          cancels.push_back(fields.varint());
        }
        break;
      case 5: close = fields.varint() != 0; break;
      case 6: TS_RETURN_IF_ERROR(decode_range(fields.bytes(), returned)); break;
    }
  }
  return fields.failed() ? malformed("ClientFrame") : Status();
}

Status decode_stream_operation(std::string_view bytes, StreamOperation& operation) {
  operation = {};
  FieldReader fields(bytes);
  while (fields.next()) {
    if (fields.number() == 1) {
      operation.number = fields.varint();
    } else if (fields.is_bytes()) {
      operation.known = fields.number() >= static_cast<uint32_t>(Verb::kOut) &&
                        fields.number() <= static_cast<uint32_t>(Verb::kAbort);
      operation.verb = static_cast<Verb>(fields.number());
      operation.request = fields.bytes();
    }
  }
  if (fields.failed()) return malformed("Operation");
  if (operation.number == 0 || operation.number >> 63 != 0) {
    return invalid(fmt::format("an operation's number is {}; it is 1 to 2^63-1", operation.number),
                   "number");
  }
  return {};
}

// ---- answers ----

void append_response(const Answer& answer, std::string& out) {
  if (const auto* take = std::get_if<TakeAnswer>(&answer.what)) {
    append_take_response(answer, *take, out);
  } else if (const auto* done = std::get_if<OutAnswer>(&answer.what)) {
    append_out_response(answer, *done, out);
  } else if (const auto* count = std::get_if<CountAnswer>(&answer.what)) {
    append_count_response(answer, *count, out);
  } else if (const auto* scan = std::get_if<ScanAnswer>(&answer.what)) {
    append_scan_response(answer, *scan, out);
  } else {
    append_coordination_response(answer, out);
  }
}

void append_answer(uint32_t field, Number number, const Answer& answer, std::string& out) {
  const auto* take = std::get_if<TakeAnswer>(&answer.what);
  if (answer.status.ok() && take != nullptr && take->tuples.size() == 1 && is_plain(*take)) {
    return append_one_found(field, number, answer, *take, out);
  }
  Nested message(out, field);
  append_number(out, 1, number);
  if (answer.status.ok()) {
    Nested response(out, answer_field(answer));
    append_response(answer, out);
    return;
  }
  const WireError error = to_wire(answer.status);
  append_number(out, 2, static_cast<uint64_t>(error.code));
  append_bytes(out, 3, error.message);
  append_bytes(out, 4, error.problem);
}

WireError to_wire(const Status& status) {
  WireError error{static_cast<int>(status.code()), status.message(), {}};
  if (error.message.size() > kMessageBytesMax) {
    error.message.resize(kMessageBytesMax);
    while (!is_utf8(error.message)) error.message.pop_back();
    error.message += "...";
  }
  const Problem& problem = status.problem();
  if (!problem.bound.empty()) append_bytes(error.problem, 1, problem.bound);
  append_number(error.problem, 2, problem.retry);
  append_number(error.problem, 3, problem.outcome_unknown);
  return error;
}

}  // namespace tuplespace
