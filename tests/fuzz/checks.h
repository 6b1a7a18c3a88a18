// What must hold for any bytes at all, one function per form in which tuples come from outside.
// Each ends the process when it does not hold. They are the bodies of the libFuzzer programs, and
// of the short test that needs no clang.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tuplespace {

struct FuzzCheck {
  const char* name;
  void (*run)(std::string_view input);
};

// encoding, text, json and wire.
const std::vector<FuzzCheck>& fuzz_checks();

// Returns the check of that name, or null.
const FuzzCheck* find_fuzz_check(std::string_view name);

// Inputs that mean something, to begin with.
std::vector<std::string> fuzz_seeds(std::string_view name);

}  // namespace tuplespace
