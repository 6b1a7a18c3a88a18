#include "tuplespace/space/atomic_answer.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace tuplespace {
namespace {

enum Kind : uint8_t { kNothing, kHeldTuple, kWholeTuple, kId, kCount };

template <typename Integer>
void put(std::string& out, Integer value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}

class Taker {
 public:
  explicit Taker(std::string_view left) : left_(left) {}

  template <typename Integer>
  Integer integer() {
    Integer value{};
    std::memcpy(&value, bytes(sizeof value).data(), ok_ ? sizeof value : 0);
    return value;
  }
  std::string_view bytes(size_t count) {
    ok_ = ok_ && count <= left_.size();
    if (!ok_) return {};
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  bool ok() const { return ok_; }
  bool complete() const { return ok_ && left_.empty(); }

 private:
  std::string_view left_;
  bool ok_ = true;
};

void spell(const Found& found, std::string& out) {
  put(out, found.id);
  put(out, found.attempt);
  put(out, found.token);
  put(out, static_cast<uint32_t>(found.tuple.arity()));
  put(out, static_cast<uint32_t>(found.tuple.bytes().size()));
  out += found.tuple.bytes();
}

Found read_found(Taker& taker) {
  Found found;
  found.id = taker.integer<Sequence>();
  found.attempt = taker.integer<uint32_t>();
  found.token = taker.integer<Token>();
  const auto arity = taker.integer<uint32_t>();
  const std::string_view bytes = taker.bytes(taker.integer<uint32_t>());
  if (taker.ok()) found.tuple = Tuple::from_canonical(bytes, arity);
  return found;
}

}  // namespace

std::string spell_atomic(const AtomicAnswer& answer, const std::vector<Sequence>& held) {
  std::string out;
  put(out, answer.alternative);
  put(out, static_cast<uint32_t>(answer.steps.size()));
  for (const StepAnswer& step : answer.steps) {
    if (step.found && std::find(held.begin(), held.end(), step.found->id) != held.end()) {
      put(out, kHeldTuple);
      put(out, step.found->id);
    } else if (step.found) {
      put(out, kWholeTuple);
      spell(*step.found, out);
    } else if (step.id != 0) {
      put(out, kId);
      put(out, step.id);
    } else if (step.count != 0) {
      put(out, kCount);
      put(out, step.count);
    } else {
      put(out, kNothing);
    }
  }
  return out;
}

bool read_atomic(std::string_view detail, AtomicAnswer& answer, std::vector<size_t>& held) {
  Taker taker(detail);
  answer.alternative = taker.integer<uint32_t>();
  for (auto steps = taker.integer<uint32_t>(); steps > 0 && taker.ok(); --steps) {
    StepAnswer& step = answer.steps.emplace_back();
    switch (taker.integer<uint8_t>()) {
      case kNothing: break;
      case kHeldTuple:
        held.push_back(answer.steps.size() - 1);
        step.found = Found{};
        step.found->id = taker.integer<Sequence>();
        break;
      case kWholeTuple: step.found = read_found(taker); break;
      case kId: step.id = taker.integer<Sequence>(); break;
      case kCount: step.count = taker.integer<uint64_t>(); break;
      default: return false;
    }
  }
  return taker.complete();
}

}  // namespace tuplespace
