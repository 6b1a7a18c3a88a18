// Client has a session over a stream and keeps the client's half of "exactly once": it numbers what
// it asks, keeps it until it is answered, confirms what it was handed, and after a break asks what
// became of the rest. Its messages are written with the protobuf library, by the rules of
// session.proto; the server that answers is the real one.
//
// It also closes, dies, keeps answers for a while, gives some back and cancels waits.
//
// Threads: one.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/network.h"
#include "tests/simulation/planner.h"

namespace tuplespace::simulation {

// What a client has around it.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  virtual Draw& draw() = 0;
  virtual Past& past() = 0;
  virtual Planner& planner() = 0;
  virtual Moment moment() const = 0;
  virtual void say(const std::string& what) = 0;    // into the trace
  virtual void wrong(const std::string& what) = 0;  // a promise is broken
  virtual Link* connect(FarEnd& client) = 0;        // nullptr: no server
};

class Client final : public FarEnd {
 public:
  Client(Surroundings& around, size_t index) : around_(around), index_(index) {}

  // ---- what the simulation lets it do ----
  void ask();           // one operation more, if it has a session or can get one
  void write();         // a frame with what there is to say
  void connect();       // if it has no stream
  void break_stream();  // drops it, as a lost connection does
  void die();           // and everything it knows with it
  void want_close();
  void cancel_something();
  void confirm_kept();
  // No more new ideas: everything kept is confirmed, everything left to say is said.
  void settle_down();

  bool online() const { return state_ == State::kOnline; }
  bool offline() const { return state_ == State::kOffline; }
  // Nothing left to say, and only waits unanswered.
  bool at_rest() const;
  size_t under_way() const { return sent_.size() + queue_.size(); }
  void add_waiting(std::vector<size_t>& deeds) const;
  // What keeps it from rest.
  std::string unrest() const;

  void on_frame(std::string_view bytes) override;
  void on_over(const Status& status) override;

 private:
  enum class State : uint8_t { kOffline, kGreeting, kOnline, kClosing };

  struct Sent {
    size_t deed;
    uint64_t link;   // the stream it left on
    uint64_t frame;  // and the frame
  };

  void begin_session();
  void forget_session(uint64_t doubt_step);
  void on_welcome(const v1::Welcome& welcome);
  void on_answer(const v1::Answer& answer);
  void on_closed();
  void hand_over(Number number, Deed& deed, size_t index);
  void confirm(Number number, size_t deed);
  void note_sure(const Sent& sent, const Deed& deed);
  void check_error(const Deed& deed, const v1::Answer& answer);
  void add_operation(size_t deed, v1::ClientFrame& frame);
  void lose_link();
  Deed& deed(size_t index) { return around_.past().deeds[index]; }

  Surroundings& around_;
  const size_t index_;
  State state_ = State::kOffline;
  Link* link_ = nullptr;
  uint64_t link_serial_ = 0;
  uint64_t frame_serial_ = 0;
  uint64_t broken_step_ = kNoStep;  // the first break since it was online

  size_t session_ = kNobody;  // in Past::sessions
  SessionId id_ = 0;
  std::string secret_;
  uint64_t epoch_ = 0;
  Number last_ = 0;
  std::map<Number, Sent> sent_;
  std::deque<size_t> queue_;
  std::map<Number, size_t> kept_;  // answered, and neither confirmed nor returned
  std::set<Number> returned_;      // all ever
  std::set<Number> to_confirm_;
  std::set<Number> to_return_;
  std::vector<Number> to_cancel_;
  std::map<Number, size_t> took_;  // deeds of confirmed takes
  bool wants_close_ = false;

  struct Confirmed {
    size_t deed;
    uint64_t link;
    uint64_t frame;
  };
  std::vector<Confirmed> unsure_;  // confirmed, and perhaps not for good
  std::vector<HeldToken> tokens_;
};

}  // namespace tuplespace::simulation
