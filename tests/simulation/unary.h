// Unary is a deed as a unary call: the method, the request, and where the response goes.
#pragma once

#include "tests/simulation/deed.h"

namespace tuplespace::simulation {

struct Unary {
  size_t method;  // in the server's table
  const google::protobuf::Message* request;
  google::protobuf::Message* response;
  v1::Caller* caller;  // of the request
};

// Valid as long as the deed stays where it is.
Unary unary_of(Deed& deed);

}  // namespace tuplespace::simulation
