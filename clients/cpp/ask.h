// What the public types have in common: a call is checked, asked, and waited for.
//
// Threads: any.
#pragma once

#include <string>

#include "clients/cpp/backend.h"

namespace tuplespace::client {

// Says what is wrong with the name of the space, else `argument`.
Status check_ask(const Status& argument, const std::string& space, Verb verb);

// Asks and waits, on the caller's stack. Returns reply.status.
Status ask_and_wait(Backend& backend, const Ask& ask, Confirm confirm, Reply& reply);

}  // namespace tuplespace::client
