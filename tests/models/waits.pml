/* Part 1 of space.pml: waits and holds. Searches in slices, suspended streams, delays, leases, late
 * settles.
 */

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
