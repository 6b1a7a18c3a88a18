// A watch on a server. No thread of its own: next() drives the stream, and what nobody reads stays
// at the server, which says where there is a gap.
//
//   closed ──► starting ──► writing ──► reading ... ──► finishing ──► closed, or over
//
// One operation of the stream is under way at any time, so each tag means the state it belongs to.
#include "clients/cpp/remote_watch.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "clients/cpp/channel.h"
#include "clients/cpp/frame_parts.h"
#include "clients/cpp/match.h"
#include "tuplespace/tuple/wire.h"

namespace tuplespace::client {
namespace {

using protobuf::append_bytes;
using protobuf::append_number;
using protobuf::kLength;
using protobuf::kVarint;
using protobuf::Reader;
using protobuf::tag_of;

constexpr const char* kMethod = "/tuplespace.v1.TupleSpace/Watch";
constexpr int kMessageMax = 64 << 20;
constexpr Instant kReopenMin = 20'000;
constexpr Instant kReopenMax = 1'000'000;

// Limits of tuples are the server's business: it sent them.
constexpr Limits kAny{SIZE_MAX, SIZE_MAX, SIZE_MAX};

gpr_timespec to_timespec(Instant deadline) {
  if (deadline == kNoInstant) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_from_micros(deadline + 1, GPR_CLOCK_MONOTONIC);
}

Status nothing_came() { return {Code::kDeadlineExceeded, "watch: nothing happened in time"}; }

class RemoteWatch final : public EventSource {
 public:
  RemoteWatch(std::string target, milliseconds patience, WatchAsk ask)
      : target_(std::move(target)), patience_(patience), ask_(std::move(ask)) {
    after_ = ask_.options.after;
  }
  ~RemoteWatch() override {
    cancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // Waits until it watches.
  Status begin() {
    while (!told_) TS_RETURN_IF_ERROR(advance(kNoInstant));
    return {};
  }

  Result<Event> next(Instant deadline) override {
    while (events_.empty()) TS_RETURN_IF_ERROR(advance(deadline));
    Event event = std::move(events_.front());
    events_.pop_front();
    if (events_.empty()) sequence_.store(after_);
    return event;
  }

  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (context_ != nullptr) context_->TryCancel();
    wake_.notify_all();
  }

  uint64_t sequence() const override { return sequence_.load(); }

 private:
  enum class State : uint8_t { kClosed, kStarting, kWriting, kReading, kFinishing };

  // Waits for one thing to happen, and deals with it.
  Status advance(Instant deadline);
  Status open(Instant deadline);
  void on_tag(bool ok);
  void on_finish();
  Status take_message();
  Status read_event(std::string_view bytes);
  Status read_gap(std::string_view bytes);
  std::string request() const;

  const std::string target_;
  const milliseconds patience_;
  const WatchAsk ask_;

  State state_ = State::kClosed;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericStub> stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  grpc::ByteBuffer incoming_;
  grpc::Status finish_;

  std::deque<Event> events_;
  uint64_t after_;     // all up to here has come; 0: nothing to resume from
  bool told_ = false;  // the server said that it watches
  std::atomic<uint64_t> sequence_ = 0;
  Status over_;

  Instant offline_since_ = kNoInstant;
  Instant reopen_at_ = 0;
  Instant pause_ = 0;

  std::mutex mutex_;  // guards the next three
  std::condition_variable wake_;
  std::unique_ptr<grpc::ClientContext> context_;
  bool cancelled_ = false;
};

Status RemoteWatch::advance(Instant deadline) {
  TS_RETURN_IF_ERROR(over_);
  if (state_ == State::kClosed) return open(deadline);
  void* tag = nullptr;
  bool ok = false;
  if (queue_.AsyncNext(&tag, &ok, to_timespec(deadline)) != grpc::CompletionQueue::GOT_EVENT) {
    return nothing_came();
  }
  on_tag(ok);
  return over_;
}

Status RemoteWatch::open(Instant deadline) {
  std::unique_lock lock(mutex_);
  while (!cancelled_ && steady_now() < reopen_at_) {
    if (steady_now() >= deadline) return nothing_came();
    wake_.wait_for(lock, std::chrono::microseconds(std::min(reopen_at_, deadline) - steady_now()));
  }
  if (cancelled_) return over_ = {Code::kCancelled, "the watch was cancelled"};
  stream_.reset();
  context_ = std::make_unique<grpc::ClientContext>();
  stub_ = std::make_unique<grpc::GenericStub>(make_channel(target_, kMessageMax));
  stream_ = stub_->PrepareCall(context_.get(), kMethod, &queue_);
  state_ = State::kStarting;
  stream_->StartCall(this);
  return {};
}

std::string RemoteWatch::request() const {
  std::string request;
  append_bytes(request, 1, ask_.space);
  append_message(request, 2, [&] { append_wire(ask_.wanted, request); });
  for (uint32_t kind = 1; kind <= static_cast<uint32_t>(EventKind::kPulse); ++kind) {
    const bool wanted = ask_.options.kinds.has(static_cast<EventKind>(kind));
    if (ask_.options.kinds.bits() != 0 && wanted) append_number(request, 3, kind);
  }
  if (ask_.options.snapshot) append_number(request, 4, 1);
  if (after_ != 0) append_number(request, 5, after_);
  return request;
}

void RemoteWatch::on_tag(bool ok) {
  if (state_ == State::kFinishing) return on_finish();
  if (ok && state_ == State::kReading) {
    if (Status status = take_message(); !status.ok()) {
      over_ = std::move(status);
      return;
    }
  }
  if (!ok) {
    state_ = State::kFinishing;
    stream_->Finish(&finish_, this);
  } else if (state_ == State::kStarting) {
    const std::string bytes = request();
    grpc::Slice slice(bytes);
    state_ = State::kWriting;
    stream_->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), this);
  } else {
    state_ = State::kReading;
    stream_->Read(&incoming_, this);
  }
}

