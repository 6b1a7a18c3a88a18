// Settings are what the command line asks for.
//
// Threads: any (a value).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuplespace/client.h"
#include "tuplespace/tuple/json.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::cli {

enum ExitCode : int { kFound = 0, kNothing = 1, kError = 2, kInterrupted = 130 };

// How tuples are read and written.
enum class Form : uint8_t {
  kText,       // ("job", 7)
  kJson,       // ["job", 7]
  kLines,      // one string a line
  kByteLines,  // one bytes value a line
};

struct Settings {
  std::string command;
  std::string server = "127.0.0.1:7070";
  client::milliseconds patience{60'000};

  std::string space;
  std::string text;  // the tuple or template, as typed
  bool has_text = false;
  Arguments arguments;  // --arg

  Form form = Form::kText;
  JsonNumbers numbers = JsonNumbers::kPlain;
  bool from_pipe = false;  // `out`: tuples come from standard input

  client::OutOptions out;
  client::TakeOptions take;
  std::string choice_field;  // its choice's field_name, kept here
  uint64_t max = 1;
  bool all = false;  // `count --all`

  std::string into;                // `collect`, `copy-collect`; `work`: of results, "": none
  std::string name;                // `lock`, `barrier`
  std::vector<std::string> words;  // `atomic`: its steps; `work`, `lock`: the program
  client::WatchOptions watch;
  client::milliseconds lease{0};  // `begin`, `renew`, `work`, `lock`
  uint64_t transaction = 0, token = 0, tuple = 0;
  uint64_t session = 0;  // `held`: of this one, 0: of all; `session`: ends this one
  uint64_t size = 0;     // `barrier`
  int field = -1;        // `work`: one at a time of a group by this field

  client::Policy policy;  // `create`, `bench`
  int callers = 64;       // `bench`; `work`: side by side
  client::milliseconds duration{2'000};
  uint64_t tuple_bytes = 100;
};

// What to do next: run `settings`, or end with `exit_code` because all is said.
struct Parsed {
  std::optional<Settings> settings;
  int exit_code = 0;
};

Parsed parse_settings(int count, char** words);

}  // namespace tuplespace::cli
