/* Exactly once, by the rules of docs/semantics.md: 3 clients with a session each, of which one
 * puts and two take; 2 spaces (0 is durable, 1 is `memory`), one tuple at a time in each; streams
 * that break, a server that is killed at any moment, clients that die. Any number of each: the
 * search ends because equal situations are equal states.
 *
 * A client has one operation under way. Its number is `now`: what belongs to an earlier number is
 * `before`. Commits are group commits: `flush` makes all of memory durable, answers that rest on
 * it leave then (R42), and a kill leaves what the last flush wrote (R43).
 *
 *   -DMUTATE_x  one rule broken on purpose; `spin` must find it (see models.py)
 */
#define SPACES  2
#define CLIENTS 3
#define PUTS    0       /* this client puts and lives on; the others take, and may die */
#define SIMPLE  2       /* of a stream of this one that broke nothing arrives late */
#define DEAD    CLIENTS /* a session of which only the disk knows: its end was not flushed */

mtype = { GONE, FREE, HELD };                        /* a tuple */
mtype = { NEW, WAITS, KEPT, OVER };                  /* the number `now`, as the shard knows it */
mtype = { IDLE, OUT, IN };                           /* a client */
mtype = { DONE, TOOK, NOTHING_DONE, NOT_EXECUTED };  /* an answer */

typedef Tuple {
  mtype is;
  byte holder;
  bit before /* held by an earlier number: its client has it and confirms it */
};

typedef Client {
  mtype does;
  bit space;
  bit up;      /* its stream */
  bit request; /* a frame is on its way */
  byte stray;  /* one of a stream that broke is: 1 under `now`, 2 under an earlier number */
  mtype number;
  mtype answer;
  bit left     /* the answer is on its way; else it waits for the flush */
};

Tuple memory[SPACES], disk;  /* of `memory` nothing is on disk */
Client client[CLIENTS];
bit kept_out, kept_out_on_disk; /* the record of an `out` under `now` */

/* What an observer remembers of the tuple of each space and the operation of each client. */
bit given[SPACES];           /* somebody was handed it, for good as he sees it */
bit promised;                /* the `out` of the durable one was answered */
byte made, made_on_disk;     /* how many tuples the `out` under way has made */

bit twice, lost, indefinite, lost_wakeup;

byte c, i, s, w;

#define me client[c]

inline reply(who, what) {
  client[who].answer = what;
#ifdef MUTATE_EARLY_ANSWER
  client[who].left = 1
#else
  client[who].left = (client[who].space == 1 || what == NOTHING_DONE)
#endif
}

/* R8: who gets the tuple of space s holds it until the receipt is confirmed. */
inline hand_over(who) {
  memory[s].is = HELD;
  memory[s].holder = who;
  memory[s].before = 0;
  client[who].number = KEPT;
  reply(who, TOOK)
}

/* R6, for takers only; who waits longest is free here. */
inline become_available() {
  memory[s].is = FREE;
  memory[s].holder = 0;
  memory[s].before = 0;
  w = 0;
  do
  :: w < CLIENTS && client[w].number == WAITS && client[w].space == s && client[w].up ->
     hand_over(w);
     break
  :: w < CLIENTS && !(client[w].number == WAITS && client[w].space == s && client[w].up) -> w++
  :: else -> break
  od;
  w = 0
}

/* R14: the client of c has what its earlier numbers took. */
inline confirm() {
  for (i : 0 .. SPACES - 1) {
    if
    :: memory[i].is == HELD && memory[i].holder == c && memory[i].before ->
       lost = lost || !given[i]; /* the last copy of what nobody got */
       memory[i].is = GONE;
       memory[i].holder = 0;
       memory[i].before = 0
    :: else -> skip
    fi
  }
  i = 0
}

