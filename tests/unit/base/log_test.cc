#include "tuplespace/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace tuplespace {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;

// What `write` logs, as written to standard error.
template <typename Write>
std::string logged(Write write) {
  testing::internal::CaptureStderr();
  write();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesTimeLevelEventAndFieldsOnOneLine) {
  const std::string line = logged([] {
    log(Level::kInfo, "listening", {{"address", "127.0.0.1:7070"}, {"lanes", 2}});
  });
  EXPECT_THAT(line, ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                                  "\\.[0-9]{3}Z info listening "));
  EXPECT_THAT(line, EndsWith(" info listening address=127.0.0.1:7070 lanes=2\n"));
}

TEST(Log, QuotesValuesThatWouldNotReadAsOne) {
  const std::string line = logged([] {
    log(Level::kWarning, "odd",
        {{"empty", ""}, {"blank", "a b"}, {"quote", "a\"b"}, {"slash", "a\\b"}, {"line", "a\nb"}});
  });
  EXPECT_THAT(line, EndsWith(R"( warning odd empty="" blank="a b" quote="a\"b" slash="a\\b" )"
                             R"(line="a\x0ab")"
                             "\n"));
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(logged([] { log(Level::kDebug, "detail"); }), "");
  set_log_level(Level::kError);
  EXPECT_EQ(logged([] { log(Level::kWarning, "odd"); }), "");
  EXPECT_THAT(logged([] { log(Level::kError, "bad"); }), EndsWith(" error bad\n"));
  set_log_level(Level::kDebug);
  EXPECT_THAT(logged([] { log(Level::kDebug, "detail"); }), EndsWith(" debug detail\n"));
  set_log_level(Level::kInfo);
}

TEST(Log, LinesOfSeveralThreadsDoNotMix) {
  const std::string text = logged([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int n = 0; n < 100; ++n) {
          log(Level::kInfo, "long", {{"value", std::string(200, 'x')}});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  EXPECT_EQ(std::ranges::count(text, '\n'), 400);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line, EndsWith(" info long value=" + std::string(200, 'x')));
  }
}

}  // namespace
}  // namespace tuplespace
