// Holds, atomic, collect, watch and the questions of administrators, as any gRPC client sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/local_server.h"
#include "tests/integration/wire_client.h"

namespace tuplespace::integration {
namespace {

constexpr int kOk = 0;
constexpr int kInvalidArgument = 3;
constexpr int kFailedPrecondition = 9;
constexpr int kAborted = 10;

struct Coordination : testing::Test {
  // Takes ("job", ?int) under a hold.
  v1::Found hold(int64_t hold_ms = 30'000) {
    v1::InRequest request;
    request.set_space("jobs");
    *request.mutable_template_() = wanted("job", v1::TYPE_INT);
    request.set_wait_ms(0);
    request.set_hold_ms(hold_ms);
    v1::InResponse response;
    EXPECT_TRUE(client->call("tuplespace.v1.TupleSpace/In", request, response).ok());
    return response.tuples_size() == 1 ? response.tuples(0) : v1::Found();
  }
  Outcome settle(uint64_t token, v1::Settlement settlement) {
    v1::SettleRequest request;
    request.set_space("jobs");
    request.set_token(token);
    request.set_settlement(settlement);
    v1::SettleResponse response;
    return client->call("tuplespace.v1.TupleSpace/Settle", request, response);
  }
  template <typename Request, typename Response>
  Response ask(const std::string& method, const Request& request, int code = kOk) {
    Response response;
    const Outcome outcome = client->call(method, request, response);
    EXPECT_EQ(outcome.code, code) << outcome.message;
    return response;
  }

