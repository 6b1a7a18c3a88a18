// WatchStream tells one caller of Watch what happens in a space, in order.
//
//   opened -> the request came -> watching -> over: the caller went, the space was dropped, or the
//   server goes down
//
// A slow caller harms nobody: what he has not taken waits here up to watch_bytes_max; beyond that
// what comes is left out, and told as a gap when there is room again.
//
// Threads: lane.
// Bounds:  Config::watch_bytes_max per stream, streams_max.
#pragma once

#include <string>

#include "tuplespace/server/service.h"

namespace tuplespace {

class WatchStream final : public StreamHandler, private Receiver {
 public:
  WatchStream(Service& service, Stream& stream);
  ~WatchStream() override;

  // ---- StreamHandler ----
  void on_message(std::string_view bytes) override;
  void on_reads_end() override {}
  void on_written() override;
  void on_broken() override;

 private:
  void on_answer(Answer&& answer) override;
  Status submit(std::string_view request);
  void tell(const WatchAnswer& news, Sequence sequence);
  void miss(Sequence sequence);
  void send();
  void be_over();

  Service& service_;
  Stream* stream_;  // nullptr: it is gone
  uint64_t receiver_;
  bool asked_ = false;
  bool over_ = false;
  std::string unsent_;       // one WatchResponse; several merge into one
  bool has_unsent_ = false;  // also an empty one: it says that the watch has begun
  Sequence told_ = 0;        // all up to here is sent or in unsent_; 0: the snapshot is not
  bool missed_ = false;      // what came after missed_from_ was left out
  Sequence missed_from_ = 0;
  Sequence missed_to_ = 0;  // 0: it is a part of the snapshot, whose end is not known yet
};

}  // namespace tuplespace
