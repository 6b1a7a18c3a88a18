#include "clients/cpp/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/conversation.h"

namespace tuplespace::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Session, SaysNothingBeforeItIsWelcome) {
  Conversation talk;
  Asker asker;
  ASSERT_TRUE(talk.out(asker, 1).ok());
  EXPECT_FALSE(talk.session.has_frame(talk.now));
  talk.hello();
  EXPECT_FALSE(talk.session.has_frame(talk.now));
  ASSERT_TRUE(talk.welcome().ok());
  EXPECT_THAT(numbers_of(talk.written()), ElementsAre(1));
}

TEST(Session, PutsAllThatIsPendingIntoOneFrameInItsOrder) {
  Conversation talk;
  talk.connect();
  Asker askers[3];
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(talk.out(askers[i], 10 + i).ok());

  const proto::ClientFrame frame = talk.written();
  EXPECT_THAT(numbers_of(frame), ElementsAre(1, 2, 3));
  EXPECT_EQ(frame.operations(2).out().tuple().fields(1).int_value(), 12);
  EXPECT_FALSE(talk.session.has_frame(talk.now));
}

TEST(Session, TellsAnswersInWhateverOrderTheyCome) {
  Conversation talk;
  talk.connect();
  Asker waits;
  Asker quick;
  ASSERT_TRUE(talk.take(waits).ok());
  ASSERT_TRUE(talk.out(quick, 1).ok());
  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::placed(2)}).ok());
  EXPECT_EQ(quick.times, 1);
  EXPECT_EQ(quick.reply.sequence, 102u);
  EXPECT_EQ(waits.times, 0);

  ASSERT_TRUE(talk.answer({Conversation::took(1, 7)}).ok());
  EXPECT_EQ(waits.times, 1);
  EXPECT_EQ(waits.reply.tuples.at(0).tuple.at(1).as_int(), 7);
  EXPECT_EQ(talk.session.calls(), 0u);
}

TEST(Session, CountsThoseWhoListenUntilTheyAreTold) {
  Conversation talk;
  talk.connect();
  Asker listens;
  Asker quiet;
  quiet.quiet = true;
  ASSERT_TRUE(talk.out(listens, 1).ok());
  ASSERT_TRUE(talk.out(quiet, 2).ok());
  EXPECT_EQ(talk.session.listeners(), 1u);
  talk.session.listen(quiet);
  talk.session.listen(quiet);
  EXPECT_EQ(talk.session.listeners(), 2u);

  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::placed(2)}).ok());
  EXPECT_EQ(talk.session.listeners(), 1u);
  talk.session.listen(quiet);  // too late
  EXPECT_EQ(talk.session.listeners(), 1u);
  talk.give_up();
  EXPECT_EQ(talk.session.listeners(), 0u);
  EXPECT_EQ(talk.session.calls(), 0u);
}

TEST(Session, ResumesWithTheNumbersThatHaveNoAnswer) {
  Conversation talk;
  talk.connect();
  Asker askers[4];
  for (Asker& asker : askers) ASSERT_TRUE(talk.out(asker, 1).ok());
  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::placed(2)}).ok());
  talk.session.on_broken();

  const proto::Hello hello = talk.hello();
  EXPECT_EQ(hello.session(), 7u);
  EXPECT_EQ(hello.secret(), "secret");
  EXPECT_EQ(hello.epoch(), 1u);
  EXPECT_EQ(text_of(hello.pending()), "1 3..4");
}

TEST(Session, TellsAnswersThatCameWithTheWelcome) {
  Conversation talk;
  talk.connect();
  Asker asker;
  ASSERT_TRUE(talk.take(asker).ok());
  talk.written();
  talk.session.on_broken();
  talk.hello();
  ASSERT_TRUE(talk.welcome({Conversation::took(1, 7)}).ok());

  EXPECT_EQ(asker.times, 1);
  EXPECT_EQ(asker.reply.tuples.size(), 1u);
}

