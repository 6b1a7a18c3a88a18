// Session is the client's half of "exactly once": it numbers calls, keeps them until they are
// answered, confirms what was handed over, and after a break finds out what became of the rest.
// A pure state machine over frames: no I/O, no thread, and the time is given.
//
// States:  offline    no stream. Calls queue. hello() leads to greeting
//          greeting   Hello is on its way. on_frame(Welcome) leads to online
//          online     frames go both ways
//          closed     over; calls are refused
//          on_broken() leads from any of the first three to offline.
//
// After a break, Welcome says of every number that was sent and not answered: its answer, that it
// waits, or that it never was executed; the last are sent again, under new numbers, in the old
// order, before anything newer. Everything else is confirmed anew, since confirmations may have
// been lost: it is what remains of 1..last.
//
// A taken tuple that nobody wants any more (its caller cancelled and left) is neither confirmed
// nor kept: its number is *returned*, and the server gives it back as at the end of a session.
// Returns may be lost as well, so they are remembered, kReturnsMax of them; confirming anew never
// reaches below those that were forgotten.
//
// Order:   calls leave in the order of submit(); numbers are given when they leave.
// Threads: under the owner's lock. Waiters are never called in here: replies are collected.
// Bounds:  SessionConfig::calls_max, kReturnsMax; frames and calls on the wire as Welcome says.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/cpp/backend.h"
#include "clients/cpp/frame.h"
#include "clients/cpp/numbered.h"

namespace tuplespace::client {

struct SessionConfig {
  size_t calls_max = 1 << 20;
  int64_t ttl_ms = 0;  // 0: the server's default
  std::string name = {};
  bool participant = false;
};

// Answers that wait to be told. Reused, so that telling one allocates nothing.
class Replies {
 public:
  struct Told {
    Waiter* waiter = nullptr;             // null: whoever asked is gone
    bool took = false;                    // tuples are held for it
    Receive receive = Receive::kConfirm;  // what the waiter said
    Reply reply;
  };

  Told& add() {
    if (used_ == all_.size()) all_.emplace_back();
    Told& told = all_[used_++];
    told.waiter = nullptr;
    told.took = false;
    told.reply.clear();
    return told;
  }
  void undo() { --used_; }

  // Tells each waiter its reply. Requires: no lock is held.
  void tell() {
    const Telling telling;
    for (size_t i = 0; i < used_; ++i) {
      Told& told = all_[i];
      if (told.waiter != nullptr) {
        told.receive = told.waiter->on_reply(told.reply);
        // An answer without a tuple has nothing to keep, whatever its waiter says.
        if (told.receive == Receive::kKeep && !told.took) told.receive = Receive::kConfirm;
      } else {
        told.receive = told.took ? Receive::kGiveBack : Receive::kConfirm;
      }
    }
  }
  size_t size() const { return used_; }
  Told& operator[](size_t index) { return all_[index]; }
  void clear() { used_ = 0; }

 private:
  std::vector<Told> all_;
  size_t used_ = 0;
};

class Session {
 public:
  // A confirmation leaves with the next frame, at latest after this.
  static constexpr Instant kConfirmWithin = 1'000;
  static constexpr size_t kReturnsMax = 4'096;

  explicit Session(const SessionConfig& config);
  ~Session();

  // ---- callers ----

  // Queues a call. Errors: RESOURCE_EXHAUSTED (calls_max), FAILED_PRECONDITION (closed); then
  // the waiter is told nothing.
  Status submit(const Ask& ask, Waiter& waiter, Instant now);
  // Ends the call of `waiter`, if there still is one: at once if it has not left, else by asking.
  void cancel(Waiter& waiter, Replies& replies);
  // Counts the call of `waiter`, if there still is one, among those of listeners().
  void listen(Waiter& waiter);
  // What became of the tuples that came with a reply.
  void received(Ticket ticket, Receive receive, Instant now);
  // The same for Receive::kKeep, later. ABORTED if the session is another one by now.
  Status settle(Ticket ticket, bool give_back, Instant now);
  // Asks for the end of the session when everything before it has left.
  void want_close() { close_ = Close::kWanted; }