  LocalServer server;
  std::unique_ptr<WireClient> client = std::make_unique<WireClient>(server.address());
};

TEST_F(Coordination, AHoldIsSettledOnceAndALateSettleIsRefused) {
  client->out("jobs", tuple("job", 7));
  const v1::Found held = hold();
  ASSERT_GT(held.token(), 0u);
  EXPECT_EQ(client->count("jobs", wanted("job", v1::TYPE_INT)).held(), 1u);

  EXPECT_EQ(settle(held.token(), v1::SETTLEMENT_DONE).code, kOk);
  const Outcome late = settle(held.token(), v1::SETTLEMENT_DONE);
  EXPECT_EQ(late.code, kFailedPrecondition);
  EXPECT_EQ(late.problem->bound(), "token");
  EXPECT_EQ(settle(held.token(), v1::SETTLEMENT_UNSPECIFIED).code, kInvalidArgument);
}

TEST_F(Coordination, AHoldSurvivesARestartOfTheServer) {
  client->out("jobs", tuple("job", 7));
  const v1::Found held = hold();
  server.restart();
  client = std::make_unique<WireClient>(server.address());

  EXPECT_EQ(settle(held.token(), v1::SETTLEMENT_BACK).code, kOk);
  const v1::Found again = hold();
  EXPECT_EQ(again.attempt(), 1u);
  EXPECT_GT(again.token(), held.token());
}

TEST_F(Coordination, SettlingAndTheResultAreOneInstant) {
  client->out("jobs", tuple("job", 7));
  const v1::Found held = hold();
  v1::AtomicRequest request;
  v1::Alternative& steps = *request.add_alternatives();
  v1::SettleRequest& settled = *steps.add_steps()->mutable_settle();
  settled.set_space("jobs");
  settled.set_token(held.token());
  settled.set_settlement(v1::SETTLEMENT_DONE);
  v1::OutStep& result = *steps.add_steps()->mutable_out();
  result.set_space("results");
  set(*result.add_fields()->mutable_value(), "done");
  set(*result.add_fields()->mutable_value(), 49);
  request.set_wait_ms(0);

  const auto did =
      ask<v1::AtomicRequest, v1::AtomicResponse>("tuplespace.v1.TupleSpace/Atomic", request);
  ASSERT_EQ(did.results_size(), 2);
  EXPECT_GT(did.results(1).id(), 0u);
  EXPECT_EQ(found_int(client->rd("results", wanted("done", v1::TYPE_INT))), 49);
  EXPECT_EQ(client->count("jobs", wanted("job", v1::TYPE_INT)).held(), 0u);
  ask<v1::AtomicRequest, v1::AtomicResponse>("tuplespace.v1.TupleSpace/Atomic", request,
                                             kFailedPrecondition);
}

TEST_F(Coordination, ACounterIsAnAtomicWithAReference) {
  client->out("counters", tuple("n", 41));
  v1::AtomicRequest request;
  v1::Alternative& steps = *request.add_alternatives();
  v1::TakeStep& take = *steps.add_steps()->mutable_in();
  take.set_space("counters");
  *take.mutable_template_() = wanted("n", v1::TYPE_INT);
  take.mutable_template_()->mutable_fields(1)->set_name("n");
  v1::OutStep& out = *steps.add_steps()->mutable_out();
  out.set_space("counters");
  set(*out.add_fields()->mutable_value(), "n");
  v1::Reference& reference = *out.add_fields()->mutable_reference();
  reference.set_name("n");
  reference.set_add(1);

  ask<v1::AtomicRequest, v1::AtomicResponse>("tuplespace.v1.TupleSpace/Atomic", request);
  EXPECT_EQ(found_int(client->rd("counters", wanted("n", v1::TYPE_INT))), 42);
}

TEST_F(Coordination, ATransactionHappensWholeOrNotAtAll) {
  client->out("jobs", tuple("job", 7));
  for (const bool commits : {false, true}) {
    v1::BeginRequest begin;
    begin.set_space("jobs");
    begin.set_ttl_ms(20'000);
    const auto begun =
        ask<v1::BeginRequest, v1::BeginResponse>("tuplespace.v1.Transactions/Begin", begin);
    EXPECT_EQ(begun.ttl_ms(), 20'000);
    v1::InRequest in;
    in.set_space("jobs");
    *in.mutable_template_() = wanted("job", v1::TYPE_INT);
    in.set_transaction(begun.transaction());
    EXPECT_EQ(found_int(ask<v1::InRequest, v1::InResponse>("tuplespace.v1.TupleSpace/In", in)), 7);
    v1::OutRequest out;
    out.set_space("results");
    *out.mutable_tuple() = tuple("done", 49);
    out.set_transaction(begun.transaction());
    ask<v1::OutRequest, v1::OutResponse>("tuplespace.v1.TupleSpace/Out", out);
    EXPECT_EQ(found_int(client->rd("results", wanted("done", v1::TYPE_INT))), -1);

    const std::string method = commits ? "Commit" : "Abort";
    v1::CommitRequest end;  // an AbortRequest looks the same
    end.set_transaction(begun.transaction());
    ask<v1::CommitRequest, v1::CommitResponse>("tuplespace.v1.Transactions/" + method, end);
    ask<v1::CommitRequest, v1::CommitResponse>("tuplespace.v1.Transactions/" + method, end,
                                               kAborted);
    EXPECT_EQ(found_int(client->rd("results", wanted("done", v1::TYPE_INT))), commits ? 49 : -1);
    EXPECT_EQ(found_int(client->rd("jobs", wanted("job", v1::TYPE_INT))), commits ? -1 : 7);
  }
}

TEST_F(Coordination, CollectMovesAndCopyCollectCopies) {
  for (int i = 0; i < 3; ++i) client->out("from", tuple("x", i));
  v1::CollectRequest request;
  request.set_space("from");
  request.set_into("into");
  *request.mutable_template_() = wanted("x", v1::TYPE_INT);
  using Collected = v1::CollectResponse;
  EXPECT_EQ(
      (ask<v1::CollectRequest, Collected>("tuplespace.v1.TupleSpace/CopyCollect", request)).count(),
      3u);
  EXPECT_EQ(
      (ask<v1::CollectRequest, Collected>("tuplespace.v1.TupleSpace/Collect", request)).count(),
      3u);
  EXPECT_EQ(client->count("into", wanted("x", v1::TYPE_INT)).ready(), 6u);
  EXPECT_EQ(client->count("from", wanted("x", v1::TYPE_INT)).ready(), 0u);
}

TEST_F(Coordination, AWatcherIsShownWhatIsThereAndToldWhatHappens) {
  client->out("jobs", tuple("job", 1));
  const auto stream = client->stream("tuplespace.v1.TupleSpace/Watch");
  v1::WatchRequest request;
  request.set_space("jobs");
  *request.mutable_template_() = wanted("job", v1::TYPE_INT);
  request.set_snapshot(true);
  ASSERT_TRUE(stream->send(request));
  std::vector<std::pair<v1::EventKind, int64_t>> told;
  bool complete = false;
  const auto listen = [&](size_t events) {
    v1::WatchResponse news;
    while (told.size() < events || !complete) {
      if (!stream->receive(news)) return;
      complete = complete || news.snapshot_end();
      for (const v1::Event& event : news.events()) {
        told.emplace_back(event.kind(), event.tuple().tuple().fields(1).int_value());
      }
    }
  };
  listen(1);
  client->out("jobs", tuple("job", 2));
  client->in("jobs", wanted("job", 2));
  listen(3);

  EXPECT_THAT(told, testing::ElementsAre(std::pair(v1::EVENT_OUT, 1), std::pair(v1::EVENT_OUT, 2),
                                         std::pair(v1::EVENT_IN, 2)));
  stream->cancel();
}

// What is not taken is bounded: what does not fit is told as a gap, never left out in silence.
class SlowWatcher : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(, SlowWatcher, testing::Bool(), [](const auto& info) {
  return info.param ? std::string("InItsSnapshot") : std::string("Live");
});

TEST_P(SlowWatcher, IsToldOfAGapAndSlowsNobody) {
  constexpr int kTuples = 200;  // of 64 KiB: more than lies in all the buffers on the way
  LocalServer server([](Config& config) { config.watch_bytes_max = 64 << 10; });
  WireClient client(server.address());
  const auto put_all = [&] {
    for (int i = 0; i < kTuples; ++i) {
      ASSERT_TRUE(client.out("s", tuple(std::string(64 << 10, 'x'), i)).ok());
    }
  };
  v1::WatchRequest request;
  request.set_space("s");
  *request.mutable_template_() = wanted(v1::TYPE_STRING, v1::TYPE_INT);
  request.set_snapshot(GetParam());
  if (GetParam()) put_all();
  const auto slow = client.stream("tuplespace.v1.TupleSpace/Watch");
  const auto fast = client.stream("tuplespace.v1.TupleSpace/Watch");
  ASSERT_TRUE(slow->send(request));
  request.set_snapshot(false);
  ASSERT_TRUE(fast->send(request));
  v1::WatchResponse news;
  ASSERT_TRUE(fast->receive(news));
  if (!GetParam()) {
    ASSERT_TRUE(slow->receive(news)) << "it hears that it watches";
  }
  const int all = GetParam() ? 1 : kTuples + 1;
  auto seen_by_fast = std::async(std::launch::async, [&] {
    v1::WatchResponse heard;
    int seen = 0;
    while (seen < all && fast->receive(heard) && !heard.has_gap()) seen += heard.events_size();
    return seen;
  });
  if (!GetParam()) put_all();
  ASSERT_TRUE(client.out("s", tuple("last", kTuples)).ok());
  EXPECT_EQ(seen_by_fast.get(), all);

  int seen = 0;
  int gaps = 0;
  while (gaps == 0 && seen <= kTuples && slow->receive(news)) {
    seen += news.events_size();
    if (!news.has_gap()) continue;
    ++gaps;
    EXPECT_LT(news.gap().from(), news.gap().to());
    EXPECT_EQ(news.gap().from() == 0, GetParam());
  }
  EXPECT_EQ(gaps, 1) << seen << " events came";
  // Behind the gap nothing is missing any more.
  ASSERT_TRUE(client.out("s", tuple("behind", kTuples + 1)).ok());
  bool behind = false;
  while (!behind && slow->receive(news)) {
    for (const v1::Event& event : news.events()) {
      behind = behind || event.tuple().tuple().fields(1).int_value() == kTuples + 1;
    }
  }
  EXPECT_TRUE(behind);
  slow->cancel();
  fast->cancel();
}

TEST_F(Coordination, PeopleSeeWhoWaitsWhoHoldsAndWhyNothingMatches) {
  client->out("jobs", tuple("job", 7));
  client->out("jobs", tuple("job", 2.5));
  const v1::Found held = hold();
  v1::InRequest in;
  in.set_space("jobs");
  *in.mutable_template_() = wanted("job", v1::TYPE_INT);
  v1::InResponse taken;
  const auto waiting = client->start("tuplespace.v1.TupleSpace/In", in, taken);
  client->await_waiters(1);

  const auto blocked = ask<v1::BlockedRequest, v1::BlockedResponse>("tuplespace.v1.Admin/Blocked",
                                                                    v1::BlockedRequest());
  ASSERT_EQ(blocked.waits_size(), 1);
  EXPECT_EQ(blocked.waits(0).what(), "in (\"job\", ?int)");
  v1::ExplainRequest why;
  why.set_space("jobs");
  *why.mutable_template_() = wanted("job", v1::TYPE_INT);
  const auto explained =
      ask<v1::ExplainRequest, v1::ExplainResponse>("tuplespace.v1.Admin/Explain", why);
  EXPECT_EQ(explained.held(), 1u);
  ASSERT_GE(explained.near_size(), 1);
  EXPECT_THAT(explained.near(0).text(), testing::HasSubstr("float"));

  v1::ReleaseRequest release;
  release.set_space("jobs");
  release.set_token(held.token());
  ask<v1::ReleaseRequest, v1::ReleaseResponse>("tuplespace.v1.Admin/Release", release);
  EXPECT_TRUE(waiting->wait().ok());
  EXPECT_EQ(found_int(taken), 7);
}

TEST_F(Coordination, ASessionOfANameFencesTheOlderOne) {
  v1::OpenRequest request;
  request.set_name("consumer");
  using Opened = v1::OpenResponse;
  const auto first = ask<v1::OpenRequest, Opened>("tuplespace.v1.Sessions/Open", request);
  const auto second = ask<v1::OpenRequest, Opened>("tuplespace.v1.Sessions/Open", request);
  EXPECT_GT(second.fence(), first.fence());

  v1::KeepAliveRequest keep;
  keep.set_session(first.session());
  keep.set_secret(first.secret());
  v1::KeepAliveResponse kept;
  EXPECT_FALSE(client->call("tuplespace.v1.Sessions/KeepAlive", keep, kept).ok());
}

}  // namespace
}  // namespace tuplespace::integration