TEST(Session, SendsAgainWhatWasNotExecutedFirstUnderNewNumbersInTheOldOrder) {
  Conversation talk;
  talk.connect();
  Asker askers[3];
  Asker newer;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(talk.out(askers[i], 10 + i).ok());
  talk.written();
  talk.session.on_broken();
  ASSERT_TRUE(talk.out(newer, 99).ok());
  talk.hello();
  ASSERT_TRUE(talk.welcome({Conversation::placed(2)}, {}, {{1, 1}, {3, 3}}).ok());

  const proto::ClientFrame frame = talk.written();
  ASSERT_THAT(numbers_of(frame), ElementsAre(4, 5, 6));
  EXPECT_EQ(frame.operations(0).out().tuple().fields(1).int_value(), 10);
  EXPECT_EQ(frame.operations(1).out().tuple().fields(1).int_value(), 12);
  EXPECT_EQ(frame.operations(2).out().tuple().fields(1).int_value(), 99);
  EXPECT_EQ(askers[1].times, 1);
  EXPECT_EQ(askers[0].times, 0);
}

TEST(Session, LeavesAloneWhatStillWaits) {
  Conversation talk;
  talk.connect();
  Asker asker;
  ASSERT_TRUE(talk.take(asker).ok());
  talk.written();
  talk.session.on_broken();
  talk.hello();
  ASSERT_TRUE(talk.welcome({}, {{1, 1}}).ok());

  EXPECT_THAT(numbers_of(talk.written()), IsEmpty());
  ASSERT_TRUE(talk.answer({Conversation::took(1, 7)}).ok());
  EXPECT_EQ(asker.times, 1);
}

