/* The rules of docs/semantics.md for one living shard: 2 spaces, 3 clients, every order of events.
 *
 * One step of Shard is one operation at one instant, as the lane applies it. R6, R23 and so on are
 * the numbers of the rules. "Space" stands for all that a template can tell apart: who waits in
 * the other space is who wants another shape.
 *
 *   -DPART=1    waits and holds: searches in slices, suspended streams, delays, leases, late settles
 *   -DPART=2    transactions and atomic: locks, commit, abort, absence, waits for room
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
/* ---- waits and holds ---- */

/* R11: looks at one tuple more; at the end none is true, or the wait is a wait. */
inline look_further() {
  if
  :: me.cursor < tuples && may_have(c, me.cursor) -> i = me.cursor; deliver(c, i); i = 0
  :: me.cursor < tuples && !may_have(c, me.cursor) -> me.cursor++
  :: else ->
     if
     :: me.verb == INP -> /* R9 */
        weak_none = any_in(me.space);
        leave_line(c);
        become(c, IDLE)
     :: else -> me.does = WAITS; me.cursor = 0 /* R10 */
     fi
  fi
}

/* R18, tail: a new place, behind all others. */
inline to_tail(i_) {
  found = tuple[i_].space;
  erase(i_);
  add(found, AVAILABLE, 0);
  found = 0
}

/* R20: a settle names its hold; a hold that has ended is refused and changes nothing. */
inline settle_late() {
#ifdef MUTATE_LATE_SETTLE
  if
  :: me.got != NOTHING -> i = me.got; erase(i); i = 0
  :: else -> skip
  fi;
#endif
  become(c, IDLE)
}

inline operate() {
  if
  :: me.does == IDLE && tuples < PLACES -> d_step { add(0, AVAILABLE, 0) }            /* R2 */
  :: me.does == IDLE && tuples < PLACES -> d_step { add(1, AVAILABLE, 0) }
  :: me.does == IDLE && tuples < PLACES -> d_step { add(0, DELAYED, 0) }              /* R3 */
  :: me.does == IDLE -> d_step { begin_wait(RD, 0, SEEKS) }                           /* R7 */
  :: me.does == IDLE -> d_step { begin_wait(RD, 1, SEEKS) }
  :: me.does == IDLE -> d_step { begin_wait(IN, 0, SEEKS) }                           /* R8 */
  :: me.does == IDLE -> d_step { begin_wait(IN, 1, SEEKS) }
  :: me.does == IDLE -> d_step { begin_wait(INP, 0, SEEKS) }                          /* R9 */
  :: me.does == IDLE -> d_step { begin_wait(INP, 1, SEEKS) }
  :: me.does == SEEKS && !me.broken -> d_step { look_further() }                      /* R11 */
  :: me.does == SEEKS || me.does == WAITS -> d_step { leave_line(c); become(c, IDLE) } /* R12 */
  :: (me.does == SEEKS || me.does == WAITS) && !me.broken ->                          /* R39 */
     d_step { me.broken = 1; me.does = SEEKS; me.cursor = 0 }
  :: me.broken -> me.broken = 0                              /* R40: it looks from the start */
  :: me.does == OWNS -> d_step { i = me.got; erase(i); i = 0; become(c, IDLE) }   /* R14, R17 */
  :: me.does == OWNS -> d_step { i = me.got; give_back(i); i = 0; become(c, IDLE) }   /* R18 */
  :: me.does == OWNS -> d_step { i = me.got; to_tail(i); i = 0; become(c, IDLE) }
  :: me.does == OWNS ->
     d_step { tuple[me.got].is = DELAYED; tuple[me.got].owner = 0; become(c, IDLE) }
  :: me.does == OWNS -> d_step { i = me.got; give_back(i); i = 0; become(c, LATE) }   /* R37 */
  :: me.does == LATE -> d_step { settle_late() }                                      /* R20 */
  /* Time, which is nobody's. */
  :: tuples > 0 && tuple[0].is == DELAYED -> d_step { give_back(0) }                  /* R35 */
  :: tuples > 1 && tuple[1].is == DELAYED -> d_step { give_back(1) }
  :: tuples > 0 && tuple[0].is != HELD -> d_step { erase(0) }                         /* R36 */
  :: tuples > 1 && tuple[1].is != HELD -> d_step { erase(1) }
  fi
}
#else
/* ---- transactions and atomic ---- */

/* The first tuple in space s that the transaction of c may take, or `tuples`. */
inline find(where, take) {
  i = 0;
  do
  :: i < tuples && !(tuple[i].space == where &&
       ((tuple[i].is == AVAILABLE && (!take || (tuple[i].readers & ~bit_of(c)) == 0)) ||
        (tuple[i].is == WRITTEN && tuple[i].owner == c))) -> i++
  :: else -> break
  od
}

inline try(asked, where) { /* R7 to R10, no transaction */
  me.verb = asked;
  me.space = where;
  i = 0;
  do
  :: i < tuples && !may_have(c, i) -> i++
  :: else -> break
  od;
  if
  :: i < tuples -> deliver(c, i)
  :: else -> begin_wait(asked, where, WAITS)
  fi;
  i = 0
}

inline try_room(where) { /* R23, R24 */
  me.space = where;
  if
  :: has_room(c) -> add(where, AVAILABLE, 0); me.space = 0
  :: else -> begin_wait(ROOM, where, WAITS)
  fi
}

inline read_under(where) { /* R27, or R29 if there is none */
  find(where, 0);
  if
  :: i < tuples -> tuple[i].readers = tuple[i].readers | bit_of(c)
  :: else -> me.absent = where + 1
  fi;
  i = 0
}

