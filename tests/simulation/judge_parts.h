// The promises one by one, for judge.cc.
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>

#include "tests/simulation/facts.h"

namespace tuplespace::simulation {

struct Verdict {
  std::string text;  // the first that was wrong
  void wrong(const std::string& what) {
    if (text.empty()) text = what;
  }
};

// True if who took it may have lost it again, before `later` was told of number `at`: its session
// may have ended, it was returned, its hold may have been settled or have run out.
bool may_have_ended(const Past& past, const Facts& facts, const Point& taken,
                    const std::string& space, const Deed& later, Sequence at);

void judge_owners(const Past& past, const Facts& facts, Verdict& verdict);
void judge_absences(const Past& past, const Facts& facts, Verdict& verdict);
void judge_choices(const Past& past, const Facts& facts, Verdict& verdict);
void judge_counts(const Past& past, const Facts& facts, Verdict& verdict);
void judge_groups(const Past& past, const Facts& facts, Verdict& verdict);
void judge_times(const Past& past, const Facts& facts, Verdict& verdict);
void judge_rest(const Past& past, Verdict& verdict);
void judge_numbers(const Past& past, const Facts& facts, Verdict& verdict);
void judge_end(const Past& past, const Facts& facts, Verdict& verdict);

}  // namespace tuplespace::simulation
