// Random operations between the slices of a shard: whoever folds what a watcher is told has what
// is there, and whoever resumes is told what the others were.
#include <random>
#include <set>

#include "tests/unit/space/rig.h"

namespace tuplespace {
namespace {

struct Folded {
  Template wanted;
  bool folds = false;  // it began with all that was there
  bool shown = false;  // completely
  std::set<Sequence> there;
  std::vector<std::tuple<Sequence, EventKind, Sequence>> events;
  Sequence told_to = 0;
};

class RandomWatch : public testing::TestWithParam<uint32_t> {
 protected:
  RandomWatch() : random(GetParam()), shard(config()) {
    Policy policy;
    policy.history = 100'000;
    ask(CreateSpace{"s", policy});
    for (SessionId& session : sessions) session = open();
  }
  static ShardConfig config() {
    ShardConfig config;
    config.slice_candidates = 3;
    config.seed = 7;
    return config;
  }

  uint32_t below(uint32_t n) { return random() % n; }
  Tuple some_tuple() { return tuple(fmt::format("({}, {})", below(3), below(5))); }
  Template some_template() {
    constexpr const char* kTexts[] = {"(?, ?)", "(1, ?int)", "(?, <3)", "(0|2, ?)",
                                      "(?x:any, ?x:any)"};
    return wanted(kTexts[below(5)]);
  }

  std::vector<Answer> turn(const std::function<void(Effects&)>& call) {
    Effects effects;
    effects.batch_number = ++batch;
    call(effects);
    shard.finish(effects);
    std::vector<Answer> others;
    for (Answer& answer : effects.answers) {
      if (answer.reply.receiver == kWatchers) {
        hear(watchers.at(answer.reply.token), std::get<WatchAnswer>(answer.what), answer.sequence);
      } else {
        others.push_back(std::move(answer));
      }
    }
    return others;
  }
  std::vector<Answer> ask(decltype(Operation::what) what, Caller caller = {},
                          ReplyTo reply = {1, 1}) {
    Operation operation;
    operation.what = std::move(what);
    operation.caller = std::move(caller);
    operation.reply = reply;
    return turn([&](Effects& effects) { shard.apply(std::move(operation), now, effects); });
  }
  SessionId open() {
    const auto answers = ask(OpenSession{0, "secret", true});
    return std::get<SessionAnswer>(answers.at(0).what).session;
  }

  void hear(Folded& watcher, const WatchAnswer& told, Sequence sequence) {
    EXPECT_FALSE(told.gap.has_value());
    for (const SpaceEvent& event : told.events) {
      const Sequence id = event.found.id;
      watcher.events.emplace_back(event.sequence, event.kind, id);
      EXPECT_TRUE(watcher.wanted.matches(event.found.tuple));
      if (!watcher.folds) continue;
      switch (event.kind) {
        case EventKind::kOut:
        case EventKind::kReturn: EXPECT_TRUE(watcher.there.insert(id).second) << id; break;
        case EventKind::kIn: EXPECT_EQ(watcher.there.erase(id), 1u) << id; break;
        case EventKind::kExpire: watcher.there.erase(id); break;  // it may have been held
        case EventKind::kPulse: break;
      }
    }
    watcher.shown |= told.snapshot_end;
    if (sequence != 0) watcher.told_to = sequence;
  }

  void watch(bool snapshot, Sequence after) {
    const uint64_t token = watchers.size();
    Folded& watcher = watchers[token];
    watcher.wanted = some_template();
    watcher.folds = snapshot;
    ask(Watch{"s", watcher.wanted, ~0u, snapshot, after}, {}, {kWatchers, token});
  }

  void step() {
    const uint32_t who = below(2);
    const Caller numbered{sessions[who], numbers[who] + 1, 1, ""};
    switch (below(10)) {
      case 0:
      case 1:
      case 2: ask(Out{"s", some_tuple(), {}, {}, false}); break;
      case 3: ask(Out{"s", some_tuple(), 1 + below(20), below(10), false}); break;
      case 4: ask(Take{"s", some_template(), true, 0, {}, 1 + below(3)}); break;
      case 5:
        ++numbers[who];
        ask(Take{"s", some_template(), true, 0, {}, 1}, numbered);
        break;
      case 6: ask(Confirm{sessions[who], "", true, {{1, numbers[who]}}}); break;
      case 7:
        ask(CloseSession{sessions[who], "", true, {}});
        sessions[who] = open();
        numbers[who] = 0;
        break;
      case 8: now += below(5); break;
      default: turn([&](Effects& effects) { next = shard.tick(now, effects); });
    }
  }

  void settle() {
    do {
      turn([&](Effects& effects) { next = shard.tick(now, effects); });
    } while (next <= now);
  }

  std::set<Sequence> scan(const Template& wanted) {
    std::set<Sequence> there;
    Scan page{"s", wanted, 0, 0, 0};
    do {
      const auto answers = ask(page);
      const auto& scanned = std::get<ScanAnswer>(answers.at(0).what);
      for (const Found& found : scanned.tuples) there.insert(found.id);
      page.after = scanned.next;
      page.until = scanned.until;
    } while (page.after != 0);
    return there;
  }

  static constexpr uint64_t kWatchers = 2;
  std::mt19937 random;
  Shard shard;
  uint64_t batch = 0;
  Time now = 1'000;
  Time next = 0;
  SessionId sessions[2] = {};
  Number numbers[2] = {};
  std::map<uint64_t, Folded> watchers;
};

TEST_P(RandomWatch, WhoFoldsASnapshotAndItsEventsHasWhatIsThere) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  for (int i = 0; i < 400; ++i) {
    step();
    if (below(20) == 0) watch(true, 0);
  }
  settle();
  ASSERT_GT(watchers.size(), 3u);
  for (const auto& [token, watcher] : watchers) {
    EXPECT_TRUE(watcher.shown);
    EXPECT_EQ(watcher.there, scan(watcher.wanted)) << to_text(watcher.wanted);
  }
}

TEST_P(RandomWatch, WhoResumesIsToldWhatTheOthersWere) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  watch(false, 0);
  Folded& first = watchers[0];
  std::vector<std::pair<uint64_t, Sequence>> resumed;
  for (int i = 0; i < 400; ++i) {
    step();
    if (below(20) != 0 || first.told_to == 0) continue;
    resumed.emplace_back(watchers.size(), first.told_to);
    Folded& again = watchers[watchers.size()];
    again.wanted = first.wanted;
    ask(Watch{"s", first.wanted, ~0u, false, first.told_to}, {}, {kWatchers, watchers.size() - 1});
  }
  settle();
  ASSERT_GT(resumed.size(), 3u);
  for (const auto& [token, after] : resumed) {
    auto expected = first.events;
    std::erase_if(expected, [&](const auto& event) { return std::get<0>(event) <= after; });
    EXPECT_EQ(watchers.at(token).events, expected) << "after " << after;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomWatch, testing::Range(1u, 41u));

}  // namespace
}  // namespace tuplespace
