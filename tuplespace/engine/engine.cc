#include "tuplespace/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "tuplespace/engine/directory.h"
#include "tuplespace/engine/engine_record.h"
#include "tuplespace/engine/lane.h"
#include "tuplespace/engine/progress.h"
#include "tuplespace/log.h"

namespace tuplespace {
namespace {

constexpr Duration kKeepTimeEvery = 5'000;  // how far the time kept may be behind
constexpr Duration kOpenMax = 600'000;      // until the first batch is synced

Status check(const EngineConfig& config) {
  if (config.shards < 1 || config.shards > EngineConfig::kShardsMax) {
    return invalid(fmt::format("{} shards were asked for; 1 to {} are possible", config.shards,
                               EngineConfig::kShardsMax),
                   "shards");
  }
  if (config.lanes < 1 || config.lanes > EngineConfig::kLanesMax) {
    return invalid(fmt::format("{} lanes were asked for; 1 to {} are possible", config.lanes,
                               EngineConfig::kLanesMax),
                   "lanes");
  }
  return {};
}

Result<EngineRecord> load_record(Store& store) {
  EngineRecord record;
  TS_RETURN_IF_ERROR(
      store.load(kEngineRecordKey, [&](std::string_view, std::string_view value) -> Status {
        Result<EngineRecord> decoded = decode_engine_record(value);
        if (decoded.ok()) record = *decoded;
        return decoded.status();
      }));
  return record;
}

// A crash came between the end of a session in shard 0 and in `shard`.
void close_others(const std::vector<SessionId>& sessions, Shard& shard, Time now,
                  Effects& effects) {
  for (const SessionId session : shard.sessions()) {
    if (std::ranges::binary_search(sessions, session)) continue;
    Operation close;
    close.what = CloseSession{session, "", true, {}};
    shard.apply(std::move(close), now, effects);
  }
}

Batch batch_of(const EngineRecord& record) {
  Batch batch;
  batch.put(kEngineRecordKey, encode(record));
  return batch;
}

}  // namespace

struct Engine::Parts {
  Parts(EngineConfig config, Store& store, SystemClock& clock)
      : progress(std::make_shared<Progress>(store.watermarks())),
        common{std::move(config), store, clock, *progress, {}, {}} {}

  Status recover();
  Status begin(std::vector<Batch> recovered);
  Result<std::unique_ptr<Shard>> recover_shard(uint16_t number, Time now, Effects& effects);
  void list_spaces(uint16_t number, Shard& shard, Time now);
  void every_second(Time now);
  void look_at_disk();
  uint64_t batches() const;
  Lane& lane_of_shard(uint16_t shard) { return *common.lanes[shard % common.lanes.size()]; }
  bool wait_until_quiet(Time deadline);
  bool all_quiet(Time deadline);
  void ask_every_shard(Operation operation);
  void answer(Answer answer);
  Status check_one_shard(const Operation& operation, const std::string* space) const;

