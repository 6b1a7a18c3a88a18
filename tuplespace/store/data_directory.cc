#include "tuplespace/store/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>

namespace tuplespace {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "tuplespace data directory";
constexpr std::string_view kVersion = TUPLESPACE_VERSION;

Status failed(const std::string& what, int error) {
  return {Code::kUnavailable, what + ": " + std::strerror(error)};
}

Status sync_path(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return failed("cannot open " + path, errno);
  const bool synced = ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  return synced ? Status() : failed("cannot sync " + path, error);
}

Status write_synced(const std::string& path, std::string_view text) {
  const std::string draft = path + ".new";
  {
    std::ofstream file(draft, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) return failed("cannot write " + draft, errno);
  }
  TS_RETURN_IF_ERROR(sync_path(draft, O_RDONLY));
  if (std::rename(draft.c_str(), path.c_str()) != 0) return failed("cannot write " + path, errno);
  return sync_path(fs::path(path).parent_path().string(), O_RDONLY | O_DIRECTORY);
}

// 0 if `text` is no number.
uint32_t version_number(const std::string& text) {
  return static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
}

std::string hex(uint64_t bits) { return fmt::format("{:016x}", bits); }

}  // namespace

RootRecord RootRecord::fresh() {
  std::random_device entropy;
  const auto word = [&] { return uint64_t{entropy()} << 32 | entropy(); };
  RootRecord root;
  root.created_by = kVersion;
  root.store = hex(word()) + hex(word());
  return root;
}

std::string RootRecord::text() const {
  return fmt::format("{}\nformat {}\nreadable-by {}\ncreated-by {}\nstore {}\n", kMagic, format,
                     readable_by, created_by, store);
}

Result<RootRecord> RootRecord::parse(std::string_view text, const std::string& where) {
  std::istringstream lines{std::string(text)};
  std::string magic;
  std::getline(lines, magic);
  RootRecord root{0, 0, {}, {}};
  std::string key, value;
  while (lines >> key >> value) {  // a later version may add lines
    if (key == "format") root.format = version_number(value);
    if (key == "readable-by") root.readable_by = version_number(value);
    if (key == "created-by") root.created_by = value;
    if (key == "store") root.store = value;
  }
  if (magic != kMagic || root.format == 0 || root.readable_by == 0 || root.store.empty()) {
    return Status(Code::kDataLoss,
                  fmt::format("{} is not a root record of a tuplespace data directory; restore it "
                              "from a backup of the whole directory",
                              where));
  }
  return root;
}

Status RootRecord::check_readable(const std::string& where) const {
  if (readable_by <= kStoreFormat) return {};
  return {Code::kFailedPrecondition,
          fmt::format("{} was written by tuplespaced {} in format {}, which needs a program that "
                      "reads format {}; this is {}, which reads up to format {}: upgrade "
                      "tuplespaced, or name another data directory",
                      where, created_by, format, readable_by, kVersion, kStoreFormat)};
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::open(const std::string& path) {
  std::error_code error;
  if (fs::create_directory(path, error)) {
    const fs::path parent = fs::absolute(path).parent_path();
    TS_RETURN_IF_ERROR(sync_path(parent.string(), O_RDONLY | O_DIRECTORY));
  }
  if (error) {
    return Status(Code::kFailedPrecondition,
                  fmt::format("cannot make the data directory {}: {}", path, error.message()));
  }
  if (!fs::is_directory(path, error)) {
    return Status(Code::kFailedPrecondition,
                  fmt::format("the data directory {} is not a directory; name another one", path));
  }
  std::unique_ptr<DataDirectory> directory(new DataDirectory(path));
  TS_RETURN_IF_ERROR(directory->refuse_foreign());
  TS_RETURN_IF_ERROR(directory->lock());
  TS_RETURN_IF_ERROR(directory->read_root());
  TS_RETURN_IF_ERROR(directory->open_synced());
  return directory;
}

DataDirectory::~DataDirectory() {
  if (synced_fd_ >= 0) ::close(synced_fd_);
  if (lock_fd_ >= 0) ::close(lock_fd_);  // gives up the lock
}

// Without a root record the directory may hold only what an interrupted making leaves.
Status DataDirectory::refuse_foreign() const {
  std::error_code error;
  if (fs::exists(path_ + "/FORMAT", error)) return {};
  constexpr std::string_view kOurs[] = {"LOCK", "FORMAT.new", "SYNCED", "db", "lost+found"};
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    const std::string name = entry.path().filename().string();
    if (std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs)) continue;
    const char* holds = fs::exists(path_ + "/CURRENT", error)
                            ? "holds a RocksDB database of another program"
                            : "is neither empty nor a tuplespace data directory";
    return {Code::kFailedPrecondition,
            fmt::format("{} {} (it has {}, and no FORMAT); nothing was changed: name an empty or "
                        "a new directory",
                        path_, holds, name)};
  }
  if (error) return {Code::kFailedPrecondition, "cannot list " + path_ + ": " + error.message()};
  return {};
}