inline take_under(where) { /* R28; what it wrote itself is gone and was never seen */
  find(where, 1);
  if
  :: i < tuples && tuple[i].is == WRITTEN -> erase(i)
  :: i < tuples && tuple[i].is == AVAILABLE ->
     tuple[i].is = HELD;
     tuple[i].owner = c;
     tuple[i].readers = 0;
     me.got = i;
     me.after = (me.absent != 0);
     room = 1
  :: else -> me.absent = (me.absent -> me.absent : where + 1) /* one is followed */
  fi;
  i = 0
}

/* A tuple of space s that c does not see now but might, were the others' transactions undone. */
#define unsettled(i_, s) (i_ < tuples && tuple[i_].space == s && tuple[i_].is == HELD && \
                          client[tuple[i_].owner].does == OPEN && tuple[i_].owner != c)
#if PLACES == 2
#define any_unsettled(s) (unsettled(0, s) || unsettled(1, s))
#else
#define any_unsettled(s) (unsettled(0, s) || unsettled(1, s) || unsettled(2, s))
#endif

/* R30: the none that c saw still holds. */
#define took_it (me.after && tuple[me.got].space == me.absent - 1)
#if defined(MUTATE_UNCHECKED_NONE)
#define none_holds 1
#elif defined(MUTATE_DIRTY_NONE)
#define none_holds (!any_in(me.absent - 1) && !took_it)
#elif defined(MUTATE_OWN_NONE)
#define none_holds (!any_in(me.absent - 1) && !any_unsettled(me.absent - 1))
#else
#define none_holds (!any_in(me.absent - 1) && !took_it && !any_unsettled(me.absent - 1))
#endif

/* Locks of c end; a tuple that loses its last one may be taken again: R30, R31. */
inline unlock() {
  for (i : 0 .. PLACES - 1) {
    if
    :: i < tuples && (tuple[i].readers & bit_of(c)) ->
       tuple[i].readers = tuple[i].readers & ~bit_of(c);
       tuple[i].fresh = (tuple[i].readers == 0)
    :: else -> skip
    fi
  }
  i = 0
}

inline drop_written(visible_) {
  i = 0;
  do
  :: i < tuples && tuple[i].is == WRITTEN && tuple[i].owner == c ->
     if
     :: visible_ -> tuple[i].is = AVAILABLE; tuple[i].owner = 0; tuple[i].fresh = 1; i++
     :: else -> erase(i)
     fi
  :: i < tuples && !(tuple[i].is == WRITTEN && tuple[i].owner == c) -> i++
  :: else -> break
  od;
  i = 0
}

inline abort() { /* R31 */
  if
  :: me.got != NOTHING ->
     i = me.got;
     give_back(i);
     /* Somebody committed that this was not there; now it was there all the time. */
     wrong_commit = wrong_commit || tuple[i].denied;
     tuple[i].denied = 0;
     i = 0
  :: else -> skip
  fi;
  unlock();
  drop_written(0);
  become(c, IDLE)
}

inline commit() { /* R30 */
  if
  :: me.absent && !none_holds -> abort()
  :: else ->
     if
     :: me.absent ->
        wrong_commit = wrong_commit || any_in(me.absent - 1) || took_it;
        for (i : 0 .. PLACES - 1) {
          if
          :: unsettled(i, me.absent - 1) -> tuple[i].denied = 1
          :: else -> skip
          fi
        }
        i = 0
     :: else -> skip
     fi;
     if
     :: me.got != NOTHING ->
        i = me.got;
        erase(i);
        i = 0
     :: else -> skip
     fi;
     unlock();
     drop_written(1);
     become(c, IDLE)
  fi
}

inline operate() {
  if
  :: me.does == IDLE && tuples < PLACES -> d_step { add(0, AVAILABLE, 0) }      /* R2 */
  :: me.does == IDLE && tuples < PLACES -> d_step { add(1, AVAILABLE, 0) }
  :: me.does == IDLE -> d_step { try(RD, 0) }                                   /* R7, R10 */
  :: me.does == IDLE -> d_step { try(RD, 1) }
  :: me.does == IDLE -> d_step { try(IN, 0) }                                   /* R8, R10 */
  :: me.does == IDLE -> d_step { try(IN, 1) }
  :: me.does == IDLE -> d_step { try(MOVE, 0) }                                 /* R23, R24 */
  :: me.does == IDLE -> d_step { try(MOVE, 1) }
  :: me.does == IDLE -> d_step { try_room(0) }
  :: me.does == IDLE -> d_step { try_room(1) }
  :: me.does == WAITS -> d_step { leave_line(c); become(c, IDLE) }              /* R12 */
  :: me.does == OWNS -> d_step { i = me.got; erase(i); i = 0; become(c, IDLE) } /* R14 */
  :: me.does == OWNS -> d_step { i = me.got; give_back(i); i = 0; become(c, IDLE) } /* R15 */
  :: me.does == IDLE -> me.does = OPEN                                          /* R25 */
  :: me.does == OPEN && tuples < PLACES -> d_step { add(0, WRITTEN, c) }        /* R26 */
  :: me.does == OPEN && tuples < PLACES -> d_step { add(1, WRITTEN, c) }
  :: me.does == OPEN && !me.absent -> d_step { read_under(0) }                  /* R27, R29 */
  :: me.does == OPEN && !me.absent -> d_step { read_under(1) }
  :: me.does == OPEN && me.got == NOTHING -> d_step { take_under(0) }           /* R28 */
  :: me.does == OPEN && me.got == NOTHING -> d_step { take_under(1) }
  :: me.does == OPEN -> d_step { commit() }                                     /* R30 */
  :: me.does == OPEN -> d_step { abort() }                                      /* R31, R37 */
  fi
}
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
