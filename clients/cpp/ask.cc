#include "clients/cpp/ask.h"

#include "tuplespace/tuple/encoding.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::client {

TupleArgument::TupleArgument(std::string_view text) {
  Result<Tuple> parsed = parse_tuple(text);
  if (parsed.ok()) {
    tuple_ = *std::move(parsed);
  } else {
    status_ = parsed.status();
  }
}

TemplateArgument::TemplateArgument(std::string_view text) {
  Result<Template> parsed = parse_template(text);
  if (parsed.ok()) {
    parsed_ = *std::move(parsed);
  } else {
    status_ = parsed.status();
  }
}

Status check_ask(const Status& argument, const std::string& space, Verb verb) {
  if (!is_space_name(space)) {
    return invalid(std::string(verb_name(verb)) + ": space name \"" + space +
                       "\" is not of 1 to 128 of A-Z a-z 0-9 . _ / -",
                   "space");
  }
  return argument;
}

Status ask_and_wait(Backend& backend, const Ask& ask, Confirm confirm, Reply& reply) {
  TS_RETURN_IF_ERROR(may_wait());
  SyncWaiter waiter(confirm == Confirm::kManual ? Receive::kKeep : Receive::kConfirm);
  backend.submit(ask, waiter);
  backend.await(waiter, kNoInstant);
  reply = std::move(waiter.reply);
  return reply.status;
}

}  // namespace tuplespace::client
