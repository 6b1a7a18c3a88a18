#include "tests/crash/loop_disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace tuplespace::crash {
namespace {

constexpr unsigned long kShutdown = _IOR('X', 125, uint32_t);
constexpr uint32_t kWithoutLogFlush = 2;
constexpr off_t kImageBytes = off_t{1} << 30;  // sparse

Status failed(const std::string& what) {
  return {Code::kFailedPrecondition, what + ": " + std::strerror(errno)};
}

// Runs a command; its output is part of the error.
Status run(const std::string& command) {
  std::FILE* output = ::popen((command + " 2>&1").c_str(), "r");
  if (output == nullptr) return failed(command);
  std::string text;
  char line[256];
  while (std::fgets(line, sizeof line, output) != nullptr) text += line;
  if (::pclose(output) == 0) return {};
  return {Code::kFailedPrecondition, fmt::format("{}: {}", command, text)};
}

}  // namespace

Status enter_mount_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) return failed("cannot make a mount namespace (needs root)");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return failed("cannot make the mounts private");
  }
  return {};
}

Result<std::unique_ptr<LoopDisk>> LoopDisk::make(const std::string& kind,
                                                 const std::string& directory) {
  const std::string image = directory + "/" + kind + ".image";
  const std::string mounted = directory + "/" + kind;
  std::error_code error;
  std::filesystem::create_directories(mounted, error);
  const int fd = ::open(image.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed("cannot make " + image);
  const bool sized = ::ftruncate(fd, kImageBytes) == 0;
  ::close(fd);
  if (!sized) return failed("cannot make " + image);
  TS_RETURN_IF_ERROR(
      run(fmt::format("mkfs.{} -q {} '{}'", kind, kind == "xfs" ? "-f" : "-F", image)));
  std::unique_ptr<LoopDisk> disk(new LoopDisk(image, mounted));
  TS_RETURN_IF_ERROR(disk->mount());
  return disk;
}

LoopDisk::~LoopDisk() { ::umount2(mounted_.c_str(), MNT_DETACH); }

Status LoopDisk::mount() { return run(fmt::format("mount -o loop '{}' '{}'", image_, mounted_)); }

Status LoopDisk::cut_power() {
  const int fd = ::open(mounted_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("cannot open " + mounted_);
  uint32_t how = kWithoutLogFlush;
  const bool cut = ::ioctl(fd, kShutdown, &how) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return cut ? Status() : failed("cannot cut the power of " + mounted_);
}

Status LoopDisk::mount_again() {
  if (::umount(mounted_.c_str()) != 0) return failed("cannot unmount " + mounted_);
  return mount();
}

}  // namespace tuplespace::crash
