#include "tests/conformance/make_backend.h"

#include "tests/conformance/client_backend.h"
#include "tests/conformance/shard_backend.h"

namespace tuplespace::conformance {

Result<std::unique_ptr<Backend>> make_backend(const std::string& where) {
  if (where == "shard") return std::unique_ptr<Backend>(std::make_unique<ShardBackend>());
  return ClientBackend::make(where == "embedded:" ? "" : where);
}

}  // namespace tuplespace::conformance
