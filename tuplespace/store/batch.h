// Batch is what one commit changes: an ordered list of puts and erases in one buffer.
//
// Threads: any (a value; moved from the lane to the store).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tuplespace {

// How far a batch has to have come before somebody is answered.
enum class Mark : uint8_t {
  kNone,     // nothing to wait for
  kWritten,  // survives a crash of this process
  kSynced,   // survives power loss
};

class Batch {
 public:
  enum class Kind : uint8_t { kPut = 1, kErase = 2, kEraseRange = 3 };

  struct Change {
    Kind kind;
    std::string_view key;
    std::string_view value;  // kPut: the value. kEraseRange: the first key not erased
  };

  void put(std::string_view key, std::string_view value) { add(Kind::kPut, key, value); }
  void erase(std::string_view key) { add(Kind::kErase, key, {}); }
  void erase_range(std::string_view from, std::string_view to) { add(Kind::kEraseRange, from, to); }

  bool empty() const { return changes_ == 0; }
  size_t changes() const { return changes_; }
  size_t bytes() const { return buffer_.size(); }
  void clear() {
    buffer_.clear();
    changes_ = 0;
  }

  // Calls visit(Change) for each change, in order.
  template <typename Visit>
  void for_each(Visit visit) const {
    const char* at = buffer_.data();
    const char* const end = at + buffer_.size();
    while (at < end) {
      const Header header = load(at);
      at += sizeof(Header);
      const std::string_view key(at, header.key);
      const std::string_view value(at + header.key, header.value);
      at += header.key + header.value;
      visit(Change{header.kind, key, value});
    }
  }

 private:
  struct Header {
    uint32_t key;
    uint32_t value;
    Kind kind;
  };

  static Header load(const char* at) {
    Header header;
    __builtin_memcpy(&header, at, sizeof header);
    return header;
  }

  void add(Kind kind, std::string_view key, std::string_view value) {
    Header header;
    __builtin_memset(&header, 0, sizeof header);
    header.key = static_cast<uint32_t>(key.size());
    header.value = static_cast<uint32_t>(value.size());
    header.kind = kind;
    buffer_.append(reinterpret_cast<const char*>(&header), sizeof header);
    buffer_.append(key);
    buffer_.append(value);
    ++changes_;
  }

  std::string buffer_;
  size_t changes_ = 0;
};

}  // namespace tuplespace
