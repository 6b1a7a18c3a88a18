#include "clients/cli/line_reader.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tuplespace::cli {

bool LineReader::next() {
  size_t searched = begin_;
  while (true) {
    const size_t newline = buffer_.find('\n', searched);
    if (newline != std::string::npos) {
      line_ = std::string_view(buffer_).substr(begin_, newline - begin_);
      begin_ = newline + 1;
      ++number_;
      return true;
    }
    if (buffer_.size() - begin_ > kLineMax) {
      status_ = invalid(
          fmt::format("line {} is longer than {} bytes; split it", number_ + 1, kLineMax), "line");
      return false;
    }
    const size_t kept = buffer_.size() - begin_;
    if (!fill()) break;
    searched = begin_ + kept;
  }
  if (!status_.ok() || begin_ == buffer_.size()) return false;
  line_ = std::string_view(buffer_).substr(begin_);
  begin_ = buffer_.size();
  ++number_;
  return true;
}

// Reads more behind what is left. False: there is no more.
bool LineReader::fill() {
  constexpr size_t kChunk = 256 << 10;
  if (over_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  pollfd watched[2] = {{fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  while (poll(watched, 2, -1) < 0 && errno == EINTR) {
  }
  if (watched[1].revents != 0) {
    over_ = true;
    buffer_.clear();  // half a line is none
    return false;
  }
  const size_t size = buffer_.size();
  buffer_.resize(size + kChunk);
  const ssize_t got = read(fd_, buffer_.data() + size, kChunk);
  buffer_.resize(size + std::max<ssize_t>(got, 0));
  if (got < 0) status_ = {Code::kUnavailable, fmt::format("standard input: {}", strerror(errno))};
  over_ = got <= 0;
  return !over_;
}

}  // namespace tuplespace::cli
