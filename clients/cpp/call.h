// start_call begins a call that somebody will ask for.
//
// Threads: any.
#pragma once

#include <memory>

#include "clients/cpp/backend.h"
#include "clients/cpp/match.h"

namespace tuplespace::client {

// With a `status` that is not OK nothing is asked, and it is the answer.
template <typename T>
Call<T> start_call(const std::shared_ptr<Backend>& backend, const Ask& ask, Builder builder,
                   const Status& status);

}  // namespace tuplespace::client
