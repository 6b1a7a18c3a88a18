#include "tuplespace/tuple/value.h"

namespace tuplespace {

const char* type_name(Type type) {
  switch (type) {
    case Type::kAny: return "any";
    case Type::kNull: return "null";
    case Type::kBool: return "bool";
    case Type::kInt: return "int";
    case Type::kFloat: return "float";
    case Type::kString: return "string";
    case Type::kBytes: return "bytes";
    case Type::kList: return "list";
    case Type::kMap: return "map";
    case Type::kSpace: return "space";
  }
  return "?";
}

std::optional<Type> type_of_name(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Type::kSpace); ++i) {
    if (name == type_name(static_cast<Type>(i))) return static_cast<Type>(i);
  }
  return {};
}

}  // namespace tuplespace
