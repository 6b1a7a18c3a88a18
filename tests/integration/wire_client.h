// WireClient speaks to a server as any gRPC client would: no library of ours in between.
//
// Threads: any, except that a WireStream is used by one at a time.
#pragma once

#include <google/protobuf/message.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "tuplespace/v1/admin.pb.h"
#include "tuplespace/v1/session.pb.h"
#include "tuplespace/v1/space.pb.h"

namespace tuplespace::integration {

using google::protobuf::Message;
using std::chrono::milliseconds;

inline constexpr milliseconds kLong{20'000};  // no test waits that long unless it fails

// How a call ended.
struct Outcome {
  int code = 0;  // gRPC's
  std::string message;
  std::optional<v1::Problem> problem;
  bool ok() const { return code == 0; }
};

// One unary call that runs by itself.
class PendingCall {
 public:
  virtual ~PendingCall() = default;
  virtual void cancel() = 0;
  virtual Outcome wait() = 0;
};

// One stream of messages both ways.
class WireStream {
 public:
  virtual ~WireStream() = default;
  virtual bool send(const std::string& bytes) = 0;
  bool send(const Message& message) { return send(message.SerializeAsString()); }
  virtual bool receive(Message& message) = 0;  // false: the stream has ended
  virtual void no_more() = 0;                  // we send nothing more
  virtual void cancel() = 0;
  virtual Outcome finish() = 0;  // reads what is left and tells how it ended
};

class WireClient {
 public:
  explicit WireClient(const std::string& address);
  ~WireClient();

  // `method` is for instance "tuplespace.v1.TupleSpace/Out".
  Outcome call(const std::string& method, const Message& request, Message& response,
               milliseconds deadline = kLong);
  Outcome call_bytes(const std::string& method, const std::string& request);
  std::unique_ptr<PendingCall> start(const std::string& method, const Message& request,
                                     Message& response, milliseconds deadline = kLong);
  std::unique_ptr<WireStream> stream(const std::string& method, milliseconds deadline = kLong);

  // The operations, as one writes them in a test. The answer is empty if `outcome` is an error.
  Outcome out(const std::string& space, const v1::Tuple& tuple);
  v1::InResponse in(const std::string& space, const v1::Template& wanted, int64_t wait_ms = 0);
  v1::RdResponse rd(const std::string& space, const v1::Template& wanted, int64_t wait_ms = 0);
  v1::CountResponse count(const std::string& space, const v1::Template& wanted);
  v1::SpaceInfo describe(const std::string& space);
  uint64_t figure(const std::string& name);

  // Returns when `waiters` calls wait.
  void await_waiters(uint64_t waiters);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// ---- tuples and templates: tuple("job", 7), wanted("job", v1::TYPE_INT) ----

inline void set(v1::Value& value, int64_t number) { value.set_int_value(number); }
inline void set(v1::Value& value, int number) { value.set_int_value(number); }
inline void set(v1::Value& value, double number) { value.set_float_value(number); }
inline void set(v1::Value& value, const std::string& text) { value.set_string_value(text); }
inline void set(v1::Value& value, const char* text) { value.set_string_value(text); }
inline void set(v1::Pattern& pattern, v1::Type type) { pattern.set_type(type); }
template <typename T>
void set(v1::Pattern& pattern, const T& value) {
  set(*pattern.mutable_value(), value);
}

template <typename... T>
v1::Tuple tuple(const T&... values) {
  v1::Tuple made;
  (set(*made.add_fields(), values), ...);
  return made;
}
template <typename... T>
v1::Template wanted(const T&... patterns) {
  v1::Template made;
  (set(*made.add_fields(), patterns), ...);
  return made;
}

// The int in the second field of the only tuple found, or -1.
template <typename Response>
int64_t found_int(const Response& response) {
  if (response.tuples_size() != 1 || response.tuples(0).tuple().fields_size() < 2) return -1;
  return response.tuples(0).tuple().fields(1).int_value();
}

}  // namespace tuplespace::integration
