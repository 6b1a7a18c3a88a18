// RandomTuples makes values and tuples of all types out of a seed, with a liking for edges: small
// and extreme numbers, empty and escaped text, nesting.
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tuplespace/tuple/value.h"

namespace tuplespace {

class RandomTuples {
 public:
  explicit RandomTuples(uint64_t seed) : random_(seed) {}

  // A number from 0 to below - 1. The modulo keeps it the same with every standard library.
  size_t below(size_t below) { return random_() % below; }
  uint64_t bits() { return random_(); }

  int64_t number() {
    constexpr int64_t kEdges[] = {0,
                                  1,
                                  -1,
                                  255,
                                  256,
                                  -255,
                                  -256,
                                  -257,
                                  int64_t{1} << 53,
                                  std::numeric_limits<int64_t>::min(),
                                  std::numeric_limits<int64_t>::max()};
    if (below(3) == 0) return kEdges[below(std::size(kEdges))];
    return static_cast<int64_t>(random_()) >> below(64);
  }

  double real() {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    constexpr double kEdges[] = {
        0.0,    1.0,  -1.0,   0.1,       3.5,        -2.5e-10,          1e300,
        5e-324, 1e23, 4.5e15, kInfinity, -kInfinity, 9007199254740993.0};
    if (below(2) == 0) return kEdges[below(std::size(kEdges))];
    const double made = static_cast<double>(number()) / (1.0 + static_cast<double>(below(1000)));
    return made == 0 ? 0 : made;
  }

  std::string text() {
    static const std::vector<std::string> kPieces = {
        "a", "b", "ab",     "job", " ",  "\"",       "\\",   "'", "/",      std::string(1, '\0'),
        "$", "é", "\u202e", "😀",   "\n", "\u007f\t", "\x01", "|", "\uffff", "?"};
    std::string made;
    for (size_t pieces = below(6); pieces > 0; --pieces) made += kPieces[below(kPieces.size())];
    if (below(20) == 0) made.append(below(400), 'x');
    return made;
  }

  std::string bytes() {
    std::string made(below(6), '\0');
    for (char& byte : made) byte = below(3) == 0 ? '\0' : static_cast<char>(random_());
    return made;
  }

  Value value(size_t depth = 0) {
    switch (below(depth < 4 ? 9 : 7)) {
      case 0: return nullptr;
      case 1: return below(2) == 0;
      case 2: return number();
      case 3: return real();
      case 4: return text();
      case 5: return Bytes{bytes()};
      case 6: return SpaceHandle{std::string("space-") + static_cast<char>('a' + below(26))};
      case 7: {
        Value::List list;
        for (size_t items = below(4); items > 0; --items) list.push_back(value(depth + 1));
        return list;
      }
      default: {
        Value::Map map;
        for (size_t items = below(4); items > 0; --items) map[text()] = value(depth + 1);
        return map;
      }
    }
  }

  std::vector<Value> values() {
    std::vector<Value> made;
    for (size_t fields = below(6); fields > 0; --fields) made.push_back(value());
    return made;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace tuplespace
