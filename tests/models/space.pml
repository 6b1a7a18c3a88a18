/* The rules of docs/semantics.md for one living shard: 2 spaces, 3 clients, every order of events.
 *
 * One step of Shard is one operation at one instant, as the lane applies it. R6, R23 and so on are
 * the numbers of the rules. "Space" stands for all that a template can tell apart: who waits in
 * the other space is who wants another shape.
 *
 *   -DPART=1    waits and holds: waits.pml
 *   -DPART=2    transactions and atomic: transactions.pml
 *   -DMUTATE_x  one rule broken on purpose; `spin` must find it (see models.py)
 *
 * Tuples stand in the array in order of their places, so index 0 is the oldest. When one goes the
 * rest moves up: equal situations are equal states, and the search ends though clients go on
 * for ever.
 */
#define SPACES  2
#define CLIENTS 3
#ifndef PLACES
#define PLACES  2
#endif
#define NOTHING PLACES /* no tuple */

mtype = { AVAILABLE, DELAYED, HELD, WRITTEN };   /* a tuple */
mtype = { IDLE, SEEKS, WAITS, OWNS, LATE, OPEN } /* a client; OPEN: it has a transaction */
mtype = { RD, IN, INP, MOVE, ROOM }              /* what it asked for */

typedef Tuple {
  bit space;
  mtype is;
  byte owner;   /* HELD, WRITTEN: by which client */
  byte readers; /* transactions that hold a shared lock, one bit each */
  bit fresh;    /* it became available in this step and was not offered yet */
  bit denied    /* HELD in a transaction, while another committed that it is not there */
};

typedef Client {
  mtype does;
  mtype verb;
  bit space;
  byte cursor; /* SEEKS: what is before it was looked at */
  bit broken;  /* its stream is: it is offered nothing */
  byte got;    /* what it has or, if LATE, believes to have */
  byte absent; /* OPEN: 1 + the space that it saw no match in */
  bit after    /* OPEN: what it has it took after that */
};

Tuple tuple[PLACES];
byte tuples;
Client client[CLIENTS];
byte line[CLIENTS]; /* who waits, longest first */
byte waiting;

/* What must never be true. */
bit two_owners;    /* promise 2 */
bit lost_wakeup;   /* promise 3 */
bit weak_none;     /* promise 1: none was answered although there was a match */
bit wrong_commit;  /* transactions: a committed none was not true */

/* Of the shard's own; 0 between steps. */
byte c, i, j, k, who;
bit room, found; /* room: something stopped being available */

#define bit_of(who)     (1 << (who))
#define is_take(verb_)  (verb_ != RD)
#define me              client[c]

/* The tuple at i may be had by w: R7 for a reader, R8 for a taker. */
#define may_have(w, i_) (tuple[i_].is == AVAILABLE && tuple[i_].space == client[w].space && \
                         (client[w].verb == RD || tuple[i_].readers == 0))

/* w is offered what becomes available at i: R6, R11. */
#ifdef MUTATE_WEAK_INP
#define behind(w, i_) (i_ < client[w].cursor && client[w].verb != INP)
#else
#define behind(w, i_) (i_ < client[w].cursor)
#endif
#define is_offered(w, i_) (!client[w].broken && client[w].verb != ROOM && may_have(w, i_) && \
                           (client[w].does == WAITS || (client[w].does == SEEKS && behind(w, i_))))

inline add(where, as, owner_) {
  tuple[tuples].space = where;
  tuple[tuples].is = as;
  tuple[tuples].owner = owner_;
  tuple[tuples].fresh = (as == AVAILABLE);
  tuples++
}

/* The tuple at i_ is gone; those after it move up. */
inline erase(i_) {
  j = i_;
  do
  :: j + 1 < tuples ->
     tuple[j].space = tuple[j + 1].space;
     tuple[j].is = tuple[j + 1].is;
     tuple[j].owner = tuple[j + 1].owner;
     tuple[j].readers = tuple[j + 1].readers;
     tuple[j].fresh = tuple[j + 1].fresh;
     tuple[j].denied = tuple[j + 1].denied;
     j++
  :: else -> break
  od;
  tuples--;
  tuple[tuples].space = 0;
  tuple[tuples].is = 0;
  tuple[tuples].owner = 0;
  tuple[tuples].readers = 0;
  tuple[tuples].fresh = 0;
  tuple[tuples].denied = 0;
  for (j : 0 .. CLIENTS - 1) {
    if
    :: client[j].got == NOTHING -> skip
    :: client[j].got == i_ -> client[j].got = NOTHING
    :: client[j].got != NOTHING && client[j].got > i_ -> client[j].got--
    :: else -> skip
    fi;
    if
    :: client[j].cursor > i_ -> client[j].cursor--
    :: else -> skip
    fi
  }
  j = 0;
  room = 1
}

inline leave_line(w) {
  j = 0;
  do
  :: j < waiting && line[j] != w -> j++
  :: else -> break
  od;
  if
  :: j < waiting ->
     do
     :: j + 1 < waiting -> line[j] = line[j + 1]; j++
     :: else -> break
     od;
     waiting--;
     line[waiting] = 0
  :: else -> skip
  fi;
  j = 0
}

