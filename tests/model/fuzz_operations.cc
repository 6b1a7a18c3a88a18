// A libFuzzer program: bytes are a plan, eight to a step; the first byte is the variant.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/model/duel.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> trace;
  const std::string difference =
      tuplespace::duel(tuplespace::plan_of_bytes(bytes.substr(1)), data[0], &trace);
  if (difference.empty()) return 0;
  for (const std::string& line : trace) std::fprintf(stderr, "%s\n", line.c_str());
  std::fprintf(stderr, "%s\n", difference.c_str());
  std::abort();
}
