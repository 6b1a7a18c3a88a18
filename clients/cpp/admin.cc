#include "clients/cpp/admin.h"

#include "clients/cpp/admin_call.h"
#include "tuplespace/raw/admin.pb.h"

namespace tuplespace::client {
namespace {

namespace proto = ::tuplespace::v1::raw;

proto::Policy to_proto(const Policy& policy) {
  proto::Policy message;
  message.set_durability(static_cast<proto::Durability>(policy.durability));
  message.set_shard(policy.shard);
  message.set_order(static_cast<proto::Order>(policy.order));
  message.set_tuples_max(policy.tuples_max);
  message.set_tuple_bytes_max(policy.tuple_bytes_max);
  message.set_deliveries_max(policy.deliveries_max);
  message.set_history(policy.history);
  message.set_deadlock(static_cast<proto::Deadlock>(policy.deadlock));
  message.set_ttl_ms(policy.ttl.count());
  message.set_bound(policy.bound);
  message.set_collected(policy.collected);
  return message;
}

Policy from_proto(const proto::Policy& message) {
  Policy policy;
  policy.durability = static_cast<Durability>(message.durability());
  policy.shard = message.shard();
  policy.order = static_cast<Order>(message.order());
  policy.tuples_max = message.tuples_max();
  policy.tuple_bytes_max = message.tuple_bytes_max();
  policy.deliveries_max = message.deliveries_max();
  policy.history = message.history();
  policy.deadlock = static_cast<Deadlock>(message.deadlock());
  policy.ttl = milliseconds(message.ttl_ms());
  policy.bound = message.bound();
  policy.collected = message.collected();
  return policy;
}

SpaceInfo from_proto(const proto::SpaceInfo& message) {
  SpaceInfo info;
  info.name = message.name();
  info.policy = from_proto(message.policy());
  info.ready = message.ready();
  info.held = message.held();
  info.delayed = message.delayed();
  info.waiters = message.waiters();
  info.bytes = message.bytes();
  for (const proto::IndexInfo& index : message.indexes()) {
    info.indexes.push_back({index.question(), index.keys(), index.building()});
  }
  return info;
}

}  // namespace

Result<bool> Admin::create(const std::string& name, const Policy& policy, uint64_t session,
                           const std::string& secret) const {
  proto::CreateSpaceRequest request;
  request.set_name(name);
  if (policy.bound || policy.collected) {
    request.mutable_owner()->set_session(session);
    request.mutable_owner()->set_secret(secret);
  }
  *request.mutable_policy() = to_proto(policy);
  proto::CreateSpaceResponse response;
  TS_RETURN_IF_ERROR(call_admin(target_, patience_, "CreateSpace", request, response));
  return response.created();
}

Result<uint64_t> Admin::drop(const std::string& name) const {
  proto::DropSpaceRequest request;
  request.set_name(name);
  proto::DropSpaceResponse response;
  TS_RETURN_IF_ERROR(call_admin(target_, patience_, "DropSpace", request, response));
  return uint64_t{response.tuples()};
}

Result<std::vector<SpaceInfo>> Admin::list(const std::string& prefix) const {
  proto::ListSpacesRequest request;
  request.set_prefix(prefix);
  proto::ListSpacesResponse response;
  TS_RETURN_IF_ERROR(call_admin(target_, patience_, "ListSpaces", request, response));
  std::vector<SpaceInfo> spaces;
  for (const proto::SpaceInfo& space : response.spaces()) spaces.push_back(from_proto(space));
  return spaces;
}

Result<SpaceInfo> Admin::describe(const std::string& name) const {
  proto::DescribeSpaceRequest request;
  request.set_name(name);
  proto::SpaceInfo response;
  TS_RETURN_IF_ERROR(call_admin(target_, patience_, "DescribeSpace", request, response));
  return from_proto(response);
}

Result<ServerStats> Admin::stats() const {
  proto::StatsResponse response;
  TS_RETURN_IF_ERROR(call_admin(target_, patience_, "Stats", proto::StatsRequest(), response));
  ServerStats stats;
  stats.version = response.version();
  stats.incarnation = response.incarnation();
  stats.uptime = milliseconds(response.uptime_ms());
  stats.counters.assign(response.counters().begin(), response.counters().end());
  std::sort(stats.counters.begin(), stats.counters.end());
  return stats;
}

}  // namespace tuplespace::client
