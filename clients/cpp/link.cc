#include "clients/cpp/link.h"

#include <mutex>

#include <grpcpp/alarm.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "clients/cpp/channel.h"

namespace tuplespace::client {
namespace {

constexpr const char* kMethod = "/tuplespace.v1.Sessions/Stream";

enum class Tag : intptr_t { kStart = 1, kRead, kWrite, kFinish, kAlarm };

void* to_tag(Tag tag) { return reinterpret_cast<void*>(tag); }

gpr_timespec to_timespec(Instant deadline) {
  if (deadline == kNoInstant) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  // Both clocks are CLOCK_MONOTONIC; rounded up, so that a deadline has passed when we wake.
  return gpr_time_from_micros(deadline + 1, GPR_CLOCK_MONOTONIC);
}

}  // namespace

struct Link::Parts {
  explicit Parts(std::string t) : target(std::move(t)) {}

  const std::string target;
  grpc::CompletionQueue queue;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<grpc::GenericStub> stub;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;

  // Guards the start of writes against the end of the stream, and of the next one's begin.
  std::mutex mutex;
  uint64_t number = 0;
  bool failed = true;
  std::atomic<int> under_way = 0;  // tags in the queue, the alarm's apart

  bool finishing = false;
  bool ended = true;         // kBroken was told
  bool read_wanted = false;  // begin_read() is due

  grpc::ByteBuffer incoming;
  grpc::Slice taken;
  grpc::Status finish;
  Status why;

  grpc::Alarm alarm;
  std::atomic<bool> alarm_set = false;

  // With the read gRPC sends window updates, each time in a packet of its own. So it begins only
  // when there is nothing left to do but to wait: the answers of the frame before are handed over
  // by then, and what they led to is on its way.
  void begin_read() {
    read_wanted = false;
    under_way.fetch_add(1, std::memory_order_relaxed);
    stream->Read(&incoming, to_tag(Tag::kRead));
  }

  // Takes one frame out of gRPC's buffer; it is copied only where it came in several pieces.
  bool take_frame() {
    if (incoming.TrySingleSlice(&taken).ok()) return true;
    return incoming.DumpToSingleSlice(&taken).ok();
  }

  Event on_tag(Tag tag, bool ok);
  Event fail();
};

Link::Link(std::string target) : parts_(std::make_unique<Parts>(std::move(target))) {}

Link::~Link() {
  drop();
  parts_->alarm.Cancel();
  while (!parts_->ended) next(kNoInstant);
  parts_->queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (parts_->queue.Next(&tag, &ok)) {
  }
}

uint64_t Link::open() {
  Parts& p = *parts_;
  TS_CHECK(p.ended && p.under_way == 0);
  p.stream.reset();
  p.context = std::make_unique<grpc::ClientContext>();
  p.channel = make_channel(p.target, kFrameMax);
  p.stub = std::make_unique<grpc::GenericStub>(p.channel);
  p.stream = p.stub->PrepareCall(p.context.get(), kMethod, &p.queue);
  p.finishing = p.ended = p.read_wanted = false;
  {
    const std::lock_guard lock(p.mutex);
    p.failed = false;
    ++p.number;
  }
  p.under_way.fetch_add(1);
  p.stream->StartCall(to_tag(Tag::kStart));
  return p.number;
}

void Link::write(uint64_t number, std::string_view frame) {
  grpc::Slice slice(frame.data(), frame.size());
  const grpc::ByteBuffer buffer(&slice, 1);
  const std::lock_guard lock(parts_->mutex);
  if (parts_->failed || parts_->number != number) return;
  parts_->under_way.fetch_add(1);
  parts_->stream->Write(buffer, to_tag(Tag::kWrite));
}

void Link::drop() {
  if (!parts_->ended) parts_->context->TryCancel();
}

Link::Event Link::next(Instant deadline) {
  Parts& p = *parts_;
  while (true) {
    if (p.read_wanted && !p.failed) p.begin_read();
    void* tag = nullptr;
    bool ok = false;
    const auto got = p.queue.AsyncNext(&tag, &ok, to_timespec(deadline));
    if (got != grpc::CompletionQueue::GOT_EVENT) return Event::kNothing;
    if (const auto which = static_cast<Tag>(reinterpret_cast<intptr_t>(tag));
        which == Tag::kAlarm) {
      p.alarm_set = false;
      return Event::kNothing;
    } else if (const Event event = p.on_tag(which, ok); event != Event::kNothing) {
      return event;
    }
  }
}

Link::Event Link::Parts::on_tag(Tag tag, bool ok) {
  under_way.fetch_sub(1);
  if (tag == Tag::kFinish) {
    why = to_status(finish);
    if (why.ok()) why = {Code::kUnavailable, "the server ended the stream"};
    ended = true;
    return Event::kBroken;
  }
  if (ok && tag == Tag::kRead && !take_frame()) {
    context->TryCancel();
    ok = false;
  }
  if (!ok || failed) return fail();
  if (tag != Tag::kWrite) read_wanted = true;
  return tag == Tag::kStart ? Event::kOpen : tag == Tag::kRead ? Event::kFrame : Event::kWritten;
}

// A failed stream is finished when nothing else of it is under way.
Link::Event Link::Parts::fail() {
  const std::lock_guard lock(mutex);
  failed = true;
  if (under_way == 0 && !finishing) {
    finishing = true;
    under_way.fetch_add(1);
    stream->Finish(&finish, to_tag(Tag::kFinish));
  }
  return Event::kNothing;
}

std::string_view Link::frame() const {
  return {reinterpret_cast<const char*>(parts_->taken.begin()), parts_->taken.size()};
}

const Status& Link::why() const { return parts_->why; }

void Link::wake_at(Instant when) {
  if (parts_->alarm_set.exchange(true)) return;
  parts_->alarm.Set(&parts_->queue, to_timespec(when), to_tag(Tag::kAlarm));
}

}  // namespace tuplespace::client
