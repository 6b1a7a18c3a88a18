// Durations and sizes as people write them: 250ms 5s 2h, 100 16KiB 2GiB.
//
// Threads: any (functions of their arguments).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tuplespace::cli {

// Units: ms s m h d. A number alone is not a duration, except 0.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// Units: B KiB MiB GiB TiB; a number alone is bytes.
std::optional<uint64_t> parse_size(std::string_view text);

// Returns "1234567" as "1,234,567".
std::string grouped(uint64_t number);

}  // namespace tuplespace::cli