/* R2, R8, R10. The slot of the durable space is used again when the disk has forgotten it. */
inline execute() {
  s = me.space;
  if
  :: me.does == OUT && memory[s].is == GONE && (s == 1 || disk.is == GONE) ->
     given[s] = 0;
     promised = (s == 1 && promised);
     made++;
     kept_out = 1;
     me.number = KEPT;
     reply(c, DONE);
     become_available()
  :: me.does == OUT && !(memory[s].is == GONE && (s == 1 || disk.is == GONE)) ->
     me.number = OVER; /* R46: the space is full */
     reply(c, NOTHING_DONE)
  :: me.does == IN && memory[s].is == FREE -> hand_over(c)
  :: me.does == IN && memory[s].is != FREE -> me.number = WAITS
  :: else -> skip
  fi;
  s = 0
}

/* R1. A number that was seen is never executed again. */
inline admit() {
  if
  :: me.number == NEW -> execute()
  :: else -> skip
  fi
}

inline arrive() {
  me.request = 0;
  confirm();
  admit()
}

inline arrive_late() {
  if
  :: me.stray == 1 -> admit()
  :: else ->
#ifdef MUTATE_NUMBER_AGAIN
     if
     :: me.does != IDLE && me.number != WAITS -> execute()
     :: else -> skip
     fi
#else
     skip /* stale */
#endif
  fi;
  me.stray = 0
}

/* The next number: what the client was handed belongs to an earlier one now. */
inline next_number() {
  for (i : 0 .. SPACES - 1) {
    if
    :: memory[i].is == HELD && memory[i].holder == c -> memory[i].before = 1
    :: else -> skip
    fi
  }
  i = 0;
  if
  :: disk.is == HELD && disk.holder == c -> disk.before = 1
  :: else -> skip
  fi;
  me.stray = (me.stray -> 2 : 0);
  me.number = NEW;
  me.answer = 0;
  me.left = 0;
  if
  :: c == PUTS -> kept_out = 0; kept_out_on_disk = 0; made = 0; made_on_disk = 0
  :: else -> skip
  fi
}

/* The operation of c has changed something. */
#define holds_now(s_)  (memory[s_].is == HELD && memory[s_].holder == c && !memory[s_].before)
#define has_effect     ((c == PUTS && made > 0) || holds_now(0) || holds_now(1))

inline receive() {
  s = me.space;
  if
  :: me.answer == NOT_EXECUTED -> /* asked again under a new number: R40 */
     indefinite = indefinite || has_effect;
     next_number();
     me.request = 1
  :: else ->
     if
     :: me.answer == TOOK ->
        twice = twice || given[s];
        given[s] = 1
     :: me.answer == DONE ->
        promised = promised || s == 0
     :: else -> indefinite = indefinite || has_effect
     fi;
     next_number();
     me.does = IDLE;
     me.space = 0
  fi;
  s = 0
}

inline flush() { /* R42 */
#ifdef MUTATE_TORN_BATCH
  disk.is = (memory[0].is == HELD -> FREE : memory[0].is);
#else
  disk.is = memory[0].is;
#endif
  disk.holder = memory[0].holder;
  disk.before = memory[0].before;
  kept_out_on_disk = kept_out && client[PUTS].space == 0;
  made_on_disk = (client[PUTS].space == 0 -> made : 0);
  for (i : 0 .. CLIENTS - 1) {
    client[i].left = (client[i].answer != 0)
  }
  i = 0
}

/* R39: the server sees that the stream broke. What was under way may come yet, or never. */
inline break_stream(may_come) {
  me.stray = (me.request && may_come -> 1 : me.stray);
  me.request = 0;
  me.up = 0;
  me.answer = 0;
  me.left = 0
}

inline resume() { /* R40 */
  me.up = 1;
  confirm();
  s = me.space;
  if
  :: me.does == IDLE -> skip
  :: me.does != IDLE && me.number == KEPT ->
#ifdef MUTATE_FORGETFUL_RESUME
     me.number = OVER;
     me.answer = NOT_EXECUTED;
#else
     me.answer = (me.does == OUT -> DONE : TOOK);
#endif
     me.left = 0
  :: me.does != IDLE && me.number == WAITS ->
     if
     :: memory[s].is == FREE -> hand_over(c)
     :: else -> skip
     fi
  :: else ->
     me.number = OVER; /* never executed later: R1 */
     me.answer = NOT_EXECUTED;
     me.left = 0
  fi;
  s = 0
}

