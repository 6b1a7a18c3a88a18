// port_owner finds out who has taken a port, so that an error can say it.
//
// Threads: any.
#pragma once

#include <string>

namespace tuplespace {

// Returns for instance "redis-server (pid 4711: redis-server *:7070)", or "another process" where
// the kernel does not tell us.
std::string owner_of_port(int port);

}  // namespace tuplespace
