// Historian is a client whose operations are written down one by one (chronicle.h). One kind has a
// session, repeats a number until it hears its answer, and repeats some although it did; the other
// has none, and takes under holds, too.
//
// Threads: one.
#pragma once

#include <memory>
#include <random>
#include <string>

#include "tests/crash/chronicle.h"

namespace tuplespace::crash {

inline constexpr const char* kHistoriansSpace = "histories";

class Historian {
 public:
  Historian(const std::string& address, Chronicle& chronicle, size_t client, bool has_session);
  ~Historian();

  // One operation. Returns "" or what nobody may be told.
  std::string turn(std::mt19937_64& random);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tuplespace::crash
