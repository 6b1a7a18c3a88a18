#include "tuplespace/server/rpc.h"

#include "tuplespace/server/admin.h"
#include "tuplespace/server/health.h"
#include "tuplespace/server/look.h"
#include "tuplespace/server/reflection.h"
#include "tuplespace/server/session_stream.h"
#include "tuplespace/server/sessions.h"
#include "tuplespace/server/watch_stream.h"

namespace tuplespace {
namespace {

constexpr auto kUnary = Method::Kind::kUnary;
constexpr auto kWaiting = Method::Kind::kWaiting;
constexpr auto kStream = Method::Kind::kStream;

// How many accepts are open at once: those that come in bursts have more.
constexpr int kMany = 32;
constexpr int kSome = 4;
constexpr int kFew = 1;

template <Verb kVerb>
void operate(Service& service, UnaryCall& call) {
  service.operate(call, kVerb);
}

template <typename Handler>
std::unique_ptr<StreamHandler> make(Service& service, Stream& stream) {
  return std::make_unique<Handler>(service, stream);
}

constexpr Method kMethods[] = {
    {"/tuplespace.v1.TupleSpace/Out", kUnary, kMany},
    {"/tuplespace.v1.TupleSpace/In", kWaiting, kMany},
    {"/tuplespace.v1.TupleSpace/Rd", kWaiting, kMany},
    {"/tuplespace.v1.TupleSpace/Count", kUnary, kSome},
    {"/tuplespace.v1.TupleSpace/Scan", kUnary, kSome},
    {"/tuplespace.v1.TupleSpace/Settle", kUnary, kMany},
    {"/tuplespace.v1.TupleSpace/Collect", kUnary, kFew},
    {"/tuplespace.v1.TupleSpace/CopyCollect", kUnary, kFew},
    {"/tuplespace.v1.TupleSpace/Atomic", kWaiting, kMany},
    {"/tuplespace.v1.TupleSpace/Watch", kStream, kFew},
    {"/tuplespace.v1.TupleSpace/Renew", kUnary, kSome},
    {"/tuplespace.v1.TupleSpace/Cancel", kUnary, kFew},
    {"/tuplespace.v1.Transactions/Begin", kUnary, kSome},
    {"/tuplespace.v1.Transactions/Commit", kUnary, kSome},
    {"/tuplespace.v1.Transactions/Abort", kUnary, kSome},
    {"/tuplespace.v1.Sessions/Open", kUnary, kSome},
    {"/tuplespace.v1.Sessions/KeepAlive", kUnary, kSome},
    {"/tuplespace.v1.Sessions/Close", kUnary, kSome},
    {"/tuplespace.v1.Sessions/Stream", kStream, kSome},
    {"/tuplespace.v1.Admin/CreateSpace", kUnary, kFew},
    {"/tuplespace.v1.Admin/DropSpace", kUnary, kFew},
    {"/tuplespace.v1.Admin/ListSpaces", kUnary, kFew},
    {"/tuplespace.v1.Admin/DescribeSpace", kUnary, kFew},
    {"/tuplespace.v1.Admin/Stats", kUnary, kFew},
    {"/tuplespace.v1.Admin/Blocked", kUnary, kFew},
    {"/tuplespace.v1.Admin/Holds", kUnary, kFew},
    {"/tuplespace.v1.Admin/Release", kUnary, kFew},
    {"/tuplespace.v1.Admin/Explain", kUnary, kFew},
    {"/tuplespace.v1.Admin/ListSessions", kUnary, kFew},
    {"/tuplespace.v1.Admin/EndSession", kUnary, kFew},
    {"/grpc.health.v1.Health/Check", kUnary, kFew},
    {"/grpc.health.v1.Health/Watch", kStream, kFew},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kStream, kFew},
};

constexpr Rpc kRpcs[] = {
    {operate<Verb::kOut>, nullptr},
    {operate<Verb::kIn>, nullptr},
    {operate<Verb::kRd>, nullptr},
    {operate<Verb::kCount>, nullptr},
    {operate<Verb::kScan>, nullptr},
    {operate<Verb::kSettle>, nullptr},
    {operate<Verb::kCollect>, nullptr},
    {operate<Verb::kCopyCollect>, nullptr},
    {operate<Verb::kAtomic>, nullptr},
    {nullptr, make<WatchStream>},
    {operate<Verb::kRenew>, nullptr},
    {operate<Verb::kCancel>, nullptr},
    {operate<Verb::kBegin>, nullptr},
    {operate<Verb::kCommit>, nullptr},
    {operate<Verb::kAbort>, nullptr},
    {open_session, nullptr},
    {keep_session_alive, nullptr},
    {close_session, nullptr},
    {nullptr, make<SessionStream>},
    {create_space, nullptr},
    {drop_space, nullptr},
    {list_spaces, nullptr},
    {describe_space, nullptr},
    {stats, nullptr},
    {blocked, nullptr},
    {list_holds, nullptr},
    {release_hold, nullptr},
    {explain, nullptr},
    {list_sessions, nullptr},
    {end_session, nullptr},
    {check_health, nullptr},
    {nullptr, make<HealthWatch>},
    {nullptr, make<Reflection>},
};
static_assert(std::size(kMethods) == std::size(kRpcs));

}  // namespace

std::span<const Method> methods() { return kMethods; }
const Rpc& rpc(size_t method) { return kRpcs[method]; }

}  // namespace tuplespace
