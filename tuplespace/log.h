// log writes one line per event to standard error: time, level, event, then key=value pairs.
//
//   2026-11-22T10:00:00.123Z info listening address=127.0.0.1:7070
//
// Values with blanks, quotes or control characters are quoted and escaped.
//
// Threads: any; a line is one write.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tuplespace {

enum class Level { kDebug, kInfo, kWarning, kError };

struct LogField {
  std::string_view key;
  std::string value;

  LogField(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  template <typename N, std::enable_if_t<std::is_arithmetic_v<N>, int> = 0>
  LogField(std::string_view k, N v) : key(k), value(std::to_string(v)) {}
};

void log(Level level, std::string_view event, std::initializer_list<LogField> fields = {});

// Lines below `level` are not written. Default: info.
void set_log_level(Level level);

}  // namespace tuplespace