inline become(w, what) {
  client[w].does = what;
  if
  :: what == IDLE -> client[w].got = NOTHING; client[w].absent = 0; client[w].after = 0
  :: else -> skip
  fi;
  client[w].verb = 0;
  client[w].space = 0;
  client[w].cursor = 0;
  client[w].broken = 0
}

/* w gets the tuple at i_: R7, R8, R23. An atomic MOVE puts one into the other space instead. */
inline deliver(w, i_) {
  leave_line(w);
  if
  :: client[w].verb == RD -> become(w, IDLE)
  :: client[w].verb == MOVE ->
     found = !tuple[i_].space;
     erase(i_);
     add(found, AVAILABLE, 0);
     found = 0;
     become(w, IDLE)
  :: else ->
#ifndef MUTATE_DOUBLE_TAKE
     tuple[i_].is = HELD;
#endif
     tuple[i_].owner = w;
     client[w].got = i_;
     become(w, OWNS);
     room = 1
  fi
}

/* R6: the tuple at i serves every waiting reader, then the taker that waits longest. */
inline serve() {
  tuple[i].fresh = 0;
  k = 0;
  do
  :: k < waiting ->
     if
     :: client[line[k]].verb == RD && is_offered(line[k], i) -> who = line[k]; deliver(who, i)
     :: else -> k++
     fi
  :: else -> break
  od;
  k = 0;
  do
  :: k < waiting && is_offered(line[k], i) -> who = line[k]; deliver(who, i); break
  :: k < waiting && !is_offered(line[k], i) -> k++
  :: else -> break
  od;
  k = 0;
  who = 0
}

/* How many are available in space s, up to 1: `count(s) < 1` of R23. */
#define visible(i_, s) (i_ < tuples && tuple[i_].is == AVAILABLE && tuple[i_].space == s)
#if PLACES == 2
#define any_in(s) (visible(0, s) || visible(1, s))
#else
#define any_in(s) (visible(0, s) || visible(1, s) || visible(2, s))
#endif
#define has_room(w) (tuples < PLACES && !any_in(client[w].space))

/* R24: who waits for room gets it, longest first. */
inline give_room() {
  room = 0;
#ifndef MUTATE_NO_ROOM
  k = 0;
  do
  :: k < waiting && client[line[k]].does == WAITS && client[line[k]].verb == ROOM &&
     has_room(line[k]) ->
     who = line[k];
     add(client[who].space, AVAILABLE, 0);
     leave_line(who);
     become(who, IDLE);
     who = 0;
     room = 1; /* the next one may fit, too, when this tuple is gone again */
     break
  :: k < waiting && !(client[line[k]].does == WAITS && client[line[k]].verb == ROOM &&
                      has_room(line[k])) -> k++
  :: else -> break
  od;
  k = 0
#endif
}

/* Everything that became available is offered, oldest place first, until nothing is left. */
inline settle() {
  do
  :: tuples > 0 && tuple[0].fresh -> i = 0; serve()
  :: tuples > 1 && !tuple[0].fresh && tuple[1].fresh -> i = 1; serve()
#if PLACES > 2
  :: tuples > 2 && !tuple[0].fresh && !tuple[1].fresh && tuple[2].fresh -> i = 2; serve()
#endif
  :: else ->
     if
     :: room -> give_room()
     :: else -> break
     fi
  od;
  i = 0
}

/* Looks at the whole state, as nobody in the shard does. */
inline look() {
  for (k : 0 .. CLIENTS - 1) {
    if
    :: client[k].does == OWNS || (client[k].does == OPEN && client[k].got != NOTHING) ->
       two_owners = two_owners || client[k].got == NOTHING;
       if
       :: !two_owners ->
          two_owners = tuple[client[k].got].is != HELD || tuple[client[k].got].owner != k
       :: else -> skip
       fi
    :: else -> skip
    fi;
    for (i : 0 .. PLACES - 1) {
      lost_wakeup = lost_wakeup || (i < tuples && !client[k].broken && client[k].verb != INP &&
          client[k].verb != ROOM && may_have(k, i) &&
          (client[k].does == WAITS || (client[k].does == SEEKS && i < client[k].cursor)))
    }
    lost_wakeup = lost_wakeup || (client[k].does == WAITS && client[k].verb == ROOM && has_room(k))
  }
  i = 0;
  k = 0
}

/* R15: the tuple at i_ is free again. */
inline give_back(i_) {
  tuple[i_].is = AVAILABLE;
  tuple[i_].owner = 0;
#ifdef MUTATE_LOST_WAKEUP
  tuple[i_].fresh = 0
#else
  tuple[i_].fresh = 1
#endif
}

inline begin_wait(asked, where, what) {
  me.does = what;
  me.verb = asked;
  me.space = where;
  me.cursor = 0;
  line[waiting] = c;
  waiting++
}

#if PART == 1
#include "waits.pml"
#else
#include "transactions.pml"
#endif

active proctype Shard() {
  d_step {
    for (i : 0 .. CLIENTS - 1) { client[i].does = IDLE; client[i].got = NOTHING }
    i = 0
  }
  do
  :: atomic {
       if
       :: c = 0
       :: c = 1
       :: c = 2
       fi;
       operate();
       d_step { settle(); look(); c = 0 };
       assert(!two_owners);
       assert(!lost_wakeup);
       assert(!weak_none);
       assert(!wrong_commit)
     }
  od
}