/* R41: the client died, or was away longer than its lease. */
inline end_session() {
  for (i : 0 .. SPACES - 1) {
    if
    :: memory[i].is == HELD && memory[i].holder == c ->
       given[i] = 0; /* whoever had it is no more, or was told that it may come again */
       s = i;
#ifdef MUTATE_SILENT_END
       memory[i].is = FREE
#else
       become_available()
#endif
    :: else -> skip
    fi
  }
  i = 0;
  s = 0;
  if
  :: disk.is == HELD && disk.holder == c -> disk.holder = DEAD; disk.before = 0
  :: else -> skip
  fi;
  next_number();
  me.stray = 0;
  me.does = IDLE;
  me.space = 0
}

/* R41, after a kill brought it back: nobody resumes it, its lease ends. */
inline end_dead_session() {
  given[0] = 0;
  s = 0;
  become_available()
}

inline crash() { /* R43, R44 */
  lost = lost || (promised && !given[0] && disk.is == GONE);
  memory[0].is = disk.is;
  memory[0].holder = disk.holder;
  memory[0].before = disk.before;
  memory[1].is = GONE;
  memory[1].holder = 0;
  memory[1].before = 0;
  kept_out = kept_out_on_disk;
  made = made_on_disk;
  for (c : 0 .. CLIENTS - 1) {
    me.up = 0;
    me.request = 0;
    me.stray = 0;
    me.answer = 0;
    me.left = 0;
    me.number = NEW;
    if
    :: (c == PUTS && kept_out) || (disk.is == HELD && disk.holder == c && !disk.before) ->
       me.number = KEPT
    :: else -> skip
    fi
  }
  c = 0
}

/* Looks at the whole state, as nobody in the shard does. */
inline look() {
  twice = twice || made > 1;
  for (i : 0 .. CLIENTS - 1) {
    lost_wakeup = lost_wakeup || (client[i].up && client[i].number == WAITS &&
                                  memory[client[i].space].is == FREE)
  }
  i = 0
}

inline begin(what, where) {
  me.does = what;
  me.space = where;
  me.request = 1
}

active proctype World() {
  d_step {
    for (i : 0 .. SPACES - 1) { memory[i].is = GONE }
    disk.is = GONE;
    for (i : 0 .. CLIENTS - 1) {
      client[i].does = IDLE;
      client[i].number = NEW;
      client[i].up = 1
    }
    i = 0
  }
  do
  :: atomic {
       if
       :: c = 0
       :: c = 1
       :: c = 2
       fi;
       if
       :: me.up && me.does == IDLE && c == PUTS -> d_step { begin(OUT, 0) }
       :: me.up && me.does == IDLE && c == PUTS -> d_step { begin(OUT, 1) }
       :: me.up && me.does == IDLE && c != PUTS -> d_step { begin(IN, 0) }
       :: me.up && me.does == IDLE && c != PUTS -> d_step { begin(IN, 1) }
       :: me.up && me.does == IDLE && c != PUTS -> d_step { confirm() }
       :: me.request -> d_step { arrive() }
       :: me.stray -> d_step { arrive_late() }
       :: me.number == WAITS && me.up ->
          d_step { me.number = OVER; reply(c, NOTHING_DONE) } /* R12 */
       :: me.up && me.left -> d_step { receive() }
       :: me.up -> d_step { break_stream(0) }
       :: me.up && me.request && c != SIMPLE -> d_step { break_stream(1) }
       :: !me.up -> d_step { resume() }
       :: !me.up && c != PUTS -> d_step { end_session() }
       :: d_step { flush() }
       :: memory[0].is == HELD && memory[0].holder == DEAD -> d_step { end_dead_session() }
       :: d_step { crash() }
       fi;
       d_step { look(); c = 0 };
       assert(!twice);
       assert(!lost);
       assert(!indefinite);
       assert(!lost_wakeup)
     }
  od
}
