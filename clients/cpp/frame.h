// The frames of Sessions.Stream (proto/tuplespace/v1/session.proto), written and read by hand:
// tuples go from canonical bytes into the frame and back in one pass, without message objects.
//
// Errors:  what cannot be read is INTERNAL, naming what it was.
// Threads: any (functions of their arguments).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients/cpp/backend.h"

namespace tuplespace::client {

struct NumberRange {
  Number first;
  Number last;  // included
  bool operator==(const NumberRange&) const = default;
};

// Sorts and joins ranges that touch.
void normalize(std::vector<NumberRange>& ranges);

// ---- client to server ----

struct HelloFrame {
  uint64_t session = 0;  // 0: a new one
  std::string_view secret;
  uint64_t epoch = 0;
  int64_t ttl_ms = 0;  // 0: the server's default
  std::vector<NumberRange> pending;
  std::string_view name;  // as this and the next one of a new session
  bool participant = false;
};

void append_hello(const HelloFrame& hello, std::string& frame);
void append_confirmed(NumberRange range, std::string& frame);
void append_returned(NumberRange range, std::string& frame);
// `request` as encode_request() made it; `wait_ms` is put in here, because it shrinks when an
// operation is sent again.
void append_operation(Number number, Verb verb, std::string_view request,
                      std::optional<int64_t> wait_ms, std::string& frame);
void append_cancel(Number number, std::string& frame);
void append_close(std::string& frame);

// The most that append_operation() adds to `request`.
inline constexpr size_t kOperationOverhead = 64;

// Appends the OutRequest, InRequest and so on for `ask`, without `wait_ms`.
void encode_request(const Ask& ask, std::string& request);

// ---- server to client ----

struct WelcomeFrame {
  uint64_t session = 0;
  std::string secret;
  uint64_t epoch = 0;
  uint64_t incarnation = 0;
  int64_t ttl_ms = 0;
  uint64_t fence = 0;
  Limits limits;
  uint64_t frame_bytes_max = 4 << 20;
  uint64_t operations_max = 16'384;
  std::vector<NumberRange> waiting;
  std::vector<NumberRange> not_executed;
};

// A frame taken apart; `answers` (those of a Welcome, too) refer to its bytes.
struct ServerFrame {
  std::optional<WelcomeFrame> welcome;
  std::vector<std::string_view> answers;
  bool closed = false;
};

Status read_frame(std::string_view bytes, ServerFrame& frame);

// Reads one of the answers; its number is reply.ticket.number.
Status read_answer(std::string_view bytes, const Limits& limits, Reply& reply);

}  // namespace tuplespace::client
