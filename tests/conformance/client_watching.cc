// Watches of scripts through the C++ client.
#include <utility>

#include "tests/conformance/client_backend.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::conformance {
namespace {

using std::chrono::milliseconds;

constexpr const char* kMark = "how far the watch of everything is";

bool is_mark(const client::Event& event) {
  const Tuple& tuple = event.match.tuple();
  return event.kind == client::EventKind::kPulse && tuple.arity() == 2 &&
         tuple.at(0) == Value(kMark);
}

// As ShardBackend says it.
std::string text_of(const client::Event& event) {
  if (event.kind == client::EventKind::kGap) return "gap";
  if (event.kind == client::EventKind::kSnapshotEnd) return "shown";
  return client::event_name(event.kind) + (" " + to_text(event.match.tuple()));
}

}  // namespace

// ---- watching ----

Outcome ClientBackend::begin_watch(client::Connection& connection, const std::string& name,
                                   const Call& call) {
  Outcome outcome;
  client::Space space = connection.space(call.space);
  auto watch = space.watch(call.wanted, {.snapshot = call.snapshot});
  auto all = space.watch("(...)", {.snapshot = call.snapshot});
  outcome.status = watch.ok() ? all.status() : watch.status();
  if (outcome.status.ok()) {
    watches_.erase(name);
    watches_.emplace(name, Watching{call.space, call.wanted, std::move(*watch), std::move(*all)});
  }
  return outcome;
}

void ClientBackend::hear_all(Watching& watching, milliseconds wait) {
  const auto event = watching.all.next(wait);
  if (!event.ok()) return;
  if (is_mark(*event)) {
    watching.marked = event->match[1].as_int() == marks_;
  } else if (event->kind >= client::EventKind::kGap ||
             watching.wanted.matches(event->match.tuple())) {
    watching.expected.push_back(text_of(*event));
  }
}

bool ClientBackend::hear(Watching& watching, milliseconds wait) {
  const auto event = watching.watch.next(wait);
  if (event.ok() && !is_mark(*event)) watching.told.push_back(text_of(*event));
  return event.ok();
}

// A mark says when all has come to the watch of everything; the other one hears as much of it as
// it wants.
Outcome ClientBackend::told(const std::string& name) {
  Outcome outcome;
  const auto found = watches_.find(name);
  if (found == watches_.end()) {
    outcome.status = invalid(name + " watches nothing");
    return outcome;
  }
  Watching& watching = found->second;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  const Tuple mark = Tuple::of({Value(kMark), Value(++marks_)}).value();
  outcome.status =
      client_of(name).connection->space(watching.space).out(mark, {.pulse = true}).status();
  if (!outcome.status.ok()) return outcome;
  watching.marked = false;
  while (!watching.marked && std::chrono::steady_clock::now() < end) hear_all(watching, kPatience);
  while (watching.told.size() < watching.expected.size() &&
         std::chrono::steady_clock::now() < end) {
    hear(watching, kPatience);
  }
  while (hear(watching, milliseconds(0))) {  // what is told beyond that would be wrong
  }
  std::string text;
  for (const std::string& word : std::exchange(watching.told, {})) text += word + " ";
  watching.expected.clear();
  outcome.names = split(text);
  return outcome;
}

}  // namespace tuplespace::conformance
