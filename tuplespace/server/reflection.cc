#include "tuplespace/server/reflection.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "tuplespace/server/rpc.h"

namespace tuplespace {
namespace {

namespace reflection = grpc::reflection::v1alpha;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;

// Appends `file` after all that it imports.
void add_file(const FileDescriptor& file, std::set<const FileDescriptor*>& added,
              reflection::FileDescriptorResponse& response) {
  if (!added.insert(&file).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) {
    add_file(*file.dependency(i), added, response);
  }
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  response.add_file_descriptor_proto(proto.SerializeAsString());
}

void set_not_found(const std::string& what, reflection::ServerReflectionResponse& response) {
  response.mutable_error_response()->set_error_code(static_cast<int>(Code::kNotFound));
  response.mutable_error_response()->set_error_message(what);
}

void set_file(const FileDescriptor* file, const std::string& asked,
              reflection::ServerReflectionResponse& response) {
  if (file == nullptr) return set_not_found(fmt::format("nothing is named {}", asked), response);
  std::set<const FileDescriptor*> added;
  add_file(*file, added, *response.mutable_file_descriptor_response());
}

void set_services(reflection::ListServiceResponse& response) {
  std::set<std::string_view> names;
  for (const Method& method : methods()) {
    const std::string_view path = method.name;
    names.insert(path.substr(1, path.rfind('/') - 1));
  }
  for (const std::string_view name : names) response.add_service()->set_name(std::string(name));
}

void answer(const reflection::ServerReflectionRequest& request,
            reflection::ServerReflectionResponse& response) {
  using Request = reflection::ServerReflectionRequest;
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      return set_file(pool.FindFileByName(request.file_by_filename()), request.file_by_filename(),
                      response);
    case Request::kFileContainingSymbol:
      return set_file(pool.FindFileContainingSymbol(request.file_containing_symbol()),
                      request.file_containing_symbol(), response);
    case Request::kListServices: return set_services(*response.mutable_list_services_response());
    case Request::kFileContainingExtension:
    case Request::kAllExtensionNumbersOfType:
      return set_not_found("these files use no extensions", response);
    case Request::MESSAGE_REQUEST_NOT_SET: break;
  }
  response.mutable_error_response()->set_error_code(static_cast<int>(Code::kInvalidArgument));
  response.mutable_error_response()->set_error_message("the request asks for nothing known");
}

}  // namespace

Reflection::Reflection(Service& service, Stream& stream) : service_(service), stream_(stream) {
  stream_.read();
}

void Reflection::on_message(std::string_view bytes) {
  reflection::ServerReflectionRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return finish(invalid("not a ServerReflectionRequest"));
  }
  reflection::ServerReflectionResponse response;
  answer(request, response);
  stream_.write(response.SerializeAsString());
}

void Reflection::on_written() { stream_.read(); }

void Reflection::on_reads_end() { finish({}); }

void Reflection::on_broken() { service_.retire(this); }

void Reflection::finish(const Status& status) {
  stream_.finish(status);
  service_.retire(this);
}

}  // namespace tuplespace
