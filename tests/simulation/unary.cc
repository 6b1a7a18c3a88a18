#include "tests/simulation/unary.h"

#include "tests/simulation/network.h"

namespace tuplespace::simulation {
namespace {

template <typename Request>
Unary unary(const char* name, Request* request, google::protobuf::Message* response) {
  const size_t method = method_named(std::string("/tuplespace.v1.TupleSpace/") + name);
  return {method, request, response, request->mutable_caller()};
}

}  // namespace

Unary unary_of(Deed& deed) {
  v1::Operation& request = deed.request;
  v1::Answer& answer = deed.answer;
  switch (deed.what) {
    case What::kOut: return unary("Out", request.mutable_out(), answer.mutable_out());
    case What::kIn: return unary("In", request.mutable_in(), answer.mutable_in());
    case What::kRd: return unary("Rd", request.mutable_rd(), answer.mutable_rd());
    case What::kCount: return unary("Count", request.mutable_count(), answer.mutable_count());
    case What::kSettle: return unary("Settle", request.mutable_settle(), answer.mutable_settle());
    case What::kRenew: return unary("Renew", request.mutable_renew(), answer.mutable_renew());
    case What::kEndLease: return unary("Cancel", request.mutable_cancel(), answer.mutable_cancel());
    case What::kCollect:
      return unary("Collect", request.mutable_collect(), answer.mutable_collect());
    case What::kCopyCollect:
      return unary("CopyCollect", request.mutable_copy_collect(), answer.mutable_collect());
    case What::kAtomic: return unary("Atomic", request.mutable_atomic(), answer.mutable_atomic());
  }
  TS_CHECK(false);
  return {};
}

}  // namespace tuplespace::simulation
