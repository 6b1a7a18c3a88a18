// look: what people ask of a running server (proto/tuplespace/v1/admin.proto): who waits, who
// holds, why nothing matches, which sessions there are; and what they do about it.
//
// Threads: lane.
#pragma once

#include "tuplespace/server/service.h"

namespace tuplespace {

void blocked(Service& service, UnaryCall& call);
void list_holds(Service& service, UnaryCall& call);
void release_hold(Service& service, UnaryCall& call);
void explain(Service& service, UnaryCall& call);
void list_sessions(Service& service, UnaryCall& call);
void end_session(Service& service, UnaryCall& call);

}  // namespace tuplespace
