// What frame.cc, frame_coordination.cc and remote_watch.cc share of the wire format.
//
// Errors:  what cannot be read is INTERNAL, naming what it was.
// Threads: any (functions of their arguments).
#pragma once

#include <string>
#include <string_view>

#include "clients/cpp/backend.h"
#include "tuplespace/tuple/protobuf.h"

namespace tuplespace::client {

// Appends field `field` as the message that `write` appends.
template <typename Write>
void append_message(std::string& out, uint32_t field, Write write) {
  protobuf::append_varint(out, protobuf::tag_of(field, protobuf::kLength));
  const size_t length_at = out.size();
  out.push_back(0);  // the length, most often below 128
  write();
  const size_t length = out.size() - length_at - 1;
  if (length < 0x80) {
    out[length_at] = static_cast<char>(length);
    return;
  }
  char buffer[10];
  const size_t digits = protobuf::put_varint(buffer, length) - buffer;
  out.replace(length_at, 1, buffer, digits);
}

Status unreadable(const char* what);

// Reads a message Found.
Status read_found(std::string_view bytes, const Limits& limits, FoundTuple& found);

// What few reads and takes ask for.
void encode_take_extras(const TakeOptions& options, std::string& request);

// Appends the request of a verb behind kScan.
void encode_coordination(const Ask& ask, std::string& request);

// Reads the answer to one; `tag` is that of the field of message Answer. What is unknown is passed
// over.
Status read_coordination(uint32_t tag, std::string_view bytes, const Limits& limits, Reply& reply);

}  // namespace tuplespace::client
