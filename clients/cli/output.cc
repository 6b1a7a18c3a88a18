#include "clients/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tuplespace::cli {

void Output::add(std::string_view line) {
  buffer_ += line;
  buffer_ += '\n';
  ends_.push_back(buffer_.size());
}

size_t Output::flush() {
  size_t written = 0;
  while (written < buffer_.size() && error_ == 0) {
    const ssize_t took = write(fd_, buffer_.data() + written, buffer_.size() - written);
    if (took >= 0) {
      written += static_cast<size_t>(took);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  size_t whole = 0;
  while (whole < ends_.size() && ends_[whole] <= written) ++whole;
  buffer_.clear();
  ends_.clear();
  return whole;
}

bool Output::closed() const { return error_ == EPIPE; }

std::string Output::error() const { return strerror(error_); }

}  // namespace tuplespace::cli
