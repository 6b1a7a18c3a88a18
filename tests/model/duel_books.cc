// What a duel keeps of its clients, and whether answers leave too early.
#include <fmt/format.h>

#include "tests/model/answer_text.h"
#include "tests/model/duel.h"

namespace tuplespace {

// Promise 5: no answer leaves before what it rests on.
std::string Duel::check_durability(const Effects& effects) {
  const auto mark_of = [&](const std::string& space) {
    Durability durability = space == "m" ? Durability::kMemory : config_.durability;
    return durability == Durability::kSync    ? Mark::kSynced
           : durability == Durability::kAsync ? Mark::kWritten
                                              : Mark::kNone;
  };
  for (const Answer& answer : effects.answers) {
    if (answer.mark != Mark::kNone && answer.batch > host_.batches()) {
      return fmt::format("{} waits for batch {}, which never comes", answer_text(answer),
                         answer.batch);
    }
    const auto space = space_of_.find({answer.reply.receiver, answer.reply.token});
    if (space == space_of_.end() || !answer.status.ok()) continue;
    const Mark needed = mark_of(space->second);
    const auto* take = std::get_if<TakeAnswer>(&answer.what);
    // An out that meets a taker who waits may leave nothing to write.
    const bool changes =
        !effects.batch.empty() && (std::holds_alternative<OutAnswer>(answer.what) ||
                                   (take != nullptr && take->remove && !take->tuples.empty()));
    if (changes && space->second != "m") changed_[space->second] = host_.batches();
    if (needed == Mark::kNone || !changed_.count(space->second) || space->second == "m") continue;
    if (take != nullptr && take->tuples.empty()) continue;
    if (answer.mark < needed || answer.batch < changed_[space->second]) {
      return fmt::format("{} may leave at mark {} of batch {}; its space changed in batch {}",
                         answer_text(answer), static_cast<int>(answer.mark), answer.batch,
                         changed_[space->second]);
    }
  }
  return "";
}

// Keeps the books of the clients.
void Duel::note(const Answer& answer) {
  trace_.push_back("            " + answer_text(answer));
  const Key key = {answer.reply.receiver, answer.reply.token};
  waiting_.erase(key);
  const auto found = asked_.find(key);
  if (found == asked_.end()) return;
  auto [client, number] = found->second;
  if (const auto* session = std::get_if<SessionAnswer>(&answer.what); session && number == 0) {
    client->session = session->session;
    client->epoch = session->epoch;
    client->attached = true;
    for (const auto& [pending, what] : session->answers) {
      client->unanswered.erase(pending);
      client->unconfirmed.insert(pending);
    }
    for (const Number pending : session->not_executed) {
      client->unanswered.erase(pending);
      client->asked.erase(pending);
    }
    return;
  }
  if (answer.status.code() == Code::kNotFound && number == 0) *client = {};  // it has ended
  if (number == 0) return;
  if (answer.status.code() == Code::kAborted && client->unanswered.count(number)) {
    return;  // asked again: the answer goes there; or its space was dropped
  }
  client->unanswered.erase(number);
  client->unconfirmed.insert(number);
}

}  // namespace tuplespace
