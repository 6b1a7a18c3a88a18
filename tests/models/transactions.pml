/* Part 2 of space.pml: transactions and atomic. Locks, commit, abort, absence, and atomics that
 * move a tuple or wait for room.
 */

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