  const std::shared_ptr<Progress> progress;  // the store's callbacks share it
  Lane::Common common;
  EngineRecord record;        // as last written
  uint64_t batches_kept = 0;  // batches() when it was
  bool refusing = false;      // the disk is nearly full
  bool running = false;
};

// ---- open ----

Result<std::unique_ptr<Engine>> Engine::open(EngineConfig config, Store& store,
                                             SystemClock& clock) {
  TS_RETURN_IF_ERROR(check(config));
  auto parts = std::make_unique<Parts>(std::move(config), store, clock);
  TS_RETURN_IF_ERROR(parts->recover());
  return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Engine::~Engine() {
  stop(0);
  parts_->progress->close();
}

Status Engine::Parts::recover() {
  const EngineConfig& config = common.config;
  Result<EngineRecord> found = load_record(common.store);
  if (!found.ok()) return found.status();
  record = *found;
  if (config.shards < record.shards) {
    return {Code::kFailedPrecondition,
            fmt::format("start with {} shards: the data has {}, and a shard does not move; start "
                        "with {} or more",
                        config.shards, record.shards, record.shards),
            {"shards", false, false}};
  }
  common.clock.not_before(record.last_time);
  const Time now = common.clock.now();

  for (size_t lane = 0; lane < config.lanes; ++lane) {
    auto poller = config.poller ? config.poller(lane) : std::make_unique<QuietPoller>();
    common.lanes.push_back(std::make_unique<Lane>(lane, common, std::move(poller)));
  }
  common.lanes[0]->every_second([this](Time at) { every_second(at); });

  std::vector<Batch> recovered;
  std::vector<SessionId> sessions;  // of shard 0, which decides when one ends
  for (uint16_t number = 0; number < config.shards; ++number) {
    Effects effects;
    Result<std::unique_ptr<Shard>> shard = recover_shard(number, now, effects);
    if (!shard.ok()) return shard.status();
    if (number == 0) {
      sessions = (*shard)->sessions();
    } else {
      close_others(sessions, **shard, now, effects);
      list_spaces(number, **shard, now);
    }
    (*shard)->finish(effects);
    if (!effects.batch.empty()) recovered.push_back(std::move(effects.batch));
    lane_of_shard(number).add_shard(std::move(*shard));
  }
  record = {config.shards, record.incarnation + 1, now};
  return begin(std::move(recovered));
}

Result<std::unique_ptr<Shard>> Engine::Parts::recover_shard(uint16_t number, Time now,
                                                            Effects& effects) {
  ShardConfig config = common.config.shard;
  config.shard = number;
  std::random_device random;
  config.seed = config.seed != 0 ? config.seed + number : uint64_t{random()} << 32 | random();
  auto shard = std::make_unique<Shard>(config);
  TS_RETURN_IF_ERROR(common.store.load(
      Shard::key_prefix(number),
      [&](std::string_view key, std::string_view value) { return shard->recover(key, value); }));
  TS_RETURN_IF_ERROR(shard->recovered(now, effects));
  return shard;
}

// Tells the directory what `shard` has.
void Engine::Parts::list_spaces(uint16_t number, Shard& shard, Time now) {
  Operation list;
  list.what = ListSpaces{};
  list.reply.receiver = 1;  // somebody
  Effects effects;
  shard.apply(std::move(list), now, effects);
  for (Answer& answer : effects.answers) {
    const auto* spaces = std::get_if<ListAnswer>(&answer.what);
    if (!spaces) continue;
    for (const SpaceInfo& space : spaces->spaces) common.directory.insert(space.name, number);
  }
}

// The incarnation and what the shards began with (their limits of sequence numbers) are synced
// before anybody is served.
Status Engine::Parts::begin(std::vector<Batch> recovered) {
  common.store.start([progress = progress](Watermarks marks) { progress->reached(marks); },
                     [progress = progress](const Status& status) { progress->failed(status); });
  for (Batch& batch : recovered) (void)common.store.commit(std::move(batch), Mark::kSynced);
  const uint64_t last = common.store.commit(batch_of(record), Mark::kSynced);
  TS_RETURN_IF_ERROR(progress->wait_synced(last, kOpenMax));
  progress->serve([this](Watermarks marks) {
    for (const auto& lane : common.lanes) lane->reached(marks);
  });
  log(Level::kInfo, "engine_open",
      {{"incarnation", record.incarnation},
       {"shards", common.config.shards},
       {"lanes", common.config.lanes}});
  return {};
}

// ---- while it runs ----

uint64_t Engine::Parts::batches() const {
  uint64_t batches = 0;
  for (const auto& lane : common.lanes) batches += lane->figures()[Lane::kBatches];
  return batches;
}

// On lane 0.
void Engine::Parts::every_second(Time now) {
  look_at_disk();
  const uint64_t written = batches();
  if (written == batches_kept || now < record.last_time + kKeepTimeEvery) return;
  record.last_time = now;
  batches_kept = written;
  (void)common.store.commit(batch_of(record), Mark::kNone);
}

void Engine::Parts::look_at_disk() {
  const uint64_t free_bytes = common.store.free_bytes();
  const bool refuse = free_bytes < common.config.disk_free_min;
  if (!refuse && !refusing) return;
  std::string reason;
  if (refuse) {
    reason = fmt::format(
        "{} bytes are free where the data is, disk_free_min is {}; take tuples, "
        "free space or lower the setting",
        free_bytes, common.config.disk_free_min);
  }
  if (refuse != refusing) {
    log(refuse ? Level::kWarning : Level::kInfo, refuse ? "disk_nearly_full" : "disk_free_again",
        {{"free_bytes", free_bytes}, {"disk_free_min", common.config.disk_free_min}});
  }
  refusing = refuse;
  for (const auto& lane : common.lanes) {
    lane->run_task([lane = lane.get(), reason] { lane->refuse_out(reason); });
  }
}

void Engine::start() {
  TS_CHECK(!parts_->running);
  parts_->running = true;
  for (const auto& lane : parts_->common.lanes) lane->start();
}

Time Engine::run_once(size_t lane, Time now) {
  TS_CHECK(!parts_->running);
  return parts_->common.lanes[lane]->run_once(now);
}

// ---- stop ----

void Engine::stop(Time deadline) {
  if (!parts_->running) return;
  Lane::Common& common = parts_->common;
  for (const auto& lane : common.lanes) lane->run_task([lane = lane.get()] { lane->close(); });
  const bool quiet = parts_->wait_until_quiet(deadline);
  for (const auto& lane : common.lanes) lane->end();
  for (const auto& lane : common.lanes) lane->join();
  parts_->running = false;
  parts_->record.last_time = common.clock.now();
  const uint64_t last = common.store.commit(batch_of(parts_->record), Mark::kSynced);
  const Duration left = std::max<Duration>(0, deadline - common.clock.now());
  const Status synced = parts_->progress->wait_synced(last, std::min(left, kOpenMax));
  if (!quiet || !synced.ok()) {
    log(Level::kWarning, "stopped_at_deadline", {{"status", synced.to_string()}});
  }
}

// What one lane hands to another before it says that it is quiet is seen by the other in the
// second of two rounds.
bool Engine::Parts::wait_until_quiet(Time deadline) {
  int quiet_rounds = 0;
  while (quiet_rounds < 2) {
    if (common.clock.now() >= deadline) return false;
    if (all_quiet(deadline)) {
      ++quiet_rounds;
    } else {
      quiet_rounds = 0;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the store works
    }
  }
  return true;
}

// Asks every lane. Shared with the tasks, which may outlive the question.
bool Engine::Parts::all_quiet(Time deadline) {
  struct Poll {
    std::mutex mutex;
    std::condition_variable answered;
    size_t missing;
    bool quiet = true;
  };
  auto poll = std::make_shared<Poll>();
  poll->missing = common.lanes.size();
  for (const auto& lane : common.lanes) {
    lane->run_task([lane = lane.get(), poll] {
      const bool quiet = lane->quiet();
      const std::lock_guard lock(poll->mutex);
      poll->quiet = poll->quiet && quiet;
      if (--poll->missing == 0) poll->answered.notify_one();
    });
  }
  std::unique_lock lock(poll->mutex);
  const Duration left = std::clamp<Duration>(deadline - common.clock.now(), 0, kOpenMax);
  return poll->answered.wait_for(lock, std::chrono::milliseconds(left), [&] {
    return poll->missing == 0;
  }) && poll->quiet;
}

// ---- submit ----

void Engine::submit(Operation&& operation) {
  Lane::Common& common = parts_->common;
  const uint16_t shards = common.config.shards;
  if (const auto* create = std::get_if<CreateSpace>(&operation.what);
      create && create->policy.shard >= shards) {
    Answer answer;
    answer.reply = operation.reply;
    answer.status =
        invalid(fmt::format("create space \"{}\": there is no shard {}, this server has {}: 0 to "
                            "{}; ask for one of them or start it with more",
                            create->name, create->policy.shard, shards, shards - 1),
                "shard");
    return parts_->answer(std::move(answer));
  }
  if (shards == 1) return common.lanes[0]->submit(std::move(operation), 0);

  const std::string* space = space_of(operation);
  const auto& what = operation.what;
  if (!space && (std::holds_alternative<ListSpaces>(what) || std::holds_alternative<Stats>(what) ||
                 std::holds_alternative<Cancel>(what) || std::holds_alternative<Blocked>(what) ||
                 std::holds_alternative<ListHolds>(what))) {
    return parts_->ask_every_shard(std::move(operation));
  }
  if (Status status = parts_->check_one_shard(operation, space); !status.ok()) {
    Answer answer;
    answer.reply = operation.reply;
    answer.status = std::move(status);
    return parts_->answer(std::move(answer));
  }
  if (const TransactionId transaction = transaction_of(operation); transaction != 0) {
    return submit_to(static_cast<uint16_t>(transaction >> kTransactionShardShift),
                     std::move(operation));
  }
  // Where a space is to be is settled on the lane of shard 0.
  const bool creates = std::holds_alternative<CreateSpace>(what);
  const uint16_t shard = space && !creates ? common.directory.find(*space) : 0;
  submit_to(shard, std::move(operation));
}

void Engine::submit_to(uint16_t shard, Operation&& operation) {
  TS_CHECK(shard < parts_->common.config.shards);
  parts_->lane_of_shard(shard).submit(std::move(operation), shard);
}

void Engine::Parts::answer(Answer answer) {
  if (answer.reply.receiver == 0) return;
  Lane& lane = *common.lanes[Lane::lane_of(answer.reply.receiver)];
  std::vector<Answer> answers;
  answers.push_back(std::move(answer));
  lane.answer(answers);
}

// What happens at one instant happens in one shard.
Status Engine::Parts::check_one_shard(const Operation& operation, const std::string* space) const {
  const TransactionId transaction = transaction_of(operation);
  if (space == nullptr) {
    if (transaction >> kTransactionShardShift < common.config.shards) return {};
    return invalid(fmt::format("{} is no transaction of this server", transaction), "transaction");
  }
  const uint16_t shard = common.directory.find(*space);
  for (const std::string* other : further_spaces_of(operation)) {
    if (const uint16_t there = common.directory.find(*other); there != shard) {
      return {Code::kFailedPrecondition,
              fmt::format("space \"{}\" is in shard {} and \"{}\" in shard {}; what happens at one "
                          "instant needs spaces of one shard",
                          *space, shard, *other, there),
              {"shard", false, false}};
    }
  }
  if (transaction != 0 && transaction >> kTransactionShardShift != shard) {
    return {Code::kFailedPrecondition,
            fmt::format("transaction {} is in shard {} and space \"{}\" in shard {}; a transaction "
                        "needs spaces of one shard",
                        transaction, transaction >> kTransactionShardShift, *space, shard),
            {"shard", false, false}};
  }
  return {};
}

void Engine::Parts::ask_every_shard(Operation operation) {
  if (operation.reply.receiver != 0) {
    Lane& asker = *common.lanes[Lane::lane_of(operation.reply.receiver)];
    operation.reply = {asker.gather_id(), asker.begin_gather(operation.reply)};
  }
  for (uint16_t shard = 1; shard < common.config.shards; ++shard) {
    lane_of_shard(shard).submit(Operation(operation), shard);
  }
  lane_of_shard(0).submit(std::move(operation), 0);
}

// ---- the rest ----

uint64_t Engine::add_receiver(size_t lane, Receiver* receiver) {
  return parts_->common.lanes[lane]->add_receiver(receiver);
}

void Engine::forget_receiver(uint64_t id) {
  parts_->common.lanes[Lane::lane_of(id)]->forget_receiver(id);
}

void Engine::run_on(size_t lane, std::function<void()> task) {
  parts_->common.lanes[lane]->run_task(std::move(task));
}

uint16_t Engine::shards() const { return parts_->common.config.shards; }
size_t Engine::lanes() const { return parts_->common.lanes.size(); }
uint64_t Engine::incarnation() const { return parts_->record.incarnation; }
Time Engine::now() const { return parts_->common.clock.now(); }

std::vector<std::pair<std::string, uint64_t>> Engine::figures() const {
  Lane::Figures sum{};
  for (const auto& lane : parts_->common.lanes) {
    const Lane::Figures figures = lane->figures();
    for (size_t at = 0; at < sum.size(); ++at) sum[at] += figures[at];
  }
  static constexpr std::array<const char*, Lane::kFigures> kNames = {
      "lane_rounds",  "lane_operations",  "lane_answers",      "lane_answers_dropped",
      "lane_batches", "lane_batch_bytes", "lane_syncs_wanted", "lane_forwarded",
      "lane_refused", "lane_held_up",     "lane_wakes"};
  std::vector<std::pair<std::string, uint64_t>> figures;
  for (size_t at = 0; at < sum.size(); ++at) figures.emplace_back(kNames[at], sum[at]);
  const Watermarks marks = parts_->progress->marks();
  figures.emplace_back("store_batches_written", marks.written);
  figures.emplace_back("store_batches_synced", marks.synced);
  figures.emplace_back("incarnation", incarnation());
  return figures;
}

}  // namespace tuplespace
