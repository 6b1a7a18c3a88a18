#include "tuplespace/server/admin.h"

#include <fmt/format.h>

#include "tuplespace/server/listener.h"
#include "tuplespace/server/request.h"
#include "tuplespace/v1/admin.pb.h"

namespace tuplespace {
namespace {

Result<Policy> policy_of(const v1::Policy& wire) {
  Policy policy;
  if (wire.durability() < 0 || wire.durability() > v1::DURABILITY_MEMORY) {
    return invalid(fmt::format("policy.durability is {}; 0 to 3 are known",
                               static_cast<int>(wire.durability())),
                   "durability");
  }
  if (wire.durability() != v1::DURABILITY_DEFAULT) {
    policy.durability = static_cast<Durability>(wire.durability());
  }
  switch (wire.order()) {
    case v1::ORDER_DEFAULT:
    case v1::ORDER_OLDEST: policy.order = Order::kOldest; break;
    case v1::ORDER_NEWEST: policy.order = Order::kNewest; break;
    case v1::ORDER_RANDOM: policy.order = Order::kRandom; break;
    default:
      return invalid("policy.order is none of ORDER_OLDEST, ORDER_NEWEST, ORDER_RANDOM", "order");
  }
  if (wire.shard() >= EngineConfig::kShardsMax) {
    return invalid(
        fmt::format("policy.shard is {}; it is below the server's --shards", wire.shard()),
        "shard");
  }
  policy.shard = static_cast<uint16_t>(wire.shard());
  policy.tuples_max = wire.tuples_max();
  policy.tuple_bytes_max = wire.tuple_bytes_max();
  policy.deliveries_max = wire.deliveries_max();
  policy.history = wire.history();
  if (wire.deadlock() < 0 || wire.deadlock() > v1::DEADLOCK_FAIL) {
    return invalid(
        fmt::format("policy.deadlock is {}; 0 to 2 are known", static_cast<int>(wire.deadlock())),
        "deadlock");
  }
  policy.deadlock = static_cast<Deadlock>(wire.deadlock());
  policy.ttl = wire.ttl_ms();
  policy.bound = wire.bound();
  policy.collected = wire.collected();
  return policy;
}

void set_info(const SpaceInfo& info, v1::SpaceInfo& wire) {
  wire.set_name(info.name);
  v1::Policy& policy = *wire.mutable_policy();
  if (info.policy.durability) {
    policy.set_durability(static_cast<v1::Durability>(*info.policy.durability));
  }
  policy.set_shard(info.policy.shard);
  policy.set_order(static_cast<v1::Order>(info.policy.order));
  policy.set_tuples_max(info.policy.tuples_max);
  policy.set_tuple_bytes_max(info.policy.tuple_bytes_max);
  policy.set_deliveries_max(info.policy.deliveries_max);
  policy.set_history(info.policy.history);
  policy.set_deadlock(static_cast<v1::Deadlock>(info.policy.deadlock));
  policy.set_ttl_ms(info.policy.ttl);
  policy.set_bound(info.policy.bound);
  policy.set_collected(info.policy.collected);
  wire.set_ready(info.ready);
  wire.set_held(info.held);
  wire.set_delayed(info.delayed);
  wire.set_waiters(info.waiters);
  wire.set_bytes(info.bytes);
  for (const IndexInfo& index : info.indexes) {
    v1::IndexInfo& added = *wire.add_indexes();
    added.set_question(index.question);
    added.set_keys(index.keys);
    added.set_building(index.building);
  }
}

// The figures of the server itself, over all lanes.
void add_server_figures(Service& service, google::protobuf::Map<std::string, uint64_t>& counters) {
  static constexpr const char* kNames[] = {"server_unary_calls",    "server_unary_cancelled",
                                           "server_streams_opened", "server_frames_received",
                                           "server_frames_sent",    "server_stream_operations",
                                           "server_streams",        "server_unary_in_flight"};
  static_assert(std::size(kNames) == static_cast<size_t>(Counted::kEnd));
  for (const auto& of_lane : service.common().services) {
    for (size_t at = 0; at < std::size(kNames); ++at) {
      counters[kNames[at]] += of_lane->counted(static_cast<Counted>(at));
    }
  }
  counters["server_connections"] = service.common().listener.connections();
  counters["server_connections_refused"] = service.common().listener.refused();
}

}  // namespace

void create_space(Service& service, UnaryCall& call) {
  v1::CreateSpaceRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  if (const Status status = check_space_name(request.name(), "name"); !status.ok())
    return call.fail(status);
  const Result<Policy> policy = policy_of(request.policy());
  if (!policy.ok()) return call.fail(policy.status());
  Operation create;
  create.what = CreateSpace{request.name(), *policy, request.owner().session()};
  create.caller.secret = request.owner().secret();
  if (request.has_owner() && request.owner().secret().empty()) {
    return call.fail({Code::kPermissionDenied,
                      "owner: the session's secret is missing",
                      {"secret", false, false}});
  }
  service.ask_for(call, std::move(create), [&service](UnaryCall& asker, Answer& answer) {
    const auto& created = std::get<CreateAnswer>(answer.what);
    v1::CreateSpaceResponse response;
    response.set_created(created.created);
    set_info(created.space, *response.mutable_space());
    service.reply(asker, response);
  });
}

void drop_space(Service& service, UnaryCall& call) {
  v1::DropSpaceRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  if (const Status status = check_space_name(request.name(), "name"); !status.ok())
    return call.fail(status);
  Operation drop;
  drop.what = DropSpace{request.name()};
  service.ask_for(call, std::move(drop), [&service](UnaryCall& asker, Answer& answer) {
    v1::DropSpaceResponse response;
    response.set_tuples(std::get<DropAnswer>(answer.what).tuples);
    service.reply(asker, response);
  });
}

void list_spaces(Service& service, UnaryCall& call) {
  v1::ListSpacesRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  Operation list;
  list.what = ListSpaces{request.prefix(), {}};
  service.ask_for(call, std::move(list), [&service](UnaryCall& asker, Answer& answer) {
    v1::ListSpacesResponse response;
    for (const SpaceInfo& info : std::get<ListAnswer>(answer.what).spaces) {
      set_info(info, *response.add_spaces());
    }
    service.reply(asker, response);
  });
}

void describe_space(Service& service, UnaryCall& call) {
  v1::DescribeSpaceRequest request;
  if (const Status status = parse(call.request(), request); !status.ok()) return call.fail(status);
  if (const Status status = check_space_name(request.name(), "name"); !status.ok())
    return call.fail(status);
  Operation list;
  list.what = ListSpaces{{}, request.name()};
  service.ask_for(call, std::move(list), [&service](UnaryCall& asker, Answer& answer) {
    const auto& spaces = std::get<ListAnswer>(answer.what).spaces;
    TS_CHECK(spaces.size() == 1);
    v1::SpaceInfo response;
    set_info(spaces.front(), response);
    service.reply(asker, response);
  });
}

void stats(Service& service, UnaryCall& call) {
  Operation ask;
  ask.what = Stats{};
  service.ask_for(call, std::move(ask), [&service](UnaryCall& asker, Answer& answer) {
    v1::StatsResponse response;
    response.set_version(TUPLESPACE_VERSION);
    response.set_incarnation(service.engine().incarnation());
    response.set_uptime_ms(service.engine().now() - service.common().started);
    auto& counters = *response.mutable_counters();
    for (const auto& [name, value] : std::get<StatsAnswer>(answer.what).counters) {
      counters[name] = value;
    }
    for (const auto& [name, value] : service.engine().figures()) counters[name] = value;
    add_server_figures(service, counters);
    service.reply(asker, response);
  });
}

}  // namespace tuplespace
