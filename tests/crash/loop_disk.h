// LoopDisk is a file system of its own, in an image file, whose power can be cut: what was not
// synced is gone when it is mounted again.
//
// The cut is the ioctl FS_IOC_SHUTDOWN without flushing the log: from that moment nothing reaches
// the image, neither data nor the journal. It is mounted in a mount namespace of this process, and
// goes away with it.
//
// Threads: enter_mount_namespace() before others are started; else the one that made it.
// Errors:  needs root, loop devices and the mkfs of the file system.
#pragma once

#include <memory>
#include <string>

#include "tuplespace/status.h"

namespace tuplespace::crash {

// From now on mounts of this process and its children are seen by nobody else.
Status enter_mount_namespace();

class LoopDisk {
 public:
  // `kind` is "ext4" or "xfs". The image is made in `directory`, and mounted there.
  static Result<std::unique_ptr<LoopDisk>> make(const std::string& kind,
                                                const std::string& directory);
  ~LoopDisk();
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;

  const std::string& path() const { return mounted_; }

  Status cut_power();
  // After a cut, when nobody has a file open any more.
  Status mount_again();

 private:
  LoopDisk(std::string image, std::string mounted)
      : image_(std::move(image)), mounted_(std::move(mounted)) {}
  Status mount();

  const std::string image_;
  const std::string mounted_;
};

}  // namespace tuplespace::crash
