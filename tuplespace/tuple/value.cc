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

}  // namespace tuplespace
