#include "clients/cpp/embedded.h"

#include <thread>
#include <utility>

#include "clients/cpp/operations.h"
#include "tuplespace/store/memory_store.h"
#include "tuplespace/store/rocksdb_store.h"

namespace tuplespace::client {

namespace {

// True if the session must know the operation: it holds something for it, or something lasts as
// long as the session does.
bool is_numbered(const Ask& ask) {
  if (ask.verb == Verb::kOut) {
    return ask.out.bound || ask.out.until_taken || ask.out.transaction != 0;
  }
  if (ask.verb == Verb::kRd) return ask.extras != nullptr && ask.extras->take->transaction != 0;
  return is_effect(ask.verb);
}

}  // namespace

// ---- calls ----

// The engine keeps the order of one thread; numbers must arrive in order from all of them, so
// everything goes through the lane's own thread.
void Embedded::send(const Lock&, engine::Operation operation) {
  outbox_.push_back(std::move(operation));
  if (outbox_.size() > 1) return;  // it is on its way to fetch them
  engine_->run_on(0, [this] {
    const Lock inside(mutex_);
    for (engine::Operation& next : std::exchange(outbox_, {})) engine_->submit(std::move(next));
  });
}

void Embedded::submit(const Ask& ask, Waiter& waiter) {
  engine::Operation operation = operation_of(ask);
  Reply refused;
  {
    const Lock lock(mutex_);
    if (closed_) {
      refused.status = {Code::kFailedPrecondition,
                        std::string(verb_name(ask.verb)) + ": the connection is closed"};
    } else if (calls_.size() >= options_.calls_max) {
      refused.status =
          exhausted(std::string(verb_name(ask.verb)) + ": " + std::to_string(calls_.size()) +
                        " calls are under way, which is calls_max; wait for some",
                    "calls_max");
    } else {
      waiter.token_ = ++last_;
      const bool numbered = is_numbered(ask);
      calls_.emplace(last_, Call{&waiter, nullptr, numbered});
      operation.reply = {receiver_, last_};
      if (numbered) operation.caller = {session_, last_, 0, {}};
      send_receipts(lock);  // what was taken before is confirmed before
      send(lock, std::move(operation));
    }
  }
  if (!refused.status.ok()) waiter.on_reply(refused);
}

void Embedded::cancel(Waiter& waiter) {
  const Lock lock(mutex_);
  const auto call = calls_.find(waiter.token_);
  if (closed_ || call == calls_.end()) return;
  engine::Operation cancel;
  if (call->second.numbered) {
    cancel.what = engine::Cancel{session_, waiter.token_, {}};
  } else {
    cancel.what = engine::Cancel{0, 0, {receiver_, waiter.token_}};
  }
  send(lock, std::move(cancel));
}

void Embedded::await(const Waiter& waiter, Instant deadline) {
  Lock lock(mutex_);
  const auto done = [&] { return waiter.done(); };
  if (deadline == kNoInstant) {
    told_.wait(lock, done);
  } else {
    told_.wait_for(lock, std::chrono::microseconds(deadline - steady_now()), done);
  }
}

void Embedded::on_answer(engine::Answer&& answer) {
  Lock lock(mutex_);
  if (const auto watch = watches_.find(answer.reply.token); watch != watches_.end()) {
    const std::shared_ptr<WatchQueue> queue = watch->second;
    lock.unlock();
    return queue->on_answer(std::move(answer));
  }
  const auto found = calls_.find(answer.reply.token);
  if (found == calls_.end()) return;
  const Call call = found->second;
  const uint64_t number = found->first;
  calls_.erase(found);
  Reply reply = reply_of(answer, call.numbered ? Ticket{1, number} : Ticket());
  if (call.answer != nullptr) *call.answer = std::move(answer);
  lock.unlock();
  {
    const Telling telling;
    const Receive receipt = call.waiter->on_reply(reply);
    lock.lock();
    if (call.numbered) receive(lock, number, receipt);
  }
  told_.notify_all();
}

void Embedded::receive(const Lock&, uint64_t number, Receive receive) {
  if (receive == Receive::kKeep || closed_) return;
  const bool first = confirmed_.empty() && returned_.empty();
  (receive == Receive::kConfirm ? confirmed_ : returned_).push_back({number, number});
  if (!first) return;
  engine_->run_on(0, [this] {
    const Lock inside(mutex_);
    send_receipts(inside);
  });
}

void Embedded::send_receipts(const Lock& lock) {
  if (confirmed_.empty() && returned_.empty()) return;
  engine::Operation confirm;
  confirm.what = engine::Confirm{
      session_, {}, true, std::exchange(confirmed_, {}), std::exchange(returned_, {})};
  send(lock, std::move(confirm));
}

Status Embedded::settle(Ticket ticket, bool give_back) {
  if (ticket.number == 0) return {};
  const Lock lock(mutex_);
  if (closed_) return {Code::kAborted, "the connection is closed; the tuple went back"};
  receive(lock, ticket.number, give_back ? Receive::kGiveBack : Receive::kConfirm);
  return {};
}

// ---- beginning and end ----

// The engines with a directory that are open. When the process ends they are closed before the
// static objects that RocksDB rests on are gone; it is not enough that the program dropped them,
// which in a callback is done by another thread.
//
// Threads: any.
class OpenDirectories {
 public:
  // Never destroyed: a static Connection may go after it. Requires: the first call comes after
  // RocksDB's first, so that its static objects outlive `at_exit`.
  static OpenDirectories& instance() {
    static OpenDirectories& directories = *new OpenDirectories;
    static const struct AtExit {
      ~AtExit() { directories.close(); }
    } at_exit;
    return directories;
  }

