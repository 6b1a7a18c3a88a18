// start_call begins a call that somebody will ask for; result_of says what came of it.
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

// Makes the answer of `ask` out of its reply. T as in Call.
template <typename T>
Result<T> result_of(Reply& reply, const Builder& builder, const std::string& space);

}  // namespace tuplespace::client
