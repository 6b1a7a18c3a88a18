#include "tuplespace/space/transaction.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace tuplespace {

Status transaction_has_ended(TransactionId id) {
  return {Code::kAborted,
          fmt::format("transaction {} is not open: it was committed or aborted, its lease or its "
                      "session ended, or the server was started again; begin another",
                      id),
          {"transaction", false, false}};
}

bool Transaction::None::matches(const Tuple& tuple) const {
  if (wanted.matches(tuple)) return true;
  return extras != nullptr &&
         std::any_of(extras->any_of.begin(), extras->any_of.end(),
                     [&](const Template& further) { return further.matches(tuple); });
}

void ReadLocks::add(Sequence tuple, TransactionId reader) {
  Readers& readers = readers_[tuple];
  if (std::find(readers.begin(), readers.end(), reader) == readers.end()) readers.push_back(reader);
}

ReadLocks::Readers ReadLocks::remove(Sequence tuple, TransactionId reader) {
  const auto found = readers_.find(tuple);
  if (found == readers_.end()) return {};
  Readers& readers = found->second;
  readers.erase(std::remove(readers.begin(), readers.end(), reader), readers.end());
  if (!readers.empty()) return readers;
  readers_.erase(found);
  return {};
}

ReadLocks::Readers ReadLocks::remove_all(Sequence tuple) {
  const auto found = readers_.find(tuple);
  if (found == readers_.end()) return {};
  Readers readers = std::move(found->second);
  readers_.erase(found);
  return readers;
}

const ReadLocks::Readers* ReadLocks::readers(Sequence tuple) const {
  const auto found = readers_.find(tuple);
  return found == readers_.end() ? nullptr : &found->second;
}

bool ReadLocks::may_take(Sequence tuple, TransactionId taker) const {
  const auto found = readers_.find(tuple);
  return found == readers_.end() || (found->second.size() == 1 && found->second[0] == taker);
}

}  // namespace tuplespace
