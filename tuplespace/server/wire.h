// wire converts between what travels (proto/tuplespace/v1) and operations and answers: requests
// in, responses and stream answers out, and every Status to what gRPC tells of an error.
//
// Tuples go from their wire form to canonical bytes and back in one pass (tuple/wire.h); nothing
// here builds protobuf objects.
//
// Threads: functions any; a Decoder lane.
// Bounds:  Limits; the Decoder remembers at most kTemplatesKept templates.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/space/answer.h"
#include "tuplespace/status.h"
#include "tuplespace/tuple/value.h"

namespace tuplespace {

class FieldReader;

// The operations that a stream carries too; the values are the fields of message Operation.
enum class Verb : uint32_t {
  kOut = 2,
  kIn = 3,
  kRd = 4,
  kCount = 5,
  kScan = 6,
  kSettle = 7,
  kCollect = 8,
  kCopyCollect = 9,
  kAtomic = 10,
  kRenew = 11,
  kCancel = 12,
  kBegin = 13,
  kCommit = 14,
  kAbort = 15
};

// Decoder turns requests into operations. It remembers templates it has compiled: workers ask
// for the same ones again and again.
class Decoder {
 public:
  static constexpr size_t kTemplatesKept = 1024;

  explicit Decoder(const Limits& limits);
  ~Decoder();

  // Fills `operation.what` from a serialized OutRequest, InRequest ... `caller` gets the bytes of
  // its Caller, empty if it has none.
  Status decode(Verb verb, std::string_view request, Operation& operation,
                std::string_view& caller);

  // The parts of requests that are no operations on a space: WatchRequest and others.
  Status decode_space(std::string_view name, std::string& space);
  Status decode_template(std::string_view bytes, Template& wanted);

 private:
  struct Kept;
  Status decode_out_extra(const FieldReader& field, OutExtras& extras);
  Status decode_take_extra(const FieldReader& field, bool remove, TakeExtras& extras);
  Status decode_out(std::string_view request, Out& out, std::string_view& caller);
  Status decode_take(std::string_view request, Take& take, std::string_view& caller);
  Status decode_count(std::string_view request, Count& count, std::string_view& caller);
  Status decode_scan(std::string_view request, Scan& scan, std::string_view& caller);

  // ---- wire_coordination.cc ----
  Status decode_settle(std::string_view request, Settle& settle, std::string_view& caller);
  Status decode_collect(std::string_view request, Collect& collect, std::string_view& caller);
  Status decode_atomic(std::string_view request, Atomic& atomic, std::string_view& caller);
  Status decode_step(std::string_view bytes, Steps& steps);
  Status decode_take_step(std::string_view bytes, TakeStep& step);
  Status decode_out_step(std::string_view bytes, OutStep& step);
  Status decode_count_step(std::string_view bytes, CountStep& step);
  Status decode_renew(std::string_view request, Renew& renew, std::string_view& caller);
  Status decode_end_lease(std::string_view request, EndLease& end, std::string_view& caller);
  Status decode_begin(std::string_view request, Begin& begin, std::string_view& caller);
  Status decode_end_transaction(std::string_view request, EndTransaction& end,
                                std::string_view& caller);

  Limits limits_;
  std::string last_space_;        // the last name that was checked and found good
  std::unique_ptr<Kept[]> kept_;  // by hash of the wire bytes
};

// The hash that makes a number's second use for something else visible. The same for a unary
// request and for the same one in a stream; the Caller does not count.
uint64_t operation_hash(Verb verb, std::string_view request, bool has_caller);

// A Caller message.
struct WireCaller {
  SessionId session = 0;
  Number number = 0;
  std::string secret;
  std::vector<NumberRange> confirmed;
};
Result<WireCaller> decode_caller(std::string_view bytes);

// Appends the range of a serialized Range64; an error if it is none or runs backwards.
Status decode_range(std::string_view bytes, std::vector<NumberRange>& ranges);

// One client frame, taken apart. The views point into its bytes.
struct ClientFrameParts {
  bool has_hello = false;
  std::string_view hello;
  std::vector<NumberRange> confirmed;
  std::vector<std::string_view> operations;
  std::vector<Number> cancels;
  std::vector<NumberRange> returned;
  bool close = false;

  // Replaces the parts by those of `frame`.
  Status parse(std::string_view frame);
};

// One operation of a frame.
struct StreamOperation {
  Number number = 0;
  bool known = false;  // false: a verb this server has not heard of
  Verb verb = Verb::kOut;
  std::string_view request;
};
Status decode_stream_operation(std::string_view bytes, StreamOperation& operation);

// Appends the response message (OutResponse, InResponse ...). Requires: answer.status.ok(), and an
// answer to a Verb.
void append_response(const Answer& answer, std::string& out);

// Appends `answer` as a field of a ServerFrame (kFrameAnswers) or Welcome (kWelcomeAnswers).
inline constexpr uint32_t kFrameAnswers = 2;
inline constexpr uint32_t kWelcomeAnswers = 7;
void append_answer(uint32_t field, Number number, const Answer& answer, std::string& out);

// What gRPC tells of an error, in a unary call's status and in a stream's Answer alike.
struct WireError {
  int code;             // gRPC's
  std::string message;  // UTF-8, at most kMessageBytesMax
  std::string problem;  // a serialized Problem
};
inline constexpr size_t kMessageBytesMax = 2000;  // HTTP/2 headers are small
inline constexpr char kProblemKey[] = "tuplespace-problem-bin";
WireError to_wire(const Status& status);

}  // namespace tuplespace
