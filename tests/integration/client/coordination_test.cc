// Holds, several at once, atomic, leases and administration; the same for every kind of address.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "tests/integration/client/everywhere.h"
#include "tuplespace/tuple/text.h"

namespace tuplespace::client {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

struct Coordination : Everywhere {
  std::vector<std::string> contents(const std::string& name) {
    std::vector<std::string> tuples;
    EXPECT_TRUE(space(name)
                    .scan("(...)",
                          [&](const Match& match) {
                            tuples.push_back(to_text(match.tuple()));
                            return true;
                          })
                    .ok());
    return tuples;
  }
};
TUPLESPACE_EVERYWHERE(Coordination);

// ---- holds ----

TEST_P(Coordination, AHoldIsSettledOnceAndKnowsItsToken) {
  ASSERT_TRUE(space().out("('job', 7)").ok());
  auto match = space().in("('job', ?)", {.hold = 30s});
  ASSERT_TRUE(match.ok()) << match.status().to_string();
  EXPECT_GT(match->token(), match->id());
  EXPECT_EQ(match->hold(), 30s);
  const auto probe = space().inp("('job', ?)");
  ASSERT_TRUE(probe.ok());
  EXPECT_FALSE(probe->has_value());
  EXPECT_EQ(probe->held, 1u);

  ASSERT_TRUE(match->done().ok());
  const auto late = match->done();
  EXPECT_EQ(late.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(late.status().problem().bound, "token");
  EXPECT_EQ(space().count("(...)")->held, 0u);
}

TEST_P(Coordination, WhoHasTheTokenMaySettle) {
  ASSERT_TRUE(space().out("('job', 7)").ok());
  const auto first = space().in("('job', ?)", {.hold = 30s});
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(space().settle(first->token(), Settlement::back()).ok());

  auto again = space().in("('job', ?)", {.hold = 30s});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->attempt(), 1u);
  EXPECT_GT(again->token(), first->token());
  const auto tail = again->tail();
  ASSERT_TRUE(tail.ok());
  EXPECT_GT(tail->id, again->id());
  auto last = space().in("('job', ?)", {.hold = 30s});
  ASSERT_TRUE(last.ok());
  ASSERT_TRUE(last->back(1h).ok());
  EXPECT_EQ(space().count("(...)")->delayed, 1u);
}

TEST_P(Coordination, ADeadTupleIsALetterThatSaysWhy) {
  ASSERT_TRUE(space().out("('job', 7)").ok());
  auto match = space().in("('job', ?)", {.hold = 30s});
  ASSERT_TRUE(match.ok());
  ASSERT_TRUE(match->dead("no paper").ok());
  EXPECT_THAT(contents("jobs.dead"),
              ElementsAre("(\"dead\", \"jobs\", \"no paper\", 0, [\"job\", 7])"));
}

TEST_P(Coordination, ALeaseIsRenewedAndEnded) {
  ASSERT_TRUE(space().out("('job', 7)").ok());
  auto match = space().in("('job', ?)", {.hold = 30s});
  ASSERT_TRUE(match.ok());
  EXPECT_EQ(*match->renew(1h), 1h);
  ASSERT_TRUE(space().cancel(Lease::hold(match->token())).ok());
  EXPECT_EQ(match->renew(1h).status().code(), Code::kNotFound);

  const auto placed = space().out("('leased')", {.ttl = 1h});
  ASSERT_TRUE(placed.ok());
  EXPECT_EQ(*space().renew(Lease::tuple(placed->id), 2h), 2h);
  ASSERT_TRUE(space().cancel(Lease::tuple(placed->id)).ok());
  EXPECT_FALSE(space().rdp("('leased')")->has_value());
  EXPECT_EQ(space().cancel(Lease::tuple(placed->id)).code(), Code::kNotFound);
}

TEST_P(Coordination, OfAGroupOneIsTakenAtATime) {
  ASSERT_TRUE(space().out_many({"('ann', 1)", "('ann', 2)", "('bob', 3)"}).ok());
  auto first = space().in("(?who:string, ?)", {.hold = 30s, .group = "who"});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ((*first)[1].as_int(), 1);
  const auto second = space().in("(?who:string, ?)", {.hold = 30s, .group = 0});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ((*second)[1].as_int(), 3);
  EXPECT_FALSE(space().inp("(?, ?)", {.hold = 30s, .group = 0})->has_value());
  ASSERT_TRUE(first->done().ok());
  EXPECT_EQ((*space().in("(?, ?)", {.hold = 30s, .group = 0}))[1].as_int(), 2);
}

TEST_P(Coordination, AHoldOfACallerWhoLeftIsGivenBack) {
  ASSERT_TRUE(space().out("('job', 7)").ok());
  for (int round = 0; round < 50; ++round) {
    { const Call<Match> gone = space().in_async("('job', ?)", {.hold = 1h}); }
    const auto match = space().in("('job', ?)", {.wait = 60s, .hold = 1h});
    ASSERT_TRUE(match.ok()) << "round " << round;
    ASSERT_TRUE(space().settle(match->token(), Settlement::back()).ok());
  }
}

// ---- several ----

TEST_P(Coordination, SeveralArePutAtOneInstantOrNone) {
  const auto placed = space().out_many({"('a')", "('b')", "('c')"}, {.ttl = 1h});
  ASSERT_TRUE(placed.ok()) << placed.status().to_string();
  EXPECT_EQ(*placed->ttl, 1h);
  EXPECT_THAT(contents("jobs"), ElementsAre("(\"a\")", "(\"b\")", "(\"c\")"));
  EXPECT_EQ(space().rd("('c')")->id(), placed->id + 2);

  ASSERT_TRUE(connection_->create("small", {.tuples_max = 2}).ok());
  EXPECT_EQ(space("small").out_many({"(1)", "(2)", "(3)"}).status().code(),
            Code::kResourceExhausted);
  EXPECT_EQ(space("small").count("(...)")->ready, 0u);
  EXPECT_THAT(space().out_many({"(1)", "(2"}).status().message(), HasSubstr("column"));
  EXPECT_EQ(space().out_many(std::span<const Tuple>()).status().code(), Code::kInvalidArgument);
}

TEST_P(Coordination, AnyOfSeveralTemplatesSaysWhichMatched) {
  ASSERT_TRUE(space().out("('b', 2)").ok());
  const TemplateArgument further[] = {"('b', ?n:int)", "('c', ?)"};
  const auto match = space().in("('a', ?x:int)", {.any_of = further});
  ASSERT_TRUE(match.ok()) << match.status().to_string();
  EXPECT_EQ(match->matched(), 1u);
  EXPECT_EQ(match->bound("n")->as_int(), 2);
  EXPECT_FALSE(match->bound("x").has_value());
}

TEST_P(Coordination, CollectMovesAndCopies) {
  ASSERT_TRUE(space().out_many({"('a', 1)", "('b', 2)", "('a', 3)"}).ok());
  EXPECT_EQ(space().copy_collect("('a', ?)", "copies")->count, 2u);
  EXPECT_EQ(space().collect("('a', ?)", "moved")->count, 2u);
  EXPECT_THAT(contents("copies"), ElementsAre("(\"a\", 1)", "(\"a\", 3)"));
  EXPECT_THAT(contents("moved"), ElementsAre("(\"a\", 1)", "(\"a\", 3)"));
  EXPECT_THAT(contents("jobs"), ElementsAre("(\"b\", 2)"));
  EXPECT_EQ(space("nowhere").collect("(...)", "moved").status().code(), Code::kNotFound);
}

// ---- out ----

TEST_P(Coordination, UntilTakenSaysWhatBecameOfTheTuple) {
  Call<Placed> taken = space().out_async("('job', 1)", {.until_taken = true});
  ASSERT_TRUE(space().in("('job', ?)").ok());
  EXPECT_EQ(taken.get()->fate, Fate::kTaken);

  Call<Placed> held = space().out_async("('job', 2)", {.until_taken = true});
  auto match = space().in("('job', ?)", {.hold = 30s});
  ASSERT_TRUE(match.ok());
  ASSERT_TRUE(match->back().ok());
  EXPECT_FALSE(held.ready());
  ASSERT_TRUE(space().in("('job', ?)", {.hold = 30s})->done().ok());
  EXPECT_EQ(held.get()->fate, Fate::kTaken);

  Call<Placed> withdrawn = space().out_async("('job', 3)", {.until_taken = true});
  withdrawn.cancel();
  const auto fate = withdrawn.get();
  EXPECT_EQ(fate.ok() ? fate->fate : Fate::kWithdrawn, Fate::kWithdrawn);
  EXPECT_FALSE(space().inp("('job', ?)")->has_value());
}

using SeveralSessions = Everywhere;
TUPLESPACE_ON_SERVERS(SeveralSessions);

TEST_P(SeveralSessions, ABoundTupleVanishesWithItsSession) {
  auto other = connect(address_);
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE(other->space("jobs").out("('here', 'other')", {.bound = true}).ok());
  EXPECT_TRUE(space().rdp("('here', ?)")->has_value());
  ASSERT_TRUE(other->close().ok());
  EXPECT_FALSE(space().rdp("('here', ?)")->has_value());
}

TEST_P(Coordination, OutWaitsForRoomInOrder) {
  const Room room{.counted = "('job', ?)", .below = 2};
  ASSERT_TRUE(space().out_room("('job', 1)", room).ok());
  const auto placed = space().out_room("('job', 2)", room);
  ASSERT_TRUE(placed.ok());
  EXPECT_EQ(space().rd("('job', 2)")->id(), placed->id);
  EXPECT_EQ(space()
                .out_room("('job', 0)", {.counted = "('job', ?)", .below = 2, .wait = 0ms})
                .status()
                .code(),
            Code::kDeadlineExceeded);

  Call<Placed> third = space().out_room_async("('job', 3)", room);
  until_waiting(*connection_, 1);
  Call<Placed> fourth = space().out_room_async("('job', 4)", room);
  until_waiting(*connection_, 2);
  ASSERT_TRUE(space().in("('job', ?)").ok());
  EXPECT_TRUE(third.get().ok());
  EXPECT_FALSE(fourth.ready());
  EXPECT_THAT(contents("jobs"), ElementsAre("(\"job\", 2)", "(\"job\", 3)"));
  ASSERT_TRUE(space().in("('job', ?)").ok());
  EXPECT_TRUE(fourth.get().ok());
}

// ---- atomic ----

TEST_P(Coordination, AnAtomicIsACounter) {
  const Atomic next = Atomic().in("n", "('n', ?n:int)").out("n", "('n', $n+1)");
  const Atomic first =
      Atomic(next).otherwise().none("n", "('n', ?)").out("n", "('n', 1)", {.ttl = 1h});
  const auto begun = connection_->atomic(first);
  ASSERT_TRUE(begun.ok()) << begun.status().to_string();
  EXPECT_EQ(begun->alternative, 1u);
  EXPECT_EQ(begun->steps[1].id, space("n").rd("('n', 1)")->id());

  const auto did = connection_->atomic(first);
  ASSERT_TRUE(did.ok());
  EXPECT_EQ(did->alternative, 0u);
  EXPECT_EQ(did->bound("n")->as_int(), 1);
  EXPECT_EQ((*did)[0][1].as_int(), 1);
  EXPECT_THAT(contents("n"), ElementsAre("(\"n\", 2)"));
}

TEST_P(Coordination, AHoldAndItsResultsAreSettledAtOneInstant) {
  ASSERT_TRUE(space().out("('job', 7)").ok());
  auto job = space().in("('job', ?)", {.hold = 30s});
  ASSERT_TRUE(job.ok());
  const Tuple result = parse_tuple("('result', 49)").value();
  const Atomic finish = Atomic().settle("jobs", job->token()).out("results", result);
  ASSERT_TRUE(connection_->atomic(finish).ok());
  const auto late = connection_->atomic(finish);
  EXPECT_EQ(late.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(contents("results"), ElementsAre("(\"result\", 49)"));
  EXPECT_THAT(contents("jobs"), ElementsAre());
}

TEST_P(Coordination, AnAtomicTakesUnderHolds) {
  ASSERT_TRUE(space().out_many({"('fork', 0)", "('fork', 1)"}).ok());
  auto did = connection_->atomic(
      Atomic().in("jobs", "('fork', 0)", {.hold = 30s}).in("jobs", "('fork', 1)", {.hold = 30s}));
  ASSERT_TRUE(did.ok()) << did.status().to_string();
  EXPECT_EQ(space().count("(...)")->held, 2u);
  ASSERT_TRUE(did->steps[0].found->back().ok());
  ASSERT_TRUE(space().settle((*did)[1].token(), Settlement::back()).ok());
  EXPECT_EQ(space().count("(...)")->ready, 2u);
}

TEST_P(Coordination, AnAtomicWaitsUntilItCanInEveryForm) {
  const Atomic pair = Atomic().in("jobs", "('a', ?x:int)").in("jobs", "('b', $x)");
  EXPECT_EQ(connection_->atomic(pair, {.wait = 5ms}).status().message(),
            "atomic: no alternative could happen within 5 ms");
  EXPECT_FALSE(connection_->try_atomic(pair)->has_value());

  Call<Did> waits = connection_->atomic_async(pair);
  ASSERT_TRUE(space().out_many({"('a', 1)", "('a', 2)"}).ok());
  EXPECT_FALSE(waits.ready());
  ASSERT_TRUE(space().out("('b', 2)").ok());
  const auto did = waits.get();
  ASSERT_TRUE(did.ok());
  EXPECT_EQ(did->bound("x")->as_int(), 2);

  std::latch over(1);
  connection_->atomic_then(pair, {}, [&](Result<Did> done) {
    EXPECT_EQ((*done)[1][1].as_int(), 1);
    over.count_down();
  });
  ASSERT_TRUE(space().out("('b', 1)").ok());
  over.wait();
  EXPECT_THAT(contents("jobs"), ElementsAre());
}

TEST_P(Coordination, AnAtomicSaysWhichStepIsWrong) {
  const auto wrong = [&](const Atomic& atomic) { return connection_->atomic(atomic).status(); };
  EXPECT_THAT(wrong(Atomic().in("jobs", "(1)").in("jobs", "(?strng)")).message(),
              HasSubstr("step 2: column 2"));
  EXPECT_THAT(wrong(Atomic().in("a space", "(1)")).message(), HasSubstr("step 1: space name"));
  EXPECT_EQ(wrong(Atomic().out("jobs", "('n', $x)")).code(), Code::kInvalidArgument);
  EXPECT_EQ(wrong(Atomic()).code(), Code::kInvalidArgument);
}

// ---- administration ----

TEST_P(Coordination, APolicyIsToldAsItWasGiven) {
  const Policy policy{.durability = Durability::kMemory,
                      .order = Order::kNewest,
                      .tuples_max = 9,
                      .tuple_bytes_max = 900,
                      .deliveries_max = 3,
                      .history = 10,
                      .deadlock = Deadlock::kReport,
                      .ttl = 1h,
                      .bound = true,
                      .collected = true};
  ASSERT_TRUE(connection_->create("whole", policy).ok());
  EXPECT_EQ(connection_->describe("whole")->policy, policy);
  ASSERT_TRUE(connection_->close().ok());
}

TEST_P(Coordination, WhoWaitsIsToldAndWhy) {
  ASSERT_TRUE(space().out("('job', 3.0)").ok());
  Call<Match> waits = space().in_async("('job', 3)");
  until_waiting(*connection_, 1);
  const auto blocked = connection_->blocked("jobs");
  ASSERT_TRUE(blocked.ok());
  EXPECT_EQ(blocked->waits.at(0).what, "in (\"job\", 3)");
  EXPECT_EQ(blocked->waits.at(0).session, connection_->session());
  EXPECT_FALSE(blocked->waits.at(0).deadline.has_value());
  EXPECT_FALSE(blocked->deadlock);

  const auto why = connection_->explain("jobs", "('job', 3)");
  ASSERT_TRUE(why.ok()) << why.status().to_string();
  EXPECT_EQ(why->near.at(0).text, "asked int 3; 1 tuple has float 3.0");
  EXPECT_EQ(connection_->explain("none", "(1)").status().code(), Code::kNotFound);
  waits.cancel();
  EXPECT_EQ(waits.get().status().code(), Code::kCancelled);
}

TEST_P(Coordination, WhoHoldsIsToldAndCanBeReleased) {
  ASSERT_TRUE(space().out("('job', 7)").ok());
  const auto match = space().in("('job', ?)", {.hold = 1h});
  ASSERT_TRUE(match.ok());
  const auto holds = connection_->our_holds();
  ASSERT_TRUE(holds.ok());
  ASSERT_EQ(holds->size(), 1u);
  EXPECT_EQ(holds->at(0).token, match->token());
  EXPECT_EQ(holds->at(0).tuple, match->tuple());
  EXPECT_EQ(holds->at(0).session, connection_->session());
  EXPECT_TRUE(holds->at(0).until.has_value());

  ASSERT_TRUE(connection_->release("jobs", match->token()).ok());
  EXPECT_EQ(connection_->release("jobs", match->token()).code(), Code::kNotFound);
  EXPECT_TRUE(connection_->holds()->empty());
  EXPECT_EQ(space().rd("('job', ?)")->attempt(), 1u);
}

TEST_P(Coordination, SessionsAreToldAndEnded) {
  const auto sessions = connection_->sessions();
  ASSERT_TRUE(sessions.ok());
  ASSERT_EQ(sessions->size(), 1u);
  EXPECT_EQ(sessions->at(0).session, connection_->session());
  EXPECT_TRUE(sessions->at(0).connected);
  EXPECT_EQ(connection_->end_session(99).ok(), false);
}

TEST_P(SeveralSessions, CanBeEndedByOthersAndGoOnInNewOnes) {
  auto other = connect(address_);
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE(other->space("jobs").out("('here')", {.bound = true}).ok());
  ASSERT_TRUE(connection_->end_session(other->session()).ok());
  EXPECT_FALSE(space().rdp("('here')")->has_value());
  EXPECT_EQ(connection_->end_session(other->session()).code(), Code::kNotFound);
  // What was on its way when the stream ended may be unknown; a read is asked again.
  ASSERT_TRUE(other->space("jobs").rdp("('nothing')").ok());
  ASSERT_TRUE(other->space("jobs").out("('again')").ok());
  EXPECT_EQ(space().count("('again')")->ready, 1u);
}

}  // namespace
}  // namespace tuplespace::client
