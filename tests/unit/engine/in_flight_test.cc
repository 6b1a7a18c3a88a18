#include "tuplespace/engine/in_flight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tuplespace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Answer answer(uint64_t token, Mark mark, uint64_t batch) {
  Answer answer;
  answer.reply = {1, token};
  answer.mark = mark;
  answer.batch = batch;
  return answer;
}

std::vector<uint64_t> released(InFlight& in_flight, Watermarks marks) {
  std::vector<uint64_t> tokens;
  in_flight.release(marks, [&](const Answer& left) { tokens.push_back(left.reply.token); });
  return tokens;
}

// Batches 1, 2, 3 are the store's 10, 20, 30.
class ThreeBatches : public ::testing::Test {
 protected:
  ThreeBatches() {
    for (const uint64_t number : {10, 20, 30}) in_flight.add(number, 100);
  }
  InFlight in_flight;
};

TEST(InFlight, HoldsNothingBack) {
  InFlight nothing;
  EXPECT_TRUE(nothing.may_leave(answer(1, Mark::kSynced, 0)));
  EXPECT_EQ(nothing.first_unwritten(false), InFlight::kNothing);
  EXPECT_EQ(nothing.first_unsynced(false), InFlight::kNothing);
}

TEST_F(ThreeBatches, AnswersLeaveWhenTheirMarkIsReached) {
  EXPECT_EQ(in_flight.park(answer(1, Mark::kSynced, 1)), 10u);
  EXPECT_EQ(in_flight.park(answer(2, Mark::kWritten, 2)), 20u);
  EXPECT_EQ(in_flight.park(answer(3, Mark::kWritten, 1)), 10u);
  EXPECT_THAT(released(in_flight, {.written = 9, .synced = 0}), IsEmpty());
  EXPECT_THAT(released(in_flight, {.written = 10, .synced = 0}), ElementsAre(3));
  EXPECT_THAT(released(in_flight, {.written = 29, .synced = 19}), ElementsAre(2, 1));
  EXPECT_EQ(in_flight.parked(), 0u);
}

TEST_F(ThreeBatches, MayLeaveWhatRestsOnABatchThatCameFarEnough) {
  EXPECT_THAT(released(in_flight, {.written = 20, .synced = 10}), IsEmpty());
  EXPECT_TRUE(in_flight.may_leave(answer(1, Mark::kSynced, 1)));
  EXPECT_FALSE(in_flight.may_leave(answer(2, Mark::kSynced, 2)));
  EXPECT_TRUE(in_flight.may_leave(answer(3, Mark::kWritten, 2)));
  EXPECT_FALSE(in_flight.may_leave(answer(4, Mark::kWritten, 3)));
  EXPECT_TRUE(in_flight.may_leave(answer(5, Mark::kNone, 3)));
}

TEST_F(ThreeBatches, AnAnswerOfABatchThatTurnedOutEmptyWaitsForTheOneBefore) {
  EXPECT_FALSE(in_flight.may_leave(answer(1, Mark::kSynced, 4)));
  EXPECT_EQ(in_flight.park(answer(1, Mark::kSynced, 4)), 30u);
  EXPECT_THAT(released(in_flight, {.written = 30, .synced = 30}), ElementsAre(1));
}

TEST_F(ThreeBatches, SayWhichOfTheStoresNumbersIsWaitedFor) {
  EXPECT_EQ(in_flight.first_unwritten(true), InFlight::kNothing);
  EXPECT_EQ(in_flight.first_unwritten(false), 10u);
  (void)in_flight.park(answer(1, Mark::kSynced, 2));
  EXPECT_EQ(in_flight.first_unwritten(true), InFlight::kNothing);
  EXPECT_EQ(in_flight.first_unsynced(true), 10u);
  EXPECT_THAT(released(in_flight, {.written = 10, .synced = 10}), IsEmpty());
  EXPECT_EQ(in_flight.first_unsynced(true), 20u);
}

TEST_F(ThreeBatches, CountTheBytesThatAreNotWritten) {
  EXPECT_EQ(in_flight.unwritten_bytes(), 300u);
  EXPECT_THAT(released(in_flight, {.written = 20, .synced = 0}), IsEmpty());
  EXPECT_EQ(in_flight.unwritten_bytes(), 100u);
}

}  // namespace
}  // namespace tuplespace
