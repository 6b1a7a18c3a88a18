// answer_text() spells an answer in one line, so that two are equal when their lines are: without
// what a shard is free to choose, and in an order of its own where order means nothing.
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>

#include "tuplespace/space/answer.h"

namespace tuplespace {

std::string answer_text(const Answer& answer);

}  // namespace tuplespace