TEST(Session, AsksOnlyForWhatIsLeftOfAWait) {
  Conversation talk;
  talk.connect();
  Asker asker;
  Asker over;
  ASSERT_TRUE(talk.take(asker, Verb::kIn, milliseconds(5'000)).ok());
  ASSERT_TRUE(talk.take(over, Verb::kIn, milliseconds(1'000)).ok());
  EXPECT_EQ(talk.written().operations(0).in().wait_ms(), 5'000);
  talk.session.on_broken();
  talk.now += 2'000'000;
  talk.hello();
  ASSERT_TRUE(talk.welcome({}, {}, {{1, 2}}).ok());

  const proto::ClientFrame frame = talk.written();
  EXPECT_EQ(frame.operations(0).in().wait_ms(), 3'000);
  EXPECT_TRUE(frame.operations(1).in().has_wait_ms());
  EXPECT_EQ(frame.operations(1).in().wait_ms(), 0);
}

TEST(Session, SaysSoIfTheServerForgetsANumber) {
  Conversation talk;
  talk.connect();
  Asker asker;
  ASSERT_TRUE(talk.out(asker, 1).ok());
  talk.written();
  talk.session.on_broken();
  talk.hello();
  ASSERT_TRUE(talk.welcome().ok());

  EXPECT_EQ(asker.reply.status.code(), Code::kInternal);
  EXPECT_TRUE(asker.reply.status.problem().outcome_unknown);
}

TEST(Session, CancelsWhatHasNotLeftAtOnce) {
  Conversation talk;
  Asker asker;
  ASSERT_TRUE(talk.take(asker).ok());
  talk.cancel(asker);
  EXPECT_EQ(asker.reply.status.code(), Code::kCancelled);
  talk.connect();
  EXPECT_THAT(numbers_of(talk.written()), IsEmpty());
  EXPECT_EQ(talk.session.calls(), 0u);
}

TEST(Session, AsksTheServerToCancelAndTellsWhatCameFirst) {
  Conversation talk;
  talk.connect();
  Asker waits;
  Asker served;
  ASSERT_TRUE(talk.take(waits).ok());
  ASSERT_TRUE(talk.take(served).ok());
  talk.written();
  talk.cancel(waits);
  talk.cancel(served);
  talk.cancel(served);
  EXPECT_EQ(waits.times, 0);
  const proto::ClientFrame frame = talk.written();
  EXPECT_THAT(frame.cancels(), ElementsAre(1, 2));

  ASSERT_TRUE(
      talk.answer({Conversation::refused(1, Code::kCancelled), Conversation::took(2, 7)}).ok());
  EXPECT_EQ(waits.reply.status.code(), Code::kCancelled);
  EXPECT_TRUE(served.reply.status.ok());
  EXPECT_EQ(served.reply.tuples.size(), 1u);
}

TEST(Session, CancelsAgainAfterABreakWhatStillWaitsAndForgetsWhatDoesNot) {
  Conversation talk;
  talk.connect();
  Asker waits;
  Asker never;
  ASSERT_TRUE(talk.take(waits).ok());
  ASSERT_TRUE(talk.take(never).ok());
  talk.written();
  talk.cancel(waits);
  talk.cancel(never);
  talk.session.on_broken();
  talk.hello();
  ASSERT_TRUE(talk.welcome({}, {{1, 1}}, {{2, 2}}).ok());

  const proto::ClientFrame frame = talk.written();
  EXPECT_THAT(frame.cancels(), ElementsAre(1));
  EXPECT_THAT(numbers_of(frame), IsEmpty());
  EXPECT_EQ(never.reply.status.code(), Code::kCancelled);
  EXPECT_EQ(waits.times, 0);
}

TEST(Session, ThatIsLostLeavesTheOutcomeOfWhatWasSentUnknownAndRepeatsReads) {
  Conversation talk;
  talk.connect();
  Asker out;
  Asker in;
  Asker rd;
  Asker queued;
  ASSERT_TRUE(talk.out(out, 1).ok());
  ASSERT_TRUE(talk.take(in).ok());
  ASSERT_TRUE(talk.take(rd, Verb::kRd).ok());
  talk.written();
  talk.session.on_broken();
  ASSERT_TRUE(talk.out(queued, 2).ok());
  talk.lose();
  EXPECT_EQ(out.reply.status.code(), Code::kAborted);
  EXPECT_TRUE(out.reply.status.problem().outcome_unknown);
  EXPECT_EQ(in.reply.status.code(), Code::kAborted);

  EXPECT_EQ(talk.hello().session(), 0u);
  talk.session_id = 8;
  ASSERT_TRUE(talk.welcome().ok());
  const proto::ClientFrame frame = talk.written();
  ASSERT_THAT(numbers_of(frame), ElementsAre(1, 2));
  EXPECT_TRUE(frame.operations(0).has_rd());
  EXPECT_TRUE(frame.operations(1).has_out());
  EXPECT_EQ(talk.session.id(), 8u);
}

TEST(Session, HasNoMoreUnderWayThanTheServerAllows) {
  Conversation talk;
  talk.operations_max = 2;
  talk.connect();
  Asker askers[3];
  for (Asker& asker : askers) ASSERT_TRUE(talk.out(asker, 1).ok());
  EXPECT_THAT(numbers_of(talk.written()), ElementsAre(1, 2));
  EXPECT_FALSE(talk.session.has_frame(talk.now));

  ASSERT_TRUE(talk.answer({Conversation::placed(1)}).ok());
  EXPECT_THAT(numbers_of(talk.written()), ElementsAre(3));
}

TEST(Session, FillsFramesOnlyAsFarAsTheServerReads) {
  Conversation talk;
  talk.frame_bytes_max = 200;
  talk.connect();
  Asker askers[10];
  for (Asker& asker : askers) ASSERT_TRUE(talk.out(asker, 1).ok());

  std::vector<Number> sent;
  while (talk.session.has_frame(talk.now)) {
    const proto::ClientFrame frame = talk.written();
    EXPECT_LE(frame.ByteSizeLong(), 200u);
    for (const Number number : numbers_of(frame)) sent.push_back(number);
  }
  EXPECT_THAT(sent, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(Session, RefusesARequestThatFitsNoFrameNamingTheBound) {
  Conversation talk;
  talk.frame_bytes_max = 200;
  talk.connect();
  Asker asker;
  const Tuple tuple = Tuple::of({Value(std::string(500, 'x'))}).value();
  ASSERT_TRUE(
      talk.session.submit({.verb = Verb::kOut, .space = talk.space, .tuple = &tuple}, asker, 0)
          .ok());
  talk.written();
  EXPECT_EQ(asker.reply.status.code(), Code::kResourceExhausted);
  EXPECT_EQ(asker.reply.status.problem().bound, "frame_bytes_max");
}

TEST(Session, RefusesMoreCallsThanItsBoundNamingIt) {
  Conversation talk({.calls_max = 2});
  Asker askers[3];
  ASSERT_TRUE(talk.out(askers[0], 1).ok());
  ASSERT_TRUE(talk.out(askers[1], 1).ok());
  const Status third = talk.out(askers[2], 1);
  EXPECT_EQ(third.code(), Code::kResourceExhausted);
  EXPECT_EQ(third.problem().bound, "calls_max");
  EXPECT_THAT(third.message(), HasSubstr("calls_max is 2"));
  EXPECT_EQ(askers[2].times, 0);
}

TEST(Session, ClosesAfterEverythingBeforeHasLeft) {
  Conversation talk;
  talk.connect();
  Asker asker;
  ASSERT_TRUE(talk.take(asker).ok());
  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::took(1, 7)}).ok());
  talk.session.want_close();

  const proto::ClientFrame frame = talk.written();
  EXPECT_EQ(text_of(frame.confirmed()), "1");
  EXPECT_TRUE(frame.close());
  EXPECT_FALSE(talk.session.closed());
  ASSERT_TRUE(talk.closed().ok());
  EXPECT_TRUE(talk.session.closed());
  EXPECT_EQ(talk.out(asker, 1).code(), Code::kFailedPrecondition);
}

TEST(Session, AsksForItsEndAgainAfterABreak) {
  Conversation talk;
  talk.connect();
  talk.session.want_close();
  EXPECT_TRUE(talk.written().close());
  talk.session.on_broken();
  talk.hello();
  ASSERT_TRUE(talk.welcome().ok());
  EXPECT_TRUE(talk.written().close());
}

TEST(Session, BreaksOffWhenTheServerAnswersWhatWasNotAsked) {
  Conversation talk;
  talk.connect();
  EXPECT_EQ(talk.answer({Conversation::placed(5)}).code(), Code::kInternal);
}

TEST(Session, AsksAgainWhatAnEndedSessionRefusedInANewOne) {
  Conversation talk;
  talk.connect();
  Asker out;
  Asker take;
  ASSERT_TRUE(talk.out(out, 1).ok());
  ASSERT_TRUE(talk.take(take).ok());
  talk.written();
  proto::Answer ended = Conversation::refused(1, Code::kNotFound);
  ended.mutable_problem()->set_bound("session");
  proto::Answer also = ended;
  also.set_number(2);
  EXPECT_EQ(talk.answer({ended, also}).code(), Code::kNotFound) << "the stream is of no use";
  EXPECT_EQ(out.times + take.times, 0);
  talk.session.on_broken();
  talk.lose();
  EXPECT_EQ(out.times + take.times, 0) << "neither was executed";

  talk.session_id = 8;
  EXPECT_EQ(talk.hello().session(), 0u);
  ASSERT_TRUE(talk.welcome().ok());
  EXPECT_THAT(numbers_of(talk.written()), ElementsAre(1, 2));
}

TEST(Session, DoesNotPutAgainWhatItWaitedForToBeTakenWhenItEnded) {
  Conversation talk;
  talk.connect();
  Asker out;
  const Tuple tuple = pair("job", 1);
  ASSERT_TRUE(talk.session
                  .submit({.verb = Verb::kOut,
                           .space = talk.space,
                           .tuple = &tuple,
                           .out = {.until_taken = true}},
                          out, talk.now)
                  .ok());
  talk.written();
  proto::Answer ended = Conversation::refused(1, Code::kNotFound);
  ended.mutable_problem()->set_bound("session");
  EXPECT_EQ(talk.answer({ended}).code(), Code::kNotFound);
  ASSERT_EQ(out.times, 1);
  EXPECT_EQ(out.reply.status.code(), Code::kAborted);
  EXPECT_TRUE(out.reply.status.problem().outcome_unknown);
}

TEST(Session, HasANameThatItTellsOnceAndAFence) {
  Conversation talk({.name = "writer", .participant = true});
  const proto::Hello hello = talk.hello();
  EXPECT_EQ(hello.name(), "writer");
  EXPECT_TRUE(hello.participant());
  ASSERT_TRUE(talk.welcome().ok());
  EXPECT_EQ(talk.session.fence(), 7u);
  talk.session.on_broken();
  EXPECT_EQ(talk.hello().name(), "");
}

TEST(Session, ThatIsOverSaysWhy) {
  Conversation talk;
  talk.connect();
  talk.session.end({Code::kAborted, "fenced"});
  Asker asker;
  EXPECT_EQ(talk.out(asker, 1).code(), Code::kAborted);
}

}  // namespace
}  // namespace tuplespace::client
