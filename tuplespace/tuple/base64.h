// Base64 with padding (RFC 4648), how JSON carries bytes.
//
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>

namespace tuplespace {

void append_base64(std::string_view bytes, std::string& out);

// Returns false if `text` is not what append_base64() writes.
bool decode_base64(std::string_view text, std::string& bytes);

}  // namespace tuplespace
