#include "clients/cpp/backend.h"

namespace tuplespace::client {

thread_local int Telling::depth_ = 0;

const char* verb_name(Verb verb) {
  switch (verb) {
    case Verb::kOut: return "out";
    case Verb::kIn: return "in";
    case Verb::kRd: return "rd";
    case Verb::kCount: return "count";
    case Verb::kScan: return "scan";
    case Verb::kSettle: return "settle";
    case Verb::kCollect: return "collect";
    case Verb::kCopyCollect: return "copy_collect";
    case Verb::kAtomic: return "atomic";
    case Verb::kRenew: return "renew";
    case Verb::kCancel: return "cancel";
    case Verb::kBegin: return "begin";
    case Verb::kCommit: return "commit";
    case Verb::kAbort: return "abort";
  }
  return "?";
}

Status may_wait() {
  if (!Telling::here()) return {};
  return {Code::kFailedPrecondition,
          "a call that waits, inside a callback: it would wait for itself; use in_then or in_async "
          "there"};
}

}  // namespace tuplespace::client
