// A libFuzzer program for one check, whose name is TUPLESPACE_FUZZ_CHECK.
//
//   fuzz_text CORPUS_DIRECTORY [-max_total_time=60]
//
// A corpus that is empty is filled with the seeds first.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/fuzz/checks.h"
#include "tuplespace/status.h"

namespace {

void fill(const std::filesystem::path& corpus) {
  if (!std::filesystem::is_empty(corpus)) return;
  int number = 0;
  for (const std::string& seed : tuplespace::fuzz_seeds(TUPLESPACE_FUZZ_CHECK)) {
    std::ofstream(corpus / ("seed" + std::to_string(number++)), std::ios::binary) << seed;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    if (std::filesystem::is_directory((*argv)[i])) {
      fill((*argv)[i]);
      break;
    }
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const tuplespace::FuzzCheck* const kCheck =
      tuplespace::find_fuzz_check(TUPLESPACE_FUZZ_CHECK);
  TS_CHECK(kCheck != nullptr);
  kCheck->run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
