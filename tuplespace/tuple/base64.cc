#include "tuplespace/tuple/base64.h"

#include <cstdint>

namespace tuplespace {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

void append_base64(std::string_view bytes, std::string& out) {
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view three = bytes.substr(at, 3);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < three.size() ? static_cast<uint8_t>(three[i]) : 0);
    }
    for (size_t i = 0; i < 4; ++i) {
      out += i <= three.size() ? kDigits[bits >> (18 - 6 * i) & 0x3f] : '=';
    }
  }
}

bool decode_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  if (text.size() % 4 != 0) return false;
  for (size_t at = 0; at < text.size(); at += 4) {
    std::string_view four = text.substr(at, 4);
    if (at + 4 == text.size()) {
      if (four.ends_with('=')) four.remove_suffix(1);
      if (four.ends_with('=')) four.remove_suffix(1);
    }
    if (four.size() < 2) return false;
    uint32_t bits = 0;
    for (const char c : four) {
      const size_t digit = kDigits.find(c);
      if (digit == std::string_view::npos) return false;
      bits = bits << 6 | static_cast<uint32_t>(digit);
    }
    bits <<= 6 * (4 - four.size());
    const size_t count = four.size() - 1;
    for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(bits >> (16 - 8 * i));
    if ((bits & (0xffffffu >> (8 * count))) != 0) return false;  // bits that belong to no byte
  }
  return true;
}

}  // namespace tuplespace