  void add(const std::shared_ptr<Embedded>& opened) {
    const std::lock_guard lock(mutex_);
    open_[opened.get()] = opened;
  }

  void remove(Embedded* deleted) {
    const std::lock_guard lock(mutex_);
    open_.erase(deleted);
    changed_.notify_all();
  }

 private:
  void close() {
    std::vector<std::shared_ptr<Embedded>> closed;
    std::unique_lock lock(mutex_);
    for (const auto& [address, open] : open_) {
      if (auto kept = open.lock()) closed.push_back(std::move(kept));
    }
    lock.unlock();
    for (const auto& open : closed) (void)open->close();
    lock.lock();  // the others are being deleted
    changed_.wait(lock, [&] { return open_.size() <= closed.size(); });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<Embedded*, std::weak_ptr<Embedded>> open_;
};

Result<std::shared_ptr<Backend>> Embedded::open(const std::string& path,
                                                const ConnectOptions& options) {
  std::unique_ptr<Embedded> started(new Embedded(options));
  TS_RETURN_IF_ERROR(started->start(path));
  const bool listed = !path.empty();
  const auto end = [listed](Embedded* dropped) {
    delete dropped;
    if (listed) OpenDirectories::instance().remove(dropped);
  };
  // Dropped in a callback, it must not wait for the thread that it is on.
  const std::shared_ptr<Embedded> opened(started.release(), [end](Embedded* dropped) {
    if (Telling::here()) {
      std::thread(end, dropped).detach();
    } else {
      end(dropped);
    }
  });
  if (listed) OpenDirectories::instance().add(opened);
  return std::shared_ptr<Backend>(opened);
}

Status Embedded::start(const std::string& path) {
  EngineConfig config;
  config.shard.durability =
      durability_of(options_.durability == Durability::kDefault
                        ? (path.empty() ? Durability::kMemory : Durability::kSync)
                        : options_.durability);
  config.shard.operations_max = options_.calls_max;  // all calls are of one session
  if (path.empty()) {
    store_ = std::make_unique<MemoryStore>();
  } else {
    RocksDbOptions rocksdb;
    rocksdb.path = path;
    Result<std::unique_ptr<RocksDbStore>> store = RocksDbStore::open(rocksdb);
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
  }
  const Duration ttl = options_.session_ttl.count() > 0 ? options_.session_ttl.count()
                                                        : config.shard.session_ttl_min;
  Result<std::unique_ptr<Engine>> opened = Engine::open(std::move(config), *store_, clock_);
  if (!opened.ok()) return opened.status();
  engine_ = *std::move(opened);
  receiver_ = engine_->add_receiver(0, this);
  engine_->start();

  engine::Operation open;
  open.what = engine::OpenSession{ttl, kSecret, true, options_.name, options_.participant};
  const Result<engine::Answer> answer = ask(std::move(open));
  if (!answer.ok()) return answer.status();
  session_ = std::get<engine::SessionAnswer>(answer->what).session;
  fence_ = std::get<engine::SessionAnswer>(answer->what).fence;
  return {};
}

Status Embedded::close() {
  TS_RETURN_IF_ERROR(may_wait());
  std::vector<Waiter*> waiters;
  {
    const Lock lock(mutex_);
    if (closed_) return {};
    if (engine_ == nullptr) return store_ == nullptr ? Status() : store_->close();
    send_receipts(lock);
    for (const auto& [token, call] : calls_) waiters.push_back(call.waiter);
    calls_.clear();
    for (const auto& [token, queue] : watches_) {
      queue->end({Code::kCancelled, "the connection was closed"});
    }
  }
  {
    const Telling telling;
    for (Waiter* const waiter : waiters) {
      Reply reply;
      reply.status = {Code::kCancelled, "the connection was closed"};
      (void)waiter->on_reply(reply);
    }
  }
  told_.notify_all();
  engine::Operation end;
  end.what = engine::CloseSession{session_, {}, true, {}};
  const Status ended = session_ == 0 ? Status() : ask(std::move(end)).status();
  {
    const Lock lock(mutex_);
    closed_ = true;
  }
  engine_->stop(engine_->now() + options_.timeout.count());
  const Status closed = store_->close();
  return ended.ok() ? closed : ended;
}

}  // namespace tuplespace::client

extern "C" void tuplespace_open_embedded(
    const std::string& path, const tuplespace::client::ConnectOptions& options,
    tuplespace::Result<std::shared_ptr<tuplespace::client::Backend>>& opened) {
  opened = tuplespace::client::Embedded::open(path, options);
}
