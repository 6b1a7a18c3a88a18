// What a read or take asks for and for whom, while it is carried out: from its operation, or from
// the Wait that it has become.
//
// Threads: lane. Refers to the operation or wait.
#pragma once

#include <span>

#include "tuplespace/space/wait.h"

namespace tuplespace {

// Whom a read or take is for.
struct Asker {
  const Take& take;
  const Caller& caller;
  ReplyTo reply;
  explicit Asker(const Wait& wait) : take(wait.take), caller(wait.caller), reply(wait.reply) {}
  Asker(const Take& t, const Caller& c, ReplyTo r) : take(t), caller(c), reply(r) {}
};

// What a read or take looks for, and how.
struct Inquiry {
  const Take& take;
  const Plan& plan;
  std::span<const Filing> further;  // of take.extras->any_of
  Order order;
  uint32_t field;
  int group;
  explicit Inquiry(const Wait& wait)
      : take(wait.take),
        plan(wait.filing.plan),
        further(wait.further),
        order(wait.order),
        field(wait.field),
        group(wait.group) {}
  Inquiry(const Take& t, const Plan& p, std::span<const Filing> f, Order o, uint32_t n, int g)
      : take(t), plan(p), further(f), order(o), field(n), group(g) {}
};

}  // namespace tuplespace
