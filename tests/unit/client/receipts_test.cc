// What the client confirms, what it gives back, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/conversation.h"

namespace tuplespace::client {
namespace {

TEST(Receipts, LeaveAtLatestOneMillisecondAfterTheAnswer) {
  Conversation talk;
  talk.connect();
  Asker asker;
  ASSERT_TRUE(talk.take(asker).ok());
  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::took(1, 7)}).ok());

  EXPECT_FALSE(talk.session.has_frame(talk.now));
  EXPECT_LE(talk.session.due(), talk.now + 1'000);
  talk.now += 1'000;
  ASSERT_TRUE(talk.session.has_frame(talk.now));
  EXPECT_EQ(text_of(talk.written().confirmed()), "1");
  EXPECT_EQ(talk.session.due(), kNoInstant);
}

TEST(Receipts, TravelWithTheNextOperation) {
  Conversation talk;
  talk.connect();
  Asker first;
  Asker second;
  ASSERT_TRUE(talk.out(first, 1).ok());
  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::placed(1)}).ok());
  ASSERT_TRUE(talk.out(second, 2).ok());

  const proto::ClientFrame frame = talk.written();
  EXPECT_EQ(text_of(frame.confirmed()), "1");
  EXPECT_EQ(frame.operations_size(), 1);
}

TEST(Receipts, OfAnswersOutOfOrderAreJoined) {
  Conversation talk;
  talk.connect();
  Asker askers[4];
  for (Asker& asker : askers) ASSERT_TRUE(talk.out(asker, 1).ok());
  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::placed(4), Conversation::placed(2)}).ok());
  ASSERT_TRUE(talk.answer({Conversation::placed(1)}).ok());

  talk.now += 1'000;
  EXPECT_EQ(text_of(talk.written().confirmed()), "1..2 4");
}

TEST(Receipts, AreTheCallersIfHeWantsThem) {
  Conversation talk;
  talk.connect();
  Asker asker(Receive::kKeep);
  ASSERT_TRUE(talk.take(asker).ok());
  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::took(1, 7)}).ok());

  talk.now += 1'000'000;
  EXPECT_FALSE(talk.session.has_frame(talk.now));
  ASSERT_TRUE(talk.session.settle(asker.reply.ticket, false, talk.now).ok());
  talk.now += 1'000;
  EXPECT_EQ(text_of(talk.written().confirmed()), "1");
  EXPECT_EQ(talk.session.settle(asker.reply.ticket, false, talk.now).code(), Code::kAborted);
}

TEST(Receipts, GiveBackWhatNobodyWants) {
  Conversation talk;
  talk.connect();
  Asker gone(Receive::kGiveBack);
  ASSERT_TRUE(talk.take(gone).ok());
  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::took(1, 7)}).ok());

  talk.now += 1'000;
  const proto::ClientFrame frame = talk.written();
  EXPECT_EQ(text_of(frame.confirmed()), "");
  EXPECT_EQ(text_of(frame.returned()), "1");
}

TEST(Receipts, GiveBackWhatCameAfterTheClientGaveUp) {
  Conversation talk;
  talk.connect();
  Asker taker;
  Asker reader;
  ASSERT_TRUE(talk.take(taker).ok());
  ASSERT_TRUE(talk.take(reader, Verb::kRd).ok());
  talk.written();
  talk.give_up();
  ASSERT_TRUE(talk.answer({Conversation::took(1, 7), Conversation::took(2, 7, false)}).ok());

  talk.now += 1'000;
  const proto::ClientFrame frame = talk.written();
  EXPECT_EQ(text_of(frame.returned()), "1");
  EXPECT_EQ(text_of(frame.confirmed()), "2");
  EXPECT_EQ(taker.times, 1);
}

TEST(Receipts, AreRepeatedAfterABreakBecauseTheyMayBeLost) {
  Conversation talk;
  talk.connect();
  Asker done;
  Asker waits;
  Asker kept(Receive::kKeep);
  Asker gone(Receive::kGiveBack);
  ASSERT_TRUE(talk.out(done, 1).ok());
  ASSERT_TRUE(talk.take(waits).ok());
  ASSERT_TRUE(talk.take(kept).ok());
  ASSERT_TRUE(talk.take(gone).ok());
  talk.written();
  ASSERT_TRUE(
      talk.answer({Conversation::placed(1), Conversation::took(3, 7), Conversation::took(4, 8)})
          .ok());
  talk.now += 1'000;
  talk.written();  // its confirmations are lost with the stream

  talk.session.on_broken();
  EXPECT_EQ(text_of(talk.hello().pending()), "2");
  ASSERT_TRUE(talk.welcome({}, {{2, 2}}).ok());
  const proto::ClientFrame frame = talk.written();
  EXPECT_EQ(text_of(frame.confirmed()), "1");
  EXPECT_EQ(text_of(frame.returned()), "4");
}

TEST(Receipts, NeverConfirmAReturnThatWasForgotten) {
  Conversation talk;
  talk.connect();
  Asker askers[2] = {Asker(Receive::kGiveBack), Asker(Receive::kConfirm)};
  const size_t rounds = Session::kReturnsMax + 10;
  for (size_t i = 0; i < rounds; ++i) {
    ASSERT_TRUE(talk.take(askers[0]).ok());
    ASSERT_TRUE(talk.out(askers[1], 1).ok());
    const proto::ClientFrame frame = talk.written();
    ASSERT_TRUE(talk.answer({Conversation::took(frame.operations(0).number(), 1),
                             Conversation::placed(frame.operations(1).number())})
                    .ok());
  }
  talk.session.on_broken();
  talk.hello();
  ASSERT_TRUE(talk.welcome().ok());
  const proto::ClientFrame frame = talk.written();
  EXPECT_EQ(frame.returned_size(), static_cast<int>(Session::kReturnsMax));
  for (const proto::Range64& range : frame.confirmed()) {
    EXPECT_EQ(range.first() % 2, 0u) << "the odd numbers were returned";
    EXPECT_EQ(range.first(), range.last());
  }
}

TEST(Receipts, OfALostSessionAreVoid) {
  Conversation talk;
  talk.connect();
  Asker asker(Receive::kKeep);
  ASSERT_TRUE(talk.take(asker).ok());
  talk.written();
  ASSERT_TRUE(talk.answer({Conversation::took(1, 7)}).ok());
  talk.session.on_broken();
  talk.lose();

  EXPECT_EQ(talk.session.settle(asker.reply.ticket, false, talk.now).code(), Code::kAborted);
}

TEST(Receipts, OfAProbeThatFoundNothingAreGivenWhoeverWantedToKeepIt) {
  Conversation talk;
  talk.operations_max = 1;
  talk.connect();
  for (Number number = 1; number <= 3; ++number) {
    Asker asker(Receive::kKeep);
    ASSERT_TRUE(talk.take(asker, Verb::kIn, milliseconds(0)).ok());
    ASSERT_EQ(numbers_of(talk.written()).size(), 1u) << "there is room for it";
    proto::Answer none;
    none.set_number(number);
    none.mutable_in()->set_ended(proto::ENDED_NONE);
    ASSERT_TRUE(talk.answer({none}).ok());
    EXPECT_EQ(asker.times, 1);
  }
  talk.now += 1'000;
  EXPECT_EQ(text_of(talk.written().confirmed()), "3");
}

}  // namespace
}  // namespace tuplespace::client