// What cannot change is told; all else is asked again.
void RemoteWatch::on_finish() {
  const Instant now = steady_now();
  Status why = to_status(finish_);
  {
    const std::lock_guard lock(mutex_);
    state_ = State::kClosed;
    if (cancelled_) {
      over_ = {Code::kCancelled, "the watch was cancelled"};
      return;
    }
  }
  const Code code = why.code();
  if (code != Code::kOk && code != Code::kUnavailable && code != Code::kInternal &&
      code != Code::kCancelled && code != Code::kDeadlineExceeded) {
    over_ = std::move(why);
    return;
  }
  if (offline_since_ == kNoInstant) offline_since_ = now;
  if (now - offline_since_ >= patience_.count() * 1000) {
    over_ = {Code::kUnavailable,
             "watch: no server for " + std::to_string(patience_.count()) + " ms: " + why.message(),
             {"", true, false}};
    return;
  }
  reopen_at_ = now + pause_;
  pause_ = std::clamp(pause_ * 2, kReopenMin, kReopenMax);
  if (told_ && after_ == 0) {  // in the middle of a snapshot: it begins anew
    events_.push_back({EventKind::kGap, {}, sequence_.load(), 0});
  }
}

Status RemoteWatch::take_message() {
  grpc::Slice whole;
  if (!incoming_.DumpToSingleSlice(&whole).ok()) return unreadable("events");
  offline_since_ = kNoInstant;
  pause_ = 0;
  told_ = true;
  uint64_t sequence = 0;
  Reader reader({reinterpret_cast<const char*>(whole.begin()), whole.size()});
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kLength): TS_RETURN_IF_ERROR(read_event(reader.bytes())); break;
      case tag_of(2, kVarint): sequence = reader.number(); break;
      case tag_of(3, kLength): TS_RETURN_IF_ERROR(read_gap(reader.bytes())); break;
      case tag_of(4, kVarint):
        if (reader.number() != 0) events_.push_back({EventKind::kSnapshotEnd, {}, sequence, 0});
        break;
    }
  }
  after_ = sequence;
  if (events_.empty()) sequence_.store(after_);
  return reader.ok() ? Status() : unreadable("events");
}

Status RemoteWatch::read_event(std::string_view bytes) {
  Event event;
  Reader reader(bytes);
  while (reader.next()) {
    switch (reader.tag()) {
      case tag_of(1, kVarint): event.sequence = reader.number(); break;
      case tag_of(2, kVarint): event.kind = static_cast<EventKind>(reader.number()); break;
      case tag_of(3, kLength): {
        FoundTuple found;
        TS_RETURN_IF_ERROR(read_found(reader.bytes(), kAny, found));
        event.match = Builder::plain(found, event.sequence);
        break;
      }
    }
  }
  events_.push_back(std::move(event));
  return reader.ok() ? Status() : unreadable("event");
}

// It stands before the events of its message.
Status RemoteWatch::read_gap(std::string_view bytes) {
  Event gap{EventKind::kGap, {}, 0, 0};
  Reader reader(bytes);
  while (reader.next()) {
    if (reader.tag() == tag_of(1, kVarint)) gap.sequence = reader.number();
    if (reader.tag() == tag_of(2, kVarint)) gap.gap_end = reader.number();
  }
  events_.push_front(std::move(gap));
  return reader.ok() ? Status() : unreadable("gap");
}

}  // namespace

Result<std::unique_ptr<EventSource>> watch_remote(std::string target, milliseconds patience,
                                                  WatchAsk ask) {
  auto watch = std::make_unique<RemoteWatch>(std::move(target), patience, std::move(ask));
  TS_RETURN_IF_ERROR(watch->begin());
  return std::unique_ptr<EventSource>(std::move(watch));
}

}  // namespace tuplespace::client