  // ---- the stream ----

  // Begins a stream; returns its first frame.
  std::string hello();
  // True if write() has something.
  bool has_frame(Instant now) const;
  // Replaces `frame` by the next one. Requires: has_frame(now).
  void write(std::string& frame, Instant now, Replies& replies);
  // Takes a frame in. An error is a broken stream.
  Status on_frame(std::string_view bytes, Replies& replies);
  void on_broken();
  // When write() has something at latest, because of confirmations.
  Instant due() const { return online_ ? confirm_due_ : kNoInstant; }

  // The server knows the session no more. What was sent has an unknown outcome (ABORTED), except
  // that reads are asked again, as is all that never left.
  void lose(const Status& why, Replies& replies);
  // Ends every call with `code`; what becomes of those that left is dealt with as it comes.
  void give_up(Code code, const std::string& why, Replies& replies);
  // It is over; calls are refused, with `why` if that is an error.
  void end(Status why = {}) {
    closed_ = true;
    why_ended_ = std::move(why);
  }

  bool online() const { return online_; }
  bool closing() const { return close_ != Close::kNo; }
  bool closed() const { return closed_; }     // the server said so, or end()
  uint64_t id() const { return id_; }         // 0: none yet
  int64_t ttl_ms() const { return ttl_ms_; }  // granted
  const std::string& secret() const { return secret_; }
  uint64_t fence() const { return fence_; }
  uint64_t incarnation() const { return incarnation_; }
  size_t calls() const { return calls_; }          // under way
  size_t listeners() const { return listeners_; }  // those of them that are not quiet

 private:
  enum class Close : uint8_t { kNo, kWanted, kSent };

  Entry* new_entry();
  void free_entry(Entry* entry);
  Waiter* release_waiter(Entry* entry);
  void tell(Entry* entry, Status status, Replies& replies);
  Status on_welcome(const ServerFrame& frame, Replies& replies);
  Status on_answer(std::string_view bytes, Replies& replies);
  void on_ended(Entry* entry, const Status& why, Replies& replies);
  void refuse(Entry* entry, Replies& replies, std::vector<Entry*>& again);
  Status ask_again(const std::vector<NumberRange>& ranges, std::set<Number>& unheard,
                   Replies& replies);
  void confirm_anew();
  void write_receipts(std::string& frame);
  bool write_operation(Entry& entry, std::string& frame, Instant now);
  bool has_room() const;
  void note(std::vector<NumberRange>& ranges, Number number, Instant now);
  void note_return(Number number, Instant now);

  const SessionConfig config_;
  bool online_ = false;
  bool closed_ = false;
  Close close_ = Close::kNo;
  Status why_ended_;

  uint64_t generation_ = 1;  // of tickets; raised when a session is lost
  uint64_t id_ = 0;
  std::string secret_;
  uint64_t epoch_ = 0;
  uint64_t incarnation_ = 0;
  uint64_t fence_ = 0;
  int64_t ttl_ms_ = 0;
  Limits limits_;
  uint64_t frame_bytes_max_ = 4 << 20;
  uint64_t operations_max_ = 16'384;

  Number last_ = 0;              // the highest given
  std::deque<Entry*> queue_;     // not sent yet; entries without waiter are skipped
  Numbered<Entry> sent_;         // sent, not answered
  std::set<Number> kept_;        // answered, neither confirmed nor returned (Waiter::keeps)
  bool over_ = false;            // an answer of this frame says that the session has ended;
  std::vector<Entry*> refused_;  // these were not executed
  size_t telling_ = 0;           // answered, no more than received() is to come
  std::vector<Number> cancels_;
  std::vector<NumberRange> confirmed_;  // to tell with the next frame
  std::vector<NumberRange> returned_;
  std::set<Number> returns_;  // all returned ones above forgotten_
  Number forgotten_ = 0;
  Instant confirm_due_ = kNoInstant;

  size_t calls_ = 0;
  size_t listeners_ = 0;
  std::vector<std::unique_ptr<Entry>> entries_;  // all ever made
  std::vector<Entry*> free_;
  ServerFrame frame_;  // memory for on_frame()
};

}  // namespace tuplespace::client
