// make_backend() makes what scripts run on, with nothing in it yet.
//
// Threads: one.
#pragma once

#include <memory>
#include <string>

#include "tests/conformance/backend.h"

namespace tuplespace::conformance {

// `where` is "shard", "embedded:", or the path of a server's program, which is started on a port
// of its own with data of its own.
Result<std::unique_ptr<Backend>> make_backend(const std::string& where);

}  // namespace tuplespace::conformance
