// How the first answer of an atomic is spelled in its session's record (KeptAnswer::detail), so
// that the same answer can be given again, also after a restart:
//
//   alternative u32, steps u32, then per step: kind u8 and
//     0  nothing
//     1  id u64          a tuple that the session holds until the number is confirmed; its bytes
//                        and attempt are in its own record
//     2  id u64, attempt u32, token u64, arity u32, length u32, canonical bytes
//                        a tuple that was read, taken under a hold, taken for good, or taken from a
//                        space in memory
//     3  id u64          of a tuple that was put, or that took the place of a settled one
//     4  count u64
//
// Integers are little-endian.
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuplespace/space/answer.h"

namespace tuplespace {

// `held`: the tuples of kind 1.
std::string spell_atomic(const AtomicAnswer& answer, const std::vector<Sequence>& held);

// Reads it again. `held` are the steps of kind 1: of their tuples only the id is set. False: it is
// not what spell_atomic() writes.
bool read_atomic(std::string_view detail, AtomicAnswer& answer, std::vector<size_t>& held);

}  // namespace tuplespace
