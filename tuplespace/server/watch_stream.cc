#include "tuplespace/server/watch_stream.h"

#include <fmt/format.h>

#include "tuplespace/server/wire_format.h"
#include "tuplespace/server/wire_parts.h"

namespace tuplespace {

WatchStream::WatchStream(Service& service, Stream& stream)
    : service_(service),
      stream_(&stream),
      receiver_(service.engine().add_receiver(service.lane(), this)) {
  stream_->read();
}

WatchStream::~WatchStream() {
  if (!over_) service_.engine().forget_receiver(receiver_);
}

void WatchStream::on_message(std::string_view bytes) {
  if (asked_) return;
  asked_ = true;
  const Status status = submit(bytes);
  if (status.ok()) return;
  stream_->finish(status);
  stream_ = nullptr;
  be_over();
}

Status WatchStream::submit(std::string_view request) {
  Watch watch;
  uint32_t kinds = 0;
  std::string_view space, wanted;
  const auto add_kind = [&kinds](uint64_t kind) { kinds |= kind < 32 ? 1u << kind : 0; };
  FieldReader fields(request);
  while (fields.next()) {
    switch (fields.number()) {
      case 1: space = fields.bytes(); break;
      case 2: wanted = fields.bytes(); break;
      case 3:
        if (fields.is_bytes()) {
          FieldReader packed(fields.bytes());
          while (packed.more()) add_kind(packed.read_varint());
          if (packed.failed()) return malformed("WatchRequest.kinds");
        } else {
          add_kind(fields.varint());
        }
        break;
      case 4: watch.snapshot = fields.varint() != 0; break;
      case 5: watch.after = fields.varint(); break;
    }
  }
  if (fields.failed()) return malformed("WatchRequest");
  if (kinds != 0) watch.kinds = kinds;
  TS_RETURN_IF_ERROR(service_.decoder().decode_space(space, watch.space));
  TS_RETURN_IF_ERROR(service_.decoder().decode_template(wanted, watch.wanted));
  Operation operation;
  operation.what = std::move(watch);
  operation.reply = {receiver_, 1};
  service_.engine().submit(std::move(operation));
  return {};
}

void WatchStream::on_answer(Answer&& answer) {
  if (stream_ == nullptr) return;
  if (!answer.status.ok()) {
    stream_->finish(answer.status);
    stream_ = nullptr;
    return be_over();
  }
  tell(std::get<WatchAnswer>(answer.what), answer.sequence);
  send();
}

void WatchStream::tell(const WatchAnswer& news, Sequence sequence) {
  if (missed_ || unsent_.size() > service_.config().watch_bytes_max) return miss(sequence);
  const bool gap = news.gap.has_value();
  if (gap && has_unsent_) {  // a gap stands before the events of its message
    if (stream_->writing()) return miss(sequence);
    send();
  }
  for (const SpaceEvent& event : news.events) {
    Nested message(unsent_, 1);
    append_number(unsent_, 1, event.sequence);
    append_number(unsent_, 2, static_cast<uint64_t>(event.kind));
    append_found(3, event.found, unsent_);
  }
  append_number(unsent_, 2, sequence);  // of several the last one counts
  if (gap) {
    Nested message(unsent_, 3);
    append_number(unsent_, 1, news.gap->first);
    append_number(unsent_, 2, news.gap->second);
  }
  append_number(unsent_, 4, news.snapshot_end);
  has_unsent_ = true;
  told_ = sequence;
}

void WatchStream::miss(Sequence sequence) {
  if (!missed_) missed_from_ = told_;
  missed_ = true;
  missed_to_ = sequence;
}

void WatchStream::send() {
  if (stream_ == nullptr || stream_->writing()) return;
  if (!has_unsent_ && missed_ && missed_to_ != 0) {
    {
      Nested gap(unsent_, 3);
      append_number(unsent_, 1, missed_from_);
      append_number(unsent_, 2, missed_to_);
      has_unsent_ = true;
    }
    append_number(unsent_, 2, missed_to_);
    told_ = missed_to_;
    missed_ = false;
  }
  if (!has_unsent_) return;
  stream_->write(unsent_);
  unsent_.clear();
  has_unsent_ = false;
}

void WatchStream::on_written() { send(); }

void WatchStream::on_broken() {
  stream_ = nullptr;
  if (over_) return;
  Operation cancel;
  cancel.what = Cancel{0, 0, {receiver_, 1}};
  service_.engine().submit(std::move(cancel));
  be_over();
}

void WatchStream::be_over() {
  if (over_) return;
  over_ = true;
  service_.engine().forget_receiver(receiver_);
  service_.retire(this);
}

}  // namespace tuplespace