namespace {

// A server that was just killed keeps its lock until the kernel is done with it: milliseconds.
bool lock_soon(int fd) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    ::usleep(10'000);
  }
  return false;
}

}  // namespace

Status DataDirectory::lock() {
  const std::string name = path_ + "/LOCK";
  lock_fd_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_fd_ < 0) {
    return {Code::kFailedPrecondition,
            fmt::format("cannot open {}: {}; give this user the right to write in {}", name,
                        std::strerror(errno), path_)};
  }
  if (!lock_soon(lock_fd_)) {
    char owner[32] = {};
    const ssize_t length = ::pread(lock_fd_, owner, sizeof owner - 1, 0);
    std::string pid(owner, length > 0 ? static_cast<size_t>(length) : 0);
    pid.erase(pid.find_last_not_of('\n') + 1);
    return {Code::kFailedPrecondition,
            fmt::format("the data directory {} is in use by process {}; end that server, or name "
                        "another directory",
                        path_, pid.empty() ? "(unknown)" : pid)};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_fd_, 0) != 0 ||
      ::pwrite(lock_fd_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return failed("cannot write " + name, errno);
  }
  return {};
}

Status DataDirectory::read_root() {
  const std::string name = path_ + "/FORMAT";
  std::error_code error;
  if (!fs::exists(name, error)) {
    is_new_ = true;
    root_ = RootRecord::fresh();
    return {};
  }
  std::ifstream file(name, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  Result<RootRecord> root = RootRecord::parse(text.str(), name);
  if (!root.ok()) return root.status();
  root_ = *root;
  TS_RETURN_IF_ERROR(root_.check_readable(path_));
  if (root_.format >= kStoreFormat) return {};
  // From now on there may be records in it that older programs would call damaged.
  RootRecord raised = root_;
  raised.format = kStoreFormat;
  raised.readable_by = kStoreReadableBy;
  return write_root(raised);
}

Status DataDirectory::write_root(const RootRecord& root) {
  TS_RETURN_IF_ERROR(write_synced(path_ + "/FORMAT", root.text()));
  root_ = root;
  is_new_ = false;
  return {};
}

Status DataDirectory::open_synced() {
  const std::string name = path_ + "/SYNCED";
  synced_fd_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (synced_fd_ < 0) return failed("cannot open " + name, errno);
  uint64_t seen[2];
  if (::pread(synced_fd_, seen, sizeof seen, 0) == sizeof seen && seen[1] == ~seen[0]) {
    synced_ = seen[0];
  }
  return {};
}

void DataDirectory::note_synced(uint64_t number) {
  const uint64_t note[2] = {number, ~number};
  // A note that cannot be written is an older note: less is known after a crash, nothing false.
  if (::pwrite(synced_fd_, note, sizeof note, 0) == sizeof note) synced_ = number;
}

}  // namespace tuplespace
