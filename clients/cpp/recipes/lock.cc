#include "tuplespace/recipes/lock.h"

#include <utility>

#include "tuplespace/tuple/text.h"

namespace tuplespace::client::recipes {
namespace {

constexpr uint32_t kEqualMax = 1'000;  // locks of one owner that held() looks through

// Puts `kind` as a lock: an atomic that ends in an out.
Result<Lock> take(Connection& connection, const std::string& space, Atomic free,
                  const Result<Tuple>& tuple, std::optional<milliseconds> wait) {
  if (!tuple.ok()) return tuple.status();
  free.out(space, *tuple, {.bound = true});
  const Result<Did> did = connection.atomic(free, {wait});
  if (!did.ok()) return did.status();
  return Lock(connection, space, *tuple, did->steps.back().id);
}

}  // namespace

Lock::Lock(Connection connection, const std::string& space, Tuple tuple, uint64_t id)
    : space_(connection.space(space)), tuple_(std::move(tuple)), id_(id) {}

Lock::Lock(Lock&& other) noexcept
    : space_(other.space_), tuple_(other.tuple_), id_(std::exchange(other.id_, 0)) {}

Lock& Lock::operator=(Lock&& other) noexcept {
  std::swap(space_, other.space_);
  std::swap(tuple_, other.tuple_);
  std::swap(id_, other.id_);
  return *this;
}

Lock::~Lock() { (void)release(); }

Result<bool> Lock::held() {
  if (id_ == 0) return false;
  const auto found =
      space_.rd_many(Template::exactly(tuple_), kEqualMax, {.wait = milliseconds(0)});
  if (found.status().code() == Code::kDeadlineExceeded) return false;
  if (!found.ok()) return found.status();
  for (const Match& match : *found) {
    if (match.id() == id_) return true;
  }
  return false;
}

Status Lock::release() {
  if (id_ == 0) return {};
  return space_.cancel(Lease::tuple(std::exchange(id_, 0)));
}

// ---- mutex ----

Mutex::Mutex(Connection connection, std::string space, std::string name)
    : connection_(std::move(connection)), space_(std::move(space)), name_(std::move(name)) {}

Result<Lock> Mutex::lock(std::string_view owner, std::optional<milliseconds> wait) {
  const Arguments named{{"name", name_}, {"owner", std::string(owner)}};
  const auto any = parse_template("('mutex', $name, ?)", named);
  if (!any.ok()) return any.status();
  return take(connection_, space_, Atomic().none(space_, *any),
              parse_tuple("('mutex', $name, $owner)", named), wait);
}

Result<std::optional<Lock>> Mutex::try_lock(std::string_view owner) {
  Result<Lock> taken = lock(owner, milliseconds(0));
  if (taken.ok()) return std::optional<Lock>(*std::move(taken));
  if (taken.status().code() == Code::kDeadlineExceeded) return std::optional<Lock>();
  return taken.status();
}

// ---- semaphore ----

Semaphore::Semaphore(Connection connection, std::string space, std::string name, uint64_t permits)
    : connection_(std::move(connection)),
      space_(std::move(space)),
      name_(std::move(name)),
      permits_(permits) {}

Result<Lock> Semaphore::acquire(std::string_view owner, std::optional<milliseconds> wait) {
  const Arguments named{{"name", name_}, {"owner", std::string(owner)}};
  const auto any = parse_template("('permit', $name, ?)", named);
  if (!any.ok()) return any.status();
  return take(connection_, space_, Atomic().fewer_than(permits_, space_, *any),
              parse_tuple("('permit', $name, $owner)", named), wait);
}

// ---- readers and writers ----

ReadWriteLock::ReadWriteLock(Connection connection, std::string space, std::string name)
    : connection_(std::move(connection)), space_(std::move(space)), name_(std::move(name)) {}

Result<Lock> ReadWriteLock::read(std::string_view owner, std::optional<milliseconds> wait) {
  const Arguments named{{"name", name_}, {"owner", std::string(owner)}};
  const auto writing = parse_template("('writing'|'wants to write', $name, ?)", named);
  if (!writing.ok()) return writing.status();
  return take(connection_, space_, Atomic().none(space_, *writing),
              parse_tuple("('reading', $name, $owner)", named), wait);
}

// New readers stay out from the moment on when he wants; he writes when those inside have left.
Result<Lock> ReadWriteLock::write(std::string_view owner, std::optional<milliseconds> wait) {
  const Arguments named{{"name", name_}, {"owner", std::string(owner)}};
  const auto inside = parse_template("('reading'|'writing', $name, ?)", named);
  const auto wants = parse_tuple("('wants to write', $name, $owner)", named);
  if (!inside.ok()) return inside.status();
  if (!wants.ok()) return wants.status();
  Space space = connection_.space(space_);
  const Result<Placed> wanted = space.out(*wants, {.bound = true});
  if (!wanted.ok()) return wanted.status();
  Result<Lock> taken = take(connection_, space_, Atomic().none(space_, *inside),
                            parse_tuple("('writing', $name, $owner)", named), wait);
  (void)space.cancel(Lease::tuple(wanted->id));
  return taken;
}

}  // namespace tuplespace::client::recipes
