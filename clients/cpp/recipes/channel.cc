#include "tuplespace/recipes/channel.h"

#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::client::recipes {
namespace {

Result<Tuple> sent(const std::string& channel, const Value& value) {
  return Tuple::of({Value("sent"), Value(channel), value});
}

Result<Template> any_sent(const std::string& channel) {
  return parse_template("('sent', $channel, ?)", {{"channel", channel}});
}

Result<Value> take(Space& space, const std::string& channel, std::optional<milliseconds> wait) {
  const auto any = any_sent(channel);
  if (!any.ok()) return any.status();
  const Result<Match> match = space.in(*any, {.wait = wait});
  if (!match.ok()) return match.status();
  return (*match)[2];
}

}  // namespace

// ---- rendezvous ----

Rendezvous::Rendezvous(Space space, std::string channel)
    : space_(std::move(space)), channel_(std::move(channel)) {}

Status Rendezvous::send(const Value& value, std::optional<milliseconds> wait) {
  const auto tuple = sent(channel_, value);
  if (!tuple.ok()) return tuple.status();
  Call<Placed> call = space_.out_async(*tuple, {.until_taken = true});
  // Withdrawn, unless somebody has it already: then what he does decides.
  if (wait && !call.wait_for(*wait)) call.cancel();
  const Result<Placed> placed = call.get();
  if (wait && placed.status().code() == Code::kCancelled) {
    return {Code::kDeadlineExceeded, "send: it was not sent within its time"};
  }
  if (!placed.ok()) return placed.status();
  if (placed->fate == Fate::kTaken) return {};
  if (wait) return {Code::kDeadlineExceeded, "send: nobody has received it within its time"};
  return {Code::kAborted, "send: it was withdrawn; its space was dropped, or it became dead"};
}

Result<Value> Rendezvous::receive(std::optional<milliseconds> wait) {
  return take(space_, channel_, wait);
}

// ---- buffer ----

Buffer::Buffer(Space space, std::string channel, uint64_t size)
    : space_(std::move(space)), channel_(std::move(channel)), size_(size) {}

Status Buffer::send(const Value& value, std::optional<milliseconds> wait) {
  const auto tuple = sent(channel_, value);
  const auto any = any_sent(channel_);
  if (!tuple.ok()) return tuple.status();
  if (!any.ok()) return any.status();
  return space_.out_room(*tuple, {.counted = *any, .below = size_, .wait = wait}).status();
}

Result<Value> Buffer::receive(std::optional<milliseconds> wait) {
  return take(space_, channel_, wait);
}

}  // namespace tuplespace::client::recipes
