// admin: the calls about spaces and the server's figures (proto/tuplespace/v1/admin.proto).
//
// Threads: lane.
#pragma once

#include "tuplespace/server/service.h"

namespace tuplespace {

void create_space(Service& service, UnaryCall& call);
void drop_space(Service& service, UnaryCall& call);
void list_spaces(Service& service, UnaryCall& call);
void describe_space(Service& service, UnaryCall& call);
void stats(Service& service, UnaryCall& call);

}  // namespace tuplespace
