#include "clients/cli/quantity.h"

#include <charconv>
#include <limits>
#include <utility>

namespace tuplespace::cli {
namespace {

// Splits "16MiB" into 16 and "MiB".
std::optional<std::pair<uint64_t, std::string_view>> split(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return std::pair{number, text.substr(end - text.data())};
}

template <typename Unit, size_t N>
std::optional<uint64_t> scaled(std::string_view text, const Unit (&units)[N]) {
  const auto parts = split(text);
  if (!parts) return std::nullopt;
  for (const auto& [name, factor] : units) {
    if (parts->second != name) continue;
    constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (parts->first > kMost / factor) return std::nullopt;
    return parts->first * factor;
  }
  return std::nullopt;
}

using Unit = std::pair<std::string_view, uint64_t>;
constexpr Unit kDurations[] = {
    {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kSizes[] = {{"", 1},
                           {"B", 1},
                           {"KiB", 1ull << 10},
                           {"MiB", 1ull << 20},
                           {"GiB", 1ull << 30},
                           {"TiB", 1ull << 40}};

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  const auto milliseconds = scaled(text, kDurations);
  if (!milliseconds) return std::nullopt;
  return std::chrono::milliseconds(*milliseconds);
}

std::optional<uint64_t> parse_size(std::string_view text) { return scaled(text, kSizes); }

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

}  // namespace tuplespace::cli
