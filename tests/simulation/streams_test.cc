// The server's streams at moments that only a simulated network and disk can make.
#include <gtest/gtest.h>

#include "tests/simulation/server.h"
#include "tuplespace/tuple/text.h"
#include "tuplespace/v1/session.pb.h"

namespace tuplespace::simulation {
namespace {

class Listener : public FarEnd {
 public:
  void on_frame(std::string_view bytes) override {
    ASSERT_TRUE(frames.emplace_back().ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  }
  void on_over(const Status&) override {}

  std::vector<v1::ServerFrame> frames;
};

class SimulatedStreams : public testing::Test {
 protected:
  SimulatedStreams() : server({}, clock) {
    EXPECT_TRUE(server.start());
    create("synced", Durability::kSync);
    create("volatile", Durability::kMemory);
    server.disk().be_slow();
  }

  void create(const std::string& name, Durability durability) {
    Operation create;
    Policy policy;
    policy.durability = durability;
    create.what = CreateSpace{name, policy};
    EXPECT_TRUE(server.ask(0, std::move(create)).status.ok());
  }

  void turn() {
    for (int rounds = 0; rounds < 8; ++rounds) {
      (void)server.round(0, [&](CallHandler& handler, Queue&) {
        if (link != nullptr) link->go_up(handler);
      });
    }
    while (link != nullptr && link->can_go_down()) link->go_down();
  }

  // Puts it without a session; nobody is answered.
  void out(const std::string& space) {
    Operation out;
    out.what = Out{space, parse_tuple("('job')").value(), {}, {}};
    server.engine().submit(std::move(out));
    turn();
  }

  void hello(v1::Hello hello) {
    link = std::make_unique<Link>(client, method_named("/tuplespace.v1.Sessions/Stream"));
    v1::ClientFrame frame;
    hello.set_protocol(1);
    *frame.mutable_hello() = hello;
    link->send(frame.SerializeAsString());
  }

  void in(Number number, const std::string& space) {
    v1::ClientFrame frame;
    v1::Operation& operation = *frame.add_operations();
    operation.set_number(number);
    operation.mutable_in()->set_space(space);
    operation.mutable_in()->mutable_template_()->add_fields();
    link->send(frame.SerializeAsString());
    turn();
  }

  MovedClock clock;
  Server server;
  Listener client;
  std::unique_ptr<Link> link;
};

TEST_F(SimulatedStreams, WelcomeComesFirstAlsoIfAnAnswerMayLeaveBeforeIt) {
  hello({});
  turn();
  server.disk().catch_up();
  turn();
  ASSERT_EQ(client.frames.size(), 1u);
  const v1::Welcome before = client.frames[0].welcome();
  in(1, "synced");
  in(2, "volatile");

  Draw draw(1);
  link->break_off(draw, 1);
  turn();
  client.frames.clear();
  v1::Hello again;
  again.set_session(before.session());
  again.set_secret(before.secret());
  v1::Range64& pending = *again.add_pending();
  pending.set_first(1);
  pending.set_last(2);
  out("synced");  // the resume finds it: its answer waits for the disk
  hello(again);
  turn();
  out("volatile");  // and this one for nothing
  EXPECT_TRUE(client.frames.empty());

  server.disk().catch_up();
  turn();
  ASSERT_EQ(client.frames.size(), 2u);
  ASSERT_TRUE(client.frames[0].has_welcome());
  ASSERT_EQ(client.frames[0].welcome().answers_size(), 1);
  EXPECT_EQ(client.frames[0].welcome().answers(0).number(), 1u);
  ASSERT_EQ(client.frames[0].welcome().waiting_size(), 1);
  ASSERT_EQ(client.frames[1].answers_size(), 1);
  EXPECT_EQ(client.frames[1].answers(0).number(), 2u);
}

}  // namespace
}  // namespace tuplespace::simulation
