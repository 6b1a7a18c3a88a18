// UnaryCaller makes `out` and `in` calls without a session: at most once, and whoever gets no
// answer does not know.
//
// Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace tuplespace::crash {

enum class Outcome : uint8_t { kDone, kNothing, kUnknown };

struct UnaryAnswer {
  Outcome outcome;
  uint64_t sequence = 0;
  std::string wrong = {};  // kUnknown, and not because the server went away
};

class UnaryCaller {
 public:
  explicit UnaryCaller(const std::string& address);
  ~UnaryCaller();

  // True if it is connected, at the latest after `at_most`.
  bool reaches_server(std::chrono::milliseconds at_most);

  // Places ("t", id); takes exactly that tuple without waiting.
  UnaryAnswer out(const std::string& space, uint64_t id);
  UnaryAnswer inp(const std::string& space, uint64_t id);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tuplespace::crash
