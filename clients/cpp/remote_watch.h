// watch_remote begins a watch on a server: a stream of its own, which is opened again where it was
// when it breaks.
//
// Threads: any.
#pragma once

#include <memory>
#include <string>

#include "clients/cpp/backend.h"

namespace tuplespace::client {

// `target` as gRPC understands it; without a server the watch ends after `patience`.
Result<std::unique_ptr<EventSource>> watch_remote(std::string target, milliseconds patience,
                                                  WatchAsk ask);

}  // namespace tuplespace::client
