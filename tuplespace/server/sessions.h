// sessions: the unary calls about sessions, and the messages in which a stream says hello.
//
// Threads: lane.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/server/service.h"

namespace tuplespace {

void open_session(Service& service, UnaryCall& call);
void keep_session_alive(Service& service, UnaryCall& call);
void close_session(Service& service, UnaryCall& call);

// 16 random bytes.
std::string make_secret();

struct HelloParts {
  SessionId session = 0;  // 0: a new one
  std::string secret;
  Duration ttl = 0;
  std::vector<NumberRange> pending;
  std::string name;          // of a new session, "" for none
  bool participant = false;  // a new session's
};
Result<HelloParts> decode_hello(std::string_view bytes);

struct WelcomeParts {
  SessionId session;
  uint64_t epoch;
  uint64_t incarnation;
  Duration ttl;
  Sequence fence;
  std::string secret;
  std::vector<NumberRange> waiting;
  std::vector<NumberRange> not_executed;
};
// Appends a Welcome without its answers.
void append_welcome(const WelcomeParts& parts, const Config& config, std::string& out);

// Adds a number above all in `ranges`.
void add_number(std::vector<NumberRange>& ranges, Number number);

}  // namespace tuplespace
