// Promise: transactions are serializable, in the order in which they commit. Random histories of
// several transactions side by side, and of operations without one, are done again one after the
// other on a bag; every answer must be one that could have been given there.
#include <random>
#include <set>

#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

// What one operation did: put `id`, read or took `id`, or found nothing that matches `asked`.
struct Did {
  enum class What { kOut, kRd, kIn, kNone } what;
  Sequence id = 0;
  std::string asked = {};
  Tuple tuple = {};
};

// The bag on which everything is done again.
class Bag {
 public:
  // Says what is wrong, or nothing.
  std::string redo(const Did& did) {
    switch (did.what) {
      case Did::What::kOut: tuples_[did.id] = did.tuple; return "";
      case Did::What::kRd:
        return tuples_.contains(did.id) ? "" : fmt::format("read {}, which is not there", did.id);
      case Did::What::kIn:
        return tuples_.erase(did.id) == 1 ? "" : fmt::format("took {}, which is not there", did.id);
      case Did::What::kNone:
        for (const auto& [id, tuple] : tuples_) {
          if (wanted(did.asked).matches(tuple)) {
            return fmt::format("found nothing for {}, but {} is there", did.asked, to_text(tuple));
          }
        }
    }
    return "";
  }
  const std::map<Sequence, Tuple>& tuples() const { return tuples_; }

 private:
  std::map<Sequence, Tuple> tuples_;
};

class History {
 public:
  explicit History(unsigned seed) : random_(seed) {}

  // Returns what is wrong, or "".
  std::string run(int steps) {
    for (int i = 0; i < steps && wrong_.empty(); ++i) step();
    while (!open_.empty() && wrong_.empty()) end(open_.begin()->first);
    return wrong_.empty() ? compare() : wrong_;
  }

  int committed() const { return committed_; }
  int aborted() const { return aborted_; }
  int waited() const { return waited_; }

 private:
  struct Waiting {
    TransactionId x;
    bool remove;
    std::string asked;
  };

  int draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  void step() {
    const TransactionId x = open_.empty() || draw(4) == 0 ? 0 : any_open();
    switch (draw(10)) {
      case 0:
        if (open_.size() < 4) open_[rig_.begin(1'000'000)];
        break;
      case 1:
        if (x != 0) end(x);
        break;
      case 2:
      case 3: put(x); break;
      default: ask(x); break;
    }
    hear();
  }

  TransactionId any_open() { return std::next(open_.begin(), draw(int(open_.size())))->first; }

  void put(TransactionId x) {
    const std::string text = fmt::format("({}, {})", draw(3), draw(2));
    const Ask asked = x != 0 ? rig_.out_under(x, "s", text) : rig_.out("s", text);
    note(x, {Did::What::kOut, rig_.sequence(asked), {}, tuple(text)});
  }

  void ask(TransactionId x) {
    static constexpr const char* kAsked[] = {"(?, ?)", "(0, ?)", "(1, ?)", "(?, 1)", "(2, 0)"};
    const std::string asked = kAsked[draw(5)];
    const bool remove = draw(2) == 0;
    const bool probe = draw(3) > 0;
    Rig::How how;
    if (probe) how.wait = 0;
    how.order = std::array{Order::kOldest, Order::kNewest, Order::kRandom}[draw(3)];
    const Ask at =
        x != 0 ? rig_.take_under(x, remove, "s", asked, how) : rig_.take(remove, "s", asked, how);
    waiting_[at] = {x, remove, asked};
    if (!probe && rig_.said(at).empty()) ++waited_;
  }

  void end(TransactionId x) {
    const Ask asked = rig_.end(x, draw(4) > 0);
    const bool committed = rig_.answer(asked)->status.ok() &&
                           std::get<EndTransactionAnswer>(rig_.answer(asked)->what).commit;
    std::vector<Did> did = std::move(open_.at(x));
    open_.erase(x);
    ++(committed ? committed_ : aborted_);
    if (committed) redo(did);
    hear();
  }

  // What was answered since this was asked last, in the order of the instants.
  void hear() {
    std::multimap<std::pair<Sequence, bool>, std::pair<Waiting, const Answer*>> heard;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      const Answer* answer = rig_.answer(at->first);
      if (answer == nullptr) {
        ++at;
        continue;
      }
      heard.insert({{answer->sequence, at->second.remove}, {at->second, answer}});
      at = waiting_.erase(at);
    }
    for (const auto& [instant, one] : heard) {
      if (one.second->status.ok()) hear(one.first, std::get<TakeAnswer>(one.second->what));
    }
  }

  void hear(const Waiting& waited, const TakeAnswer& answer) {
    if (answer.tuples.empty()) {
      // A none outside that names held tuples does not say that they are gone.
      if (waited.x != 0 || answer.held == 0) note(waited.x, {Did::What::kNone, 0, waited.asked});
      return;
    }
    note(waited.x, {waited.remove ? Did::What::kIn : Did::What::kRd, answer.tuples[0].id});
  }

  void note(TransactionId x, Did did) {
    if (x == 0) return redo({did});
    if (const auto open = open_.find(x); open != open_.end()) open->second.push_back(did);
  }

  void redo(const std::vector<Did>& all) {
    for (const Did& did : all) {
      if (wrong_.empty()) wrong_ = bag_.redo(did);
    }
  }

  // In the end both have the same.
  std::string compare() {
    uint64_t ready = rig_.count("s").ready;
    if (ready != bag_.tuples().size()) {
      return fmt::format("{} tuples are left, should be {}", ready, bag_.tuples().size());
    }
    for (const auto& [id, tuple] : bag_.tuples()) {
      if (rig_.said(rig_.inp("s", to_text(tuple))) == "NONE") return to_text(tuple) + " is missing";
    }
    return "";
  }

  std::mt19937 random_;
  Rig rig_;
  Bag bag_;
  std::map<TransactionId, std::vector<Did>> open_;
  std::map<Ask, Waiting> waiting_;
  std::string wrong_;
  int committed_ = 0, aborted_ = 0, waited_ = 0;
};

TEST(Serializable, RandomHistoriesAreThoseOfOneAfterTheOther) {
  int committed = 0;
  int aborted = 0;
  int waited = 0;
  for (unsigned seed = 1; seed <= 4'000; ++seed) {
    History history(seed);
    ASSERT_EQ(history.run(120), "") << "seed " << seed;
    committed += history.committed();
    aborted += history.aborted();
    waited += history.waited();
  }
  EXPECT_GT(committed, 12'000);
  EXPECT_GT(aborted, 4'000);
  EXPECT_GT(waited, 4'000);
}

}  // namespace
}  // namespace tuplespace
